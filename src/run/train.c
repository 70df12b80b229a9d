#include "train.h"

#include <math.h>
#include <stdio.h>

#include "clock.h"
#include "error.h"

/* Rows of the log for each validation. */
#define ROWS_A_LAP 10

/* The first steps touch fresh memory and are no measure; seconds. */
#define UNTIMED 0.2

/* Share of a time limit after which the number of steps is estimated, and share that is kept back
 * for saving and the unforeseen. */
#define ESTIMATE_AFTER 0.05
#define KEEP_BACK 0.05

/* Seconds of a validation before which the run is saved. */
#define LONG_VALIDATION 1.0

void train_step(struct member *member, void *argument)
{
    struct train_step *step = argument;
    model_forward(member, step->tape, step->reset, step->seed, step->step);
    model_loss(member, step->tape, step->targets);
    model_backward(member, step->tape, step->targets);
    const bool stopped = team_all_stop(member);
    if (member->rank == 0)
        step->stopped = stopped;
    if (stopped)
        return;
    optimizer_step(member, step->optimizer, step->model, step->tape, step->update, step->rate);
    model_pack(member, step->model);
}

/* Counts a step and what it took. */
static void record_step(struct trainer *trainer, double seconds)
{
    struct train_progress *progress = &trainer->progress;
    struct train_clock *clock = &trainer->clock;
    progress->step++;
    progress->grad_norm = trainer->optimizer.grad_norm;
    progress->characters += trainer->batch.num_targets;
    progress->loss_sum += trainer->tape.loss;
    progress->loss_steps++;
    progress->lap_sum += trainer->tape.loss;
    progress->lap_steps++;
    trainer->model.step = progress->step;
    trainer->model.val_loss = NAN;
    clock->stretch = clock_seconds() - clock->started;
    if (clock->stretch > UNTIMED) {
        clock->step_seconds += seconds;
        clock->characters += trainer->batch.num_targets;
        clock->steps++;
    }
}

/* With a time limit the number of steps is estimated once, early, and is then a part of the run. */
static void estimate_total(struct trainer *trainer)
{
    const struct train_clock *clock = &trainer->clock;
    const double limit = trainer->plan.max_minutes * 60, done = trainer_limited_seconds(trainer);
    if (limit == 0 || trainer->progress.total_steps > 0 || clock->steps < 3 ||
        clock->stretch < fmin(ESTIMATE_AFTER * limit, 20))
        return;
    const uint64_t most = plan_steps(&trainer->plan, trainer->corpus.training.length);
    const uint64_t total =
        trainer->progress.step + plan_steps_in(&trainer->plan, (1 - KEEP_BACK) * limit - done,
                                               clock->step_seconds / (double)clock->steps,
                                               trainer->corpus.validation.length);
    trainer_set_total(trainer, most > 0 && most < total ? most : total);
}

static bool finished(struct trainer *trainer)
{
    const struct train_progress *progress = &trainer->progress;
    const struct plan *plan = &trainer->plan;
    const uint64_t most = progress->total_steps > 0
                              ? progress->total_steps
                              : plan_steps(plan, trainer->corpus.training.length);
    if (team_stops(trainer->team))
        trainer->end = TRAIN_INTERRUPTED;
    else if (most > 0 && progress->step >= most)
        trainer->end = TRAIN_COMPLETE;
    else if (plan->max_minutes > 0 && trainer_limited_seconds(trainer) >= plan->max_minutes * 60)
        trainer->end = TRAIN_TIME_IS_OVER;
    else if (plan->patience > 0 && progress->stale >= (uint64_t)plan->patience)
        trainer->end = TRAIN_NO_GAIN;
    return trainer->end != TRAIN_GOES_ON;
}

/* Notes why something could not be written, the first time, and keeps it; "" when it could. */
static void record_failure(struct trainer *trainer, int result, char *kept, const char *outlook)
{
    if (result == 0) {
        kept[0] = '\0';
        return;
    }
    if (!kept[0] && trainer->end == TRAIN_GOES_ON)
        trainer_note(trainer, "%s; %s", error_message(), outlook);
    snprintf(kept, TRAIN_MESSAGE, "%s", error_message());
}

#define LOG_OUTLOOK "training goes on, and the row waits"

/* A disk that is full now may have room when the next save is due. */
static void save(struct trainer *trainer)
{
    trainer->clock.saved = clock_seconds();
    trainer->clock.saved_step = trainer->progress.step;
    record_failure(trainer, log_sync(&trainer->log), trainer->unlogged, LOG_OUTLOOK);
    trainer->progress.log_rows = trainer->log.rows; /* which are there before they are counted on */
    record_failure(trainer, trainer_save(trainer), trainer->unsaved,
                   "training goes on, and the next save tries again");
}

