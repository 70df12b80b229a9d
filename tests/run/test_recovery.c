/* Detection of divergence, as opposed to a difficult passage or overfitting. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "trainer.h"

#define INTERVAL 100
#define VOCAB 65 /* uniform guessing: 4.17 nats */

static struct trainer new_trainer(uint64_t validation)
{
    struct trainer trainer = {0};
    trainer.model.vocab_size = VOCAB;
    trainer.corpus.validation.length = validation;
    trainer.plan.schedule.warmup = 20;
    trainer.validate_every = INTERVAL;
    trainer.progress.recovery = recovery_init();
    trainer.progress.best_loss = INFINITY;
    return trainer;
}

/* Takes steps with the same loss. Returns the worst verdict, and its first step in *at. */
static enum verdict take_steps(struct trainer *trainer, int steps, double loss, uint64_t *at)
{
    enum verdict worst = VERDICT_OK;
    for (int k = 0; k < steps; k++) {
        trainer->progress.step++;
        const enum verdict verdict = recovery_check_step(trainer, loss, 1);
        if (verdict > worst) {
            worst = verdict;
            *at = trainer->progress.step;
        }
    }
    return worst;
}

static void training_as_usual_is_sound(void **state)
{
    (void)state;
    for (uint64_t validation = 0; validation <= 5000; validation += 5000) {
        struct trainer trainer = new_trainer(validation);
        uint64_t at;
        for (int k = 0; k < 100; k++)
            assert_int_equal(
                take_steps(&trainer, 10, 1.5 + 3 * exp(-k / 20.0) + 0.3 * (k % 2), &at),
                VERDICT_OK);
        assert_true(recovery_rate(&trainer) == 1);
        assert_int_equal(trainer.progress.recovery.requested_step, 0);
    }
}

/* At the start the loss may rise before it falls, or stay constant at a very low rate. */
static void a_start_is_no_divergence(void **state)
{
    (void)state;
    struct trainer trainer = new_trainer(0);
    uint64_t at;
    assert_int_equal(take_steps(&trainer, 1, 4.3, &at), VERDICT_OK);
    assert_int_equal(take_steps(&trainer, 49, 9.0, &at), VERDICT_OK);
    assert_int_equal(take_steps(&trainer, 1000, 4.3, &at), VERDICT_OK);
}

static void what_is_not_finite_diverges_at_once(void **state)
{
    (void)state;
    struct trainer trainer = new_trainer(5000);
    assert_int_equal(recovery_check_step(&trainer, (double)NAN, 1), VERDICT_DIVERGED);
    assert_int_equal(recovery_check_step(&trainer, 2, (double)INFINITY), VERDICT_DIVERGED);
    assert_true(recovery_confirm(&trainer, (double)NAN, 2));
}

static void a_jump_requests_a_validation(void **state)
{
    (void)state;
    struct trainer trainer = new_trainer(5000);
    uint64_t at = 0;
    assert_int_equal(take_steps(&trainer, 500, 1.5, &at), VERDICT_OK);
    trainer.progress.best_loss = 1.7;
    assert_int_equal(take_steps(&trainer, INTERVAL, 2.5, &at), VERDICT_OK);
    assert_int_equal(trainer.progress.recovery.requested_step, 550);
    assert_false(recovery_confirm(&trainer, 1.75, 2.4)); /* a difficult passage */
    assert_true(recovery_confirm(&trainer, 2.4, 2.4));
    /* A long passage repeats the request, but not at each block. */
    assert_int_equal(take_steps(&trainer, 449, 2.5, &at), VERDICT_OK);
    assert_int_equal(trainer.progress.recovery.requested_step, 550);
    assert_int_equal(take_steps(&trainer, 1, 2.5, &at), VERDICT_OK);
    assert_int_equal(trainer.progress.recovery.requested_step, 1050);
}

/* When a model overfits, its validation loss rises without limit. */
static void overfitting_is_no_divergence(void **state)
{
    (void)state;
    struct trainer trainer = new_trainer(5000);
    uint64_t at;
    assert_int_equal(take_steps(&trainer, 500, 0.2, &at), VERDICT_OK);
    trainer.progress.best_loss = 1.9;
    assert_false(recovery_confirm(&trainer, 6.0, 0.2));
    assert_true(recovery_confirm(&trainer, 6.0, 5.0));
}

static void without_a_validation_part_it_takes_two_blocks(void **state)
{
    (void)state;
    struct trainer trainer = new_trainer(0);
    uint64_t at = 0;
    assert_int_equal(take_steps(&trainer, 500, 1.5, &at), VERDICT_OK);
    assert_int_equal(take_steps(&trainer, 50, 6, &at), VERDICT_OK);
    assert_int_equal(take_steps(&trainer, 50, 1.5, &at), VERDICT_OK);
    assert_int_equal(take_steps(&trainer, 200, 6, &at), VERDICT_DIVERGED);
    assert_int_equal(at, 700);
}

static void the_rate_rises_anew(void **state)
{
    (void)state;
    struct trainer trainer = new_trainer(0);
    trainer.progress.step = trainer.progress.recovery.restored_step = 1000;
    trainer.progress.recovery.scale = 0.25;
    double before = 0;
    for (; trainer.progress.step < 1050; trainer.progress.step++) {
        const double rate = recovery_rate(&trainer);
        assert_true(rate > before && rate < 0.25);
        before = rate;
    }
    assert_true(recovery_rate(&trainer) == 0.25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(training_as_usual_is_sound),
        cmocka_unit_test(a_start_is_no_divergence),
        cmocka_unit_test(what_is_not_finite_diverges_at_once),
        cmocka_unit_test(a_jump_requests_a_validation),
        cmocka_unit_test(overfitting_is_no_divergence),
        cmocka_unit_test(without_a_validation_part_it_takes_two_blocks),
        cmocka_unit_test(the_rate_rises_anew),
    };
    return cmocka_run_group_tests_name("recovery", tests, NULL, NULL);
}
