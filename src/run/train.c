#include "train.h"

#include <math.h>
#include <time.h>

#include "error.h"

/* Rows of the log for each validation. */
#define ROWS_A_LAP 10

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void train_step(struct member *member, void *argument)
{
    struct trainer *trainer = argument;
    struct batch *batch = &trainer->batch;
    const uint64_t step = trainer->progress.step;
    model_forward(member, &trainer->tape, batch->reset, trainer->plan.seed, step);
    model_loss(member, &trainer->tape, batch->y);
    model_backward(member, &trainer->tape, batch->y);
    optimizer_step(member, &trainer->optimizer, &trainer->model, &trainer->tape, step + 1,
                   trainer->rate);
    model_pack(member, &trainer->model);
}

static void pack(struct member *member, void *argument)
{
    model_pack(member, argument);
}

static double epochs(const struct trainer *trainer)
{
    return (double)trainer->progress.characters / (double)trainer->corpus.training.length;
}

/* Adds a step's loss to what the log and the validations average. Returns −1 where it is not
 * finite. */
static int account(struct trainer *trainer)
{
    struct train_progress *progress = &trainer->progress;
    if (!isfinite(trainer->tape.loss) || !isfinite(trainer->optimizer.grad_norm))
        return error_set(
            "the loss is not finite at step %llu: take a lower --learning-rate (now %g) or "
            "--clip-norm; the run holds the last sound state",
            (unsigned long long)progress->step + 1, trainer->rate);
    progress->step++;
    progress->characters += trainer->batch.num_targets;
    progress->loss_sum += trainer->tape.loss;
    progress->loss_steps++;
    progress->lap_sum += trainer->tape.loss;
    progress->lap_steps++;
    trainer->model.step = progress->step;
    trainer->model.val_loss = NAN;
    return 0;
}

/* With a time limit the number of steps is estimated once, from the speed of the first twentieth.
 */
static void estimate_total(struct trainer *trainer)
{
    const double limit = trainer->plan.max_minutes * 60;
    if (trainer->progress.total_steps > 0 || trainer->stretch_seconds < fmin(limit / 20, 20) ||
        trainer->timed_steps < 3)
        return;
    const double step_seconds = trainer->timed_seconds / (double)trainer->timed_steps;
    const double cost = plan_validation_cost(&trainer->plan, trainer->corpus.validation.length);
    /* Five in a hundred of the time are kept for saving and the unforeseen. */
    const double left = (0.95 * limit - trainer->stretch_seconds) / step_seconds;
    const double lap = fmax(left / 40, 20 * cost);
    const double steps = left / (1 + cost / lap) - cost;
    uint64_t total = trainer->progress.step + (steps > 1 ? (uint64_t)steps : 1);
    const uint64_t most = plan_steps(&trainer->plan, trainer->corpus.training.length);
    trainer_set_total(trainer, most > 0 && most < total ? most : total);
}

static bool finished(struct trainer *trainer, const volatile sig_atomic_t *stop)
{
    const struct train_progress *progress = &trainer->progress;
    const double limit = trainer->plan.max_minutes * 60;
    if (stop && *stop)
        trainer->ended = "interrupted";
    else if (progress->total_steps > 0 && progress->step >= progress->total_steps)
        trainer->ended = "all steps are done";
    else if (limit > 0 && trainer->stretch_seconds >= limit)
        trainer->ended = "the time is over";
    else if (trainer->plan.patience > 0 && progress->stale >= (uint64_t)trainer->plan.patience)
        trainer->ended = "no validation of the last ones was better";
    else
        return false;
    return true;
}

static int append_row(struct trainer *trainer, double val_loss)
{
    struct train_progress *progress = &trainer->progress;
    if (progress->loss_steps > 0)
        trainer->train_loss = progress->loss_sum / progress->loss_steps;
    progress->loss_sum = progress->loss_steps = 0;
    const struct log_row row = {
        .step = progress->step,
        .epoch = epochs(trainer),
        .seconds = trainer->seconds,
        .train_loss = trainer->train_loss,
        .val_loss = val_loss,
        .learning_rate = trainer->rate,
        .grad_norm = trainer->optimizer.grad_norm,
        .chars_per_second = trainer->chars_per_second,
    };
    progress->log_rows++;
    return log_append(&trainer->log, &row);
}

