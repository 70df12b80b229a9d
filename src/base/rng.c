#include "rng.h"

#include <sys/random.h>
#include <time.h>

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
