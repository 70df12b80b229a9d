#include "panel.h"

#include "block.h"

/* --- packing ---------------------------------------------------------------------------------- */

#ifdef RUNE_BF16

/* LANES words of the numbers first[j], second[j] */
static vec words_across(vec first, vec second)
{
    const __m512i low = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)first));
    const __m512i high = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)second));
    return (vec)_mm512_or_si512(low, _mm512_slli_epi32(high, 16));
}

/* LANES words of n ≤ 2 · LANES numbers that follow each other. */
static vec words_along(const real *x, int n)
{
    const int n0 = n < LANES ? n : LANES;
    const vec first = vec_load_part(x, n0);
    const vec second = n > n0 ? vec_load_part(x + n0, n - n0) : (vec){0};
    return (vec)_mm512_cvtne2ps_pbh((__m512)second, (__m512)first);
}

#else

static vec words_across(vec first, vec second)
{
    (void)second;
    return first;
}

#ifndef RUNE_INT8
static vec words_along(const real *x, int n)
{
    return vec_load_part(x, n);
}

#endif

#endif

/* Number k of each of n ≤ LANES columns of x[K][…]; 0 behind the last. */
static vec load_row(int K, int k, int n, const real *x, size_t stride)
{
    return k < K ? vec_load_part(x + (size_t)k * stride, n) : (vec){0};
}

#ifdef RUNE_INT8

/* Packs a column of up to SCALE_ROWS numbers: its scale, and whole numbers in ±127. */
static void pack_column(int K, const real *w, real *scale, int8_t *to)
{
    real largest = 0;
    for (int k = 0; k < K; k++)
        largest = fmaxf(largest, fabsf(w[k]));
    const real inverse = largest > 0 ? 127 / largest : 0;
    *scale = largest / 127;
    for (int k = 0; k < K; k++)
        to[k * NR] = (int8_t)lrintf(w[k] * inverse);
}

void panel_pack_transposed(int K, int n, const real *w, size_t stride, word *panel)
{
    for (int k = 0; k < K; k += SCALE_ROWS, w += SCALE_ROWS, panel += panel_space(SCALE_ROWS)) {
        const int rows = smaller(K - k, SCALE_ROWS);
        memset(panel, 0, panel_space((size_t)rows) * sizeof(word));
        for (int j = 0; j < n; j++)
            pack_column(rows, w + (size_t)j * stride, panel + j, (int8_t *)(panel + NR) + j);
    }
}

#else

void panel_pack_transposed(int K, int n, const real *w, size_t stride, word *panel)
{
    const int total = (int)words(K);
    for (int half = 0; half < NR; half += LANES)
        for (int k = 0; k < total; k += LANES) {
            const int across = smaller(total - k, LANES),
                      numbers = smaller(K - k * WORD, WORD * LANES);
            vec square[LANES];
            for (int j = 0; j < LANES; j++)
                square[j] = half + j < n && numbers > 0
                                ? words_along(w + (size_t)(half + j) * stride + k * WORD, numbers)
                                : (vec){0};
            vec_transpose(square);
            for (int j = 0; j < across; j++)
                vec_store(panel + (size_t)(k + j) * NR + half, square[j]);
        }
}

#endif

#ifdef RUNE_BF16

void row_pack(int K, const real *x, word *to)
{
    const int total = (int)words(K);
    for (int k = 0; k < total; k += LANES) {
        const int numbers = smaller(K - k * WORD, WORD * LANES);
        vec_store_part(to + k, numbers > 0 ? words_along(x + k * WORD, numbers) : (vec){0},
                       smaller(total - k, LANES));
    }
}

size_t rows_scratch(int R, int K)
{
    return (size_t)R * words(K);
}

struct rows rows_of(struct member *member, int R, int K, const real *x, word *scratch)
{
    int first, last;
    team_share(member, R, &first, &last);
    for (int r = first; r < last; r++)
        row_pack(K, x + (size_t)r * (size_t)K, scratch + (size_t)r * words(K));
    team_barrier(member);
    return (struct rows){scratch, words(K)};
}

#else

void row_pack(int K, const real *x, word *to)
{
    (void)K, (void)x, (void)to;
}

size_t rows_scratch(int R, int K)
{
    (void)R, (void)K;
    return 0;
}

struct rows rows_of(struct member *member, int R, int K, const real *x, word *scratch)
{
    (void)member, (void)R, (void)scratch;
    return (struct rows){x, (size_t)K};
}

#endif

void panels_pack(int first, int last, int K, int N, const real *w, size_t stride, word *panels,
                 size_t apart)
{
    for (int k = first; k < last; k++)
        for (int n = 0; n < panel_count(N) * NR; n += LANES) {
            const int width = smaller(N - n, LANES);
            word *to = panels + (size_t)(n / NR) * apart + (size_t)k * NR + n % NR;
            vec_store(to, width > 0 ? words_across(load_row(K, k * WORD, width, w + n, stride),
                                                   load_row(WORD > 1 ? K : 0, k * WORD + 1, width,
                                                            w + n, stride))
                                    : (vec){0});
        }
}

/* Rows of x that are fetched ahead of their turn: they lie too far apart for the processor to see
 * that they follow each other. */
static void fetch_ahead(int M, int first, int last, const real *x, size_t stride)
{
    for (int k = first; k < last; k++)
        for (int m = 0; m < M; m += 64 / (int)sizeof(real))
            __builtin_prefetch(x + (size_t)k * stride + m);
}

void rows_pack_transposed(int M, int K, const real *x, size_t stride, word *to, size_t to_stride,
                          real *sums)
{
    const int total = (int)words(K);
    memset(sums, 0, (size_t)M * sizeof(real));
    for (int k = 0; k < total; k += LANES) {
        fetch_ahead(M, (k + LANES) * WORD, smaller(K, (k + 2 * LANES) * WORD), x, stride);
        for (int m = 0; m < M; m += LANES) {
            const int down = smaller(M - m, LANES), across = smaller(total - k, LANES);
            vec square[LANES], sum = vec_load_part(sums + m, down);
            for (int j = 0; j < LANES; j++) {
                const int row = (k + j) * WORD;
                const vec first = load_row(K, row, down, x + m, stride);
                const vec second = load_row(WORD > 1 ? K : 0, row + 1, down, x + m, stride);
                sum += WORD > 1 ? first + second : first;
                square[j] = words_across(first, second);
            }
            vec_store_part(sums + m, sum, down);
            vec_transpose(square);
            for (int j = 0; j < down; j++)
                vec_store_part(to + (size_t)(m + j) * to_stride + k, square[j], across);
        }
    }
}

/* --- the product ------------------------------------------------------------------------------ */

void panel_product(int M, int n, size_t K, struct rows a, const word *panel, real *c,
                   size_t c_stride)
{
    /* Blocks of equal size: 50 rows are 13 + 13 + 12 + 12 rather than 13 + 13 + 13 + 11. */
    for (int blocks = (M + MR - 1) / MR; blocks > 0; blocks--) {
        const int rows = (M + blocks - 1) / blocks;
        block_begin(rows);
        block_product(rows, n, K, a, panel, c, c_stride);
        M -= rows;
        a.data += (size_t)rows * a.stride;
        c += (size_t)rows * c_stride;
    }
}
