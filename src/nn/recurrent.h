/* What cells have in common whose gates are functions of a_t = b + W_ih x_t + W_hh h_{t−1}, with h
 * the state 0: weights packed once a step, the products, and how a team shares them. Such a cell
 * gives its equations for a row of units; all else is here.
 *
 * A member owns some panels of neighbouring units, with all their gates, of all streams or of some:
 * a timestep is products with its panels, its non-linearities, and at most one barrier. Not for
 * cells that change h before it is multiplied, as a GRU does. */
#ifndef RUNE_RECURRENT_H
#define RUNE_RECURRENT_H

#include "cell.h"
#include "panel.h"

struct recurrent {
    int weight_ih, weight_hh, bias; /* among the cell's parameters: [G·H][D], [G·H][H], [G·H] */
    int num_carried;                /* gradients that go back in time beside that of h */

    /* The equations of a timestep for `width` ≤ PANEL neighbouring units of one row: from
     * a[G][PANEL], which can be read in whole vectors, to the gates, `apart` numbers from each
     * other, and from the states before to those after. */
    void (*row_forward)(int width, const real *a, const real *const before[], real *gates,
                        size_t apart, real *const after[]);

    /* And back: replaces the gates by the gradient of a; dh is the whole gradient of h; carried[k]
     * holds what the timestep after has left there, at first 0, and is left what is for the one
     * before. */
    void (*row_backward)(int width, real *gates, size_t apart, const real *const before[],
                         const real *const after[], const real *dh, real *const carried[]);
};

#define recurrent_packed_size VARIANT(recurrent_packed_size)
#define recurrent_scratch_size VARIANT(recurrent_scratch_size)
#define recurrent_pack VARIANT(recurrent_pack)
#define recurrent_forward VARIANT(recurrent_forward)
#define recurrent_backward VARIANT(recurrent_backward)

/* The functions of a struct cell whose `recurrent` is there. */
size_t recurrent_packed_size(const struct layer *layer);
size_t recurrent_scratch_size(const struct layer *layer);
void recurrent_pack(struct member *member, const struct layer *layer, word *packed);
void recurrent_forward(struct member *member, const struct layer *layer);
void recurrent_backward(struct member *member, const struct layer *layer);

#endif
