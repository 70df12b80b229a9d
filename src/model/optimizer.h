/* The optimizer: clips the gradient and updates the weights, as flat loops over the two blocks. */
#ifndef RUNE_OPTIMIZER_H
#define RUNE_OPTIMIZER_H

#include "optim.h"
#include "tape.h"

struct optimizer {
    struct optim optim;
    size_t size;        /* of the blocks */
    real *m, *v;        /* [size] moments */
    size_t num_squares; /* pieces of the gradient, and */
    double *squares;    /* [num_squares] the sums of their squares */
    double grad_norm;   /* of the last step, before clipping by norm */
    struct arena memory;
};

/* Fills a zeroed optimizer. Returns 0, or −1 and a message. */
int optimizer_init(struct optimizer *optimizer, const struct optim *optim,
                   const struct model *model);

/* Sets the moments back to 0, as at the start. */
void optimizer_reset(struct optimizer *optimizer);

void optimizer_release(struct optimizer *optimizer);

size_t optimizer_bytes(const struct model *model);

/* One update, the `step`-th (from 1) since the moments were 0, at a learning rate, in one pass:
 * clips, and moves the weights, which are left alone where the gradient is not finite, as are those
 * that are fixed. Called by every member; ends in a barrier. */
void optimizer_step(struct member *member, struct optimizer *optimizer, struct model *model,
                    const struct tape *tape, uint64_t step, double rate);

#endif
