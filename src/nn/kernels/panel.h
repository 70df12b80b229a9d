/* The product that everything here is made of: rows times a matrix that is packed once and used
 * many times.
 *
 * Products read words: a word is a number, or, where products are made in bf16, two numbers that
 * follow each other along K, rounded, the first in its lower half. Sums are kept in full precision;
 * each is made in the order of K alone, whatever the number of rows and columns around it, so that
 * products can be cut up in any way.
 *
 * A panel holds NR columns of a matrix as [words][NR], so that the product reads it end to
 * end. Missing columns of the last panel, and the end of the last word, are 0. Where weights are
 * kept in 8 bits, the panel is cut into groups of SCALE_ROWS rows: for each its columns' scales,
 * then the rows as whole numbers of 8 bits. */
#ifndef RUNE_PANEL_H
#define RUNE_PANEL_H

#include <stddef.h>

#include "team.h"
#include "vec.h"

#define NR (2 * LANES)

/* Numbers in a word, and what their count is rounded up to (the depth of an AMX tile). */
#ifdef RUNE_BF16
#define WORD 2
#define DEPTH 32
#else
#define WORD 1
#define DEPTH 1
#endif

#define SCALE_ROWS 64

typedef real word; /* of the size of a real; in bf16 only its bits mean something */

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

/* Words that K numbers take. */
static inline size_t words(int K)
{
    return (size_t)(K + DEPTH - 1) / DEPTH * DEPTH / WORD;
}

/* Panels that N columns take, the columns of the panels [first, last) or of one of them, and the
 * words of one that is `depth` words deep, or deep enough for K numbers. */
static inline int panel_count(int N)
{
    return (N + NR - 1) / NR;
}

static inline int panels_width(int N, int first, int last)
{
    return (last * NR < N ? last * NR : N) - first * NR;
}

static inline int panel_width(int N, int panel)
{
    return panels_width(N, panel, panel + 1);
}

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

/* Columns of the panels are those of w[K][N], whose rows are `stride` apart: the rows of words
 * [first, last) of all panels, which begin `apart` words from each other. Not for weights of 8
 * bits. */
void panels_pack(int first, int last, int K, int N, const real *w, size_t stride, word *panels,
                 size_t apart);

/* Column j < n of the panel is the row j of w[n][K], whose rows are `stride` apart. */
void panel_pack_transposed(int K, int n, const real *w, size_t stride, word *panel);

/* Rows as products read them. */
struct rows {
    const word *data;
    size_t stride; /* words between rows */
};

/* R rows x[R][K] as products read them: where they are if words are numbers, else packed to `room`,
 * of rows_scratch words, which every member does a part of before they meet. */
struct rows rows_of(struct member *member, int R, int K, const real *x, word *room);
size_t rows_scratch(int R, int K);

/* Packs a part of a row: K numbers from x into words(K) words. Does nothing if words are numbers.
 */
void row_pack(int K, const real *x, word *to);

/* Row m < M of `to` is the column m of x[K][…]; rows of `to` are `to_stride` apart. sums[m] is the
 * sum over K. */
void rows_pack_transposed(int M, int K, const real *x, size_t stride, word *to, size_t to_stride,
                          real *sums);

/* Rows, and words of them, that are worth multiplying by several panels at once: they stay in the
 * cache from one panel to the next, and a panel is read once for all of them. AMX is so fast that
 * the cache must be the first-level one, and that a panel must be worth it. */
#if defined(RUNE_AMX)
#define KC ((size_t)128)
#define MC 256
#else
#define KC ((size_t)2048)
#define MC 96
#endif

/* c[M][n] += a[M][·] · panel[·][NR], the first n columns, over K words; rows of c are `c_stride`
 * apart. */
void panel_product(int M, int n, size_t K, struct rows a, const word *panel, real *c,
                   size_t c_stride);

#endif
