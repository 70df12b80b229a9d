/* The options of a training run, and the defaults that depend on the corpus. */
#ifndef RUNE_PLAN_H
#define RUNE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
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
    int val_required;        /* 1: something is held out, however short the text is; else 0 */
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

/* The duration of a validation that reads so many characters, in steps of training. */
double plan_validation_steps(const struct plan *plan, uint64_t characters);

/* How many characters of a validation part are read in each validation of a run of `total` steps:
 * all of them, if that leaves time for five validations. Otherwise so many that five or more, up to
 * forty, take at most a twentieth of the time. A part of up to PLAN_SMALL_PART characters is always
 * read whole unless time is limited. */
uint64_t plan_validation_characters(const struct plan *plan, uint64_t total, uint64_t validation);

/* Steps between validations in a run of `total` steps, each of so many characters. By default there
 * are forty, or fewer so that they take at most a twentieth of the time. */
uint64_t plan_validate_every(const struct plan *plan, uint64_t total, uint64_t characters);

#define PLAN_SMALL_PART 500000

/* What a resumed run keeps: every field that can be changed. */
extern const struct plan plan_unchanged;

/* Changes the plan of a resumed run: the fields of `changes` that differ from plan_unchanged. If
 * any of the three limits is given, they replace all three. Writes what changes into `text`,
 * "learning-rate 0.01 to 0.003, max-minutes none to 5", or "". A limit on minutes always changes,
 * as it counts from the time when it was given. Returns whether the limits were given. */
bool plan_change(struct plan *plan, const struct plan *changes, char *text, size_t room);

/* Write the plan to a checkpoint, and read it into a zeroed plan. plan_load returns 0, or −1 and a
 * message. */
void plan_save(const struct plan *plan, struct safetensors_out *out);
int plan_load(struct plan *plan, const struct safetensors *in);

/* The same for the fields that decide the weights after a step, without limits and intervals. */
void plan_save_fit(const struct plan *plan, struct safetensors_out *out);
int plan_load_fit(struct plan *plan, const struct safetensors *in);

#endif
