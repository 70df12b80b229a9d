#include "train.h"

#include <math.h>

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

void train_step(struct member *member, void *argument)
{
    const struct train_step *step = argument;
    model_forward(member, step->tape, step->reset, step->seed, step->step);
    model_loss(member, step->tape, step->targets);
    model_backward(member, step->tape, step->targets, step->optimizer->optim.clip_value);
    optimizer_step(member, step->optimizer, step->model, step->tape, step->step + 1, step->rate);
    model_pack(member, step->model);
}

/* Counts a step and what it took. Returns −1 where its loss is not finite. */
static int account(struct trainer *trainer, double seconds)
{
    struct train_progress *progress = &trainer->progress;
    struct train_clock *clock = &trainer->clock;
    if (!isfinite(trainer->tape.loss) || !isfinite(trainer->optimizer.grad_norm))
        return error_set(
            "the loss is not finite at step %llu: take a lower --learning-rate (now %g) "
            "or --clip-norm; the run holds the last sound state",
            (unsigned long long)progress->step + 1, trainer->progress.rate);
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
    return 0;
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

static bool asked_to_stop(const volatile sig_atomic_t *stop)
{
    return stop && *stop;
}

static bool finished(struct trainer *trainer, const volatile sig_atomic_t *stop)
{
    const struct train_progress *progress = &trainer->progress;
    const struct plan *plan = &trainer->plan;
    const uint64_t most = progress->total_steps > 0
                              ? progress->total_steps
                              : plan_steps(plan, trainer->corpus.training.length);
    if (asked_to_stop(stop))
        trainer->end = TRAIN_INTERRUPTED;
    else if (most > 0 && progress->step >= most)
        trainer->end = TRAIN_COMPLETE;
    else if (plan->max_minutes > 0 && trainer_limited_seconds(trainer) >= plan->max_minutes * 60)
        trainer->end = TRAIN_TIME_IS_OVER;
    else if (plan->patience > 0 && progress->stale >= (uint64_t)plan->patience)
        trainer->end = TRAIN_NO_GAIN;
    return trainer->end != TRAIN_GOES_ON;
}

static int save(struct trainer *trainer)
{
    trainer->clock.saved = clock_seconds();
    return trainer_save(trainer);
}

static int append_row(struct trainer *trainer, double val_loss)
{
    struct train_progress *progress = &trainer->progress;
    if (progress->loss_steps > 0)
        trainer->train_loss = progress->loss_sum / (double)progress->loss_steps;
    progress->loss_sum = 0;
    progress->loss_steps = 0;
    progress->log_step = progress->step;
    progress->log_rows++;
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
    return log_append(&trainer->log, &row);
}

static int stop_reading(void *context, int32_t id, double loss)
{
    (void)id;
    (void)loss;
    const volatile sig_atomic_t *const *stop = context;
    return asked_to_stop(*stop);
}

/* The loss by which models are compared: on the validation part, or, where nothing is held out, the
 * mean training loss since the last validation. Returns 0, 1 if it was asked to stop, or −1 and a
 * message. */
static int measure(struct trainer *trainer, const volatile sig_atomic_t *stop, double *loss)
{
    const struct train_progress *progress = &trainer->progress;
    struct evaluation evaluation;
    *loss = progress->lap_sum / (double)(progress->lap_steps > 0 ? progress->lap_steps : 1);
    if (trainer->corpus.validation.length == 0)
        return 0;
    const int status = evaluate(&trainer->evaluator, &evaluation, stop_reading, &stop);
    if (status == 0 && !isfinite(evaluation.loss))
        return error_set(
            "the validation loss is not finite at step %llu: take a lower --learning-rate; "
            "the run holds the last sound state",
            (unsigned long long)progress->step);
    *loss = trainer->val_loss = trainer->model.val_loss = evaluation.loss;
    return status;
}

/* Measures the model, keeps it if it is the best, and saves. Asked to stop meanwhile, it leaves all
 * as it was. */
static int validate(struct trainer *trainer, const volatile sig_atomic_t *stop)
{
    struct train_progress *progress = &trainer->progress;
    const double val_loss = trainer->val_loss;
    double loss;
    const int status = measure(trainer, stop, &loss);
    if (status > 0) {
        trainer->val_loss = val_loss;
        trainer->model.val_loss = NAN;
        return 0;
    }
    if (status < 0)
        return -1;
    progress->lap_sum = 0;
    progress->lap_steps = 0;
    progress->validated_step = progress->step;
    progress->stale++;
    if (loss < progress->best_loss) {
        progress->best_loss = loss;
        progress->stale = 0;
        if (trainer_save_best(trainer) != 0)
            return -1;
    }
    trainer->clock.stretch = clock_seconds() - trainer->clock.started;
    if (append_row(trainer, trainer->val_loss) != 0 || save(trainer) != 0)
        return -1;
    if (trainer->observer.validated)
        trainer->observer.validated(trainer->observer.context, trainer);
    return 0;
}

/* What is due: a validation, a row of the log, a save. */
static int keep_records(struct trainer *trainer, const volatile sig_atomic_t *stop)
{
    const struct train_progress *progress = &trainer->progress;
    const uint64_t step = progress->step, lap = trainer->validate_every;
    const uint64_t rows = lap / ROWS_A_LAP > 0 ? lap / ROWS_A_LAP : 1;
    if (step > 0 && lap > 0 && step % lap == 0 && progress->validated_step != step)
        return validate(trainer, stop);
    if (step > 0 && lap > 0 && step % rows == 0 && progress->log_step != step &&
        append_row(trainer, NAN) != 0)
        return -1;
    if (clock_seconds() - trainer->clock.saved >= trainer->plan.save_every * 60)
        return save(trainer);
    return 0;
}

static int one_step(struct trainer *trainer)
{
    const double start = clock_seconds();
    if (batch_next(&trainer->batch) < 0)
        return -1;
    trainer->progress.rate = schedule_rate(&trainer->plan.schedule, trainer->progress.step,
                                           trainer->progress.total_steps);
    struct train_step step = {
        .model = &trainer->model,
        .tape = &trainer->tape,
        .optimizer = &trainer->optimizer,
        .targets = trainer->batch.y,
        .reset = trainer->batch.reset,
        .seed = trainer->plan.seed,
        .step = trainer->progress.step,
        .rate = trainer->progress.rate,
    };
    team_run(trainer->team, train_step, &step);
    if (account(trainer, clock_seconds() - start) != 0)
        return -1;
    estimate_total(trainer);
    if (trainer->observer.stepped)
        trainer->observer.stepped(trainer->observer.context, trainer);
    return 0;
}

/* An interrupted run is only saved, as it is: it must go on as if nothing had happened. */
static int end_interrupted(struct trainer *trainer)
{
    if (isinf(trainer->progress.best_loss) && trainer_save_best(trainer) != 0)
        return -1; /* so that there is a model to sample from */
    return save(trainer);
}

int train_run(struct trainer *trainer, const volatile sig_atomic_t *stop)
{
    trainer->clock.started = trainer->clock.saved = clock_seconds();
    trainer->clock.first = trainer->progress.step;
    model_prepare(trainer->team, &trainer->model);
    if (trainer->observer.started)
        trainer->observer.started(trainer->observer.context, trainer);
    while (!finished(trainer, stop)) {
        if (keep_records(trainer, stop) != 0)
            return -1;
        if (!asked_to_stop(stop) && one_step(trainer) != 0)
            return -1;
    }
    if (trainer->end == TRAIN_INTERRUPTED)
        return end_interrupted(trainer);
    if (trainer->progress.validated_step != trainer->progress.step)
        return validate(trainer, NULL);
    return 0;
}
