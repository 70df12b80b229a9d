#include "rng.h"

#include <sys/random.h>
#include <time.h>

void rng_block(const struct rng *rng, const uint32_t counter[4], uint32_t out[4])
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

double rng_uniform(const struct rng *rng, const uint32_t counter[4])
{
    uint32_t word[4];
    rng_block(rng, counter, word);
    return (double)((((uint64_t)word[0] << 32) | word[1]) >> 11) * 0x1p-53;
}

uint64_t rng_entropy(void)
{
    uint32_t seed;
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        seed = (uint32_t)time(NULL);
    return seed;
}
