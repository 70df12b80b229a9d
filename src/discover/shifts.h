/* Products of two series at every circular shift, by the fast Fourier transform. */
#ifndef RUNE_SHIFTS_H
#define RUNE_SHIFTS_H

#include <stddef.h>

#include "arena.h"

#define SHIFTS_MOST 32768 /* the longest series; a power of two */

/* What the transforms of series of one length need; only read once it is made, so threads share it.
 */
struct shifts {
    size_t length;        /* of the series */
    size_t size;          /* of the transform: a power of two */
    float *cosine, *sine; /* [size / 2] of 2πi / size */
};

/* For series of 1 … SHIFTS_MOST numbers. The tables lie in `memory`, which may fail. */
void shifts_init(struct shifts *shifts, struct arena *memory, size_t length);

/* The floats of scratch memory that shifts_products needs. */
size_t shifts_scratch(const struct shifts *shifts);

/* out[s] = Σ_t x[(t + s) mod length] · y[t]: x, y, out [length]. */
void shifts_products(const struct shifts *shifts, const float *x, const float *y, float *scratch,
                     float *out);

#endif
