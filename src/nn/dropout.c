#include "dropout.h"

#include <endian.h>

/* One block of the generator decides over eight units, 16 bits each; a stretch of blocks is drawn
 * at once so that the compiler can run them side by side. */
#define PER_BLOCK 8
#define STRETCH (16 * PER_BLOCK)

void dropout_forward(int n, real p, const struct rng *rng, const uint32_t counter[4], const real *x,
                     real *y, uint8_t *keep)
{
    const uint32_t threshold = (uint32_t)(p * 65536);
    const real scale = 1 / (1 - p);
    for (int start = 0; start < n; start += STRETCH) {
        uint16_t lot[STRETCH];
        for (int block = 0; block < STRETCH / PER_BLOCK; block++) {
            const uint32_t at[4] = {(uint32_t)(start / PER_BLOCK + block), counter[1], counter[2],
                                    counter[3]};
            uint32_t out[4];
            rng_block(rng, at, out);
            for (int k = 0; k < 4; k++)
                out[k] = htole32(out[k]); /* the lower half of each number decides first */
            memcpy(lot + block * PER_BLOCK, out, sizeof out);
        }
        const int length = n - start < STRETCH ? n - start : STRETCH;
        for (int u = 0; u < length; u++) {
            const int kept = le16toh(lot[u]) >= threshold;
            keep[start + u] = (uint8_t)kept;
            y[start + u] = kept ? x[start + u] * scale : 0;
        }
    }
}

void dropout_backward(int n, real p, const uint8_t *keep, real *dy)
{
    const real scale = 1 / (1 - p);
    for (int u = 0; u < n; u++)
        dy[u] = keep[u] ? dy[u] * scale : 0;
}
