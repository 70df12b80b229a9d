/* What a layer is. A kind of layer is one file and one row: the recurrent cells in cells/, the
 * linear layer and dropout in kernels/. Whoever uses a network knows its layers only through this.
 *
 * A kind keeps these rules, and tests/nn/test_contract.c holds every cell to them:
 *  - What pack writes for the way forward does not depend on `training`: what serves the way back
 *    follows it.
 *  - Results do not depend on the number of members, nor on the timesteps of one call.
 *  - A row's result does not depend on the rows beside it.
 *  - Every member calls every function with the same arguments, and results are complete after the
 *    next barrier. A function that reads what another member wrote in the same call has a barrier
 *    between the two. */
#ifndef RUNE_LAYER_H
#define RUNE_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "real.h"
#include "team.h"

/* The most that a layer has. */
#define LAYER_PARAMS 8
#define LAYER_OPTIONS 4
#define LAYER_STATES 4
#define LAYER_GATES 8
#define LAYER_QUANTITIES (LAYER_STATES + LAYER_GATES)

struct layer_kind;
struct recurrent;

/* What random numbers are drawn from in a pass over a chunk. */
struct pass {
    uint64_t seed, step;
};

/* One layer, and one chunk of B streams and T timesteps. The caller owns all arrays. */
struct layer {
    const struct layer_kind *kind;
    int number;                    /* among the layers of its kind, from the input on */
    int D, N;                      /* width of the input (V for one-hot input) and of the output */
    bool onehot;                   /* the input is: */
    bool training;                 /* backward will follow */
    bool passes_back;              /* and the gradient of the input is wanted */
    double options[LAYER_OPTIONS]; /* see struct layer_option */
    const real *param[LAYER_PARAMS]; /* in the order of the kind's params */
    real *grad[LAYER_PARAMS];        /* of the same shapes; overwritten by `gradients` */
    const real *packed;              /* what pack made of the parameters */

    int B, T;
    const struct pass *pass;
    const int32_t *ids;    /* [T][B] one-hot: the index of its 1, or −1 for the vector 0; or */
    const real *x;         /* [T][B][D] dense */
    const real *projected; /* [D][…] what `project` made of the D vectors that the input can be, if
                              it is not the one-hot ones; or NULL */
    real *y;               /* [T][B][N] the output; of a recurrent layer in its first state */
    real *state[LAYER_STATES]; /* [T + 1][B][N]; slot 0 is the state before the chunk; state[0] is
                                  the output */
    real *values;  /* [T][B][num_values][N] the gates, then what else is kept for the way back;
                      backward replaces them by what `gradients` needs */
    real *dy;      /* [T][B][N] gradient of the output; backward adds to it what comes through the
                      timesteps after */
    real *dx;      /* [T][B][D] gradient of the input, where it is wanted */
    real *scratch; /* as scratch_size asks; it stays as it is while backward goes through a chunk */
};

/* How a parameter is shaped, named in files, and started. */
enum layer_columns { LAYER_INPUT, LAYER_OUTPUT, LAYER_VECTOR };

struct layer_param {
    const char *name;           /* "weight_ih", PyTorch's */
    const char *zero_bias;      /* a second bias that PyTorch has and this kind has not: written as
                                   zeros, added to this one when read; or NULL */
    int blocks;                 /* rows: blocks · N */
    enum layer_columns columns; /* D, N, or none */
    const real *init; /* [blocks] what each block starts as; NULL: weights at random, biases 0 */
    bool fixed;       /* it is not trained */
};

/* An option of a kind: --NAME when a model is made, a key of its file, a line of what is said of
 * it. */
struct layer_option {
    const char *name, *help;
    const char *const *choices; /* NULL at the end; the value is an index. NULL: a number */
    double initial, min, max;
};

/* The value of an option as files have it and users type it. parse returns 0, or −1 and a message
 * that begins with the option's name. */
void layer_option_print(const struct layer_option *option, double value, char *out, size_t room);
int layer_option_parse(const struct layer_option *option, const char *text, double *value);

/* What a unit of a layer has in one stream: after timestep t, at[t · stride]. */
struct layer_series {
    const real *at;
    size_t stride;
};

struct layer_kind {
    const char *name;   /* "lstm" */
    const char *prefix; /* of its parameters' names in files: "rnn" */
    bool numbered;      /* such a name ends in the layer's number: "rnn.weight_ih_l0" */
    bool in_place;      /* dx is where dy is */
    int num_params, num_options, num_states, num_gates;
    int num_values; /* of a unit at a timestep; ≥ num_gates */
    const struct layer_param *params;
    const struct layer_option *options;
    /* What a trace shows of a unit, states first: [num_states + num_gates] */
    const char *const *quantities; /* "c" */
    const char *const *words;      /* "cell state" */
    const real *lowest;            /* [num_gates] a gate goes from there (0 or −1) to 1 */
    int forget_gate; /* which gate keeps a state from one timestep to the next; −1: none */
    const struct recurrent *recurrent; /* the kind's own affair */

    /* Numbers that pack writes (B and T are not needed), and of scratch. */
    size_t (*packed_size)(const struct layer *layer);
    size_t (*scratch_size)(const struct layer *layer);

    /* pack is called when the parameters have changed. forward takes the timesteps [first, last),
     * after those before, and reads x or ids and the states in slot `first`. backward takes them in
     * the other order; no gradient flows into slot 0 (the truncation of truncated BPTT). gradients
     * comes after it for the whole chunk; NULL for a kind without parameters. All leave work out
     * where team_should_stop(). */
    void (*pack)(struct member *member, const struct layer *layer, real *packed);
    void (*forward)(struct member *member, const struct layer *layer, int first, int last);
    void (*backward)(struct member *member, const struct layer *layer, int first, int last);
    void (*gradients)(struct member *member, const struct layer *layer);

    /* Of a recurrent kind: what the dense input adds to the arguments of the equations, [T][B][…],
     * `projected_width` numbers each. A layer whose inputs are known can be given this instead. */
    int (*projected_width)(const struct layer *layer);
    void (*project)(struct member *member, const struct layer *layer, real *projected);
};

/* Unit 0's series of a quantity; those of the next units are the next numbers. */
static inline struct layer_series layer_series(const struct layer *layer, int quantity, int stream)
{
    const size_t N = (size_t)layer->N, B = (size_t)layer->B, b = (size_t)stream;
    const size_t values = (size_t)layer->kind->num_values;
    if (quantity < layer->kind->num_states)
        return (struct layer_series){layer->state[quantity] + (B + b) * N, B * N};
    return (struct layer_series){
        layer->values + (b * values + (size_t)(quantity - layer->kind->num_states)) * N,
        B * values * N};
}

/* State s after the chunk, [B][N]: what the next one starts from. */
static inline real *layer_state(const struct layer *layer, int s)
{
    return layer->state[s] + (size_t)layer->T * (size_t)layer->B * (size_t)layer->N;
}

#endif
