/* Models in files: best.safetensors holds what sampling, evaluation and inspection need; a training
 * run adds to it what it needs to go on. */
#ifndef RUNE_CHECKPOINT_H
#define RUNE_CHECKPOINT_H

#include "optimizer.h"
#include "safetensors.h"

#define CHECKPOINT_VERSION 1

/* Adds the weights under PyTorch's names, the vocabulary and the configuration. */
void checkpoint_add_model(struct safetensors_out *out, const struct model *model);

/* Adds the optimizer's moments and the states of a tape. */
void checkpoint_add_training(struct safetensors_out *out, const struct optimizer *optimizer,
                             const struct tape *tape);

/* Fills a zeroed model from what checkpoint_add_model wrote. Memory for weights is taken when all
 * of them are found. Returns 0, or −1 and a message. */
int checkpoint_read_model(const struct safetensors *in, const struct engine *engine,
                          struct model *model);

/* The same for checkpoint_add_training, into an optimizer and a tape of the same shapes. */
int checkpoint_read_training(const struct safetensors *in, struct optimizer *optimizer,
                             struct tape *tape);

/* The model in a file, or the best one in a run directory, into a zeroed model. Returns 0, or −1
 * and a message that says what is wrong with it. */
int model_load(struct model *model, const struct engine *engine, const char *path);

/* Opens the header of such a file (see safetensors_open). NULL and a message if there is none. */
struct safetensors *model_open(const char *path);

/* Fills a zeroed model without its weights: shape, vocabulary, step and validation loss, from the
 * header alone, which must have all weights in their shapes. Returns 0, or −1 and a message. */
int checkpoint_describe_model(const struct safetensors *in, const struct engine *engine,
                              struct model *model);

#endif
