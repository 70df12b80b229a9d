/* Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as
 * 1, 2, 3", 2011). A number depends only on its key and counter, not on the order of calls or the
 * number of threads. */
#ifndef RUNE_RNG_H
#define RUNE_RNG_H

#include <stdint.h>

enum rng_purpose { RNG_INIT, RNG_DROPOUT, RNG_SAMPLE, RNG_DATA, RNG_TEST };

struct rng {
    uint64_t seed;
    enum rng_purpose purpose;
};

/* Four 32-bit numbers for one counter. Inline so that loops over counters vectorise. */
static inline void rng_block(const struct rng *rng, const uint32_t counter[4], uint32_t out[4])
{
    uint32_t k0 = (uint32_t)rng->seed;
    uint32_t k1 = (uint32_t)(rng->seed >> 32) ^ ((uint32_t)rng->purpose << 24);
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

/* One number in [0, 1), with 53 random bits, for one counter. */
double rng_uniform(const struct rng *rng, const uint32_t counter[4]);

/* A seed from the operating system. It has at most 32 bits, so that people can retype it. */
uint64_t rng_entropy(void);

#endif
