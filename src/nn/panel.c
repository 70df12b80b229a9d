#include "panel.h"

/* Rows of a block: as many accumulators as there are registers, less the two that hold a row of the
 * panel and one for the broadcast number. */
#if defined(__AVX512F__) && !defined(RUNE_DOUBLE)
#define BLOCK 13
#else
#define BLOCK 6
#endif

void panel_pack(int K, int n, const real *w, size_t stride, real *panel)
{
    for (int k = 0; k < K; k++, w += stride, panel += PANEL)
        for (int j = 0; j < PANEL; j++)
            panel[j] = j < n ? w[j] : 0;
}

void panel_pack_turned(int K, int n, const real *w, size_t stride, real *panel)
{
    for (int j = 0; j < PANEL; j++)
        for (int k = 0; k < K; k++)
            panel[(size_t)k * PANEL + (size_t)j] = j < n ? w[(size_t)j * stride + (size_t)k] : 0;
}

/* With M a constant, the accumulators stay in registers over all of K. */
static inline __attribute__((always_inline)) void
block_product(int M, int n, int K, const real *restrict a, size_t a_stride,
              const real *restrict panel, real *restrict c, size_t c_stride)
{
    vec left[BLOCK], right[BLOCK];
#pragma GCC unroll 16
    for (int m = 0; m < M; m++)
        left[m] = right[m] = (vec){0};
    for (int k = 0; k < K; k++, panel += PANEL) {
        const vec w0 = vec_load(panel), w1 = vec_load(panel + LANES);
#pragma GCC unroll 16
        for (int m = 0; m < M; m++) {
            const real number = a[(size_t)m * a_stride + (size_t)k];
            left[m] += number * w0;
            right[m] += number * w1;
        }
    }
    const int n0 = n < LANES ? n : LANES, n1 = n - n0;
#pragma GCC unroll 16
    for (int m = 0; m < M; m++) {
        real *to = c + (size_t)m * c_stride;
        vec_store_part(to, vec_load_part(to, n0) + left[m], n0);
        if (n1 > 0)
            vec_store_part(to + LANES, vec_load_part(to + LANES, n1) + right[m], n1);
    }
}

void panel_product(int M, int n, int K, const real *a, size_t a_stride, const real *panel, real *c,
                   size_t c_stride)
{
    /* Blocks of equal size: 50 rows are 13 + 13 + 12 + 12 rather than 13 + 13 + 13 + 11. */
    for (int blocks = (M + BLOCK - 1) / BLOCK; blocks > 0; blocks--) {
        int rows = (M + blocks - 1) / blocks;
        switch (rows) {
#define BLOCK_OF(m)                                                                                \
    case m:                                                                                        \
        block_product(m, n, K, a, a_stride, panel, c, c_stride);                                   \
        break
            BLOCK_OF(1);
            BLOCK_OF(2);
            BLOCK_OF(3);
            BLOCK_OF(4);
            BLOCK_OF(5);
            BLOCK_OF(6);
#if BLOCK == 13
            BLOCK_OF(7);
            BLOCK_OF(8);
            BLOCK_OF(9);
            BLOCK_OF(10);
            BLOCK_OF(11);
            BLOCK_OF(12);
            BLOCK_OF(13);
#endif
        }
        M -= rows;
        a += (size_t)rows * a_stride;
        c += (size_t)rows * c_stride;
    }
}
