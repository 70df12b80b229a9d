/* Sorting, ranks and quantile bins. */
#ifndef RUNE_RANKS_H
#define RUNE_RANKS_H

#include <stddef.h>
#include <stdint.h>

#define RANKS_BINS 16 /* at most */

/* Bins of about equally many values. The bin of a value is the number of edges that are not above
 * it. */
struct bins {
    int count;
    float edges[RANKS_BINS - 1]; /* [count − 1], rising */
};

/* The indices of finite values in rising order, equal ones by index: order[n], n < 2³². `pairs` is
 * scratch[2n]. */
void ranks_order(const float *values, size_t n, uint32_t *order, uint64_t *pairs);

/* ranks[n]: the rank of each value as a share of n, less the mean rank, so in (−½, ½). Equal values
 * share the mean of their ranks. */
void ranks_centred(const float *values, const uint32_t *order, size_t n, float *ranks);

/* Makes at most `most` ≤ RANKS_BINS bins of ordered values. Equal values share a bin, so a frequent
 * value may fill more than its share. */
void bins_fit(struct bins *bins, const float *values, const uint32_t *order, size_t n, int most);

/* The bin of each value: out[n]. */
void bins_place(const struct bins *bins, const float *values, size_t n, uint8_t *out);

#endif