static int save_best(struct trainer *trainer)
{
    const int result = trainer_save_best(trainer);
    record_failure(trainer, result, trainer->unsaved_best,
                   "training goes on, and the next better model is tried again");
    return result;
}

/* The model as it is has the lowest loss. One that is not saved is not the best, so that the next
 * that is better than the saved one takes its place. */
static void keep_best(struct trainer *trainer, double loss)
{
    struct train_progress *progress = &trainer->progress;
    const bool saved = save_best(trainer) == 0;
    progress->best_loss = saved ? loss : progress->best_loss;
    progress->unsaved_loss = saved ? (double)INFINITY : loss;
}

/* A run that goes on has another try at a best model that could not be saved, if it is still there.
 */
static void keep_unsaved(struct trainer *trainer)
{
    struct train_progress *progress = &trainer->progress;
    if (isinf(progress->unsaved_loss) || progress->validated_step != progress->step)
        return;
    keep_best(trainer, progress->unsaved_loss);
    save(trainer);
}

static void append_row(struct trainer *trainer, double val_loss)
{
    struct train_progress *progress = &trainer->progress;
    if (progress->loss_steps > 0)
        trainer->train_loss = progress->loss_sum / (double)progress->loss_steps;
    progress->loss_sum = 0;
    progress->loss_steps = 0;
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
    record_failure(trainer, log_append(&trainer->log, &row), trainer->unlogged, LOG_OUTLOOK);
    progress->log_rows = trainer->log.rows;
}

/* The loss by which models are compared: on the validation part, or, where nothing is held out, the
 * mean training loss since the last validation. Returns 0, EVALUATE_STOPPED, or −1 and a message.
 */
static int measure(struct trainer *trainer, double *loss)
{
    const struct train_progress *progress = &trainer->progress;
    struct evaluation evaluation;
    *loss = progress->lap_sum / (double)(progress->lap_steps > 0 ? progress->lap_steps : 1);
    if (trainer->corpus.validation.length == 0)
        return 0;
    const int status = evaluate(&trainer->evaluator, &evaluation, NULL, NULL);
    if (status == 0)
        *loss = trainer->val_loss = trainer->model.val_loss = evaluation.loss;
    return status;
}

/* A run that is given up holds its best model, and can be gone on with from there. */
static int give_up(struct trainer *trainer)
{
    trainer->end = TRAIN_DIVERGED;
    if (isinf(trainer->progress.best_loss) && !trainer->init_from)
        save_best(trainer);
    save(trainer);
    recovery_refuse(trainer);
    return -1;
}

static int go_back(struct trainer *trainer, double loss)
{
    const int status = recovery_go_back(trainer, loss);
    if (status == RECOVERY_GIVEN_UP)
        return give_up(trainer);
    if (status == 0)
        save(trainer); /* so that a run that is killed goes back to the same */
    return status;
}

/* A validation that may take long is no reason to lose what was learned before it. */
static void save_before(struct trainer *trainer)
{
    const struct train_clock *clock = &trainer->clock;
    const double steps = plan_validation_steps(&trainer->plan, trainer->corpus.validation.length);
    if (clock->saved_step != trainer->progress.step &&
        (clock->steps == 0 || steps * clock->step_seconds / (double)clock->steps > LONG_VALIDATION))
        save(trainer);
}

/* Measures the model, keeps it if it is the best, and saves. Told to stop meanwhile, it leaves all
 * as it was. */
static int validate(struct trainer *trainer)
{
    struct train_progress *progress = &trainer->progress;
    const double train_loss = progress->lap_sum / (double)progress->lap_steps;
    double loss;
    save_before(trainer);
    const int status = measure(trainer, &loss);
    if (status != 0)
        return status == EVALUATE_STOPPED ? 0 : -1;
    progress->validated_step = progress->step;
    if (recovery_is_confirmed(trainer, loss, train_loss)) {
        append_row(trainer, isfinite(loss) ? trainer->val_loss : (double)NAN);
        return go_back(trainer, loss);
    }
    progress->lap_sum = 0;
    progress->lap_steps = 0;
    progress->stale++;
    if (loss < progress->best_loss) {
        progress->stale = 0;
        keep_best(trainer, loss);
    }
    trainer->clock.stretch = clock_seconds() - trainer->clock.started;
    append_row(trainer, trainer->val_loss);
    save(trainer);
    if (trainer->observer.validated)
        trainer->observer.validated(trainer->observer.context, trainer);
    return 0;
}

