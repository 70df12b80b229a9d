#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "error.h"
#include "plan.h"
#include "random.h"
#include "scratch.h"

static struct plan everything_auto(void)
{
    return (struct plan){.cell = "lstm",
                         .num_layers = PLAN_AUTO,
                         .hidden_size = PLAN_AUTO,
                         .batch_size = PLAN_AUTO,
                         .seq_length = PLAN_AUTO,
                         .dropout = PLAN_AUTO,
                         .max_epochs = PLAN_AUTO,
                         .schedule = {.rate = PLAN_AUTO},
                         .validate_every = 0};
}

/* Whatever the length of the text, what is chosen can be trained with. */
static void what_is_chosen_fits(void **state)
{
    (void)state;
    int hidden_size = 0;
    for (uint64_t training = 1; training < (uint64_t)1 << 40; training += 1 + training / 3) {
        struct plan plan = everything_auto();
        plan_model(&plan, training);
        plan_fit(&plan, training, training / 10, plan.hidden_size);
        assert_true(plan.num_layers >= 1);
        assert_true(plan.hidden_size >= hidden_size); /* longer texts get no smaller models */
        hidden_size = plan.hidden_size;
        assert_true(plan.batch_size >= 1 && plan.seq_length >= 1);
        assert_true((uint64_t)plan.seq_length <= training);
        assert_true((uint64_t)plan.batch_size <= training);
        assert_true(plan.dropout >= 0 && plan.dropout < 1);
        assert_true(plan.schedule.rate > 0 && plan.schedule.rate < 0.1);
        const uint64_t steps = plan_steps(&plan, training);
        assert_true(steps >= 1);
        const uint64_t lap = plan_validate_every(&plan, steps, training / 10);
        assert_true(lap >= 1 && lap <= (steps > 400 ? steps : 400) * 2);
    }
}

static void a_short_text_makes_the_batch_smaller(void **state)
{
    (void)state;
    for (uint64_t training = 1; training < 6000; training += 7) {
        struct plan plan = everything_auto();
        plan.batch_size = 50;
        plan.seq_length = 20;
        const bool shrunk = plan_fit(&plan, training, 0, 128);
        assert_int_equal(shrunk, plan.batch_size < 50 || plan.seq_length < 20);
        /* Each stream has two chunks, or there is one stream. */
        assert_true(plan.batch_size == 1 ||
                    (uint64_t)plan.batch_size * (uint64_t)plan.seq_length * 2 <= training);
        assert_true(plan.batch_size == 50 ||
                    (uint64_t)(plan.batch_size + 1) * (uint64_t)plan.seq_length * 2 > training);
        assert_int_equal(plan.seq_length, training < 20 ? training : 20);
    }
}

static void what_is_given_stays(void **state)
{
    (void)state;
    const struct plan given = {.cell = "lstm",
                               .num_layers = 3,
                               .hidden_size = 77,
                               .batch_size = 9,
                               .seq_length = 33,
                               .dropout = 0.25,
                               .max_epochs = 1.5,
                               .schedule = {.rate = 0.125},
                               .validate_every = 17};
    struct plan plan = given;
    plan_model(&plan, 1000000);
    plan_fit(&plan, 1000000, 100000, plan.hidden_size);
    assert_memory_equal(&plan, &given, sizeof plan);
    assert_int_equal(plan_validate_every(&plan, 1000, 5000), 17);
}

static void steps_are_the_least_of_the_limits(void **state)
{
    (void)state;
    struct plan plan = {.batch_size = 10, .seq_length = 10, .max_epochs = 2};
    assert_int_equal(plan_steps(&plan, 1000), 20);
    assert_int_equal(plan_steps(&plan, 1001), 21); /* the last one is begun */
    plan.max_steps = 15;
    assert_int_equal(plan_steps(&plan, 1000), 15);
    plan.max_steps = 500;
    assert_int_equal(plan_steps(&plan, 1000), 20);
    plan.max_epochs = 0;
    assert_int_equal(plan_steps(&plan, 1000), 500);
    plan.max_steps = 0;
    assert_int_equal(plan_steps(&plan, 1000), 0);
    plan.max_epochs = 1e-9;
    assert_int_equal(plan_steps(&plan, 1000), 1);
    plan.max_epochs = 1e30;
    assert_true(plan_steps(&plan, 1000) > (uint64_t)1 << 50);
}

