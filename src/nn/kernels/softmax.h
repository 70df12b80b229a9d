/* Softmax and cross-entropy over rows of logits. */
#ifndef RUNE_SOFTMAX_H
#define RUNE_SOFTMAX_H

#include <stdint.h>

#include "vec.h"

#define softmax_loss VARIANT(softmax_loss)
#define softmax_backward VARIANT(softmax_backward)

/* For each of R rows of V logits: losses[r] = log Σ e^logit − logit[targets[r]] in nats; 0 where
 * the target is −1. log_sum_exps[r] = log Σ e^logit. The maximum is subtracted first, so that no
 * logit overflows; where it is so large that logits beside it lose their digits, it stays
 * subtracted from the row. */
void softmax_loss(int R, int V, real *logits, const int32_t *targets, real *losses,
                  real *log_sum_exps);

/* Replaces logits by the gradient of scale · Σ losses: scale · (softmax − one-hot), 0 where the
 * target is −1; `log_sum_exps` is what softmax_loss wrote. */
void softmax_backward(int R, int V, const int32_t *targets, const real *log_sum_exps, real scale,
                      real *logits);

#endif
