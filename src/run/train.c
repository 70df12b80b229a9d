#include "train.h"

#include <math.h>
#include <stdio.h>

#include "error.h"

/* Rows of the log per validation. */
#define ROWS_PER_VALIDATION 10

/* Steps in the first seconds of a session are not timed: memory is first touched then, which takes
 * time. */
#define UNTIMED_SECONDS 0.2

/* With a time limit, the number of steps is estimated once so many were timed, which took this
 * share of the limit or so many seconds. */
#define ESTIMATE_STEPS 3
#define ESTIMATE_SHARE 0.025
#define ESTIMATE_SECONDS 20.0

/* The run is saved before a validation that takes longer than this; seconds. */
#define LONG_VALIDATION 1.0

void train_step(struct member *member, void *argument)
{
    struct train_step *step = argument;
    model_forward(member, step->tape, step->reset, step->seed, step->step);
    model_loss(member, step->tape, step->targets);
    model_backward(member, step->tape, step->targets);
    const bool stopped = team_agree_to_stop(member);
    if (member->rank == 0)
        step->stopped = stopped;
    if (stopped)
        return;
    optimizer_step(member, step->optimizer, step->model, step->tape, step->update, step->rate);
    model_pack(member, step->model);
}

static bool is_timed(const struct trainer *trainer)
{
    return trainer->plan.max_minutes > 0;
}

static uint64_t max_steps(const struct trainer *trainer)
{
    return plan_steps(&trainer->plan, trainer->corpus.training.length);
}

/* The share of the steps that were left before the last step. */
static double share_of_steps(const struct trainer *trainer)
{
    const uint64_t most = max_steps(trainer), step = trainer->progress.step;
    return most == 0 ? 0 : most < step ? 1 : 1 / (double)(most - step + 1);
}

/* Updates progress and times after a step. */
static void record_step(struct trainer *trainer, double start)
{
    struct train_progress *progress = &trainer->progress;
    struct train_clock *clock = &trainer->clock;
    const double now = trainer_now(trainer);
    progress->step++;
    progress->grad_norm = trainer->optimizer.grad_norm;
    progress->characters += trainer->batch.num_targets;
    loss_mean_add(&progress->since_row, trainer->tape.loss);
    loss_mean_add(&progress->since_validation, trainer->tape.loss);
    trainer->model.step = progress->step;
    opening_count(&trainer->model.opening, trainer_epochs(trainer));
    trainer->model.val_loss = NAN;
    if (is_timed(trainer))
        pace_step(&progress->pace, clock->before + now - clock->started, share_of_steps(trainer));
    if (now - clock->trains_since > UNTIMED_SECONDS) {
        clock->step_seconds += now - start;
        clock->characters += trainer->batch.num_targets;
        clock->steps++;
    }
}

/* With a time limit, the number of steps is estimated once, and only for the validations: the
 * learning rate and the end go by the clock. */
static void estimate_total(struct trainer *trainer)
{
    const struct pace *pace = &trainer->progress.pace;
    const double step = pace_step_seconds(pace), left = pace_left(pace);
    const double steps = step > 0 && left > 0 ? fmin(left / step, 1e15) : 0;
    const uint64_t most = max_steps(trainer), total = trainer->progress.step + (uint64_t)steps;
    trainer_set_total(trainer, most > 0 && most < total ? most : total);
}

static bool knows_speed(const struct trainer *trainer)
{
    const struct pace *pace = &trainer->progress.pace;
    return trainer->progress.step >= ESTIMATE_STEPS &&
           pace->time >= fmin(ESTIMATE_SHARE * pace->limit, ESTIMATE_SECONDS);
}

