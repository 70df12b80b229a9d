#include "dropout.h"

#include <endian.h>

#include "layer.h"

/* One block of the generator decides over eight units, 16 bits each; some blocks are drawn
 * at once so that the compiler can run them side by side. */
#define PER_BLOCK 8
#define DRAWN (16 * PER_BLOCK)

void dropout_forward(int n, real p, const struct rng *rng, const uint32_t counter[4], const real *x,
                     real *y, uint8_t *keep)
{
    const uint32_t threshold = (uint32_t)(p * 65536);
    const real scale = 1 / (1 - p);
    for (int start = 0; start < n; start += DRAWN) {
        uint16_t lot[DRAWN];
        for (int block = 0; block < DRAWN / PER_BLOCK; block++) {
            const uint32_t at[4] = {(uint32_t)(start / PER_BLOCK + block), counter[1], counter[2],
                                    counter[3]};
            uint32_t out[4];
            rng_block(rng, at, out);
            for (int k = 0; k < 4; k++)
                out[k] = htole32(out[k]); /* the lower half of each number decides first */
            memcpy(lot + block * PER_BLOCK, out, sizeof out);
        }
        const int length = n - start < DRAWN ? n - start : DRAWN;
        for (int u = 0; u < length; u++) {
            const int kept = le16toh(lot[u]) >= threshold;
            keep[start + u] = (uint8_t)kept;
            y[start + u] = kept ? x[start + u] * scale : 0;
        }
    }
}

void dropout_backward(int n, real p, const uint8_t *keep, real *dy)
{
    const real scale = 1 / (1 - p);
    for (int u = 0; u < n; u++)
        dy[u] = keep[u] ? dy[u] * scale : 0;
}

/* --- the layer: values are the masks, a byte each --------------------------------------------- */

enum { RATE, OPTIONS };

static const struct layer_option options[OPTIONS] = {
    [RATE] = {.name = "dropout", .help = "Probability that an output is dropped", .max = 1},
};

static uint8_t *mask_row(const struct layer *layer, int row)
{
    return (uint8_t *)layer->values + (size_t)row * (size_t)layer->N;
}

static void forward(struct member *member, const struct layer *layer, int first, int last)
{
    const struct rng rng = {layer->pass->seed, RNG_DROPOUT};
    const uint64_t step = layer->pass->step;
    int from, to;
    if (layer->options[RATE] == 0) /* y is x */
        return;
    team_share(member, (last - first) * layer->B, &from, &to);
    for (int row = first * layer->B + from; row < first * layer->B + to; row++) {
        const size_t at = (size_t)row * (size_t)layer->N;
        const uint32_t counter[4] = {0, (uint32_t)row,
                                     (uint32_t)layer->number | (uint32_t)(step >> 32) << 16,
                                     (uint32_t)step};
        dropout_forward(layer->N, (real)layer->options[RATE], &rng, counter, layer->x + at,
                        layer->y + at, mask_row(layer, row));
    }
}

static void backward(struct member *member, const struct layer *layer, int first, int last)
{
    int from, to;
    if (layer->options[RATE] == 0)
        return;
    team_share(member, (last - first) * layer->B, &from, &to);
    for (int row = first * layer->B + from; row < first * layer->B + to; row++)
        dropout_backward(layer->N, (real)layer->options[RATE], mask_row(layer, row),
                         layer->dy + (size_t)row * (size_t)layer->N);
}

static size_t no_size(const struct layer *layer)
{
    (void)layer;
    return 0;
}

const struct layer_kind VARIANT(dropout_layer) = {
    .name = "dropout",
    .in_place = true,
    .num_options = OPTIONS,
    .options = options,
    .num_values = 1,
    .forget_gate = -1,
    .packed_size = no_size,
    .scratch_size = no_size,
    .forward = forward,
    .backward = backward,
};
