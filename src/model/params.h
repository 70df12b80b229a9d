/* The table of a model's parameters. All of them lie in one block, and everything that walks them
 * (initialisation, files, optimizer, gradient check) walks this table. */
#ifndef RUNE_PARAMS_H
#define RUNE_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layer.h"

struct param {
    char name[48]; /* in files: "rnn.weight_ih_l0", PyTorch's */
    char
        zero_bias[48]; /* a bias that is written as zeros, and added to this one when read; or "" */
    int rows, columns; /* as in files; columns 1 and `vector` for a bias */
    bool vector;
    bool transposed;  /* in memory it is [columns][rows] */
    bool fixed;       /* it is not trained */
    size_t offset;    /* into the block, in reals */
    const real *init; /* see struct layer_param */
    int num_blocks;
};

struct params {
    struct param *list; /* layer by layer, in the order of the kind */
    int count;
    int *first;   /* [depth + 1] of each layer's parameters in the list */
    size_t size;  /* of the block, in reals, padding included */
    size_t total; /* numbers that are parameters */
};

/* Fills a zeroed table for a chain of layers. Returns 0, or −1 and a message if there is no memory
 * or the block could not be addressed. */
int params_init(struct params *params, const struct layer *layers, int depth);

void params_release(struct params *params);

/* The parameter k of a layer, in the order of its kind. */
static inline const struct param *params_at(const struct params *params, int layer, int k)
{
    return &params->list[params->first[layer] + k];
}

/* Where a layer's parameters begin in the block; for layer `depth`, where the block ends. */
static inline size_t params_offset(const struct params *params, int layer)
{
    const int first = params->first[layer];
    return first < params->count ? params->list[first].offset : params->size;
}

/* Writes the values that training starts from, from the seed alone: weights uniform in
 * ±√(3/fan-in), biases 0, but where the layer's kind says otherwise. */
void params_start(const struct params *params, uint64_t seed, real *weights);

#endif
