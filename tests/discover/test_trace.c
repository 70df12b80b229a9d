#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "error.h"
#include "rng.h"
#include "trace.h"

static const char *const quantities[] = {"h", "c", "i", "f", "g", "o"};

#define LENGTH 1000
#define SIGNALS 5
static const struct trace_signal signals[SIGNALS] = {
    {0, 0, 0}, {0, 1, 37}, {1, 0, 2}, {5, 1, 511}, {0, 0, 4},
};

/* 0: all 0; 1: ±0.5 in turns; 2: 100 ± 1, large but steady; 3: 0.25 and −1 in turns; 4: random
 * within ±0.01. */
static void fill(struct trace *trace)
{
    const struct rng rng = {7, RNG_TEST};
    assert_int_equal(trace_init(trace, LENGTH, signals, SIGNALS, NULL), 0);
    trace->quantities = quantities;
    trace->num_quantities = 6;
    for (uint32_t t = 0; t < LENGTH; t++) {
        float sign = t % 2 ? -1 : 1;
        *trace_place(trace, 1, t) = sign / 2;
        *trace_place(trace, 2, t) = 100 + sign;
        *trace_place(trace, 3, t) = t % 2 ? -1 : 0.25F;
        *trace_place(trace, 4, t) = (float)(rng_uniform(&rng, (uint32_t[4]){t}) - 0.5) / 50;
        trace->losses[t] = (float)t;
    }
}

static void starts_zeroed_and_keeps_its_signals(void **state)
{
    (void)state;
    struct trace trace = {0};
    assert_int_equal(trace_init(&trace, LENGTH, signals, SIGNALS, NULL), 0);
    assert_int_equal(trace.length, LENGTH);
    assert_int_equal(trace.num_signals, SIGNALS);
    assert_memory_equal(trace.signals, signals, sizeof signals);
    for (size_t i = 0; i < LENGTH * SIGNALS; i++)
        assert_true(trace.values[i] == 0);
    trace.guesses[LENGTH * TRACE_GUESSES - 1].id = 1;
    trace.losses[LENGTH - 1] = 1;
    trace.ids[LENGTH - 1] = 1;
    trace_release(&trace);
    assert_null(trace.values);
    trace_release(&trace);
}

static void a_trace_without_text_or_signals_is_one(void **state)
{
    (void)state;
    struct trace trace = {0};
    assert_int_equal(trace_init(&trace, 0, NULL, 0, NULL), 0);
    assert_true(trace_mean_loss(&trace) == 0);
    assert_int_equal(trace_most_varying(&trace, 3, NULL), 0);
    trace_release(&trace);
}

static void too_large_a_trace_is_refused(void **state)
{
    (void)state;
    struct trace trace = {0};
    assert_int_equal(trace_init(&trace, SIZE_MAX / 4, signals, SIGNALS, NULL), -1);
    assert_non_null(strstr(error_message(), "5 signals"));
    assert_null(trace.values);
    assert_int_equal(trace_init(&trace, SIZE_MAX / 64, signals, 1, NULL), -1);
    assert_non_null(strstr(error_message(), "shorter text"));
    assert_null(trace.ids);
}

#define MANY 33000 /* signals: of two blocks too many for memory */

static void fill_many(struct trace *trace, const struct trace_signal *many, const char *temp_path)
{
    assert_int_equal(trace_init(trace, TRACE_BLOCK + 100, many, MANY, temp_path), 0);
    for (size_t s = 0; s < MANY; s += 7)
        for (size_t t = 0; t < trace->length; t++)
            *trace_place(trace, s, t) = (float)(s % 100) * (float)((t * s) % 11) - (float)t;
    for (size_t t = 0; t < trace->length; t++) {
        trace->ids[t] = trace->ranks[t] = (int32_t)t;
        trace->losses[t] = (float)t;
        for (int k = 0; k < TRACE_GUESSES; k++)
            trace->guesses[t * TRACE_GUESSES + (size_t)k] = (struct trace_guess){k, (float)t};
    }
    trace_drop(trace, 0, trace->length);
}

static void check_same_rows(const struct trace *a, const struct trace *b)
{
    const size_t length = a->length;
    assert_memory_equal(a->ids, b->ids, length * sizeof *a->ids);
    assert_memory_equal(a->ranks, b->ranks, length * sizeof *a->ranks);
    assert_memory_equal(a->losses, b->losses, length * sizeof *a->losses);
    assert_memory_equal(a->guesses, b->guesses, length * TRACE_GUESSES * sizeof *a->guesses);
}

