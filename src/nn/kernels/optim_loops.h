/* The optimizers' loops over the block of parameters, after clipping by value, then by global norm.
 */
#ifndef RUNE_OPTIM_LOOPS_H
#define RUNE_OPTIM_LOOPS_H

#include <stddef.h>

#include "optim.h"
#include "vec.h"

#define optim_square_sum VARIANT(optim_square_sum)
#define optim_update VARIANT(optim_update)

/* Σ g² over n elements, each clipped by value first. */
double optim_square_sum(double clip_value, size_t n, const real *gradient);

/* One step for n elements: g = scale · clip(gradient), then
 *   Adam (Kingma & Ba 2015; Loshchilov & Hutter 2019):
 *     m = 0.9 m + 0.1 g,  v = 0.999 v + 0.001 g²,  w −= rate · m̂ / (√v̂ + 1e-8)
 *     with m̂ = m / (1 − 0.9^step), v̂ = v / (1 − 0.999^step)
 *   RMSProp (Hinton 2012):  v = 0.99 v + 0.01 g²,  w −= rate · g / (√v + 1e-8)
 *   SGD:  w −= rate · g
 * `step` counts from 1. m and v start at 0; RMSProp uses v alone, SGD neither. */
void optim_update(const struct optim *optim, size_t n, uint64_t step, double rate, double scale,
                  const real *gradient, real *weight, real *m, real *v);

#endif
