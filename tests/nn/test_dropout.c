#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arrays.h"
#include "engines.h"
#include "kernels.h"

#define MOST 1000

static const struct rng rng = {42, RNG_DROPOUT};
static const double rates[] = {0, 0.1, 0.3, 0.5, 0.9, 0.999};

#define NUM_RATES (sizeof rates / sizeof *rates)

/* Every number is x / (1 − p) or 0, as the mask says, and the gradient takes the same way. */
static void mask_and_scale(void **state)
{
    (void)state;
    static const int lengths[] = {1, 3, 7, 8, 9, 17, 100, 127, 128, 129, 512, MOST};
    struct random random = {1, 0};
    for (int k = 0; kernels_at(k); k++)
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
            for (size_t r = 0; r < NUM_RATES; r++) {
                const int n = lengths[i];
                const real p = (real)rates[r];
                const uint32_t counter[4] = {0, (uint32_t)i, 1, 2};
                real *x = array_random(&random, (size_t)n, 1), *y = array_new((size_t)n);
                real *dy = array_random(&random, (size_t)n, 1);
                double *before = array_doubles(dy, (size_t)n);
                uint8_t keep[MOST + 8];
                memset(keep, 7, sizeof keep);
                kernels_at(k)->dropout.forward(n, p, &rng, counter, x, y, keep);
                kernels_at(k)->dropout.backward(n, p, keep, dy);
                for (int u = 0; u < n; u++) {
                    const double factor = keep[u] / (1 - (double)p);
                    assert_true(keep[u] <= 1);
                    assert_true(fabs((double)y[u] - (double)x[u] * factor) <=
                                3 * UNIT * fabs((double)x[u] * factor));
                    assert_true(fabs((double)dy[u] - before[u] * factor) <=
                                3 * UNIT * fabs(before[u] * factor));
                }
                for (size_t u = (size_t)n; u < sizeof keep; u++)
                    assert_int_equal(keep[u], 7);
                free(before);
                array_free(x);
                array_free(y);
                array_free(dy);
            }
}

static void draw(const struct kernels *kernels, const struct rng *from, int n, double p,
                 const uint32_t counter[4], uint8_t *keep)
{
    real x[MOST] = {0}, y[MOST];
    kernels->dropout.forward(n, (real)p, from, counter, x, y, keep);
}

/* Each unit is kept with probability 1 − p, wherever it stands: within five standard deviations. */
static void shares_are_right(void **state)
{
    (void)state;
    enum { ROWS = 400 };
    for (size_t r = 0; r < NUM_RATES; r++) {
        long all = 0;
        int unit[MOST] = {0};
        const double kept = 1 - rates[r], spread = sqrt(kept * rates[r]);
        for (uint32_t row = 0; row < ROWS; row++) {
            uint8_t keep[MOST];
            draw(kernels_at(0), &rng, MOST, rates[r], (uint32_t[4]){0, row, 0, 0}, keep);
            for (int u = 0; u < MOST; u++) {
                unit[u] += keep[u];
                all += keep[u];
            }
        }
        /* p is rounded to 1/65536 */
        assert_true(fabs((double)all / (ROWS * MOST) - kept) <=
                    5 * spread / sqrt(ROWS * MOST) + 1.0 / 65536);
        for (int u = 0; u < MOST; u++)
            assert_true(fabs((double)unit[u] / ROWS - kept) <= 5.5 * spread / sqrt(ROWS) + 0.01);
    }
}

/* Units are dropped independently: two of them agree as often as chance has it, however far apart
 * they stand. */
static void neighbours_are_independent(void **state)
{
    (void)state;
    enum { ROWS = 100, FAR = 20 };
    const double p = 0.3, chance = p * p + (1 - p) * (1 - p);
    int agree[FAR + 1] = {0};
    for (uint32_t row = 0; row < ROWS; row++) {
        uint8_t keep[MOST];
        draw(kernels_at(0), &rng, MOST, p, (uint32_t[4]){0, row, 1, 0}, keep);
        for (int lag = 1; lag <= FAR; lag++)
            for (int u = 0; u + FAR < MOST; u++)
                agree[lag] += keep[u] == keep[u + lag];
    }
    const double number = ROWS * (MOST - FAR);
    for (int lag = 1; lag <= FAR; lag++)
        assert_true(fabs(agree[lag] / number - chance) < 6 * sqrt(chance * (1 - chance) / number));
}

/* The mask is that of its key and counter: not of the engine, the length, or counter[0]. */
static void depends_on_the_counter_alone(void **state)
{
    (void)state;
    uint8_t first[MOST], other[MOST];
    const uint32_t counter[4] = {0, 5, 6, 7};
    draw(kernels_at(0), &rng, MOST, 0.5, counter, first);
    for (int k = 0; kernels_at(k); k++)
        for (int n = 1; n <= MOST; n += 37) {
            draw(kernels_at(k), &rng, n, 0.5, (uint32_t[4]){9, 5, 6, 7}, other);
            assert_memory_equal(first, other, (size_t)n);
        }
    for (int change = 0; change < 4; change++) {
        uint32_t changed[4] = {0, 5, 6, 7};
        struct rng source = rng;
        if (change < 3)
            changed[1 + change]++;
        else
            source.seed++;
        int same = 0;
        draw(kernels_at(0), &source, MOST, 0.5, changed, other);
        for (int u = 0; u < MOST; u++)
            same += first[u] == other[u];
        assert_true(abs(same - MOST / 2) < 5 * sqrt(MOST) / 2);
    }
}

/* A run that goes on on another machine drops the same units. */
static void is_the_same_on_every_machine(void **state)
{
    (void)state;
    uint8_t keep[MOST];
    uint64_t kept = 0;
    draw(kernels_at(0), &rng, MOST, 0.5, (uint32_t[4]){0, 5, 6, 7}, keep);
    for (int u = 0; u < 64; u++)
        kept |= (uint64_t)keep[u] << u;
    assert_true(kept == UINT64_C(0x20364d6dc1c68bd9));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mask_and_scale),
        cmocka_unit_test(shares_are_right),
        cmocka_unit_test(neighbours_are_independent),
        cmocka_unit_test(depends_on_the_counter_alone),
        cmocka_unit_test(is_the_same_on_every_machine),
    };
    return cmocka_run_group_tests_name("dropout", tests, NULL, NULL);
}