/* A step and minute limit given alone takes the place of the number of epochs. */
static void another_limit_replaces_the_epochs(void **state)
{
    (void)state;
    struct plan plan = everything_auto();
    plan.max_steps = 7;
    plan_fit(&plan, 100000, 0, 128);
    assert_int_equal(plan_steps(&plan, 100000), 7);
    plan = everything_auto();
    plan.max_minutes = 3;
    plan_fit(&plan, 100000, 0, 128);
    assert_int_equal(plan_steps(&plan, 100000), 0);
}

/* Five validations or more take at most a twentieth of the time, and read the whole part if it is
 * small or they have the time. */
static void validations_take_little_time(void **state)
{
    (void)state;
    struct random random = {1, 0};
    int whole = 0;
    for (int round = 0; round < 10000; round++) {
        struct plan plan = everything_auto();
        const uint64_t training = (uint64_t)random_between(&random, 2000, 1e9),
                       validation = (uint64_t)pow(10, random_between(&random, 3, 8)),
                       total = (uint64_t)pow(10, random_between(&random, 0, 7));
        plan.max_minutes = round % 2;
        plan_fit(&plan, training, validation, 128);
        const uint64_t characters = plan_validation_characters(&plan, total, validation);
        const double lap = (double)plan_validate_every(&plan, total, characters);
        assert_true(lap >= 10);
        assert_true((double)total <= 41 * (lap + 1));
        assert_true(plan_validation_steps(&plan, characters) <= (lap + 1) / 20);
        assert_true(characters >= 1 && characters <= validation);
        whole += characters == validation;
        if (plan.max_minutes == 0 && validation <= PLAN_SMALL_PART)
            assert_int_equal(characters, validation);
        else if (characters > 5000) /* the fewest that are read */
            assert_true((double)total / lap > 4.9);
        if (characters < validation) /* the whole would have had no time */
            assert_true(20 * plan_validation_steps(&plan, validation) > (double)total / 5);
    }
    assert_true(whole > 1000 && whole < 9000);
}

/* 30 seconds of a network of 2 × 512 over 91 MB, which has ten million characters held out. */
static void a_validation_of_a_large_text(void **state)
{
    (void)state;
    struct plan plan = everything_auto();
    plan.max_minutes = 0.5;
    plan_fit(&plan, 82000000, 9100000, 512);
    const uint64_t characters = plan_validation_characters(&plan, 170, 9100000);
    print_message("# each validation reads %d characters\n", (int)characters);
    assert_in_range(characters, 5000, 20000);
    plan.validate_every = 1000; /* its share of a thousand steps */
    assert_in_range(plan_validation_characters(&plan, 170, 9100000), 150000, 250000);
}

static void a_plan_comes_back(void **state)
{
    (void)state;
    const struct plan plan = {.batch_size = 12,
                              .seq_length = 34,
                              .dropout = 1.0 / 3,
                              .max_epochs = 2.7,
                              .max_steps = (uint64_t)1 << 59,
                              .max_minutes = 0.1,
                              .schedule = {SCHEDULE_STEP, 1e-3, 55},
                              .optim = {OPTIM_RMSPROP, 0.01, 5.5, 0.7},
                              .precision = PRECISION_BF16,
                              .seed = UINT32_MAX,
                              .val_fraction = 0.1,
                              .val_required = 1,
                              .validate_every = 17,
                              .save_every = 2,
                              .patience = 10};
    struct plan loaded = {0};
    struct safetensors_out *out = safetensors_out_new();
    plan_save(&plan, out);
    assert_int_equal(safetensors_save(out, scratch_path("plan")), 0);
    safetensors_out_free(out);
    struct safetensors *in = safetensors_load(scratch_path("plan"));
    assert_int_equal(plan_load(&loaded, in), 0);
    safetensors_free(in);
    assert_memory_equal(&loaded, &plan, sizeof plan);

    /* what no plan can be is refused */
    struct plan wrong[] = {plan, plan, plan, plan, plan, plan};
    wrong[0].batch_size = 0;
    wrong[1].val_fraction = NAN;
    wrong[2].optim.kind = (enum optim_kind)77;
    wrong[3].max_epochs = -1;
    wrong[4].schedule.rate = INFINITY;
    wrong[5].precision = PRECISION_INT8; /* is not to train */
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        out = safetensors_out_new();
        plan_save(&wrong[k], out);
        assert_int_equal(safetensors_save(out, scratch_path("wrong")), 0);
        safetensors_out_free(out);
        in = safetensors_load(scratch_path("wrong"));
        assert_int_equal(plan_load(&loaded, in), -1);
        assert_non_null(strstr(error_message(), "damaged"));
        safetensors_free(in);
    }

    struct safetensors_out *empty = safetensors_out_new();
    assert_int_equal(safetensors_save(empty, scratch_path("empty")), 0);
    safetensors_out_free(empty);
    in = safetensors_load(scratch_path("empty"));
    assert_int_equal(plan_load(&loaded, in), -1);
    safetensors_free(in);
}

