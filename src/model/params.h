/* The table of a model's parameters. All of them lie in one block, and everything that walks them
 * (start, files, gradient check) walks this table. */
#ifndef RUNE_PARAMS_H
#define RUNE_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cell.h"

struct param {
    char name[48];     /* in files: "rnn.weight_ih_l0", PyTorch's */
    char twin[48];     /* a bias that is written as zeros and added to this one when read; or "" */
    int rows, columns; /* as in files; columns 1 and `vector` for a bias */
    bool vector;
    bool turned;        /* in memory it is [columns][rows] */
    size_t offset;      /* into the block, in reals */
    const real *starts; /* see struct cell_param */
    int num_starts;
};

struct params {
    struct param *list; /* layer by layer in the cell's order, then linear.weight, linear.bias */
    int count;
    size_t size;  /* of the block, in reals, padding included */
    size_t total; /* numbers that are parameters */
};

/* Fills a zeroed table. V, H, L ≥ 1. Returns 0, or −1 and a message if there is no memory or the
 * block could not be addressed. */
int params_init(struct params *params, const struct cell *cell, int L, int H, int V);

void params_release(struct params *params);

/* The parameter k of layer l, in the cell's order; layer L is the linear one. */
const struct param *params_at(const struct params *params, const struct cell *cell, int layer,
                              int k);

/* Writes the values that training starts from, from the seed alone: weights uniform in
 * ±√(3/fan-in), biases 0 but where the cell starts them elsewhere. */
void params_start(const struct params *params, uint64_t seed, real *weights);

#endif
