/* A pass of a model over a chunk: forward, loss, and backward. The tape holds its arrays, as in
 * automatic differentiation. */
#ifndef RUNE_TAPE_H
#define RUNE_TAPE_H

#include "arena.h"
#include "model.h"

/* A unit whose output h is replaced by `value`: layers above and the next timestep read that. */
struct clamp {
    int layer, unit;
    int stream; /* or CLAMP_ALL */
    real value;
};

#define CLAMP_ALL (-1)

/* What a pass writes: all that backward, a trace and the next chunk need. */
struct tape {
    const struct model *model;
    int B, T;
    bool training;        /* keeps what backward needs */
    double dropout;       /* probability that a layer's output is dropped; training only */
    struct layer *layers; /* [depth] the model's chain with this chunk: states, values, … */
    struct pass *pass;    /* of the last model_forward */
    real *logits;         /* [T][B][V] the chain's output; after model_backward their gradient */
    real *losses;         /* [T][B] nats of each target, 0 where there is none */
    real *log_sum_exps;   /* [T][B] log Σ e^logit */
    double loss;          /* mean over the targets, in nats */
    real *gradients;      /* [params.size] */
    struct arena memory;
    int first_layer;            /* of the chain, at which passes start */
    const struct clamp *clamps; /* [num_clamps] not owned */
    size_t num_clamps;
};

/* Bytes that tape_init would allocate; for chunks that it refuses, more than any machine has. */
size_t tape_bytes(const struct model *model, int B, int T, bool training, double dropout);

/* Fills a zeroed tape for chunks of B streams and T timesteps; states are 0. It refers to the
 * model. Returns 0, or −1 and a message: B (T + 1) must fit an int. */
int tape_init(struct tape *tape, const struct model *model, int B, int T, bool training,
              double dropout);

void tape_release(struct tape *tape);

/* Recurrent layer l, and its state s after the last chunk, [B][H]: what the next one starts from.
 */
struct layer *tape_layer(const struct tape *tape, int l);
real *tape_state(const struct tape *tape, int l, int s);

/* Sets the states that the next chunk starts from to 0. */
void tape_reset(struct tape *tape);

/* Restores the states from before the last pass, also if it was stopped; 0 in streams that it
 * reset. */
void tape_undo(struct tape *tape);

/* The chunk's inputs [T][B], to be set before model_forward; they must stay until model_backward.
 */
void tape_set_input(struct tape *tape, const int32_t *ids);

/* Starts the following passes at recurrent layer l > 0, whose input product is known: the inputs to
 * be set choose rows of `projected`, see layer.h. Not for a tape that trains. */
void tape_begin_at(struct tape *tape, int l, const real *projected);

/* Clamps units in the following passes, and in the states that they start from. If a unit is listed
 * twice, the later entry counts. For chunks of one timestep. */
void tape_set_clamps(struct tape *tape, const struct clamp *clamps, size_t count);

/* The three functions below are called by every member of a team, and end in a barrier. */

/* Carries the states over from the last chunk, 0 where reset[b] (NULL: nowhere), and computes
 * logits. Dropout is drawn from (seed, step). */
void model_forward(struct member *member, struct tape *tape, const bool *reset, uint64_t seed,
                   uint64_t step);

/* losses, log_sum_exps and loss of targets [T][B], VOCAB_NONE where there is none. */
void model_loss(struct member *member, struct tape *tape, const int32_t *targets);

/* The gradient of the mean loss, in tape->gradients and in the layers' dy and dx. */
void model_backward(struct member *member, struct tape *tape, const int32_t *targets);

#endif
