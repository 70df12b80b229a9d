#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "schedule.h"

static void near(double got, double right)
{
    assert_true(fabs(got - right) <= 1e-12 * fabs(right));
}

static void cosine(void **state)
{
    (void)state;
    const struct schedule schedule = {SCHEDULE_COSINE, 0.01, 0};
    near(schedule_rate(&schedule, 0, 1000), 0.01);
    near(schedule_rate(&schedule, 500, 1000), 0.01 * 0.51);
    near(schedule_rate(&schedule, 250, 1000), 0.01 * (0.02 + 0.98 * (1 + sqrt(0.5)) / 2));
    near(schedule_rate(&schedule, 1000, 1000), 0.01 * 0.02);
    near(schedule_rate(&schedule, 5000, 1000), 0.01 * 0.02); /* beyond the end */
    for (uint64_t step = 1; step < 1000; step++)
        assert_true(schedule_rate(&schedule, step, 1000) <
                    schedule_rate(&schedule, step - 1, 1000));
}

static void steps(void **state)
{
    (void)state;
    const struct schedule schedule = {SCHEDULE_STEP, 0.2, 0};
    near(schedule_rate(&schedule, 599, 1000), 0.2);
    near(schedule_rate(&schedule, 600, 1000), 0.02);
    near(schedule_rate(&schedule, 849, 1000), 0.02);
    near(schedule_rate(&schedule, 850, 1000), 0.002);
    near(schedule_rate(&schedule, 999, 1000), 0.002);
}

static void constant(void **state)
{
    (void)state;
    const struct schedule schedule = {SCHEDULE_CONSTANT, 0.3, 0};
    near(schedule_rate(&schedule, 0, 10), 0.3);
    near(schedule_rate(&schedule, 9, 10), 0.3);
}

/* The rate rises by equal parts, is never 0, and reaches its height where the decay begins. */
static void warmup(void **state)
{
    (void)state;
    for (int kind = SCHEDULE_COSINE; kind <= SCHEDULE_CONSTANT; kind++) {
        const struct schedule schedule = {(enum schedule_kind)kind, 1, 4};
        for (uint64_t step = 0; step < 4; step++)
            near(schedule_rate(&schedule, step, 104), 0.2 * (double)(step + 1));
        near(schedule_rate(&schedule, 4, 104), 1);
    }
    const struct schedule schedule = {SCHEDULE_COSINE, 1, 4};
    near(schedule_rate(&schedule, 54, 104), 0.51); /* half of what is behind the warm-up */
    near(schedule_rate(&schedule, 3, 2), 0.8);     /* a run shorter than its warm-up */
    near(schedule_rate(&schedule, 5, 2), 1);
}

static void unknown_length(void **state)
{
    (void)state;
    for (int kind = SCHEDULE_COSINE; kind <= SCHEDULE_CONSTANT; kind++)
        for (uint64_t step = 0; step < 1000000; step += 99999)
            near(schedule_rate(&(struct schedule){(enum schedule_kind)kind, 0.5, 0}, step, 0), 0.5);
}

/* With a time limit: what is done is given, and warm-up takes at most a tenth of the run. */
static void timed(void **state)
{
    (void)state;
    const struct schedule cosine = {SCHEDULE_COSINE, 1, 4}, long_warmup = {SCHEDULE_STEP, 1, 1000};
    near(schedule_rate_timed(&cosine, 0, 0), 0.2);
    near(schedule_rate_timed(&cosine, 4, 0), 1);
    near(schedule_rate_timed(&cosine, 77, 0.5), 0.51);
    near(schedule_rate_timed(&cosine, 78, 1), 0.02);
    near(schedule_rate_timed(&long_warmup, 0, 0), 1.0 / 1001);
    near(schedule_rate_timed(&long_warmup, 3, 0.05), 0.5);
    near(schedule_rate_timed(&long_warmup, 7, 0.1), 1);
    near(schedule_rate_timed(&long_warmup, 8, 0.7), 0.1);
    near(schedule_rate_timed(&long_warmup, 9, 1), 0.01);
    near(schedule_rate_timed(&(struct schedule){SCHEDULE_CONSTANT, 0.5, 0}, 9, 1), 0.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cosine), cmocka_unit_test(steps),          cmocka_unit_test(constant),
        cmocka_unit_test(warmup), cmocka_unit_test(unknown_length), cmocka_unit_test(timed),
    };
    return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}
