/* Vectors of numbers in the compiler's own extension, as wide as the instruction set that a file is
 * compiled for. Included only by files that are compiled once for each (see engine.h). */
#ifndef RUNE_VEC_H
#define RUNE_VEC_H

#include <math.h>
#include <stdint.h>
#include <string.h>
#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

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

/* The smaller and the larger; where either is NaN, b. */
static inline vec vec_min(vec a, vec b)
{
#if defined(__AVX512F__) && !defined(RUNE_DOUBLE)
    return (vec)_mm512_min_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__) && !defined(RUNE_DOUBLE)
    return (vec)_mm256_min_ps((__m256)a, (__m256)b);
#else
    return vec_select((vec_bits)(a < b), a, b);
#endif
}

static inline vec vec_max(vec a, vec b)
{
#if defined(__AVX512F__) && !defined(RUNE_DOUBLE)
    return (vec)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__) && !defined(RUNE_DOUBLE)
    return (vec)_mm256_max_ps((__m256)a, (__m256)b);
#else
    return vec_select((vec_bits)(a > b), a, b);
#endif
}

/* a · b + c, rounded once where the instruction set has that, so that every compiler gives the
 * same: left to themselves, they differ in what they fuse. */
static inline real real_fma(real a, real b, real c)
{
#if defined(RUNE_DOUBLE)
    return a * b + c;
#elif defined(__FMA__) || defined(__aarch64__) || defined(__s390x__)
    return __builtin_fmaf(a, b, c);
#else
    return a * b + c;
#endif
}

static inline vec vec_fma(vec a, vec b, vec c)
{
#if defined(RUNE_DOUBLE)
    return a * b + c;
#elif defined(__AVX512F__)
    return (vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__AVX2__)
    return (vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__aarch64__)
    return (vec)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
    for (int lane = 0; lane < LANES; lane++)
        c[lane] = real_fma(a[lane], b[lane], c[lane]);
    return c;
#endif
}

/* 1 / x for |x| from 1 to 2^127. Where dividing takes as long as thirty additions, instead an
 * estimate y of 14 bits, mended by the first term of 1 / (x y) = 1 + e + …, e = 1 − x y. */
static inline vec vec_reciprocal(vec x)
{
#if defined(__AVX512F__) && !defined(RUNE_DOUBLE)
    const vec y = (vec)_mm512_rcp14_ps((__m512)x);
    return vec_fma(y, vec_fma(-x, y, vec_of(1)), y);
#else
    return 1 / x;
#endif
}

#if defined(__clang__) || __GNUC__ >= 12
#define VEC_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define VEC_SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (vec_bits){__VA_ARGS__})
#endif

/* Lanes of a and b in turn: the lower halves' a0 b0 a1 b1 …, and the upper halves'. */
#if defined(RUNE_DOUBLE)
#define VEC_INTERLEAVE(a, b, k) VEC_SHUFFLE(a, b, k, 2 + k)
#elif VEC_BYTES == 64
#define VEC_INTERLEAVE(a, b, k)                                                                    \
    VEC_SHUFFLE(a, b, k, 16 + k, k + 1, 17 + k, k + 2, 18 + k, k + 3, 19 + k, k + 4, 20 + k,       \
                k + 5, 21 + k, k + 6, 22 + k, k + 7, 23 + k)
#elif VEC_BYTES == 32
#define VEC_INTERLEAVE(a, b, k)                                                                    \
    VEC_SHUFFLE(a, b, k, 8 + k, k + 1, 9 + k, k + 2, 10 + k, k + 3, 11 + k)
#else
#define VEC_INTERLEAVE(a, b, k) VEC_SHUFFLE(a, b, k, 4 + k, k + 1, 5 + k)
#endif

/* Rows become columns: of a square of LANES × LANES every stage moves one bit of the row's number
 * to the column's. */
static inline void vec_transpose(vec square[LANES])
{
    for (int stage = 1; stage < LANES; stage *= 2) {
        vec next[LANES];
#pragma GCC unroll 8
        for (int k = 0; k < LANES / 2; k++) {
            next[2 * k] = VEC_INTERLEAVE(square[k], square[k + LANES / 2], 0);
            next[2 * k + 1] =
                VEC_INTERLEAVE(square[k], square[k + LANES / 2], VEC_BYTES / 2 / (int)sizeof(real));
        }
        memcpy(square, next, sizeof next);
    }
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
static inline vec vec_exp_and(vec x, vec more)
{
    for (int lane = 0; lane < LANES; lane++)
        x[lane] = exp(x[lane]);
    return x + more;
}
#else
/* e^x + more, with e^x = 2^n · e^r with n = ⌊x / ln 2⌉ and |r| ≤ ln 2 / 2; e^r by a polynomial
 * (minimax, degree 6; relative error below 2e-7), 2^n by its exponent bits. x is clamped to where
 * floats are normal. */
static inline vec vec_exp_and(vec x, vec more)
{
    x = vec_min(vec_of(88.0f), vec_max(vec_of(-87.0f), x));
    /* Adding 1.5 · 2^23 rounds to the nearest integer and leaves it in the low bits. */
    vec rounded = vec_fma(x, vec_of(1.44269504f), vec_of(12582912.0f));
    vec n = rounded - 12582912.0f;
    vec r = vec_fma(n, vec_of(-0.693359375f), x);
    r = vec_fma(n, vec_of(2.12194440e-4f), r);
    vec p = vec_fma(r, vec_of(1.9875691500e-4f), vec_of(1.3981999507e-3f));
    p = vec_fma(p, r, vec_of(8.3334519073e-3f));
    p = vec_fma(p, r, vec_of(4.1665795894e-2f));
    p = vec_fma(p, r, vec_of(1.6666665459e-1f));
    p = vec_fma(p, r, vec_of(5.0000001201e-1f));
    p = vec_fma(p * r, r, r) + 1.0f;
    return vec_fma(p, (vec)(((vec_bits)rounded << 23) + 0x3F800000u), more);
}
#endif

static inline vec vec_exp(vec x)
{
    return vec_exp_and(x, (vec){0});
}

/* σ(x) = 1 / (1 + e^−x) */
static inline vec vec_sigmoid(vec x)
{
    return vec_reciprocal(vec_exp_and(-x, vec_of(1)));
}

/* tanh x = 1 − 2 / (1 + e^2x) */
static inline vec vec_tanh(vec x)
{
    return vec_fma(vec_of(-2), vec_reciprocal(vec_exp_and(2 * x, vec_of(1))), vec_of(1));
}

#endif
