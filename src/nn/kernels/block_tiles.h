/* A block in AMX tiles: up to two by two, of 16 rows and 16 columns. */
#ifndef RUNE_BLOCK_TILES_H
#define RUNE_BLOCK_TILES_H

#include <stdbool.h>

#include "panel.h"

#define MR 32
#define TILE_BYTES 64 /* of a row: 16 words */
#define TILE_WORDS 16

/* Tiles 0 to 3 hold sums: of the upper rows, left and right, and of the lower ones. 4 and 5 hold
 * the upper and the lower rows, 6 and 7 the panel's halves. See the processor's manual for the
 * layout. */
struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

static inline uint8_t upper_rows(int M)
{
    return (uint8_t)((M + 1) / 2);
}

static inline uint8_t lower_rows(int M)
{
    return (uint8_t)(M / 2);
}

/* Configures the tiles for blocks of M rows. That takes as long as half a product, so a thread's
 * tiles stay as they are until it needs others. */
static void block_begin(int M)
{
    static _Thread_local int configured;
    if (configured == M)
        return;
    configured = M;
    const uint8_t upper = upper_rows(M), lower = lower_rows(M);
    struct tile_config config = {
        .palette = 1,
        .rows = {upper, upper, lower, lower, upper, lower, TILE_WORDS, TILE_WORDS},
    };
    for (int tile = 0; tile < 8; tile++)
        config.row_bytes[tile] = config.rows[tile] > 0 ? TILE_BYTES : 0;
    __asm__ volatile("" : : "r"(&config) : "memory"); /* compilers see 8 bytes of it read */
    _tile_loadconfig(&config);
}

/* c[M][32] += a · panel */
static void add_tiles(size_t K, struct rows a, const word *panel, int upper, bool lower, real *c,
                      size_t c_stride)
{
    const size_t stride = a.stride * sizeof(word), across = NR * sizeof(word),
                 c_bytes = c_stride * sizeof(real);
    const word *below = a.data + (size_t)upper * a.stride;
    real *c_below = c + (size_t)upper * c_stride;
    __asm__ volatile("" : : "r"(c), "r"(a.data) : "memory"); /* nor that tiles read memory */
    _tile_loadd(0, c, c_bytes);
    _tile_loadd(1, c + TILE_WORDS, c_bytes);
    if (lower) {
        _tile_loadd(2, c_below, c_bytes);
        _tile_loadd(3, c_below + TILE_WORDS, c_bytes);
    }
    for (size_t k = 0; k < K; k += TILE_WORDS, panel += TILE_WORDS * NR) {
        _tile_loadd(4, a.data + k, stride);
        _tile_loadd(6, panel, across);
        _tile_loadd(7, panel + TILE_WORDS, across);
        if (lower)
            _tile_loadd(5, below + k, stride);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        if (lower) {
            _tile_dpbf16ps(2, 5, 6);
            _tile_dpbf16ps(3, 5, 7);
        }
    }
    _tile_stored(0, c, c_bytes);
    _tile_stored(1, c + TILE_WORDS, c_bytes);
    if (lower) {
        _tile_stored(2, c_below, c_bytes);
        _tile_stored(3, c_below + TILE_WORDS, c_bytes);
    }
}

/* Tiles have whole columns; where the panel has not, the sums go through a buffer. */
static void block_product(int M, int n, size_t K, struct rows a, const word *panel, real *c,
                          size_t c_stride)
{
    const int upper = upper_rows(M);
    if (n == NR) {
        add_tiles(K, a, panel, upper, M > 1, c, c_stride);
        return;
    }
    _Alignas(64) real sums[MR][NR];
    for (int m = 0; m < M; m++) {
        memset(sums[m], 0, sizeof sums[m]);
        memcpy(sums[m], c + (size_t)m * c_stride, (size_t)n * sizeof(real));
    }
    add_tiles(K, a, panel, upper, M > 1, sums[0], NR);
    for (int m = 0; m < M; m++)
        memcpy(c + (size_t)m * c_stride, sums[m], (size_t)n * sizeof(real));
}

#endif
