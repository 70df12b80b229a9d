/* Products with a weight matrix over all rows of a chunk, and the gradients of weights. Every
 * member of a team calls them and takes its share; results are complete after the next barrier. */
#ifndef RUNE_LINEAR_H
#define RUNE_LINEAR_H

#include <stdbool.h>
#include <stdint.h>

#include "panel.h"
#include "team.h"

#define linear_packed_size VARIANT(linear_packed_size)
#define linear_scratch_size VARIANT(linear_scratch_size)
#define linear_pack VARIANT(linear_pack)
#define linear_forward VARIANT(linear_forward)
#define linear_backward VARIANT(linear_backward)
#define product_over_rows VARIANT(product_over_rows)
#define weight_gradients VARIANT(weight_gradients)
#define weight_gradients_scratch VARIANT(weight_gradients_scratch)
#define onehot_gradient VARIANT(onehot_gradient)

/* Words of a packed weight W[N][D]; with `training`, for backward too. */
size_t linear_packed_size(int D, int N, bool training);

/* Words of scratch for R rows. */
size_t linear_scratch_size(int R, int D, int N, bool training);

void linear_pack(struct member *member, int D, int N, const real *weight, bool training,
                 word *packed);

/* y[R][N] = x[R][D] · Wᵀ + bias; bias may be NULL. May have a barrier inside. */
void linear_forward(struct member *member, int R, int D, int N, const real *x, const word *packed,
                    const real *bias, real *y, word *scratch);

/* dx = dy · W. May have a barrier inside. */
void linear_backward(struct member *member, int R, int D, int N, const word *packed, const real *dy,
                     real *dx, word *scratch);

/* y[rows][N] += x[rows][K words] · panels, for the panels [first, last). */
void product_over_rows(int rows, int N, int first, int last, size_t K, struct rows x,
                       const word *panels, real *y, size_t y_stride);

/* The gradients of a weight and of a bias, from the N columns of dy[R][…] that begin at `from`:
 * dweight[N][D] = dyᵀ · x and dbias[N] = Σ dy. With D = 0 there is no weight; either may be NULL.
 */
struct weight_gradient {
    int from, N;
    int D;
    const real *x; /* [R][D]; packed once for neighbours in the list that have the same */
    real *dweight, *dbias;
};

/* Fills `count` of them from N columns of dy[R][…], whose rows are `stride` apart. Has barriers
 * inside. */
void weight_gradients(struct member *member, int R, int N, const real *dy, size_t stride, int count,
                      const struct weight_gradient *gradients, word *scratch);

/* Words of scratch for it. D: the sum over all different x, each rounded up to whole panels. */
size_t weight_gradients_scratch(int R, int N, int D);

/* dweight[V][N] = xᵀ · dy for one-hot rows x: a scatter-add. Row r of x is 0 where ids[r] is −1.
 * Rows of dweight are `dweight_stride` apart. */
void onehot_gradient(struct member *member, int R, int V, int N, const int32_t *ids, const real *dy,
                     size_t stride, real *dweight, size_t dweight_stride);

#endif
