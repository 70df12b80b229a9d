/* The options of a training run, and the defaults that depend on the corpus. */
#ifndef RUNE_PLAN_H
#define RUNE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "engine.h"
#include "safetensors.h"
#include "schedule.h"

/* Value of a number whose default is chosen from the corpus. */
#define PLAN_AUTO (-1)

struct plan {
    /* the model; not used if the run starts from a model */
    const char *cell;
    double cell_options[LAYER_OPTIONS]; /* NAN: the cell's default */
    int num_layers, hidden_size;        /* L, H; or PLAN_AUTO */
    /* training */
    int batch_size, seq_length; /* B, T; or PLAN_AUTO */
    double dropout;             /* or PLAN_AUTO */
    double max_epochs;          /* or PLAN_AUTO; the run ends at the first of these three limits */
    uint64_t max_steps;         /* 0: no limit */
    double max_minutes;         /* 0: no limit */
    struct schedule schedule;   /* its rate may be PLAN_AUTO */
    struct optim optim;
    enum precision precision; /* of products: fp32 or bf16 */
    uint64_t seed;
    /* the run */
    double val_fraction;
    uint64_t validate_every; /* steps; 0: chosen once the number of steps is known */
    double save_every;       /* minutes between saves; each validation also saves */
    int patience;            /* consecutive bad validations after which training stops; 0: never */
};

/* Replaces every PLAN_AUTO of the model by a default for `training` characters of text. */
void plan_model(struct plan *plan, uint64_t training);

/* The same for training, once the model's H is known. If `validation` is 0, there is no dropout:
 * the text is to be memorised. Reduces the batch if the text is too short for it, and returns
 * whether it did. */
bool plan_fit(struct plan *plan, uint64_t training, uint64_t validation, int hidden_size);

/* The limit on steps, from max_steps and max_epochs; 0 if there is none. */
uint64_t plan_steps(const struct plan *plan, uint64_t training);

/* The duration of a validation, in steps of training. */
double plan_validation_steps(const struct plan *plan, uint64_t validation);

/* Steps between validations in a run of `total` steps. By default there are forty, or fewer so that
 * they take at most a twentieth of the time. */
uint64_t plan_validate_every(const struct plan *plan, uint64_t total, uint64_t validation);

/* How many steps, with their validations, fit into `seconds` if a step takes `step_seconds`. */
uint64_t plan_steps_in(const struct plan *plan, double seconds, double step_seconds,
                       uint64_t validation);

/* Write the plan to a checkpoint, and read it into a zeroed plan. plan_load returns 0, or −1 and a
 * message. */
void plan_save(const struct plan *plan, struct safetensors_out *out);
int plan_load(struct plan *plan, const struct safetensors *in);

/* The same for the fields that decide the weights after a step, without limits and intervals. */
void plan_save_fit(const struct plan *plan, struct safetensors_out *out);
int plan_load_fit(struct plan *plan, const struct safetensors *in);

#endif
