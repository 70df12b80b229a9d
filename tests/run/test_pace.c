/* The time of a run on machines whose speed changes, which a simulated clock tells. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pace.h"
#include "random.h"
#include "schedule.h"

#define LIMIT 60.0
#define STEP 0.02 /* seconds, on the machine as it was at the start */
#define VALIDATION (40 * STEP)
#define READING 3.0

static const struct schedule schedule = {SCHEDULE_COSINE, 0.01, 100};

/* A machine that becomes slower or faster, and a run on it. */
struct machine {
    double changes_at, factor; /* from then on everything takes so many times longer */
    double noise;              /* a step takes up to so many times longer at random */
    double now;
    struct random random;
    uint64_t step, every;
    bool validated; /* after the last step */
    struct pace pace;
    double rate, longest; /* of the last step; the longest step */
};

static void work(struct machine *machine, double seconds)
{
    const double factor = machine->now >= machine->changes_at ? machine->factor : 1;
    machine->now += seconds * factor;
}

static void validate(struct machine *machine)
{
    work(machine, VALIDATION);
    pace_validation(&machine->pace, machine->now);
}

static void take_step(struct machine *machine)
{
    const double rate = schedule_rate_timed(&schedule, machine->step, machine->pace.done);
    const double before = machine->now, done = machine->pace.done;
    if (machine->step > schedule.warmup)
        assert_true(rate <= machine->rate); /* after warm-up it never jumps up */
    machine->rate = rate;
    work(machine,
         STEP * (1 + machine->noise * (double)random_below(&machine->random, 1000) / 1000));
    machine->step++;
    pace_step(&machine->pace, machine->now, 0);
    machine->longest = fmax(machine->longest, machine->now - before);
    assert_true(machine->pace.done >= done && machine->pace.done <= 1);
}

static void train(struct machine *machine)
{
    while (!pace_is_over(&machine->pace)) {
        take_step(machine);
        machine->validated =
            machine->step % machine->every == 0 && pace_may_validate(&machine->pace);
        if (machine->validated)
            validate(machine);
    }
    if (!machine->validated)
        validate(machine);
}

static struct machine new_machine(double changes_at, double factor, double noise)
{
    struct machine machine = {.changes_at = changes_at,
                              .factor = factor,
                              .noise = noise,
                              .random = {1, 0},
                              .every = 400,
                              .now = READING};
    pace_limit(&machine.pace, 0, LIMIT);
    pace_begin(&machine.pace, machine.now);
    pace_expect(&machine.pace, 10); /* far too few: the first validation corrects it */
    return machine;
}

/* It ends on time, its last validation included, and with the lowest rate. */
static void check_end(const struct machine *machine)
{
    print_message(
        "# %g times the duration from %g s on: ends at %.3f s, after %d steps, rate %.3g\n",
        machine->factor, machine->changes_at, machine->now, (int)machine->step, machine->rate);
    assert_true(machine->pace.done > 0.99);
    assert_true(machine->rate < 0.025 * schedule.rate); /* the lowest is 0.02 */
    assert_true(fabs(machine->now - LIMIT) <= 2 * machine->longest);
}

static void it_ends_on_time_at_any_speed(void **state)
{
    (void)state;
    static const double factors[] = {1, 4, 0.25, 0.05};
    for (size_t k = 0; k < sizeof factors / sizeof *factors; k++)
        for (int noise = 0; noise <= 3; noise += 3) {
            struct machine machine = new_machine(LIMIT / 2, factors[k], noise);
            train(&machine);
            check_end(&machine);
        }
}

/* The rate follows the time: half of what is left after reading is the middle of the schedule. */
static void the_rate_goes_by_time(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct machine machine = new_machine(READING, k == 0 ? 0.25 : 4, 0);
        machine.every = UINT64_MAX;
        while (machine.now < (READING + LIMIT) / 2)
            take_step(&machine);
        assert_true(fabs(machine.pace.done - 0.5) < 0.02);
    }
}