/* A run with a time limit takes at least one step. */
static bool has_ended(struct trainer *trainer)
{
    const struct train_progress *progress = &trainer->progress;
    const struct plan *plan = &trainer->plan;
    const uint64_t most = max_steps(trainer);
    if (team_should_stop(trainer->team))
        trainer->end = TRAIN_INTERRUPTED;
    else if (most > 0 && progress->step >= most)
        trainer->end = TRAIN_COMPLETE;
    else if (is_timed(trainer) && progress->step > 0 && pace_is_over(&progress->pace))
        trainer->end = TRAIN_TIME_LIMIT;
    else if (plan->patience > 0 && progress->bad_validations >= (uint64_t)plan->patience)
        trainer->end = TRAIN_PATIENCE;
    return trainer->end != TRAIN_RUNNING;
}

/* Sets or clears the message of a failed write, and tells the user when the write first fails. */
static void record_failure(struct trainer *trainer, int result, char *message,
                           const char *consequence)
{
    if (result == 0) {
        message[0] = '\0';
        return;
    }
    if (!message[0] && trainer->end == TRAIN_RUNNING)
        trainer_note(trainer, "%s; %s", error_message(), consequence);
    snprintf(message, TRAIN_MESSAGE, "%s", error_message());
}

#define LOG_CONSEQUENCE "training continues, and the row is written later"

/* A failed save does not end the run: a full disk may have space at the next save. */
static void save(struct trainer *trainer)
{
    trainer->clock.saved = trainer_now(trainer);
    trainer->clock.saved_step = trainer->progress.step;
    record_failure(trainer, log_sync(&trainer->log), trainer->unlogged, LOG_CONSEQUENCE);
    trainer->progress.log_rows = trainer->log.rows; /* only rows that are on the disk */
    record_failure(trainer, trainer_save(trainer), trainer->unsaved,
                   "training continues, and the next save retries");
}

static int save_best(struct trainer *trainer)
{
    const int result = trainer_save_best(trainer);
    record_failure(trainer, result, trainer->unsaved_best,
                   "training continues, and the next better model is saved if possible");
    return result;
}

/* Saves the current model as the best. If that fails, best_loss stays that of the saved one, so
 * that the next model that is better than the saved one replaces it. */
static void record_best(struct trainer *trainer, double loss)
{
    struct train_progress *progress = &trainer->progress;
    const bool saved = save_best(trainer) == 0;
    progress->best_loss = saved ? loss : progress->best_loss;
    progress->unsaved_loss = saved ? (double)INFINITY : loss;
}

/* A resumed run retries to save a best model that could not be saved, if it is the current one. */
static void retry_best(struct trainer *trainer)
{
    struct train_progress *progress = &trainer->progress;
    if (isinf(progress->unsaved_loss) || progress->validated_step != progress->step)
        return;
    record_best(trainer, progress->unsaved_loss);
    save(trainer);
}

static void append_row(struct trainer *trainer, double val_loss)
{
    struct train_progress *progress = &trainer->progress;
    trainer->train_loss = loss_mean(&progress->since_row, trainer->train_loss);
    progress->since_row = (struct loss_mean){0};
    progress->log_step = progress->step;
    const struct log_row row = {
        .step = progress->step,
        .epoch = trainer_epochs(trainer),
        .seconds = trainer_seconds(trainer),
        .train_loss = trainer->train_loss,
        .val_loss = val_loss,
        .learning_rate = progress->rate,
        .grad_norm = progress->grad_norm,
        .chars_per_second = trainer_speed(trainer),
    };
    record_failure(trainer, log_append(&trainer->log, &row), trainer->unlogged, LOG_CONSEQUENCE);
    progress->log_rows = trainer->log.rows;
}

/* The loss by which the best model is selected: on the validation part, or, if nothing is held out,
 * the mean training loss since the last validation. Returns 0, EVALUATE_STOPPED, or −1 and a
 * message. */
static int selection_loss(struct trainer *trainer, double *loss)
{
    const struct train_progress *progress = &trainer->progress;
    struct evaluation evaluation;
    *loss = loss_mean(&progress->since_validation, 0);
    if (trainer->corpus.validation.length == 0)
        return 0;
    const int status = evaluate(&trainer->evaluator, &evaluation, NULL, NULL);
    if (status == 0)
        *loss = trainer->val_loss = trainer->model.val_loss = evaluation.loss;
    return status;
}

