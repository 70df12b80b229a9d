/* Numbers in order: sorting, ranks and quantile bins. */
#ifndef RUNE_RANKS_H
#define RUNE_RANKS_H

#include <stddef.h>
#include <stdint.h>

#define RANKS_BINS 16 /* at most */

/* Bins of about as many values each: a value belongs to the bin whose number is how many of the
 * edges are not above it. */
struct bins {
    int count;
    float edges[RANKS_BINS - 1]; /* [count − 1] rising */
};

/* The indices of finite values in rising order, equal ones by index: order[n], n < 2³². `pairs` is
 * scratch[2n]. */
void ranks_order(const float *values, size_t n, uint32_t *order, uint64_t *pairs);

/* The rank of each value as a share of n, equal values sharing theirs, less the mean: ranks[n] in
 * (−½, ½). */
void ranks_centred(const float *values, const uint32_t *order, size_t n, float *ranks);

/* Bins of ordered values, at most `most` ≤ RANKS_BINS of them. Equal values share a bin, so
 * that a frequent one may fill more than its share. */
void bins_fit(struct bins *bins, const float *values, const uint32_t *order, size_t n, int most);

/* The bin of each value: out[n]. */
void bins_place(const struct bins *bins, const float *values, size_t n, uint8_t *out);

#endif
