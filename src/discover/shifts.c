#include "shifts.h"

#include <math.h>
#include <string.h>

/* A length that is no power of two is padded with zeros to twice as much or more. Products of the
 * padded series do not wrap round; shifts_products adds the two that make a circular one. */
static size_t transform_size(size_t length)
{
    size_t size = 1;
    while (size < length)
        size *= 2;
    return size == length ? size : 2 * size;
}

void shifts_init(struct shifts *shifts, struct arena *memory, size_t length)
{
    shifts->length = length;
    shifts->size = transform_size(length);
    const size_t half = shifts->size / 2;
    shifts->cosine = arena_take(memory, half, sizeof *shifts->cosine);
    shifts->sine = arena_take(memory, half, sizeof *shifts->sine);
    for (size_t i = 0; !memory->failed && i < half; i++) {
        const double angle = 2 * acos(-1) * (double)i / (double)shifts->size;
        shifts->cosine[i] = (float)cos(angle);
        shifts->sine[i] = (float)sin(angle);
    }
}

size_t shifts_scratch(const struct shifts *shifts)
{
    return 4 * shifts->size;
}

/* One pass: out[2p], out[2p + 1] = in[p] ± in[p + size / 2], the difference times e^(−iθ). Each p
 * is `stride` numbers. */
static void butterflies(const struct shifts *shifts, size_t stride, const float *restrict re,
                        const float *restrict im, float *restrict out_re, float *restrict out_im)
{
    const size_t other = shifts->size / 2;
    for (size_t p = 0; p < other; p += stride) {
        const float c = shifts->cosine[p], s = shifts->sine[p];
        const float *a_re = re + p, *a_im = im + p, *b_re = a_re + other, *b_im = a_im + other;
        float *sum_re = out_re + 2 * p, *sum_im = out_im + 2 * p;
        float *difference_re = sum_re + stride, *difference_im = sum_im + stride;
        for (size_t q = 0; q < stride; q++) {
            const float x = a_re[q] - b_re[q], y = a_im[q] - b_im[q];
            sum_re[q] = a_re[q] + b_re[q];
            sum_im[q] = a_im[q] + b_im[q];
            difference_re[q] = x * c + y * s;
            difference_im[q] = y * c - x * s;
        }
    }
}

/* The discrete Fourier transform of *re + i *im (Stockham's, which needs no reordering). The result
 * may lie in the scratch arrays; the pointers are then exchanged. */
static void transform(const struct shifts *shifts, float **re, float **im, float **other_re,
                      float **other_im)
{
    for (size_t stride = 1; stride < shifts->size; stride *= 2) {
        butterflies(shifts, stride, *re, *im, *other_re, *other_im);
        float *swap_re = *re, *swap_im = *im;
        *re = *other_re;
        *im = *other_im;
        *other_re = swap_re;
        *other_im = swap_im;
    }
}

/* From Z, the transform of x + i y: the complex conjugate of X · conj(Y), where
 * X_k = (Z_k + conj(Z_{−k})) / 2 and Y_k = (Z_k − conj(Z_{−k})) / 2i. */
static void multiply_spectra(size_t size, const float *re, const float *im, float *out_re,
                             float *out_im)
{
    for (size_t k = 0; k < size; k++) {
        const size_t mirror = (size - k) & (size - 1);
        const float x_re = re[k] + re[mirror], x_im = im[k] - im[mirror];
        const float y_re = im[k] + im[mirror], y_im = re[mirror] - re[k];
        out_re[k] = (x_re * y_re + x_im * y_im) / 4;
        out_im[k] = (x_re * y_im - x_im * y_re) / 4;
    }
}

void shifts_products(const struct shifts *shifts, const float *x, const float *y, float *scratch,
                     float *out)
{
    const size_t n = shifts->length, size = shifts->size;
    float *re = scratch, *im = re + size, *other_re = im + size, *other_im = other_re + size;
    memset(scratch, 0, 2 * size * sizeof *scratch);
    memcpy(re, x, n * sizeof *x);
    memcpy(im, y, n * sizeof *y);
    transform(shifts, &re, &im, &other_re, &other_im);
    multiply_spectra(size, re, im, other_re, other_im);
    transform(shifts, &other_re, &other_im, &re, &im);
    for (size_t s = 0; s < n; s++) {
        out[s] = other_re[s] / (float)size;
        if (size != n && s > 0)
            out[s] += other_re[size - n + s] / (float)size;
    }
}
