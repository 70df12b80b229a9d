/* The model: a stack of recurrent layers under a softmax, and the vocabulary that it reads and
 * writes. */
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
    const struct cell *cell;
    int num_layers, hidden_size, vocab_size; /* L, H, V */
    struct params params;
    real *weights; /* [params.size] */
    real *packed;  /* the same as products read them, layer by layer, the linear one last */
    bool training; /* they are packed for the way back too; set by the caller, before all else */
    struct vocab vocab;
    uint64_t step;   /* updates that the weights have seen */
    double val_loss; /* of these weights where it was measured, else NAN */
};

/* Fills a model that is zero but for `training`: its shape and vocabulary, without memory for
 * weights yet, so that model_bytes and tape_bytes can be asked first. It takes over the vocabulary,
 * of V symbols, if it succeeds (NULL: none, for a model without text). Returns 0, or −1 and a
 * message. */
int model_init(struct model *model, const struct engine *engine, const char *cell, int L, int H,
               int V, struct vocab *vocab);

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

/* --- a pass over a chunk ---------------------------------------------------------------------- */

/* A unit whose output h is held, whatever its layer computes: layers above, and the next timestep,
 * read `value`. */
struct clamp {
    int layer, unit;
    int stream; /* or CLAMP_ALL */
    real value;
};

#define CLAMP_ALL (-1)

/* What a pass leaves behind: all that the way back, a trace, and the next chunk need. */
struct tape {
    const struct model *model;
    int B, T;
    bool training;        /* keeps what backward needs */
    double dropout;       /* probability that a layer's output is dropped; training only */
    struct layer *layers; /* [L] see cell.h: states, gates, … */
    real *dropped;        /* [L][T][B][H] layers' outputs after dropout, or NULL */
    uint8_t *kept;        /* [L][T][B][H] its mask */
    real *logits;         /* [T][B][V]; after model_backward their gradient */
    real *losses;         /* [T][B] nats of each target, 0 where there is none */
    real *normalisers;    /* [T][B] log Σ e^logit */
    double loss;          /* mean over the targets, in nats */
    real *gradients;      /* [params.size] */
    double *squares;      /* [num_squares] sums of their squares, over fixed stretches */
    size_t num_squares;
    real *scratch; /* what a layer needs while it works */
    void *memory;
    int first;                  /* layer that passes begin at */
    const struct clamp *clamps; /* [num_clamps] not owned */
    size_t num_clamps;
};

/* The memory of a tape in bytes, to know before it is taken; for chunks that tape_init would refuse
 * more than any machine has. */
size_t tape_bytes(const struct model *model, int B, int T, bool training, double dropout);

/* Fills a zeroed tape for chunks of B streams and T timesteps; states are 0. It refers to the
 * model. Returns 0, or −1 and a message: B (T + 1) must fit an int. */
int tape_init(struct tape *tape, const struct model *model, int B, int T, bool training,
              double dropout);

void tape_release(struct tape *tape);

/* State s of a layer after the last chunk, [B][H]: what the next one starts from. */
real *tape_state(const struct tape *tape, int layer, int s);

/* Sets the states that the next chunk starts from to 0. */
void tape_reset(struct tape *tape);

/* Takes back the chunk that a pass has read, or a part of it: the states are what they were before,
 * or 0 where the pass reset them. */
void tape_take_back(struct tape *tape);

/* The chunk's inputs [T][B], to be set before model_forward; they must stay until model_backward.
 */
void tape_set_input(struct tape *tape, const int32_t *ids);

/* Lets passes begin at a layer above the lowest, whose W_ih x is known: the inputs to be set choose
 * rows[…][G · H] of it. For a tape without training, of a cell that is `recurrent`. */
void tape_begin_at(struct tape *tape, int layer, const real *rows);

/* Holds units in the passes to come, and in the states that they start from; the later of two for
 * the same unit counts. For chunks of one timestep. */
void tape_set_clamps(struct tape *tape, const struct clamp *clamps, size_t count);

/* These are called by every member of a team and end in a barrier. */

/* Carries the states over from the last chunk, 0 where reset[b] (NULL: nowhere), and computes
 * logits. Dropout is drawn from (seed, step). */
void model_forward(struct member *member, struct tape *tape, const bool *reset, uint64_t seed,
                   uint64_t step);

/* losses, normalisers and loss of targets [T][B], VOCAB_NONE where there is none. */
void model_loss(struct member *member, struct tape *tape, const int32_t *targets);

/* The gradient of the mean loss in tape->gradients, and the sums of its squares, of each element up
 * to clip_value (0: all of it). */
void model_backward(struct member *member, struct tape *tape, const int32_t *targets,
                    double clip_value);

/* Sums the squares of the gradient of a layer's parameters; layer L is the linear one.
 * model_backward does it for each as soon as it is made. No barrier. */
void tape_sum_squares(struct member *member, struct tape *tape, int layer, double clip_value);

#endif
