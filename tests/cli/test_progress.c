/* What the progress says, at times that a simulated clock tells. */
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "progress.h"
#include "scratch.h"

static double seconds;

/* Replaces the function of the C library. NOLINTNEXTLINE: its parameters have reserved names. */
int clock_gettime(clockid_t clock, struct timespec *time)
{
    (void)clock;
    *time = (struct timespec){.tv_sec = (time_t)seconds};
    return 0;
}

/* A run without a model, 1000 characters into 2000. */
static struct trainer new_trainer(void)
{
    struct trainer trainer = {.train_loss = NAN, .val_loss = NAN};
    trainer.rundir.path = (char *)"nowhere"; /* no curve is drawn */
    trainer.plan = (struct plan){.batch_size = 10, .seq_length = 10, .max_steps = 20};
    trainer.corpus.training.length = 1000;
    trainer.progress = (struct train_progress){.step = 10, .total_steps = 20, .characters = 1000};
    trainer.progress.since_row = (struct loss_mean){10.957, 10};
    return trainer;
}

/* What `tell` prints on stderr. Valid until the next call. */
static const char *printed(void (*tell)(void *context, const struct trainer *trainer),
                           struct progress *progress, const struct trainer *trainer)
{
    static char text[2000];
    const char *path = scratch_path("stderr");
    const int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600), kept = dup(STDERR_FILENO);
    fflush(stderr);
    dup2(file, STDERR_FILENO);
    tell(progress, trainer);
    fflush(stderr);
    dup2(kept, STDERR_FILENO);
    close(kept);
    const ssize_t length = pread(file, text, sizeof text - 1, 0);
    close(file);
    text[length > 0 ? length : 0] = '\0';
    return text;
}

static void the_line_names_its_figures(void **state)
{
    (void)state;
    struct progress progress;
    struct trainer trainer = new_trainer();
    progress_init(&progress, false, 0);
    const struct train_observer observer = progress_observer(&progress);
    assert_string_equal(printed(observer.stepped, &progress, &trainer), ""); /* not yet */
    seconds += 20;
    assert_non_null(strstr(printed(observer.stepped, &progress, &trainer),
                           "epoch 1.00  step 10/20  train 1.0957 nats, 1.58 bits  "));

    /* The validation loss is that of an older step, and then of this one. */
    trainer.val_loss = 1.6761;
    trainer.progress.validated_step = 8;
    seconds += 20;
    assert_non_null(strstr(printed(observer.stepped, &progress, &trainer),
                           "  train 1.0957 · val 1.6761 nats, 2.42 bits (step 8)  "));
    trainer.progress.validated_step = 10;
    seconds += 20;
    assert_non_null(strstr(printed(observer.stepped, &progress, &trainer),
                           "  train 1.0957 · val 1.6761 nats, 2.42 bits  "));
}

static void the_time_left_is_that_of_the_limit(void **state)
{
    (void)state;
    struct progress progress;
    struct trainer trainer = new_trainer();
    trainer.plan.max_steps = 0;
    trainer.plan.max_minutes = 10;
    trainer.progress.pace.deadline = 600;
    trainer.clock.before = 100;
    trainer.clock.started = seconds;
    progress_init(&progress, false, 0);
    seconds += 75;
    const char *line = printed(progress_observer(&progress).stepped, &progress, &trainer);
    assert_non_null(
        strstr(line, "epoch 1.00  step 10  train")); /* no number of steps is promised */
    assert_non_null(strstr(line, "  7:05 left\n"));
}

static void the_end_is_named(void **state)
{
    (void)state;
    static const struct {
        double minutes;
        uint64_t steps;
        const char *line;
    } cases[] = {
        {1, 0, "until   1 minute is over\n"},
        {1.5, 0, "until   1.5 minutes are over\n"},
        {0, 20, "until   step 20 (2.0 epochs), validated every 7 steps\n"},
        {1, 20, "until   step 20 (2.0 epochs) or 1 minute is over\n"},
    };
    const struct engine *engine = engine_find(PRECISION_FP32);
    struct team *team = team_new(1);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct progress progress;
        struct trainer trainer = new_trainer();
        trainer.team = team;
        trainer.model.engine = engine;
        trainer.model.cell = engine->cells[0];
        trainer.plan.max_minutes = cases[k].minutes;
        trainer.plan.max_steps = cases[k].steps;
        trainer.validate_every = 7;
        progress_init(&progress, false, 0);
        assert_non_null(strstr(printed(progress_observer(&progress).started, &progress, &trainer),
                               cases[k].line));
    }
    team_free(team);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_line_names_its_figures),
        cmocka_unit_test(the_time_left_is_that_of_the_limit),
        cmocka_unit_test(the_end_is_named),
    };
    return cmocka_run_group_tests_name("progress", tests, scratch_make, scratch_remove);
}