/* What is due: a validation, a row of the log, a save. */
static int keep_records(struct trainer *trainer)
{
    const struct train_progress *progress = &trainer->progress;
    const uint64_t step = progress->step, lap = trainer->validate_every;
    const uint64_t rows = lap / ROWS_A_LAP > 0 ? lap / ROWS_A_LAP : 1;
    const bool due = lap > 0 && step % lap == 0, asked = progress->recovery.asked_step == step;
    if (step > 0 && (due || asked) && progress->validated_step != step)
        return validate(trainer);
    if (step > 0 && lap > 0 && step % rows == 0 && progress->log_step != step)
        append_row(trainer, NAN);
    if (clock_seconds() - trainer->clock.saved >= trainer->plan.save_every * 60)
        save(trainer);
    return 0;
}

/* Told to stop meanwhile, it leaves all as it was. */
static int one_step(struct trainer *trainer)
{
    struct train_progress *progress = &trainer->progress;
    const double start = clock_seconds();
    if (batch_next(&trainer->batch) < 0)
        return -1;
    progress->rate = recovery_rate(trainer) *
                     schedule_rate(&trainer->plan.schedule, progress->step, progress->total_steps);
    struct train_step step = {
        .model = &trainer->model,
        .tape = &trainer->tape,
        .optimizer = &trainer->optimizer,
        .targets = trainer->batch.y,
        .reset = trainer->batch.reset,
        .seed = trainer->plan.seed,
        .step = progress->step,
        .update = progress->step - progress->recovery.since + 1,
        .rate = progress->rate,
    };
    team_run(trainer->team, train_step, &step);
    if (step.stopped) {
        batch_take_back(&trainer->batch);
        tape_undo(&trainer->tape);
        return 0;
    }
    record_step(trainer, clock_seconds() - start);
    estimate_total(trainer);
    const double loss = trainer->tape.loss;
    if (recovery_judge_step(trainer, loss, trainer->optimizer.grad_norm) == VERDICT_DIVERGED &&
        go_back(trainer, loss) != 0)
        return -1;
    if (trainer->observer.stepped)
        trainer->observer.stepped(trainer->observer.context, trainer);
    return 0;
}

/* An interrupted run is only saved, as it is: it must go on as if nothing had happened. */
static void end_interrupted(struct trainer *trainer)
{
    if (isinf(trainer->progress.best_loss) && !trainer->init_from)
        save_best(trainer); /* so that there is a model to sample from */
    if (trainer->clock.saved_step != trainer->progress.step || trainer->unsaved[0])
        save(trainer);
}

static int go_on(struct trainer *trainer)
{
    while (!finished(trainer)) {
        if (keep_records(trainer) != 0)
            return -1;
        if (!team_stops(trainer->team) && one_step(trainer) != 0)
            return -1;
    }
    if (trainer->end != TRAIN_INTERRUPTED &&
        trainer->progress.validated_step != trainer->progress.step) {
        if (validate(trainer) != 0)
            return -1;
        if (team_stops(trainer->team))
            trainer->end = TRAIN_INTERRUPTED;
    }
    const struct train_progress *progress = &trainer->progress;
    if (trainer->end == TRAIN_INTERRUPTED)
        end_interrupted(trainer);
    else if (progress->recovery.count > 0 && progress->recovery.since == progress->step)
        return give_up(trainer); /* there is no step left to do better */
    else if (isinf(progress->best_loss) && isinf(progress->unsaved_loss))
        save_best(trainer); /* its file was lost */
    return 0;
}

int train_run(struct trainer *trainer, const atomic_bool *stop)
{
    trainer->clock.started = trainer->clock.saved = clock_seconds();
    trainer->clock.first = trainer->progress.step;
    trainer->clock.saved_step = UINT64_MAX; /* new limits are not saved yet */
    team_heed(trainer->team, stop);
    model_prepare(trainer->team, &trainer->model);
    if (trainer->observer.started)
        trainer->observer.started(trainer->observer.context, trainer);
    keep_unsaved(trainer);
    if (go_on(trainer) != 0)
        return -1;
    const char *const failure = trainer->unsaved[0]        ? trainer->unsaved
                                : trainer->unsaved_best[0] ? trainer->unsaved_best
                                                           : trainer->unlogged;
    return failure[0] ? error_set("%s; go on from the last save by --resume %s", failure,
                                  trainer->rundir.path)
                      : 0;
}
