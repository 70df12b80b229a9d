#include "panel.h"

#include "block.h"

/* --- packing ---------------------------------------------------------------------------------- */

#ifdef RUNE_BF16

/* The nearest number of 16 bits, ties to even; NaN stays NaN. */
static vec_bits rounded(vec x)
{
    const vec_bits bits = (vec_bits)x, nan = (vec_bits)(x != x);
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16) | (nan & 0x40);
}

/* LANES words of the numbers first[j], second[j] */
static vec words_across(vec first, vec second)
{
    return (vec)(rounded(first) | rounded(second) << 16);
}

/* LANES words of n ≤ 2 · LANES numbers that follow each other. */
static vec words_along(const real *x, int n)
{
    typedef uint16_t halves __attribute__((vector_size(VEC_BYTES / 2)));
    const int n0 = n < LANES ? n : LANES;
    halves half[2] = {__builtin_convertvector(rounded(vec_load_part(x, n0)), halves)};
    if (n > n0)
        half[1] = __builtin_convertvector(rounded(vec_load_part(x + n0, n - n0)), halves);
    vec v;
    memcpy(&v, half, sizeof v);
    return v;
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

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

/* Columns at and at + 1 … of x[K][…], as LANES words of rows k and, if a word holds two, k + 1. */
static vec load_across(int K, int k, int n, const real *x, size_t stride)
{
    const vec none = {0};
    x += (size_t)k * stride;
    return words_across(k < K ? vec_load_part(x, n) : none,
                        WORD > 1 && k + 1 < K ? vec_load_part(x + stride, n) : none);
}

#ifdef RUNE_INT8

/* Packs a column of up to STRETCH numbers: its scale, and whole numbers in ±127. */
static void pack_column(int K, const real *w, size_t step, real *scale, int8_t *to)
{
    real largest = 0;
    for (int k = 0; k < K; k++)
        largest = fmaxf(largest, fabsf(w[(size_t)k * step]));
    const real inverse = largest > 0 ? 127 / largest : 0;
    *scale = largest / 127;
    for (int k = 0; k < K; k++)
        to[k * PANEL] = (int8_t)lrintf(w[(size_t)k * step] * inverse);
}

/* Column j begins at w + j · across; its numbers are `step` apart. */
static void pack_stretches(int K, int n, const real *w, size_t step, size_t across, word *panel)
{
    for (int k = 0; k < K; k += STRETCH, w += STRETCH * step, panel += panel_space(STRETCH)) {
        const int rows = smaller(K - k, STRETCH);
        memset(panel, 0, panel_space((size_t)rows) * sizeof(word));
        for (int j = 0; j < n; j++)
            pack_column(rows, w + (size_t)j * across, step, panel + j,
                        (int8_t *)(panel + PANEL) + j);
    }
}

void panel_pack(int K, int n, const real *w, size_t stride, word *panel)
{
    pack_stretches(K, n, w, stride, 1, panel);
}

void panel_pack_turned(int K, int n, const real *w, size_t stride, word *panel)
{
    pack_stretches(K, n, w, 1, stride, panel);
}

#else

void panel_pack(int K, int n, const real *w, size_t stride, word *panel)
{
    const int n0 = smaller(n, LANES), n1 = n - n0;
    for (int k = 0; k < WORD * (int)words(K); k += WORD, panel += PANEL) {
        vec_store(panel, load_across(K, k, n0, w, stride));
        vec_store(panel + LANES, n1 > 0 ? load_across(K, k, n1, w + LANES, stride) : (vec){0});
    }
}

void panel_pack_turned(int K, int n, const real *w, size_t stride, word *panel)
{
    const int total = (int)words(K);
    for (int half = 0; half < PANEL; half += LANES)
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
                vec_store(panel + (size_t)(k + j) * PANEL + half, square[j]);
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
    return (size_t)(R + ROWS_BEHIND) * words(K);
}

struct rows rows_of(struct member *member, int R, int K, const real *x, word *room)
{
    int first, last;
    team_share(member, R, &first, &last);
    for (int r = first; r < last; r++)
        row_pack(K, x + (size_t)r * (size_t)K, room + (size_t)r * words(K));
    team_barrier(member);
    return (struct rows){room, words(K)};
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

struct rows rows_of(struct member *member, int R, int K, const real *x, word *room)
{
    (void)member, (void)R, (void)room;
    return (struct rows){x, (size_t)K};
}

#endif

void rows_pack_turned(int M, int K, const real *x, size_t stride, word *to, size_t to_stride,
                      real *sums)
{
    const int total = (int)words(K);
    for (int m = 0; m < M; m += LANES) {
        const int down = smaller(M - m, LANES);
        vec sum = {0};
        for (int k = 0; k < total; k += LANES) {
            vec square[LANES];
            for (int j = 0; j < LANES; j++)
                square[j] = load_across(K, (k + j) * WORD, down, x + m, stride);
            for (int j = k * WORD; j < smaller(K, (k + LANES) * WORD); j++)
                sum += vec_load_part(x + (size_t)j * stride + m, down);
            vec_transpose(square);
            for (int j = 0; j < down; j++)
                vec_store_part(to + (size_t)(m + j) * to_stride + k, square[j],
                               smaller(total - k, LANES));
        }
        vec_store_part(sums + m, sum, down);
    }
}

/* --- the product ------------------------------------------------------------------------------ */

void panel_product(int M, int n, size_t K, struct rows a, const word *panel, real *c,
                   size_t c_stride)
{
    block_begin();
    /* Blocks of equal size: 50 rows are 13 + 13 + 12 + 12 rather than 13 + 13 + 13 + 11. */
    for (int blocks = (M + BLOCK - 1) / BLOCK; blocks > 0; blocks--) {
        const int rows = (M + blocks - 1) / blocks;
        block_product(rows, n, K, a, panel, c, c_stride);
        M -= rows;
        a.data += (size_t)rows * a.stride;
        c += (size_t)rows * c_stride;
    }
    block_end();
}