static int save(struct trainer *trainer)
{
    trainer->saved_at = now();
    return trainer_save(trainer);
}

/* Measures the validation loss, or the training loss where nothing is held out, and keeps the best
 * model. */
static int validate(struct trainer *trainer)
{
    struct train_progress *progress = &trainer->progress;
    struct evaluation evaluation;
    double loss = progress->lap_steps > 0 ? progress->lap_sum / progress->lap_steps : INFINITY;
    progress->lap_sum = progress->lap_steps = 0;
    if (trainer->corpus.validation.length > 0) {
        if (evaluate(&trainer->evaluator, &evaluation, NULL, NULL) != 0)
            return -1;
        loss = trainer->val_loss = trainer->model.val_loss = evaluation.loss;
    }
    progress->stale++;
    if (loss < progress->best_loss) {
        progress->best_loss = loss;
        progress->stale = 0;
        if (trainer_save_best(trainer) != 0)
            return -1;
    }
    trainer->seconds += now() - trainer->started_at - trainer->stretch_seconds;
    trainer->stretch_seconds = now() - trainer->started_at;
    if (append_row(trainer, trainer->val_loss) != 0 || save(trainer) != 0)
        return -1;
    if (trainer->observer.validated)
        trainer->observer.validated(trainer->observer.context, trainer);
    return 0;
}

/* What is due after a step: a validation, a row of the log, a save. */
static int keep_records(struct trainer *trainer)
{
    const uint64_t step = trainer->progress.step, lap = trainer->validate_every;
    if (lap == 0)
        return 0; /* still estimating */
    const uint64_t rows = lap / ROWS_A_LAP > 0 ? lap / ROWS_A_LAP : 1;
    if (step % lap == 0)
        return validate(trainer);
    if (step % rows == 0 && append_row(trainer, NAN) != 0)
        return -1;
    if (now() - trainer->saved_at >= trainer->plan.save_every * 60)
        return save(trainer);
    return 0;
}

static int one_step(struct trainer *trainer)
{
    const double start = now();
    if (batch_next(&trainer->batch) < 0)
        return -1;
    trainer->rate = schedule_rate(&trainer->plan.schedule, trainer->progress.step,
                                  trainer->progress.total_steps);
    team_run(trainer->team, train_step, trainer);
    if (account(trainer) != 0)
        return -1;
    const double end = now();
    /* The first steps touch fresh memory and are no measure. */
    if (end - trainer->started_at > 0.2) {
        trainer->timed_seconds += end - start;
        trainer->timed_characters += trainer->batch.num_targets;
        trainer->timed_steps++;
    }
    trainer->chars_per_second = trainer->timed_steps > 0
                                    ? (double)trainer->timed_characters / trainer->timed_seconds
                                    : (double)trainer->batch.num_targets / (end - start);
    trainer->seconds += end - trainer->started_at - trainer->stretch_seconds;
    trainer->stretch_seconds = end - trainer->started_at;
    estimate_total(trainer);
    return keep_records(trainer);
}

int train_run(struct trainer *trainer, const volatile sig_atomic_t *stop)
{
    const uint64_t first = trainer->progress.step;
    trainer->started_at = trainer->saved_at = now();
    team_run(trainer->team, pack, &trainer->model);
    if (trainer->observer.started)
        trainer->observer.started(trainer->observer.context, trainer);
    while (!finished(trainer, stop)) {
        if (one_step(trainer) != 0)
            return -1;
        if (trainer->observer.stepped)
            trainer->observer.stepped(trainer->observer.context, trainer);
    }
    if (trainer->progress.step == first)
        return 0;
    if (stop && *stop) {
        /* Not a validation: what is saved must go on as if nothing had happened. */
        if (isinf(trainer->progress.best_loss) && trainer_save_best(trainer) != 0)
            return -1;
        return save(trainer);
    }
    const bool validated =
        trainer->validate_every > 0 && trainer->progress.step % trainer->validate_every == 0;
    return validated ? 0 : validate(trainer);
}
