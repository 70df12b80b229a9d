#include "plan.h"

#include <math.h>
#include <stddef.h>

#include "fields.h"

/* Minimum length of a stream, in chunks: with fewer, its state would never be carried over. */
#define CHUNKS_PER_STREAM 2

/* Time per character in a validation, relative to training. */
#define FORWARD_SHARE 0.4

/* Characters read in a validation, relative to its part: streams also read their warm-up. */
#define WARMUP_SHARE 1.5

void plan_model(struct plan *plan, uint64_t training)
{
    if (plan->num_layers == PLAN_AUTO)
        plan->num_layers = 2;
    if (plan->hidden_size == PLAN_AUTO)
        plan->hidden_size = training < 8000000 ? 128 : training < 80000000 ? 256 : 512;
}

/* Epochs of twenty million characters in all, but at least 2 and at most 400. */
static double default_epochs(uint64_t training)
{
    return fmin(fmax(round(2e7 / (double)training), 2), 400);
}

bool plan_fit(struct plan *plan, uint64_t training, uint64_t validation, int hidden_size)
{
    if (plan->seq_length == PLAN_AUTO)
        plan->seq_length = 50;
    if (plan->batch_size == PLAN_AUTO)
        plan->batch_size = hidden_size <= 128 ? 25 : 50;
    const int T = plan->seq_length, B = plan->batch_size;
    if ((uint64_t)plan->seq_length > training)
        plan->seq_length = (int)training;
    const uint64_t most = training / ((uint64_t)plan->seq_length * CHUNKS_PER_STREAM);
    if ((uint64_t)plan->batch_size > most)
        plan->batch_size = most > 0 ? (int)most : 1;
    if (plan->schedule.rate == PLAN_AUTO)
        plan->schedule.rate = hidden_size <= 128 ? 1e-2 : hidden_size <= 256 ? 5e-3 : 3e-3;
    if (plan->max_epochs == PLAN_AUTO)
        plan->max_epochs =
            plan->max_steps > 0 || plan->max_minutes > 0 ? 0 : default_epochs(training);
    const uint64_t steps = plan_steps(plan, training);
    if (steps > 0 && plan->schedule.warmup > steps / 10)
        plan->schedule.warmup = steps / 10;
    /* A short text is read many times, and is memorised without dropout. */
    if (plan->dropout == PLAN_AUTO)
        plan->dropout = validation > 0 && training < 5000000 ? 0.1 : 0;
    return plan->seq_length < T || plan->batch_size < B;
}

uint64_t plan_steps(const struct plan *plan, uint64_t training)
{
    const double chunk = (double)plan->batch_size * plan->seq_length;
    uint64_t steps = plan->max_steps;
    if (plan->max_epochs > 0) {
        const double whole = ceil(plan->max_epochs * (double)training / chunk);
        const uint64_t limit = whole < 1 ? 1 : whole > 1e18 ? (uint64_t)1e18 : (uint64_t)whole;
        steps = steps == 0 || limit < steps ? limit : steps;
    }
    return steps;
}

double plan_validation_steps(const struct plan *plan, uint64_t validation)
{
    return FORWARD_SHARE * WARMUP_SHARE * (double)validation /
           ((double)plan->batch_size * plan->seq_length);
}

uint64_t plan_validate_every(const struct plan *plan, uint64_t total, uint64_t validation)
{
    if (plan->validate_every > 0)
        return plan->validate_every;
    const double least = fmax(20 * plan_validation_steps(plan, validation), 10);
    const double wanted = fmax((double)total / 40, least);
    return wanted > 1e18 ? (uint64_t)1e18 : (uint64_t)wanted;
}

uint64_t plan_steps_in(const struct plan *plan, double seconds, double step_seconds,
                       uint64_t validation)
{
    const double available = seconds / step_seconds, cost = plan_validation_steps(plan, validation);
    const double interval =
        (double)plan_validate_every(plan, available > 1 ? (uint64_t)available : 1, validation);
    /* One validation follows the last step. */
    const double steps = (available - cost) / (1 + cost / interval);
    return steps > 1 ? (uint64_t)steps : 1;
}

/* The fields that decide the weights after a step. */
static const struct field fit_fields[] = {
    {"plan.batch_size", FIELD_INT, offsetof(struct plan, batch_size), 1, 1e6},
    {"plan.seq_length", FIELD_INT, offsetof(struct plan, seq_length), 1, 1e6},
    {"plan.dropout", FIELD_REAL, offsetof(struct plan, dropout), 0, 0.999999},
    {"plan.schedule", FIELD_INT, offsetof(struct plan, schedule.kind), 0, SCHEDULE_CONSTANT},
    {"plan.learning_rate", FIELD_REAL, offsetof(struct plan, schedule.rate), 0, 1e300},
    {"plan.warmup", FIELD_COUNT, offsetof(struct plan, schedule.warmup), 0, 1e18},
    {"plan.optimizer", FIELD_INT, offsetof(struct plan, optim.kind), 0, OPTIM_SGD},
    {"plan.weight_decay", FIELD_REAL, offsetof(struct plan, optim.weight_decay), 0, 1e12},
    {"plan.clip_norm", FIELD_REAL, offsetof(struct plan, optim.clip_norm), 0, 1e12},
    {"plan.clip_value", FIELD_REAL, offsetof(struct plan, optim.clip_value), 0, 1e12},
    {"plan.precision", FIELD_INT | FIELD_OPTIONAL, offsetof(struct plan, precision), 0,
     PRECISION_BF16},
    {"plan.seed", FIELD_COUNT, offsetof(struct plan, seed), 0, 0x1p53},
    {"plan.val_fraction", FIELD_REAL, offsetof(struct plan, val_fraction), 0, 0.999999999},
};

/* The other fields that a run saves to be resumed. */
static const struct field run_fields[] = {
    {"plan.max_epochs", FIELD_REAL, offsetof(struct plan, max_epochs), 0, 1e12},
    {"plan.max_steps", FIELD_COUNT, offsetof(struct plan, max_steps), 0, 1e18},
    {"plan.max_minutes", FIELD_REAL, offsetof(struct plan, max_minutes), 0, 1e12},
    {"plan.validate_every", FIELD_COUNT, offsetof(struct plan, validate_every), 0, 1e18},
    {"plan.save_every", FIELD_REAL, offsetof(struct plan, save_every), 0, 1e12},
    {"plan.patience", FIELD_INT, offsetof(struct plan, patience), 0, 1e9},
};

void plan_save_fit(const struct plan *plan, struct safetensors_out *out)
{
    fields_save(fit_fields, sizeof fit_fields / sizeof *fit_fields, plan, out);
}

int plan_load_fit(struct plan *plan, const struct safetensors *in)
{
    return fields_load(fit_fields, sizeof fit_fields / sizeof *fit_fields, plan, in);
}

void plan_save(const struct plan *plan, struct safetensors_out *out)
{
    plan_save_fit(plan, out);
    fields_save(run_fields, sizeof run_fields / sizeof *run_fields, plan, out);
}

int plan_load(struct plan *plan, const struct safetensors *in)
{
    return plan_load_fit(plan, in) == 0
               ? fields_load(run_fields, sizeof run_fields / sizeof *run_fields, plan, in)
               : -1;
}
