/* Products with a weight matrix over all rows of a chunk at once. Every member of a team calls them
 * and takes its share; results are complete after the next barrier. */
#ifndef RUNE_LINEAR_H
#define RUNE_LINEAR_H

#include <stdint.h>

#include "cell.h"
#include "vec.h"

#define linear_forward VARIANT(linear_forward)
#define linear_backward VARIANT(linear_backward)
#define onehot_forward VARIANT(onehot_forward)
#define onehot_backward VARIANT(onehot_backward)
#define layer_input_forward VARIANT(layer_input_forward)
#define layer_input_backward VARIANT(layer_input_backward)

/* y[R][N] = x[R][D] · Wᵀ + b, with W[N][D] and b[N]. Has a barrier inside. */
void linear_forward(struct member *member, int R, int D, int N, const real *x, const real *weight,
                    const real *bias, real *y);

/* dweight = dyᵀ · x, dbias = Σ dy, dx = dy · W (dx may be NULL) */
void linear_backward(struct member *member, int R, int D, int N, const real *x, const real *weight,
                     const real *dy, real *dweight, real *dbias, real *dx);

/* The same for rows of x that are one-hot, or 0 where the id is −1; W turned: [V][N]. */
void onehot_forward(struct member *member, int R, int N, const int32_t *ids, const real *weight,
                    const real *bias, real *y);
void onehot_backward(struct member *member, int R, int V, int N, const int32_t *ids, const real *dy,
                     real *dweight, real *dbias);

/* The layer's gates = input · W_ihᵀ + b, for whichever input it has, and back; `gates` wide. */
void layer_input_forward(struct member *member, const struct layer *layer, int gates, int weight,
                         int bias);
void layer_input_backward(struct member *member, const struct layer *layer, int gates, int weight,
                          int bias);

#endif
