/* The micro-kernel in vector registers: one multiply-add for each word of a row and each vector of
 * the panel. */
#ifndef RUNE_BLOCK_VECTORS_H
#define RUNE_BLOCK_VECTORS_H

#include "panel.h"

/* Rows whose accumulators, two vectors each, fit the registers. */
#if defined(__AVX512F__) && !defined(RUNE_DOUBLE)
#define MR 13
#else
#define MR 6
#endif

#define UNROLL 4

static inline void block_begin(int M)
{
    (void)M;
}

#ifdef RUNE_INT8
typedef int8_t panel_number;
#else
typedef word panel_number;
#endif

static inline vec load_weights(const panel_number *from)
{
#ifdef RUNE_INT8
    int8_t bytes[LANES];
    memcpy(bytes, from, sizeof bytes);
#if defined(__AVX512F__)
    return (vec)_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const void *)bytes)));
#else
    return (vec)_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const void *)bytes)));
#endif
#else
    return vec_load(from);
#endif
}

/* sum + a · w in each lane; in bf16 a and w are pairs. */
static inline vec multiply_add(vec sum, word a, vec w)
{
#ifdef RUNE_BF16
    return (vec)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_set1_ps(a), (__m512bh)w);
#elif defined(__AVX512F__) && !defined(RUNE_DOUBLE)
    /* What `sum + a * w` means, but in place: left to themselves, compilers move accumulators about
     * until they run out of registers. */
    __asm__("vfmadd231ps %2, %1, %0" : "+v"(sum) : "v"(w), "v"(_mm512_set1_ps(a)));
    return sum;
#else
    return vec_fma(vec_of(a), w, sum);
#endif
}

static inline void add_to(real *c, vec v, int n)
{
    vec_store_part(c, vec_load_part(c, n) + v, n);
}

/* The sum times the scale, rounded. The asm keeps compilers from fusing it with the addition that
 * follows in some of the copies of this function only: rows would then depend on their neighbours.
 */
static inline vec scaled(vec sum, const real *scale)
{
    if (!scale)
        return sum;
    sum *= vec_load(scale);
    __asm__("" : "+v"(sum));
    return sum;
}

/* Every third row has a pointer, from which its neighbours are addressed: that many pointers fit
 * the registers too. */
#define ANCHORS ((MR + 2) / 3)

static inline word word_of(const char *const anchors[ANCHORS], size_t stride, int m, int k)
{
    word number;
    memcpy(&number, anchors[m / 3] + (size_t)(m % 3) * stride + (size_t)k * sizeof(word),
           sizeof number);
    return number;
}

/* A row of the panel times a word of each row. */
static inline __attribute__((always_inline)) void
block_step(int M, const char *const anchors[ANCHORS], size_t stride, int k,
           const panel_number *panel, vec left[MR], vec right[MR])
{
    const vec w0 = load_weights(panel), w1 = load_weights(panel + LANES);
#pragma GCC unroll 16
    for (int m = 0; m < M; m++) {
        const word number = word_of(anchors, stride, m, k);
        left[m] = multiply_add(left[m], number, w0);
        right[m] = multiply_add(right[m], number, w1);
    }
}

/* With M a constant, the accumulators stay in registers over all of K. `scale`, one number a
 * column, may be NULL. */
static inline __attribute__((always_inline)) void block_of(int M, int n, size_t K, struct rows a,
                                                           const real *scale,
                                                           const panel_number *restrict panel,
                                                           real *restrict c, size_t c_stride)
{
    const size_t stride = a.stride * sizeof(word);
    const char *anchors[ANCHORS];
    vec left[MR], right[MR];
#pragma GCC unroll 16
    for (int m = 0; m < M; m++) {
        left[m] = right[m] = (vec){0};
        if (m % 3 == 0)
            anchors[m / 3] = (const char *)(a.data + (size_t)m * a.stride);
    }
    size_t k = 0;
    for (; k + UNROLL <= K; k += UNROLL) {
#pragma GCC unroll 16
        for (int m = 0; m < M; m += 3)
            __asm__("" : "+r"(anchors[m / 3])); /* else compilers make an address of every row */
#pragma GCC unroll 16
        for (int j = 0; j < UNROLL; j++, panel += NR)
            block_step(M, anchors, stride, j, panel, left, right);
#pragma GCC unroll 16
        for (int m = 0; m < M; m += 3)
            anchors[m / 3] += UNROLL * sizeof(word);
    }
    for (int j = 0; k < K; k++, j++, panel += NR)
        block_step(M, anchors, stride, j, panel, left, right);
    const int n0 = n < LANES ? n : LANES;
#pragma GCC unroll 16
    for (int m = 0; m < M; m++) {
        add_to(c + (size_t)m * c_stride, scaled(left[m], scale), n0);
        if (n > n0)
            add_to(c + (size_t)m * c_stride + LANES, scaled(right[m], scale ? scale + LANES : NULL),
                   n - n0);
    }
}

static void block_scaled(int M, int n, size_t K, struct rows a, const real *scale,
                         const panel_number *panel, real *c, size_t c_stride)
{
    switch (M) {
#define ROWS_CASE(m)                                                                               \
    case m:                                                                                        \
        block_of(m, n, K, a, scale, panel, c, c_stride);                                           \
        break
        ROWS_CASE(1);
        ROWS_CASE(2);
        ROWS_CASE(3);
        ROWS_CASE(4);
        ROWS_CASE(5);
        ROWS_CASE(6);
#if MR == 13
        ROWS_CASE(7);
        ROWS_CASE(8);
        ROWS_CASE(9);
        ROWS_CASE(10);
        ROWS_CASE(11);
        ROWS_CASE(12);
        ROWS_CASE(13);
#endif
    }
}

static void block_product(int M, int n, size_t K, struct rows a, const word *panel, real *c,
                          size_t c_stride)
{
#ifdef RUNE_INT8
    for (; K > 0; panel += panel_space(SCALE_ROWS), a.data += SCALE_ROWS) {
        const size_t depth = K < SCALE_ROWS ? K : SCALE_ROWS;
        block_scaled(M, n, depth, a, panel, (const panel_number *)(panel + NR), c, c_stride);
        K -= depth;
    }
#else
    block_scaled(M, n, K, a, NULL, panel, c, c_stride);
#endif
}

#endif
