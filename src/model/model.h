/* The model: a chain of layers from the symbols to the logits under a softmax, and the vocabulary
 * that it reads and writes. The chain is recurrent layers of one cell, dropout behind each, and a
 * linear layer; only model.c knows that, all else walks the list. */
#ifndef RUNE_MODEL_H
#define RUNE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "engine.h"
#include "params.h"
#include "vocab.h"

/* How messages end about a model that gives numbers that are not finite. */
#define MODEL_UNSOUND                                                                              \
    "its weights are damaged, or its training diverged: take another copy of it, or train it anew"

struct model {
    const struct engine *engine;
    const struct layer_kind *cell;
    double options[LAYER_OPTIONS];           /* of the cell */
    int num_layers, hidden_size, vocab_size; /* L recurrent layers, H, V */
    struct layer *layers; /* [depth] the chain, from the input on, without a chunk */
    int depth;
    struct params params;
    real *weights; /* [params.size] */
    real *packed;  /* the same as products read them, layer by layer */
    bool training; /* they are packed for the way back too; set by the caller, before all else, as:
                    */
    bool input_gradient; /* the way back goes on to the one-hot input */
    struct vocab vocab;
    uint64_t step;   /* updates that the weights have seen */
    double val_loss; /* of these weights where it was measured, else NAN */
};

/* Fills a model that is zero but for `training` and `input_gradient`: its shape and vocabulary,
 * without memory for weights yet, so that model_bytes and tape_bytes can be asked first. options:
 * of the cell; NULL, or NAN in it, stands for what the cell says. It takes over the vocabulary, of
 * V symbols, if it succeeds (NULL: none, for a model without text). Returns 0, or −1 and a message.
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

/* Packs the weights outside of a region. */
void model_prepare(struct team *team, struct model *model);

/* Where recurrent layer l is in the chain. */
int model_layer_index(const struct model *model, int l);

#endif