/* The machine is slower in the second half: its steps there make as much of the schedule as the
 * many ones of the first half. */
static void a_slower_machine_takes_larger_parts(void **state)
{
    (void)state;
    struct machine machine = new_machine(LIMIT / 2, 4, 0);
    train(&machine);
    const uint64_t steps = machine.step;
    machine = new_machine(LIMIT / 2, 1, 0);
    train(&machine);
    assert_true((double)steps < 0.7 * (double)machine.step);
    machine = new_machine(LIMIT / 2, 0.25, 0);
    train(&machine);
    assert_true(machine.step > 3 * steps);
}

/* What a run keeps is all that it needs, and the time when it was not running does not count. */
static void a_session_goes_on_where_the_last_one_stopped(void **state)
{
    (void)state;
    struct machine whole = new_machine(LIMIT / 2, 4, 0), cut = whole;
    train(&whole);
    while (cut.now < LIMIT / 3)
        take_step(&cut);
    const struct pace kept = cut.pace;
    cut = new_machine(LIMIT / 2, 4, 0);
    while (cut.now < LIMIT / 3)
        take_step(&cut);
    memcpy(&cut.pace, &kept, sizeof kept);
    pace_begin(&cut.pace, cut.now);
    assert_true(cut.pace.done == kept.done);
    train(&cut);
    check_end(&cut);

    /* Reading the text again takes time that is then not there for training. */
    cut = new_machine(INFINITY, 1, 0);
    while (cut.now < LIMIT / 3)
        take_step(&cut);
    const double done = cut.pace.done;
    cut.now += 10 * READING;
    pace_begin(&cut.pace, cut.now);
    assert_true(cut.pace.done == done);
    train(&cut);
    check_end(&cut);
}

/* A run that is prolonged is as if the part before had been the beginning of the longer one. */
static void a_run_is_prolonged(void **state)
{
    (void)state;
    struct machine machine = new_machine(INFINITY, 1, 0);
    train(&machine);
    const double end = machine.now;
    pace_limit(&machine.pace, machine.now, 2 * LIMIT);
    assert_true(fabs(machine.pace.done - end / (end + 2 * LIMIT)) < 1e-12);
    machine.rate = INFINITY;
    train(&machine);
    assert_true(machine.now <= end + 2 * LIMIT + 2 * STEP);
    assert_true(machine.now >= end + 2 * LIMIT - 2 * STEP);
    assert_true(machine.rate < 0.025 * schedule.rate);
}

/* The limit that ends the run first is the one that counts. */
static void another_limit_may_come_first(void **state)
{
    (void)state;
    struct pace pace = {0};
    double now = 0;
    pace_limit(&pace, 0, LIMIT);
    for (int step = 0; step < 100; step++) {
        now += STEP;
        pace_step(&pace, now, 1.0 / (100 - step));
        assert_true(fabs(pace.done - (step + 1) / 100.0) < 1e-9);
    }
    assert_false(pace_is_over(&pace));
}

/* A step that takes longer than all that is left ends the run. */
static void time_that_is_over(void **state)
{
    (void)state;
    struct pace pace = {0};
    pace_limit(&pace, 0, LIMIT);
    pace_begin(&pace, LIMIT + 1);
    assert_true(pace_is_over(&pace));
    pace_step(&pace, LIMIT + 2, 0);
    assert_true(pace.done == 1 && pace_is_over(&pace));
    pace_step(&pace, LIMIT + 3, 0);
    assert_true(pace.done == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_ends_on_time_at_any_speed),
        cmocka_unit_test(the_rate_goes_by_time),
        cmocka_unit_test(a_slower_machine_takes_larger_parts),
        cmocka_unit_test(a_session_goes_on_where_the_last_one_stopped),
        cmocka_unit_test(a_run_is_prolonged),
        cmocka_unit_test(another_limit_may_come_first),
        cmocka_unit_test(time_that_is_over),
    };
    return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
