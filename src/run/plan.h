/* What a training run is to do: the options, and the choices that follow from the corpus. */
#ifndef RUNE_PLAN_H
#define RUNE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "engine.h"
#include "safetensors.h"
#include "schedule.h"

/* The value of a number that is to be chosen. */
#define PLAN_AUTO (-1)

struct plan {
    /* model; not used with init_from */
    const char *cell;
    double cell_options[LAYER_OPTIONS]; /* NAN: as the cell begins with it */
    int num_layers, hidden_size;        /* L, H; or PLAN_AUTO */
    /* fit */
    int batch_size, seq_length; /* B, T; or PLAN_AUTO */
    double dropout;             /* or PLAN_AUTO */
    double max_epochs;          /* or PLAN_AUTO; the run ends at the first of these three: */
    uint64_t max_steps;         /* 0: not given */
    double max_minutes;         /* 0: not given */
    struct schedule schedule;   /* its rate may be PLAN_AUTO */
    struct optim optim;
    enum precision precision; /* of products: fp32 or bf16 */
    uint64_t seed;
    /* run */
    double val_fraction;
    uint64_t validate_every; /* steps; 0: chosen when the number of steps is known */
    double save_every;       /* minutes between saves, beside those at validations */
    int patience;            /* validations without gain after which training stops; 0: never */
};

/* Replaces every PLAN_AUTO of the model by what suits a text of `training` characters. */
void plan_model(struct plan *plan, uint64_t training);

/* The same for the fit, once the model is known: `hidden_size` is its H. With validation characters
 * of 0, the text is to be memorised and nothing is dropped. Makes the batch smaller where the text
 * is too short for it, and returns whether it did. */
bool plan_fit(struct plan *plan, uint64_t training, uint64_t validation, int hidden_size);

/* Steps that the plan allows, 0 if only a time limit is given. */
uint64_t plan_steps(const struct plan *plan, uint64_t training);

/* Steps of training that take as long as a validation. */
double plan_validation_steps(const struct plan *plan, uint64_t validation);

/* Steps between validations for a run of `total` steps: forty in a run, but none so often that they
 * take more than a twentieth of its time. */
uint64_t plan_validate_every(const struct plan *plan, uint64_t total, uint64_t validation);

/* Steps that fit into `seconds` beside their validations, if one takes `step_seconds`. */
uint64_t plan_steps_in(const struct plan *plan, double seconds, double step_seconds,
                       uint64_t validation);

/* Write what is chosen into a checkpoint, and read it into a zeroed plan; plan_load returns 0, or
 * −1 and a message. */
void plan_save(const struct plan *plan, struct safetensors_out *out);
int plan_load(struct plan *plan, const struct safetensors *in);

#endif
