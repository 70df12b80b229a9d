/* The model: a chain of layers from the symbols to the logits under a softmax, and the vocabulary
 * that it reads and writes. The chain is recurrent layers of one cell, dropout behind each, and a
 * linear layer, built by model.c; tapes, files and the optimizer walk the list. */
#ifndef RUNE_MODEL_H
#define RUNE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "engine.h"
#include "opening.h"
#include "params.h"
#include "vocab.h"

/* The end of messages about results that are not finite. */
#define MODEL_UNSOUND                                                                              \
    "its weights are damaged, or its training diverged: take another copy of it, or train it "     \
    "again"

struct model {
    const struct engine *engine;
    const struct layer_kind *cell;
    double options[LAYER_OPTIONS];           /* of the cell */
    int num_layers, hidden_size, vocab_size; /* L recurrent layers, H, V */
    struct layer *layers; /* [depth] the chain, from the input on, without a chunk */
    int depth;
    struct params params;
    real *weights; /* [params.size] */
    real *packed;  /* the weights packed for products, layer by layer */
    /* Set by the caller before model_init: */
    bool training;       /* pack for backward too */
    bool input_gradient; /* backward also computes dx of the lowest layer */
    struct vocab vocab;
    struct opening opening; /* of the text it was trained on */
    uint64_t step;          /* updates so far */
    double val_loss;        /* of these weights, or NAN if it was not measured */
    char *history; /* how the run was changed while it trained, a line for each time; or NULL */
};

/* Fills a model that is zero but for `training` and `input_gradient`: its shape and vocabulary,
 * without memory for weights yet, so that model_bytes and tape_bytes can be asked first. options:
 * of the cell; NULL, or NAN in it, means the default. On success the model owns *vocab, of V
 * symbols (NULL: a model without text). Returns 0, or −1 and a message.
 */
int model_init(struct model *model, const struct engine *engine, const char *cell,
               const double *options, int L, int H, int V, struct vocab *vocab);

/* Takes the memory for the weights, which are 0. Returns 0, or −1 and a message. */
int model_allocate(struct model *model);

/* Lets a model compute with another engine from now on. Its tapes must be gone, and it is to be
 * packed anew. Returns 0, or −1 and a message; the model can then only be released. */
int model_change_engine(struct model *model, const struct engine *engine);

/* Safe on a zeroed model. */
void model_release(struct model *model);

/* Bytes that a model's weights take, packed ones included. */
size_t model_bytes(const struct model *model);

/* To be called by every member when weights have changed. Has a barrier at its end. */
void model_pack(struct member *member, struct model *model);

/* Runs model_pack on a team, for callers outside of a region. */
void model_prepare(struct team *team, struct model *model);

/* The index in `layers` of recurrent layer l. */
int model_layer_index(const struct model *model, int l);

#endif
