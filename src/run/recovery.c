#include "recovery.h"

#include <math.h>
#include <string.h>

#include "checkpoint.h"
#include "error.h"
#include "trainer.h"

/* Steps of a block, whose mean loss is checked. */
#define BLOCK 50

/* A loss is worse than that of uniform guessing if it is larger by this factor, which exceeds
 * noise. */
#define MARGIN 1.05

/* Increase of the loss, in nats, that shows divergence. Means of blocks vary by about a fifth of
 * it. */
#define JUMP 0.5

/* Minimum number of steps between validations requested by bad blocks. */
#define REQUEST_INTERVAL 500

/* Consecutive bad blocks that show divergence if nothing is held out. */
#define BAD_BLOCKS 2

struct recovery recovery_init(void)
{
    return (struct recovery){.lowest_loss = INFINITY, .scale = 1};
}

/* The largest loss of a healthy model: that of uniform guessing or of the untrained model. */
static double worst_loss(const struct trainer *trainer)
{
    return MARGIN * fmax(log(trainer->model.vocab_size), trainer->progress.recovery.first_loss);
}

static uint64_t warmup(const struct trainer *trainer)
{
    const uint64_t steps = trainer->plan.schedule.warmup;
    return steps > BLOCK ? steps : BLOCK;
}

/* Limits the time that requested validations take. */
static bool may_request(const struct trainer *trainer)
{
    const struct recovery *recovery = &trainer->progress.recovery;
    return trainer->corpus.validation.length > 0 &&
           (recovery->requested_step == 0 ||
            trainer->progress.step - recovery->requested_step >= REQUEST_INTERVAL);
}

static enum verdict check_block(struct trainer *trainer, double mean)
{
    struct recovery *recovery = &trainer->progress.recovery;
    const uint64_t step = trainer->progress.step;
    const bool early = step - recovery->restored_step <= warmup(trainer);
    const bool bad = !early && (mean > worst_loss(trainer) || mean > recovery->lowest_loss + JUMP);
    recovery->lowest_loss = fmin(recovery->lowest_loss, mean);
    recovery->bad_blocks = bad ? recovery->bad_blocks + 1 : 0;
    if (!bad)
        return VERDICT_OK;
    if (may_request(trainer))
        recovery->requested_step = step;
    return trainer->corpus.validation.length == 0 && recovery->bad_blocks >= BAD_BLOCKS
               ? VERDICT_DIVERGED
               : VERDICT_OK;
}

enum verdict recovery_check_step(struct trainer *trainer, double loss, double grad_norm)
{
    struct recovery *recovery = &trainer->progress.recovery;
    if (!isfinite(loss) || !isfinite(grad_norm))
        return VERDICT_DIVERGED;
    if (recovery->first_loss == 0)
        recovery->first_loss = loss;
    recovery->block_sum += loss;
    if (++recovery->block_steps < BLOCK)
        return VERDICT_OK;
    const double mean = recovery->block_sum / BLOCK;
    recovery->block_sum = 0;
    recovery->block_steps = 0;
    return check_block(trainer, mean);
}

bool recovery_confirm(const struct trainer *trainer, double val_loss, double train_loss)
{
    const double worst = worst_loss(trainer), best = trainer->progress.best_loss;
    if (!isfinite(val_loss))
        return true;
    if (trainer->progress.recovery.bad_blocks > 0)
        return val_loss > worst || val_loss > best + JUMP;
    return val_loss > worst && train_loss > worst; /* if only val_loss is bad, the model overfits */
}

double recovery_rate(const struct trainer *trainer)
{
    const struct recovery *recovery = &trainer->progress.recovery;
    const uint64_t done = trainer->progress.step - recovery->restored_step;
    if (recovery->restored_step == 0 || done >= warmup(trainer))
        return recovery->scale;
    return recovery->scale * (double)(done + 1) / (double)(warmup(trainer) + 1);
}

/* Reads the weights of a model file of the same shape. */
static int read_weights(struct trainer *trainer, const char *path)
{
    struct model *model = &trainer->model, from = {0};
    if (model_load(&from, model->engine, path) != 0)
        return -1;
    int result = 0;
    if (from.params.size == model->params.size && from.params.total == model->params.total)
        memcpy(model->weights, from.weights, model->params.size * sizeof *model->weights);
    else
        result = error_set("%s: is a model of another shape", path);
    model->step = from.step;
    model_release(&from);
    return result;
}

/* Restores the best model (*best) or the initial weights. */
static int restore_weights(struct trainer *trainer, bool *best)
{
    *best = isfinite(trainer->progress.best_loss);
    if (*best || trainer->init_from)
        return read_weights(trainer, trainer->rundir.path);
    trainer->model.step = 0;
    params_start(&trainer->model.params, trainer->plan.seed, trainer->model.weights);
    return 0;
}

/* Resets everything that depends on the discarded weights. */
static void reset_training(struct trainer *trainer)
{
    struct train_progress *progress = &trainer->progress;
    struct recovery *recovery = &progress->recovery;
    optimizer_reset(&trainer->optimizer);
    tape_reset(&trainer->tape);
    model_prepare(trainer->team, &trainer->model);
    progress->since_row = progress->since_validation = (struct loss_mean){0};
    progress->bad_validations = 0;
    progress->grad_norm = 0;
    trainer->val_loss = NAN;
    trainer->model.step = progress->step; /* the step count and the schedule continue */
    recovery->block_sum = 0;
    recovery->block_steps = recovery->bad_blocks = 0;
    recovery->requested_step = 0;
    recovery->restored_step = progress->validated_step = progress->step;
    recovery->scale /= 2;
    recovery->count++;
}

void recovery_set_error(const struct trainer *trainer)
{
    const struct recovery *recovery = &trainer->progress.recovery;
    const char *const advice =
        trainer->plan.optim.weight_decay > 0 ? " or --weight-decay" : " or --clip-norm";
    error_set("%s: training diverges even with a learning rate of %g: start again with a lower "
              "--learning-rate%s; best.safetensors is %s",
              trainer->rundir.path, trainer->plan.schedule.rate * recovery->scale * 2, advice,
              isfinite(trainer->progress.best_loss) ? "the best model so far"
                                                    : "its initial model");
}

int recovery_restore(struct trainer *trainer, double loss)
{
    const struct recovery *recovery = &trainer->progress.recovery;
    const unsigned long long step = trainer->progress.step;
    bool best;
    if (restore_weights(trainer, &best) != 0)
        return error_set("training diverged at step %llu, and the model to go back to cannot be "
                         "read: %s",
                         step, error_message());
    const unsigned long long restored = trainer->model.step;
    reset_training(trainer);
    if (recovery->count > RECOVERY_MAX)
        return RECOVERY_GIVEN_UP;
    trainer_note(trainer,
                 "training diverged at step %llu (loss %.4g): it goes back to the %s, of step "
                 "%llu, with half the learning rate, %g",
                 step, loss, best ? "best model" : "first weights", restored,
                 trainer->plan.schedule.rate * recovery->scale);
    return 0;
}