static struct plan finished_plan(void)
{
    struct plan plan = everything_auto();
    plan.max_steps = 40;
    plan.save_every = 2;
    plan.patience = 10;
    plan_fit(&plan, 100000, 10000, 128);
    return plan;
}

static void what_is_not_changed_stays(void **state)
{
    (void)state;
    char text[300] = "x";
    struct plan plan = finished_plan();
    const struct plan before = plan;
    assert_false(plan_change(&plan, &plan_unchanged, text, sizeof text));
    assert_string_equal(text, "");
    assert_memory_equal(&plan, &before, sizeof plan);
    struct plan same = plan_unchanged; /* the value that it has */
    same.patience = 10;
    same.dropout = plan.dropout;
    assert_false(plan_change(&plan, &same, text, sizeof text));
    assert_string_equal(text, "");
}

static void a_plan_is_changed(void **state)
{
    (void)state;
    char text[300];
    struct plan plan = finished_plan(), changes = plan_unchanged;
    changes.schedule.rate = 0.003;
    changes.dropout = 0;
    changes.validate_every = 17;
    changes.save_every = 0;
    changes.patience = 0;
    assert_false(plan_change(&plan, &changes, text, sizeof text));
    assert_string_equal(text,
                        "learning-rate 0.01 to 0.003, dropout 0.1 to 0, validate-every 0 to 17, "
                        "save-every 2 to 0, patience 10 to 0");
    assert_true(plan.schedule.rate == 0.003 && plan.dropout == 0 && plan.save_every == 0);
    assert_true(plan.validate_every == 17 && plan.patience == 0 && plan.max_steps == 40);

    changes = plan_unchanged;
    changes.max_minutes = 5;
    assert_true(plan_change(&plan, &changes, text, sizeof text));
    assert_string_equal(text, "max-steps 40 to none, max-minutes none to 5");
    assert_true(plan_change(&plan, &changes, text, sizeof text)); /* five more */
    assert_string_equal(text, "max-minutes 5 to 5");
    changes = plan_unchanged;
    changes.max_epochs = 2.5;
    assert_true(plan_change(&plan, &changes, text, sizeof text));
    assert_string_equal(text, "max-epochs none to 2.5, max-minutes 5 to none");
    assert_true(plan.max_epochs == 2.5 && plan.max_minutes == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_chosen_fits),
        cmocka_unit_test(a_short_text_makes_the_batch_smaller),
        cmocka_unit_test(what_is_given_stays),
        cmocka_unit_test(steps_are_the_least_of_the_limits),
        cmocka_unit_test(another_limit_replaces_the_epochs),
        cmocka_unit_test(validations_take_little_time),
        cmocka_unit_test(a_validation_of_a_large_text),
        cmocka_unit_test(what_is_not_changed_stays),
        cmocka_unit_test(a_plan_is_changed),
        cmocka_unit_test(a_plan_comes_back),
    };
    return cmocka_run_group_tests_name("plan", tests, scratch_make, scratch_remove);
}
