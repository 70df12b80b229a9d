#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "random.h"
#include "ranks.h"

#define MOST 3000

static float values[MOST], ranks[MOST];
static uint32_t order[MOST];
static uint64_t pairs[2 * MOST];

/* Numbers of all sizes and both signs; coarse ones come more than once. */
static void fill(struct random *random, size_t n, int coarse)
{
    for (size_t i = 0; i < n; i++) {
        const double x = random_between(random, -1, 1);
        values[i] = coarse ? (float)(int)(x * coarse) : (float)(x * x * x * x * x * 1e6);
    }
}

static void the_order_is_the_order(void **state)
{
    (void)state;
    struct random random = {1, 0};
    const size_t sizes[] = {0, 1, 2, 3, 100, MOST};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int coarse = 0; coarse < 8; coarse += 3) {
            const size_t n = sizes[i];
            fill(&random, n, coarse);
            ranks_order(values, n, order, pairs);
            for (size_t k = 0; k + 1 < n; k++) {
                const float a = values[order[k]], b = values[order[k + 1]];
                assert_true(a < b || (a == b && order[k] < order[k + 1]));
            }
        }
}

static void ranks_count_what_is_below_and_half_of_what_is_equal(void **state)
{
    (void)state;
    struct random random = {2, 0};
    const size_t n = 300;
    for (int coarse = 0; coarse < 8; coarse += 3) {
        fill(&random, n, coarse);
        ranks_order(values, n, order, pairs);
        ranks_centred(values, order, n, ranks);
        for (size_t i = 0; i < n; i++) {
            double below = 0;
            for (size_t k = 0; k < n; k++)
                below += values[k] < values[i] ? 1 : values[k] == values[i] ? 0.5 : 0;
            assert_float_equal(ranks[i], (float)(below / (double)n - 0.5), 1e-6);
        }
    }
}

/* Bins of n values; their sizes in counts[RANKS_BINS]. */
static struct bins bins_of(size_t n, int most, size_t *counts)
{
    static uint8_t places[MOST];
    struct bins bins;
    ranks_order(values, n, order, pairs);
    bins_fit(&bins, values, order, n, most);
    bins_place(&bins, values, n, places);
    for (size_t i = 0; i < RANKS_BINS; i++)
        counts[i] = 0;
    for (size_t i = 0; i < n; i++) {
        assert_true(places[i] < bins.count);
        counts[places[i]]++;
        for (int edge = 0; edge < bins.count - 1; edge++)
            assert_int_equal(values[i] >= bins.edges[edge], places[i] > edge);
    }
    return bins;
}

static void bins_of_different_values_are_of_one_size(void **state)
{
    (void)state;
    struct random random = {3, 0};
    for (size_t n = 16; n <= MOST; n += 371)
        for (int most = 1; most <= RANKS_BINS; most++) {
            size_t counts[RANKS_BINS];
            fill(&random, n, 0);
            assert_int_equal(bins_of(n, most, counts).count, most);
            for (size_t i = 0; i < (size_t)most; i++)
                assert_in_range(counts[i], n / (size_t)most, n / (size_t)most + 1);
        }
}

static void a_frequent_value_has_its_own_bin(void **state)
{
    (void)state;
    size_t counts[RANKS_BINS];
    for (size_t i = 0; i < 1000; i++) /* 20 of −1, 900 of 0, 60 of 1, 20 of 2 */
        values[i] = i < 20 ? -1 : i < 920 ? 0 : i < 980 ? 1 : 2;
    assert_int_equal(bins_of(1000, 8, counts).count, 4);
    assert_int_equal(counts[0], 20);
    assert_int_equal(counts[1], 900);
    assert_int_equal(counts[2], 60);
    assert_int_equal(counts[3], 20);
    for (size_t i = 0; i < 1000; i++)
        values[i] = i == 500; /* of a binary label, however rare */
    assert_int_equal(bins_of(1000, 2, counts).count, 2);
    assert_int_equal(counts[1], 1);
    for (size_t i = 0; i < 1000; i++)
        values[i] = 7;
    assert_int_equal(bins_of(1000, 8, counts).count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_order_is_the_order),
        cmocka_unit_test(ranks_count_what_is_below_and_half_of_what_is_equal),
        cmocka_unit_test(bins_of_different_values_are_of_one_size),
        cmocka_unit_test(a_frequent_value_has_its_own_bin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