/* Ends a run that diverged too often. It is left with its best model, and can be resumed from
 * it. */
static int give_up(struct trainer *trainer)
{
    trainer->end = TRAIN_DIVERGED;
    if (isinf(trainer->progress.best_loss) && !trainer->init_from)
        save_best(trainer);
    save(trainer);
    recovery_set_error(trainer);
    return -1;
}

static int recover(struct trainer *trainer, double loss)
{
    const int status = recovery_restore(trainer, loss);
    if (status == RECOVERY_GIVEN_UP)
        return give_up(trainer);
    if (status == 0)
        save(trainer); /* a killed run is then resumed from the restored model */
    return status;
}

/* If the process is killed during a long validation, the steps before it are not lost. */
static void save_before_validation(struct trainer *trainer)
{
    const struct train_clock *clock = &trainer->clock;
    const double steps =
        plan_validation_steps(&trainer->plan, trainer->progress.validation_characters);
    if (clock->saved_step != trainer->progress.step &&
        (clock->steps == 0 || steps * clock->step_seconds / (double)clock->steps > LONG_VALIDATION))
        save(trainer);
}

/* Validates the model, records it if it is the best, and saves the run. If told to stop meanwhile,
 * it changes nothing. */
static int validate_now(struct trainer *trainer)
{
    struct train_progress *progress = &trainer->progress;
    const double train_loss = loss_mean(&progress->since_validation, (double)NAN);
    double loss;
    save_before_validation(trainer);
    const int status = selection_loss(trainer, &loss);
    if (status != 0)
        return status == EVALUATE_STOPPED ? 0 : -1;
    progress->validated_step = progress->step;
    if (recovery_confirm(trainer, loss, train_loss)) {
        append_row(trainer, isfinite(loss) ? trainer->val_loss : (double)NAN);
        return recover(trainer, loss);
    }
    progress->since_validation = (struct loss_mean){0};
    progress->bad_validations++;
    if (loss < progress->best_loss) {
        progress->bad_validations = 0;
        record_best(trainer, loss);
    }
    append_row(trainer, trainer->val_loss);
    save(trainer);
    if (trainer->observer.validated)
        trainer->observer.validated(trainer->observer.context, trainer);
    return 0;
}

static int validate(struct trainer *trainer)
{
    struct train_progress *progress = &trainer->progress;
    if (is_timed(trainer) && progress->total_steps == 0)
        estimate_total(trainer);
    const int result = validate_now(trainer);
    if (is_timed(trainer) && !team_should_stop(trainer->team))
        pace_validation(&progress->pace, trainer_seconds(trainer));
    return result;
}

/* With a time limit, an early validation tells how long the last one will take. */
static bool measures_validation(const struct trainer *trainer)
{
    return is_timed(trainer) && trainer->plan.validate_every == 0 &&
           trainer->progress.total_steps > 0 && trainer->progress.pace.validations == 0;
}

/* Validates, appends a row to the log, or saves, as each is due. */
static int periodic_tasks(struct trainer *trainer)
{
    const struct train_progress *progress = &trainer->progress;
    const uint64_t step = progress->step, interval = trainer->validate_every;
    const uint64_t rows = interval / ROWS_PER_VALIDATION > 0 ? interval / ROWS_PER_VALIDATION : 1;
    const bool due = interval > 0 && step % interval == 0 &&
                     (!is_timed(trainer) || pace_may_validate(&progress->pace)),
               requested = progress->recovery.requested_step == step;
    if (step > 0 && (due || requested || measures_validation(trainer)) &&
        progress->validated_step != step)
        return validate(trainer);
    if (step > 0 && interval > 0 && step % rows == 0 && progress->log_step != step)
        append_row(trainer, NAN);
    if (trainer_now(trainer) - trainer->clock.saved >= trainer->plan.save_every * 60)
        save(trainer);
    return 0;
}

