/* Dropout (Srivastava et al. 2014), scaled so that nothing changes when it is off. */
#ifndef RUNE_DROPOUT_H
#define RUNE_DROPOUT_H

#include <stdint.h>

#include "rng.h"
#include "vec.h"

#define dropout_forward VARIANT(dropout_forward)
#define dropout_backward VARIANT(dropout_backward)

/* One row of n units: keep[u] is 1 with probability 1 − p (to 1/65536), else 0; y = x · keep / (1 −
 * p). The mask depends on rng and counter[1..3] alone. */
void dropout_forward(int n, real p, const struct rng *rng, const uint32_t counter[4], const real *x,
                     real *y, uint8_t *keep);

/* dx = dy · keep / (1 − p), in place */
void dropout_backward(int n, real p, const uint8_t *keep, real *dy);

#endif
