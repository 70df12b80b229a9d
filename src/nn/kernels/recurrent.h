/* What cells have in common whose equations read sums of the kind
 *
 *     a_t = b + W_ih x_t + W_hh h_{t−1}
 *
 * with h the state 0: weights packed once a step, the products, and how a team shares them. Such a
 * cell gives its equations for a row of units; all else is here.
 *
 * The sums are the cell's arguments. Each is made of the input, of the state, or of both: blocks of
 * rows of W_ih are those arguments that the input enters, in order, and likewise for W_hh. (A GRU
 * has W_in x and W_hn h as two arguments.)
 *
 * A member owns some panels of neighbouring units, with all their arguments, of all streams or of
 * some: a timestep is products with its panels, its equations, and one barrier. */
#ifndef RUNE_RECURRENT_H
#define RUNE_RECURRENT_H

#include "layer.h"
#include "panel.h"

/* The most arguments that a cell has. */
#define SUMS_MOST 8

/* Which arguments a product adds to: block g of its rows is for argument of[g]. */
struct block_map {
    int count;
    const int *of; /* [count] rising */
};

struct recurrent {
    int num_sums;                  /* ≤ the cell's num_values */
    struct block_map input, state; /* that W_ih x and W_hh h enter */
    int weight_ih, weight_hh; /* among the cell's parameters: [blocks · H][D], [blocks · H][H] */
    int bias_ih, bias_hh;     /* [blocks · H] of the same blocks; bias_hh −1: there is none */
    int num_carried;          /* gradients that go back in time beside that of h */

    /* The equations of a timestep for `width` ≤ NR neighbouring units of one row: from
     * a[num_sums][NR], which can be read in whole vectors, to the values, `apart` numbers from
     * each other, and from the states before to those after. */
    void (*row_forward)(const double *options, int width, const real *a, const real *const before[],
                        real *values, size_t apart, real *const after[]);

    /* And back: replaces the values by the gradients of the arguments. carried[k] holds what the
     * timestep after has left there, at first 0, and is left what is for the one before. dh is the
     * gradient of h; what of it is carried, the cell adds. */
    void (*row_backward)(const double *options, int width, real *values, size_t apart,
                         const real *const before[], const real *const after[], real *dh,
                         real *const carried[]);
};

#define recurrent_packed_size VARIANT(recurrent_packed_size)
#define recurrent_scratch_size VARIANT(recurrent_scratch_size)
#define recurrent_pack VARIANT(recurrent_pack)
#define recurrent_forward VARIANT(recurrent_forward)
#define recurrent_backward VARIANT(recurrent_backward)
#define recurrent_gradients VARIANT(recurrent_gradients)
#define recurrent_projected_width VARIANT(recurrent_projected_width)
#define recurrent_project VARIANT(recurrent_project)

size_t recurrent_packed_size(const struct layer *layer);
size_t recurrent_scratch_size(const struct layer *layer);
void recurrent_pack(struct member *member, const struct layer *layer, word *packed);
void recurrent_forward(struct member *member, const struct layer *layer, int first, int last);
void recurrent_backward(struct member *member, const struct layer *layer, int first, int last);
void recurrent_gradients(struct member *member, const struct layer *layer);
int recurrent_projected_width(const struct layer *layer);
void recurrent_project(struct member *member, const struct layer *layer, real *projected);

/* The rows of a cell's table that are the same for all of them. */
#define RECURRENT_CELL                                                                             \
    .prefix = "rnn", .numbered = true, .packed_size = recurrent_packed_size,                       \
    .scratch_size = recurrent_scratch_size, .pack = recurrent_pack, .forward = recurrent_forward,  \
    .backward = recurrent_backward, .gradients = recurrent_gradients,                              \
    .projected_width = recurrent_projected_width, .project = recurrent_project

#endif
