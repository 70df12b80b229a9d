/* A block in AMX tiles: two by two of 16 rows and 16 columns. */
#ifndef RUNE_BLOCK_TILES_H
#define RUNE_BLOCK_TILES_H

#include <stdbool.h>

#include "panel.h"

#define BLOCK 32
#define TILE_ROWS 16
#define TILE_BYTES 64 /* of a row: 16 words */
#define TILE_WORDS 16

/* Eight tiles of full size; see the processor's manual for the layout. */
struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

static inline void block_begin(void)
{
    static const struct tile_config config = {
        .palette = 1,
        .row_bytes = {TILE_BYTES, TILE_BYTES, TILE_BYTES, TILE_BYTES, TILE_BYTES, TILE_BYTES,
                      TILE_BYTES, TILE_BYTES},
        .rows = {TILE_ROWS, TILE_ROWS, TILE_ROWS, TILE_ROWS, TILE_ROWS, TILE_ROWS, TILE_ROWS,
                 TILE_ROWS},
    };
    _tile_loadconfig(&config);
}

static inline void block_end(void)
{
    _tile_release();
}

/* sums[32][32] = a · panel; of the rows behind the 16th only if there are any. */
static inline void tile_sums(size_t K, struct rows a, const word *panel, bool lower,
                             real sums[BLOCK][PANEL])
{
    const size_t stride = a.stride * sizeof(word), across = PANEL * sizeof(word);
    const word *below = a.data + TILE_ROWS * a.stride;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (size_t k = 0; k < K; k += TILE_WORDS, panel += TILE_WORDS * PANEL) {
        _tile_loadd(6, panel, across);
        _tile_loadd(7, panel + TILE_WORDS, across);
        _tile_loadd(4, a.data + k, stride);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        if (lower) {
            _tile_loadd(5, below + k, stride);
            _tile_dpbf16ps(2, 5, 6);
            _tile_dpbf16ps(3, 5, 7);
        }
    }
    _tile_stored(0, &sums[0][0], across);
    _tile_stored(1, &sums[0][TILE_WORDS], across);
    if (lower) {
        _tile_stored(2, &sums[TILE_ROWS][0], across);
        _tile_stored(3, &sums[TILE_ROWS][TILE_WORDS], across);
    }
}

static void block_product(int M, int n, size_t K, struct rows a, const word *panel, real *c,
                          size_t c_stride)
{
    _Alignas(64) real sums[BLOCK][PANEL];
    tile_sums(K, a, panel, M > TILE_ROWS, sums);
    const int n0 = n < LANES ? n : LANES, n1 = n - n0;
    for (int m = 0; m < M; m++, c += c_stride) {
        vec_store_part(c, vec_load_part(c, n0) + vec_load(sums[m]), n0);
        if (n1 > 0)
            vec_store_part(c + LANES, vec_load_part(c + LANES, n1) + vec_load(sums[m] + LANES), n1);
    }
}

#endif
