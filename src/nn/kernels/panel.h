/* Products of matrices: rows times a matrix that is packed once and used many times. The names are
 * those of BLIS (Van Zee & van de Geijn 2015), where MR rows of the left matrix are multiplied by
 * NR columns of the right one in registers, over at most KC of the depth K, for at most MC rows at
 * once.
 *
 * A word is what one lane multiplies: a number, or in bf16 two numbers that are neighbours along K,
 * rounded, the first in the lower half. Sums are float32 (float64 in the double build). Each is
 * made in the order of K alone, so its bits do not depend on the rows and columns beside it.
 *
 * A panel is NR columns of the right matrix, stored as [words][NR] and read from end to end.
 * Columns that are missing from the last panel are 0, as is the end of the last word. With weights
 * of 8 bits a panel is a list of groups of SCALE_ROWS rows: for each group a scale for every
 * column, then the rows as integers of 8 bits. */
#ifndef RUNE_PANEL_H
#define RUNE_PANEL_H

#include <stddef.h>

#include "team.h"
#include "vec.h"

#define NR (2 * LANES) /* columns of a panel: two vectors */

/* WORD: numbers in a word. DEPTH: K is rounded up to a multiple of it; in bf16 the depth of an AMX
 * tile. */
#ifdef RUNE_BF16
#define WORD 2
#define DEPTH 32
#else
#define WORD 1
#define DEPTH 1
#endif

#define SCALE_ROWS 64 /* rows of a panel that share a scale for each column, in 8 bits */

typedef real word; /* in bf16 only its bits mean something */

#define panels_pack VARIANT(panels_pack)
#define panel_pack_transposed VARIANT(panel_pack_transposed)
#define panel_product VARIANT(panel_product)
#define row_pack VARIANT(row_pack)
#define rows_of VARIANT(rows_of)
#define rows_scratch VARIANT(rows_scratch)
#define rows_pack_transposed VARIANT(rows_pack_transposed)

static inline int smaller(int a, int b)
{
    return a < b ? a : b;
}

/* Words of a row of K numbers. */
static inline size_t words(int K)
{
    return (size_t)(K + DEPTH - 1) / DEPTH * DEPTH / WORD;
}

/* Panels of a matrix of N columns. */
static inline int panel_count(int N)
{
    return (N + NR - 1) / NR;
}

/* Columns of the panels [first, last); ≤ 0 if there are none. */
static inline int panels_width(int N, int first, int last)
{
    return (last * NR < N ? last * NR : N) - first * NR;
}

static inline int panel_width(int N, int panel)
{
    return panels_width(N, panel, panel + 1);
}

/* Words of a panel of `depth` words; panel_size: of K numbers. */
static inline size_t panel_space(size_t depth)
{
#ifdef RUNE_INT8
    const size_t groups = (depth + SCALE_ROWS - 1) / SCALE_ROWS;
    return (groups * sizeof(real) + depth) * (size_t)NR / sizeof(word);
#else
    return depth * (size_t)NR;
#endif
}

static inline size_t panel_size(int K)
{
    return panel_space(words(K));
}

/* Packs w[K][N], whose rows are `stride` apart, into panels that begin `apart` words from each
 * other: the words [first, last) along K of every panel. Not for weights of 8 bits. */
void panels_pack(int first, int last, int K, int N, const real *w, size_t stride, word *panels,
                 size_t apart);

/* Packs one panel of the transpose of w[n][K], n ≤ NR: column j is row j of w. */
void panel_pack_transposed(int K, int n, const real *w, size_t stride, word *panel);

/* Rows as products read them. */
struct rows {
    const word *data;
    size_t stride; /* words between rows */
};

/* Rows x[R][K] as products read them: x itself if a word is a number, else packed to `scratch`, of
 * rows_scratch words. Every member packs a share, and they meet before it returns. */
struct rows rows_of(struct member *member, int R, int K, const real *x, word *scratch);
size_t rows_scratch(int R, int K);

/* Packs K numbers of a row to words(K) words. Does nothing if a word is a number. */
void row_pack(int K, const real *x, word *to);

/* Packs the transpose of x[K][M], whose rows are `stride` apart: row m of `to`, of words(K) words,
 * is column m of x. Rows of `to` are `to_stride` apart. sums[m] is the sum of column m. */
void rows_pack_transposed(int M, int K, const real *x, size_t stride, word *to, size_t to_stride,
                          real *sums);

/* MC rows of at most KC words stay in the cache while several panels are multiplied by them: the
 * second-level cache; with AMX, blocks are smaller, since its products outrun that cache. */
#if defined(RUNE_AMX)
#define KC ((size_t)128)
#define MC 256
#else
#define KC ((size_t)2048)
#define MC 96
#endif

/* c[M][n] += a[M][K words] · panel, its first n columns. K counts words here. Rows of c are
 * `c_stride` apart. */
void panel_product(int M, int n, size_t K, struct rows a, const word *panel, real *c,
                   size_t c_stride);

#endif
