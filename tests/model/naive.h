/* A stack of recurrent layers under a softmax from its equations, in double precision: one stream,
 * one timestep at a time, and layers' outputs can be changed on the way. */
#ifndef RUNE_TEST_NAIVE_H
#define RUNE_TEST_NAIVE_H

#include "model.h"

struct naive {
    const struct model *model;
    int L, H, V;
    double **weights; /* [params.count] as files have them */
    double *states;   /* [L][states][2][H] before the last timestep, and after */
    double *logits;   /* [V] */
};

/* A layer's output h[H], to be changed before anything reads it. */
typedef void naive_touch_fn(void *context, int layer, double *h);

/* The weights are copied from the model, which must stay; the states are 0. */
void naive_init(struct naive *naive, const struct model *model);
void naive_release(struct naive *naive);

/* A layer's state s after the last timestep, [H]; before it, the same H numbers lower. */
double *naive_state(const struct naive *naive, int layer, int s);

/* The input vector of a symbol, [V]; 0 where there is none. */
void naive_one_hot(const struct naive *naive, int32_t id, double *x);

/* One timestep with the input vector x[V]; `touch` may be NULL. Returns the loss of the target. */
double naive_step(struct naive *naive, const double *x, int32_t target, naive_touch_fn *touch,
                  void *context);

#endif
