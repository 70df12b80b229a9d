#include "plan.h"

#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Characters that a stream should hold at least: two chunks, so that its state is carried at all.
 */
#define CHUNKS_A_STREAM 2

/* A character costs a validation about this share of what it costs training. */
#define FORWARD_SHARE 0.4

void plan_model(struct plan *plan, uint64_t training)
{
    if (plan->num_layers == PLAN_AUTO)
        plan->num_layers = 2;
    if (plan->hidden_size == PLAN_AUTO)
        plan->hidden_size = training < 8000000 ? 128 : training < 80000000 ? 256 : 512;
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
    const uint64_t most = training / ((uint64_t)plan->seq_length * CHUNKS_A_STREAM);
    if ((uint64_t)plan->batch_size > most)
        plan->batch_size = most > 0 ? (int)most : 1;
    if (plan->schedule.rate == PLAN_AUTO)
        plan->schedule.rate = hidden_size <= 128 ? 1e-2 : hidden_size <= 256 ? 5e-3 : 3e-3;
    if (plan->max_epochs == PLAN_AUTO) {
        /* Twenty million characters, but not fewer passes than 2 nor more than 400. */
        const double passes = 2e7 / (double)training;
        plan->max_epochs = plan->max_steps > 0 || plan->max_minutes > 0 ? 0
                           : passes < 2                                 ? 2
                           : passes > 400                               ? 400
                                                                        : round(passes);
    }
    /* A text that is read many times is learnt by heart unless something is dropped. */
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

double plan_validation_cost(const struct plan *plan, uint64_t validation)
{
    return FORWARD_SHARE * 1.5 * (double)validation / ((double)plan->batch_size * plan->seq_length);
}

uint64_t plan_validate_every(const struct plan *plan, uint64_t total, uint64_t validation)
{
    if (plan->validate_every != PLAN_AUTO)
        return (uint64_t)plan->validate_every;
    const double least = fmax(20 * plan_validation_cost(plan, validation), 10);
    const double wanted = fmax((double)total / 40, least);
    return wanted > 1e18 ? (uint64_t)1e18 : (uint64_t)wanted;
}

/* --- in a checkpoint -------------------------------------------------------------------------- */

/* What a run must keep to go on as it began. */
static const struct field {
    const char *key;
    enum { INT, LONG, NUMBER } type;
    size_t offset;
} fields[] = {
    {"plan.batch_size", INT, offsetof(struct plan, batch_size)},
    {"plan.seq_length", INT, offsetof(struct plan, seq_length)},
    {"plan.dropout", NUMBER, offsetof(struct plan, dropout)},
    {"plan.max_epochs", NUMBER, offsetof(struct plan, max_epochs)},
    {"plan.max_steps", LONG, offsetof(struct plan, max_steps)},
    {"plan.max_minutes", NUMBER, offsetof(struct plan, max_minutes)},
    {"plan.schedule", INT, offsetof(struct plan, schedule.kind)},
    {"plan.learning_rate", NUMBER, offsetof(struct plan, schedule.rate)},
    {"plan.warmup", LONG, offsetof(struct plan, schedule.warmup)},
    {"plan.optimizer", INT, offsetof(struct plan, optim.kind)},
    {"plan.weight_decay", NUMBER, offsetof(struct plan, optim.weight_decay)},
    {"plan.clip_norm", NUMBER, offsetof(struct plan, optim.clip_norm)},
    {"plan.clip_value", NUMBER, offsetof(struct plan, optim.clip_value)},
    {"plan.seed", LONG, offsetof(struct plan, seed)},
    {"plan.val_fraction", NUMBER, offsetof(struct plan, val_fraction)},
    {"plan.validate_every", LONG, offsetof(struct plan, validate_every)},
    {"plan.save_every", NUMBER, offsetof(struct plan, save_every)},
    {"plan.patience", INT, offsetof(struct plan, patience)},
};

void plan_save(const struct plan *plan, struct safetensors_out *out)
{
    for (size_t k = 0; k < sizeof fields / sizeof *fields; k++) {
        const char *at = (const char *)plan + fields[k].offset;
        char text[32];
        if (fields[k].type == INT)
            snprintf(text, sizeof text, "%d", *(const int *)(const void *)at);
        else if (fields[k].type == LONG)
            snprintf(text, sizeof text, "%lld", *(const long long *)(const void *)at);
        else
            snprintf(text, sizeof text, "%.17g", *(const double *)(const void *)at);
        safetensors_add_text(out, fields[k].key, text);
    }
}

int plan_load(struct plan *plan, const struct safetensors *in)
{
    for (size_t k = 0; k < sizeof fields / sizeof *fields; k++) {
        char *at = (char *)plan + fields[k].offset;
        long long number = 0;
        double real_number = 0;
        if (fields[k].type == NUMBER) {
            if (safetensors_number(in, fields[k].key, &real_number) != 0)
                return -1;
            memcpy(at, &real_number, sizeof real_number);
        } else if (fields[k].type == LONG) {
            if (safetensors_integer(in, fields[k].key, LLONG_MIN, LLONG_MAX, &number) != 0)
                return -1;
            memcpy(at, &number, sizeof number);
        } else {
            if (safetensors_integer(in, fields[k].key, INT_MIN, INT_MAX, &number) != 0)
                return -1;
            const int small = (int)number;
            memcpy(at, &small, sizeof small);
        }
    }
    return 0;
}
