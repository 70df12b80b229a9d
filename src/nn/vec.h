/* Vectors of numbers in the compiler's own extension, as wide as the instruction set that a file is
 * compiled for. Included only by files that are compiled once for each (see engine.h). */
#ifndef RUNE_VEC_H
#define RUNE_VEC_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "real.h"

#if defined(RUNE_DOUBLE)
#define VEC_BYTES 16
#elif defined(__AVX512F__)
#define VEC_BYTES 64
#elif defined(__AVX2__)
#define VEC_BYTES 32
#else
#define VEC_BYTES 16
#endif

#define LANES ((int)(VEC_BYTES / sizeof(real)))

/* Names of functions and tables in such files end in the instruction set: lstm_cell_avx512. */
#define VARIANT_PASTE(name, isa) name##_##isa
#define VARIANT_EXPAND(name, isa) VARIANT_PASTE(name, isa)
#define VARIANT(name) VARIANT_EXPAND(name, RUNE_ISA)

typedef real vec __attribute__((vector_size(VEC_BYTES)));
typedef real vec_unaligned
    __attribute__((vector_size(VEC_BYTES), aligned(sizeof(real)), may_alias));
#ifdef RUNE_DOUBLE
typedef uint64_t vec_bits __attribute__((vector_size(VEC_BYTES)));
#else
typedef uint32_t vec_bits __attribute__((vector_size(VEC_BYTES)));
#endif

static inline vec vec_load(const real *from)
{
    return *(const vec_unaligned *)from;
}

static inline void vec_store(real *to, vec v)
{
    *(vec_unaligned *)to = v;
}

/* The first n ≤ LANES numbers; the others are 0. */
static inline vec vec_load_part(const real *from, int n)
{
    vec v = {0};
    if (n == LANES)
        return vec_load(from);
    memcpy(&v, from, (size_t)n * sizeof(real));
    return v;
}

static inline void vec_store_part(real *to, vec v, int n)
{
    if (n == LANES)
        vec_store(to, v);
    else
        memcpy(to, &v, (size_t)n * sizeof(real));
}

static inline vec vec_of(real number)
{
    return number - (vec){0};
}

/* where ? a : b, lane by lane; `where` is the result of a comparison. */
static inline vec vec_select(vec_bits where, vec a, vec b)
{
    return (vec)((where & (vec_bits)a) | (~where & (vec_bits)b));
}

static inline vec vec_max(vec a, vec b)
{
    return vec_select((vec_bits)(a > b), a, b);
}

static inline real vec_sum_lanes(vec v)
{
    real sum = 0;
    for (int lane = 0; lane < LANES; lane++)
        sum += v[lane];
    return sum;
}

static inline real vec_max_lanes(vec v)
{
    real max = v[0];
    for (int lane = 1; lane < LANES; lane++)
        max = v[lane] > max ? v[lane] : max;
    return max;
}

#ifdef RUNE_DOUBLE
static inline vec vec_exp(vec x)
{
    for (int lane = 0; lane < LANES; lane++)
        x[lane] = exp(x[lane]);
    return x;
}
#else
/* e^x = 2^n · e^r with n = ⌊x / ln 2⌉ and |r| ≤ ln 2 / 2; e^r by a polynomial (minimax, degree 6;
 * relative error below 2e-7), 2^n by its exponent bits. x is clamped to where floats are normal. */
static inline vec vec_exp(vec x)
{
    const vec lowest = vec_of(-87.0f), highest = vec_of(88.0f);
    x = vec_select((vec_bits)(x < lowest), lowest, x);
    x = vec_select((vec_bits)(x > highest), highest, x);
    /* Adding 1.5 · 2^23 rounds to the nearest integer and leaves it in the low bits. */
    vec rounded = x * 1.44269504f + 12582912.0f;
    vec n = rounded - 12582912.0f;
    vec r = x - n * 0.693359375f;
    r = r + n * 2.12194440e-4f;
    vec p = r * 1.9875691500e-4f + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    return p * (vec)(((vec_bits)rounded << 23) + 0x3F800000u);
}
#endif

/* σ(x) = 1 / (1 + e^−x) */
static inline vec vec_sigmoid(vec x)
{
    return 1 / (1 + vec_exp(-x));
}

/* tanh x = 1 − 2 / (1 + e^2x) */
static inline vec vec_tanh(vec x)
{
    return 1 - 2 / (1 + vec_exp(2 * x));
}

#endif
