#include "plan.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "fields.h"

/* Minimum length of a stream, in chunks: with fewer, its state would never be carried over. */
#define CHUNKS_PER_STREAM 2

/* Time per character in a validation, relative to training. */
#define FORWARD_SHARE 0.4

/* Characters read in a validation, relative to its part: streams also read their warm-up. */
#define WARMUP_SHARE 1.5

/* Steps between validations, relative to the duration of one. */
#define TRAINING_SHARE 20

/* Validations of a run, at most and at least; of the latter, each reads less of the part if
 * necessary. */
#define MOST_VALIDATIONS 40
#define LEAST_VALIDATIONS 5

/* Characters of a validation that reads less than the part: as many as tell small gains apart, if
 * there is time, and the fewest that are worth it, in all and of each stream. */
#define ENOUGH_CHARACTERS 200000
#define LEAST_CHARACTERS 5000
#define LEAST_OF_STREAM 100

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

double plan_validation_steps(const struct plan *plan, uint64_t characters)
{
    return FORWARD_SHARE * WARMUP_SHARE * (double)characters /
           ((double)plan->batch_size * plan->seq_length);
}

uint64_t plan_validation_characters(const struct plan *plan, uint64_t total, uint64_t validation)
{
    const double steps_per_character = TRAINING_SHARE * plan_validation_steps(plan, 1);
    const double given = (double)plan->validate_every;
    const double longest = given > 0 ? given : (double)total / LEAST_VALIDATIONS;
    if ((plan->max_minutes == 0 && validation <= PLAN_SMALL_PART) ||
        longest >= (double)validation * steps_per_character)
        return validation;
    const double enough = fmax((double)total / MOST_VALIDATIONS,
                               fmin(longest, ENOUGH_CHARACTERS * steps_per_character));
    const double least = fmax(LEAST_CHARACTERS, LEAST_OF_STREAM * (double)plan->batch_size);
    const double characters = fmax((given > 0 ? given : enough) / steps_per_character, least);
    return characters < (double)validation ? (uint64_t)characters : validation;
}

uint64_t plan_validate_every(const struct plan *plan, uint64_t total, uint64_t characters)
{
    if (plan->validate_every > 0)
        return plan->validate_every;
    const double least = fmax(TRAINING_SHARE * plan_validation_steps(plan, characters), 10);
    const double wanted = fmax((double)total / MOST_VALIDATIONS, least);
    return wanted > 1e18 ? (uint64_t)1e18 : (uint64_t)wanted;
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
    {"plan.val_required", FIELD_INT | FIELD_OPTIONAL, offsetof(struct plan, val_required), 0, 1},
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

/* --- changes ---------------------------------------------------------------------------------- */

const struct plan plan_unchanged = {.dropout = PLAN_AUTO,
                                    .max_epochs = PLAN_AUTO,
                                    .schedule = {.rate = PLAN_AUTO},
                                    .save_every = PLAN_AUTO,
                                    .patience = PLAN_AUTO};

/* Appends "NAME OLD to NEW" to a list. */
static void describe(char *text, size_t room, const char *name, double old, double new)
{
    char from[32] = "none", to[32] = "none";
    const bool limit = strncmp(name, "max-", 4) == 0;
    const size_t length = strlen(text);
    if (old > 0 || !limit)
        snprintf(from, sizeof from, "%.10g", old);
    if (new > 0 || !limit)
        snprintf(to, sizeof to, "%.10g", new);
    snprintf(text + length, room - length, "%s%s %s to %s", length > 0 ? ", " : "", name, from, to);
}

static void change(double *value, double new, const char *name, char *text, size_t room)
{
    if (new == PLAN_AUTO || new == *value)
        return;
    describe(text, room, name, *value, new);
    *value = new;
}

static void change_limits(struct plan *plan, const struct plan *limits, char *text, size_t room)
{
    double steps = (double)plan->max_steps;
    change(&plan->max_epochs, limits->max_epochs == PLAN_AUTO ? 0 : limits->max_epochs,
           "max-epochs", text, room);
    change(&steps, (double)limits->max_steps, "max-steps", text, room);
    if (plan->max_minutes > 0 || limits->max_minutes > 0)
        describe(text, room, "max-minutes", plan->max_minutes, limits->max_minutes);
    plan->max_steps = limits->max_steps;
    plan->max_minutes = limits->max_minutes;
}

bool plan_change(struct plan *plan, const struct plan *changes, char *text, size_t room)
{
    double every = (double)plan->validate_every, patience = plan->patience;
    const bool limits =
        changes->max_epochs != PLAN_AUTO || changes->max_steps > 0 || changes->max_minutes > 0;
    text[0] = '\0';
    change(&plan->schedule.rate, changes->schedule.rate, "learning-rate", text, room);
    change(&plan->dropout, changes->dropout, "dropout", text, room);
    change(&every, changes->validate_every > 0 ? (double)changes->validate_every : PLAN_AUTO,
           "validate-every", text, room);
    change(&plan->save_every, changes->save_every, "save-every", text, room);
    change(&patience, changes->patience, "patience", text, room);
    plan->validate_every = (uint64_t)every;
    plan->patience = (int)patience;
    if (limits)
        change_limits(plan, changes, text, room);
    return limits;
}
