/* Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as
 * 1, 2, 3", 2011). A number depends on its key and counter alone, never on order or threads. */
#ifndef RUNE_RNG_H
#define RUNE_RNG_H

#include <stddef.h>
#include <stdint.h>

enum rng_purpose { RNG_INIT, RNG_DROPOUT, RNG_SAMPLE, RNG_DATA, RNG_TEST };

struct rng {
    uint64_t seed;
    enum rng_purpose purpose;
};

/* Four 32-bit numbers for one counter. */
void rng_block(const struct rng *rng, const uint32_t counter[4], uint32_t out[4]);

/* One number in [0, 1), with 53 random bits, for one counter. */
double rng_uniform(const struct rng *rng, const uint32_t counter[4]);

/* A seed from the operating system, of at most 32 bits so that people can type it again. */
uint64_t rng_entropy(void);

#endif
