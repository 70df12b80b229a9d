/* Random numbers for tests: a sequence from a seed, the same at every run. */
#ifndef RUNE_TEST_RANDOM_H
#define RUNE_TEST_RANDOM_H

#include <stdint.h>

#include "rng.h"

struct random {
    uint64_t seed;
    uint32_t at;
};

/* A number in [low, high). */
static inline double random_between(struct random *random, double low, double high)
{
    const struct rng rng = {random->seed, RNG_TEST};
    const uint32_t counter[4] = {random->at++};
    return low + (high - low) * rng_uniform(&rng, counter);
}

/* A number in 0 … n − 1. */
static inline int random_below(struct random *random, int n)
{
    return (int)random_between(random, 0, n);
}

#endif
