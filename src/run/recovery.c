#include "recovery.h"

#include <math.h>
#include <string.h>

#include "checkpoint.h"
#include "error.h"
#include "trainer.h"

/* Steps whose mean loss is judged. */
#define BLOCK 50

/* A loss is worse than uniform guessing if it is larger by this factor: noise is smaller. */
#define MARGIN 1.05

/* Nats by which a loss leaps when a model breaks down: a block's mean varies by a fifth of it. */
#define LEAP 0.5

/* Steps between validations that bad blocks ask for. */
#define ASK_AGAIN 500

/* Bad blocks after which no validation is needed. */
#define BAD_BLOCKS 2

struct recovery recovery_begin(void)
{
    return (struct recovery){.lowest_loss = INFINITY, .scale = 1};
}

/* The largest loss of a model that works: that of uniform guessing, or of the model before it was
 * trained. */
static double worst_loss(const struct trainer *trainer)
{
    return MARGIN * fmax(log(trainer->model.vocab_size), trainer->progress.recovery.first_loss);
}

static uint64_t warmup(const struct trainer *trainer)
{
    const uint64_t steps = trainer->plan.schedule.warmup;
    return steps > BLOCK ? steps : BLOCK;
}

/* Whether a bad block may ask for a validation, which takes time. */
static bool may_ask(const struct trainer *trainer)
{
    const struct recovery *recovery = &trainer->progress.recovery;
    return trainer->corpus.validation.length > 0 &&
           (recovery->asked_step == 0 ||
            trainer->progress.step - recovery->asked_step >= ASK_AGAIN);
}

static enum verdict judge_block(struct trainer *trainer, double mean)
{
    struct recovery *recovery = &trainer->progress.recovery;
    const uint64_t step = trainer->progress.step;
    const bool early = step - recovery->since <= warmup(trainer);
    const bool bad = !early && (mean > worst_loss(trainer) || mean > recovery->lowest_loss + LEAP);
    recovery->lowest_loss = fmin(recovery->lowest_loss, mean);
    recovery->bad_blocks = bad ? recovery->bad_blocks + 1 : 0;
    if (!bad)
        return VERDICT_SOUND;
    if (may_ask(trainer))
        recovery->asked_step = step;
    return trainer->corpus.validation.length == 0 && recovery->bad_blocks >= BAD_BLOCKS
               ? VERDICT_DIVERGED
               : VERDICT_SOUND;
}

enum verdict recovery_judge_step(struct trainer *trainer, double loss, double grad_norm)
{
    struct recovery *recovery = &trainer->progress.recovery;
    if (!isfinite(loss) || !isfinite(grad_norm))
        return VERDICT_DIVERGED;
    if (recovery->first_loss == 0)
        recovery->first_loss = loss;
    recovery->block_sum += loss;
    if (++recovery->block_steps < BLOCK)
        return VERDICT_SOUND;
    const double mean = recovery->block_sum / BLOCK;
    recovery->block_sum = 0;
    recovery->block_steps = 0;
    return judge_block(trainer, mean);
}

bool recovery_is_confirmed(const struct trainer *trainer, double val_loss, double train_loss)
{
    const double worst = worst_loss(trainer), best = trainer->progress.best_loss;
    if (!isfinite(val_loss))
        return true;
    if (trainer->progress.recovery.bad_blocks > 0)
        return val_loss > worst || val_loss > best + LEAP;
    return val_loss > worst && train_loss > worst; /* else the text is known by heart */
}

double recovery_rate(const struct trainer *trainer)
{
    const struct recovery *recovery = &trainer->progress.recovery;
    const uint64_t done = trainer->progress.step - recovery->since;
    if (recovery->since == 0 || done >= warmup(trainer))
        return recovery->scale;
    return recovery->scale * (double)(done + 1) / (double)(warmup(trainer) + 1);
}

/* The weights of a model file of the same shape. */
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

/* The model that the run goes back to; *best says whether it was validated. */
static int find_weights(struct trainer *trainer, bool *best)
{
    *best = isfinite(trainer->progress.best_loss);
    if (*best || trainer->init_from)
        return read_weights(trainer, trainer->rundir.path);
    trainer->model.step = 0;
    params_start(&trainer->model.params, trainer->plan.seed, trainer->model.weights);
    return 0;
}

/* What has seen the weights that are gone. */
static void forget(struct trainer *trainer)
{
    struct train_progress *progress = &trainer->progress;
    struct recovery *recovery = &progress->recovery;
    optimizer_reset(&trainer->optimizer);
    tape_reset(&trainer->tape);
    model_prepare(trainer->team, &trainer->model);
    progress->since_row.sum = progress->since_validation.sum = 0;
    progress->since_row.steps = progress->since_validation.steps = 0;
    progress->bad_validations = 0;
    progress->grad_norm = 0;
    trainer->val_loss = NAN;
    trainer->model.step = progress->step; /* steps go on, so that the schedule does */
    recovery->block_sum = 0;
    recovery->block_steps = recovery->bad_blocks = 0;
    recovery->asked_step = 0;
    recovery->since = progress->validated_step = progress->step;
    recovery->scale /= 2;
    recovery->count++;
}

void recovery_refuse(const struct trainer *trainer)
{
    const struct recovery *recovery = &trainer->progress.recovery;
    const char *const advice =
        trainer->plan.optim.weight_decay > 0 ? " or --weight-decay" : " or --clip-norm";
    error_set("%s: training diverges, also with a learning rate of %g: begin again with a lower "
              "--learning-rate%s; best.safetensors is %s",
              trainer->rundir.path, trainer->plan.schedule.rate * recovery->scale * 2, advice,
              isfinite(trainer->progress.best_loss) ? "the best model that there was"
                                                    : "the model that it began with");
}

int recovery_go_back(struct trainer *trainer, double loss)
{
    const struct recovery *recovery = &trainer->progress.recovery;
    const unsigned long long step = trainer->progress.step;
    bool best;
    if (find_weights(trainer, &best) != 0)
        return error_set("training diverged at step %llu, and the model to go back to cannot be "
                         "read: %s",
                         step, error_message());
    const unsigned long long good = trainer->model.step;
    forget(trainer);
    if (recovery->count > RECOVERY_MAX)
        return RECOVERY_GIVEN_UP;
    trainer_note(trainer,
                 "training diverged at step %llu (loss %.4g): it goes back to the %s, of step "
                 "%llu, with half the learning rate, %g",
                 step, loss, best ? "best model" : "first weights", good,
                 trainer->plan.schedule.rate * recovery->scale);
    return 0;
}