static void a_trace_in_a_file_is_the_same(void **state)
{
    (void)state;
    static struct trace_signal many[MANY];
    static float values[2][TRACE_BLOCK + 100];
    static size_t order[2][MANY];
    struct trace traces[2] = {0}; /* in memory, and in a file */
    fill_many(&traces[0], many, NULL);
    fill_many(&traces[1], many, "/tmp/rune-test-trace");
    assert_false(traces[0].mapping.in_file);
    assert_true(traces[1].mapping.in_file);
    check_same_rows(&traces[0], &traces[1]);
    for (int k = 0; k < 2; k++)
        assert_int_equal(trace_most_varying(&traces[k], MANY, order[k]), MANY);
    assert_memory_equal(order[0], order[1], sizeof order[0]);
    for (size_t s = 0; s < MANY; s++) {
        const size_t start = s % 300, count = traces[0].length - start - s % 50;
        for (int k = 0; k < 2; k++)
            trace_read(&traces[k], s, start, count, values[k]);
        assert_memory_equal(values[0], values[1], count * sizeof values[0][0]);
        assert_true(values[1][count - 1] == *trace_place(&traces[1], s, start + count - 1));
        if (s % 97 == 0)
            assert_true(trace_range(&traces[1], s) == trace_range(&traces[0], s));
    }
    trace_release(&traces[0]);
    trace_release(&traces[1]);
}

static void a_file_that_cannot_be_made_is_an_error(void **state)
{
    (void)state;
    static struct trace_signal many[MANY];
    struct trace trace = {0};
    assert_int_equal(trace_init(&trace, 1000, many, MANY, "/nowhere/at/all"), -1);
    assert_non_null(strstr(error_message(), "/nowhere/at/all: 135221248 bytes"));
    assert_non_null(strstr(error_message(), "1000 characters and 33000 signals"));
    assert_null(trace.signals);
}

static void range_is_the_largest_magnitude(void **state)
{
    (void)state;
    static const float expected[4] = {1, 0.5F, 101, 1}; /* of no signal is it 0 */
    struct trace trace = {0};
    fill(&trace);
    *trace_place(&trace, 1, 3) = NAN;
    *trace_place(&trace, 1, 4) = -INFINITY;
    for (size_t s = 0; s < 4; s++)
        assert_true(trace_range(&trace, s) == expected[s]);
    trace_release(&trace);
}

static void a_few_outliers_do_not_widen_the_range(void **state)
{
    (void)state;
    struct trace trace = {0};
    fill(&trace);
    for (size_t t = 100; t < 104; t++) /* 0.4 % */
        *trace_place(&trace, 1, t) = -40;
    assert_true(fabsf(trace_range(&trace, 1) - 0.6F) < 0.1F); /* within a bin of 40/1024 */
    *trace_place(&trace, 1, 100) = -0.55F;
    *trace_place(&trace, 1, 101) = *trace_place(&trace, 1, 102) = *trace_place(&trace, 1, 103) = 0;
    assert_true(trace_range(&trace, 1) == 0.55F);
    for (size_t t = 100; t < 200; t++) /* 10 %: no outliers */
        *trace_place(&trace, 1, t) = 40;
    assert_true(trace_range(&trace, 1) == 40);
    for (size_t t = 0; t < LENGTH; t++) /* near the upper end of a bin */
        *trace_place(&trace, 1, t) = t > 0 ? 0.7507F : 1;
    assert_true(trace_range(&trace, 1) > 1.2F * 0.7507F);
    trace_release(&trace);
}

static void what_varies_most_comes_first(void **state)
{
    (void)state;
    struct trace trace = {0};
    size_t order[SIGNALS + 2] = {9, 9, 9, 9, 9, 9, 9};
    const size_t expected[SIGNALS] = {1, 3, 4, 2, 0};
    fill(&trace);
    *trace_place(&trace, 2, 0) = NAN; /* one bad value does not decide */
    assert_int_equal(trace_most_varying(&trace, SIGNALS + 2, order), SIGNALS);
    assert_memory_equal(order, expected, sizeof expected);
    assert_int_equal(order[SIGNALS], 9);
    order[2] = 9;
    assert_int_equal(trace_most_varying(&trace, 2, order), 2);
    assert_memory_equal(order, expected, 2 * sizeof *order);
    assert_int_equal(order[2], 9);
    trace_release(&trace);
}

static void signals_have_names(void **state)
{
    (void)state;
    struct trace trace = {0};
    char name[16], small[4];
    fill(&trace);
    assert_string_equal(trace_signal_name(&trace, 1, name, sizeof name), "h 1:37");
    assert_string_equal(trace_signal_name(&trace, 3, name, sizeof name), "o 1:511");
    assert_string_equal(trace_signal_name(&trace, 3, small, sizeof small), "o 1");
    trace_release(&trace);
}

static void mean_loss_is_the_mean(void **state)
{
    (void)state;
    struct trace trace = {0};
    fill(&trace);
    assert_true(trace_mean_loss(&trace) == (LENGTH - 1) / 2.0);
    trace_release(&trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_zeroed_and_keeps_its_signals),
        cmocka_unit_test(a_trace_without_text_or_signals_is_one),
        cmocka_unit_test(too_large_a_trace_is_refused),
        cmocka_unit_test(a_trace_in_a_file_is_the_same),
        cmocka_unit_test(a_file_that_cannot_be_made_is_an_error),
        cmocka_unit_test(range_is_the_largest_magnitude),
        cmocka_unit_test(a_few_outliers_do_not_widen_the_range),
        cmocka_unit_test(what_varies_most_comes_first),
        cmocka_unit_test(signals_have_names),
        cmocka_unit_test(mean_loss_is_the_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
