/* The code that cells share whose equations read sums of the form
 *
 *     a_t = b + W_ih x_t + W_hh h_{t−1}
 *
 * with h the state 0: packing, products, and how a team shares them. A cell adds its equations for
 * a row of units.
 *
 * Each sum (the pre-activation of a gate, say) may have an input product, a state product, or both.
 * W_ih has one block of H rows for each sum listed in `input`, in that order; W_hh likewise for
 * `state`. (A GRU has W_in x and W_hn h as two sums.)
 *
 * Some blocks of W_hh may multiply not h_{t−1} but a changed state s_t, which the cell makes of
 * h_{t−1} and of the sums of the other blocks: r_t ∘ h_{t−1}, say.
 *
 * A member of the team owns some panels of units, with all their sums, for all streams or for some
 * of them. A timestep is its products, its equations, and a barrier of the members that share
 * streams. A changed state takes a second round of products, with a barrier before it. */
#ifndef RUNE_RECURRENT_H
#define RUNE_RECURRENT_H

#include "layer.h"
#include "panel.h"

#define SUMS_MAX 8 /* of a cell */

/* The sums that a product is added to: block g of the weight is for sum of[g]. */
struct block_map {
    int count;
    const int *of; /* [count] rising */
};

struct recurrent {
    int num_sums;                  /* ≤ the cell's num_values */
    struct block_map input, state; /* of the products W_ih x and W_hh h */
    int weight_ih,
        weight_hh;        /* indices of the cell's parameters [blocks · H][D], [blocks · H][H] */
    int bias_ih, bias_hh; /* and [blocks · H], of the same blocks; bias_hh −1: none */
    int num_carried; /* gradients that row_backward passes on to timestep t − 1; ≤ LAYER_STATES */

    /* The equations of a timestep for `width` ≤ NR neighbouring units of one row. Reads a[k · NR +
     * u] for each sum k, padded to whole vectors, and the states before[s][u]. Writes values[k ·
     * apart + u] and the states after[s][u]. */
    void (*row_forward)(const double *options, int width, const real *a, const real *const before[],
                        real *values, size_t apart, real *const after[]);

    /* The way back. Replaces values[k · apart + u] by the gradient of sum k. carried[k][u]: on
     * entry what timestep t + 1 stored there, 0 at the last one; on return what timestep t − 1 will
     * read. dh[u] is the gradient of h. If a part of it was carried, the function adds that to dh.
     */
    void (*row_backward)(const double *options, int width, real *values, size_t apart,
                         const real *const before[], const real *const after[], real *dh,
                         real *const carried[]);

    /* How many blocks of W_hh, the last ones, multiply s_t. NULL: none. */
    int (*changed_blocks)(const double *options);

    /* Computes changed[u], which is s_t, from the sums of the other blocks. */
    void (*row_change)(const double *options, int width, const real *a, const real *const before[],
                       real *changed);

    /* The way back through row_change, after row_backward, which has left what this needs in
     * values. dchanged[u] is the gradient of s_t. Replaces the values that are not yet gradients of
     * sums, adds to `carried`, and computes changed[u] again. */
    void (*row_change_back)(const double *options, int width, real *values, size_t apart,
                            const real *const before[], const real *dchanged, real *changed,
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

/* The fields of struct layer_kind that all such cells share. */
#define RECURRENT_CELL                                                                             \
    .prefix = "rnn", .numbered = true, .packed_size = recurrent_packed_size,                       \
    .scratch_size = recurrent_scratch_size, .pack = recurrent_pack, .forward = recurrent_forward,  \
    .backward = recurrent_backward, .gradients = recurrent_gradients,                              \
    .projected_width = recurrent_projected_width, .project = recurrent_project

#endif