static double scheduled_rate(const struct trainer *trainer)
{
    const struct train_progress *progress = &trainer->progress;
    const struct schedule *schedule = &trainer->plan.schedule;
    return is_timed(trainer) ? schedule_rate_timed(schedule, progress->step, progress->pace.done)
                             : schedule_rate(schedule, progress->step, progress->total_steps);
}

/* If told to stop meanwhile, it changes nothing. */
static int train_one_step(struct trainer *trainer)
{
    struct train_progress *progress = &trainer->progress;
    const double start = trainer_now(trainer);
    if (batch_next(&trainer->batch) < 0)
        return -1;
    progress->rate = recovery_rate(trainer) * scheduled_rate(trainer);
    struct train_step step = {
        .model = &trainer->model,
        .tape = &trainer->tape,
        .optimizer = &trainer->optimizer,
        .targets = trainer->batch.y,
        .reset = trainer->batch.reset,
        .seed = trainer->plan.seed,
        .step = progress->step,
        .update = progress->step - progress->recovery.restored_step + 1,
        .rate = progress->rate,
    };
    team_run(trainer->team, train_step, &step);
    if (step.stopped) {
        batch_undo(&trainer->batch);
        tape_undo(&trainer->tape);
        return 0;
    }
    record_step(trainer, start);
    if (is_timed(trainer) && progress->total_steps == 0 && knows_speed(trainer))
        estimate_total(trainer);
    const double loss = trainer->tape.loss;
    if (recovery_check_step(trainer, loss, trainer->optimizer.grad_norm) == VERDICT_DIVERGED &&
        recover(trainer, loss) != 0)
        return -1;
    if (trainer->observer.stepped)
        trainer->observer.stepped(trainer->observer.context, trainer);
    return 0;
}

/* An interrupted run is saved without a validation, so that the resumed run equals one that was not
 * interrupted. */
static void end_interrupted(struct trainer *trainer)
{
    if (isinf(trainer->progress.best_loss) && !trainer->init_from)
        save_best(trainer); /* there should be a model to sample from */
    if (trainer->clock.saved_step != trainer->progress.step || trainer->unsaved[0])
        save(trainer);
}

static int run_loop(struct trainer *trainer)
{
    while (!has_ended(trainer)) {
        if (periodic_tasks(trainer) != 0)
            return -1;
        if (!team_should_stop(trainer->team) && train_one_step(trainer) != 0)
            return -1;
    }
    if (trainer->end != TRAIN_INTERRUPTED &&
        trainer->progress.validated_step != trainer->progress.step) {
        if (validate(trainer) != 0)
            return -1;
        if (team_should_stop(trainer->team))
            trainer->end = TRAIN_INTERRUPTED;
    }
    const struct train_progress *progress = &trainer->progress;
    if (trainer->end == TRAIN_INTERRUPTED)
        end_interrupted(trainer);
    else if (progress->recovery.count > 0 && progress->recovery.restored_step == progress->step)
        return give_up(trainer); /* no steps are left after the last restore */
    else if (isinf(progress->best_loss) && isinf(progress->unsaved_loss))
        save_best(trainer); /* the file was lost */
    return 0;
}

int train_run(struct trainer *trainer, const atomic_bool *stop)
{
    trainer->clock.trains_since = trainer->clock.saved = trainer_now(trainer);
    pace_begin(&trainer->progress.pace, trainer_seconds(trainer));
    trainer->clock.first = trainer->progress.step;
    trainer->clock.saved_step = UINT64_MAX; /* the limits of this session are not saved yet */
    team_set_stop(trainer->team, stop);
    model_prepare(trainer->team, &trainer->model);
    if (trainer->observer.started)
        trainer->observer.started(trainer->observer.context, trainer);
    retry_best(trainer);
    if (run_loop(trainer) != 0)
        return -1;
    const char *const failure = trainer->unsaved[0]        ? trainer->unsaved
                                : trainer->unsaved_best[0] ? trainer->unsaved_best
                                                           : trainer->unlogged;
    return failure[0] ? error_set("%s; continue from the last save with --resume %s", failure,
                                  trainer->rundir.path)
                      : 0;
}
