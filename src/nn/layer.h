/* What a layer is. A kind of layer is one file that defines one struct layer_kind: recurrent cells
 * are in cells/, the linear layer and dropout in kernels/. Everyone outside nn/ sees layers only
 * through this header and engine.h, which lists the kinds.
 *
 * Every kind keeps these rules. tests/nn/test_contract.c checks them for every cell:
 *  - In `packed`, the part that forward reads comes first. Its layout does not depend on
 * `training`.
 *  - Results do not depend on the size of the team, nor on how the timesteps are split into calls.
 *  - The result of a row does not depend on the rows beside it.
 *  - Every member of the team makes every call, with the same arguments. Results are complete after
 *    the next barrier. Between what one member writes and another reads within a call, there is a
 *    barrier. */
#ifndef RUNE_LAYER_H
#define RUNE_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "real.h"
#include "team.h"

/* Upper limits of a layer. */
#define LAYER_PARAMS 8
#define LAYER_OPTIONS 4
#define LAYER_STATES 4
#define LAYER_GATES 8
#define LAYER_QUANTITIES (LAYER_STATES + LAYER_GATES)

struct layer_kind;
struct recurrent;

/* Seed and counter of the random numbers of a pass over a chunk. */
struct pass {
    uint64_t seed, step;
};

/* A layer, and a chunk of B streams and T timesteps that it reads. The caller owns all arrays. */
struct layer {
    const struct layer_kind *kind;
    int number;                      /* among the layers of its kind, counted from the input */
    int D, N;                        /* width of the input (V if it is one-hot) and of the output */
    bool onehot;                     /* `ids` choose the input: one-hot, or rows of `projected` */
    bool training;                   /* backward will follow forward */
    bool needs_dx;                   /* backward computes dx */
    double options[LAYER_OPTIONS];   /* see struct layer_option */
    const real *param[LAYER_PARAMS]; /* in the order of the kind's params */
    real *grad[LAYER_PARAMS];        /* of the same shapes; overwritten by `gradients` */
    const real *packed;              /* what `pack` made of the parameters */

    int B, T;
    const struct pass *pass;
    const int32_t *ids; /* [T][B] index of the 1 of a one-hot vector; −1: the vector 0 */
    const real *x;      /* [T][B][D] */
    const real
        *projected; /* [rows][projected_width]: row ids[t][b] is the product W_ih x of a vector x,
                       computed before by `project`; NULL: ids mean one-hot vectors */
    real *y;        /* [T][B][N] the output; in a recurrent layer, the slots 1 … T of state[0] */
    real *state[LAYER_STATES]; /* [T + 1][B][N]; slot 0 is the state before the chunk */
    real *values; /* [T][B][num_values][N] the gates, then whatever else backward needs; backward
                     replaces them by whatever `gradients` needs */
    real *dy;     /* [T][B][N] gradient of the output. backward adds all that reaches the output by
                     way of later timesteps */
    real *dx;     /* [T][B][D] gradient of the input, if needs_dx */
    real
        *scratch; /* [scratch_size]; must stay as it is between the calls of backward for a chunk */
};

/* Shape, name in files and initial values of a parameter. */
enum layer_columns { LAYER_INPUT, LAYER_OUTPUT, LAYER_VECTOR };

struct layer_param {
    const char *name;      /* "weight_ih", PyTorch's */
    const char *zero_bias; /* a second bias, which only PyTorch has: written as zeros, and added
                              to this one when read; or NULL */
    int blocks;            /* rows: blocks · N */
    enum layer_columns columns; /* D, N, or none */
    const real *init; /* [blocks] what each block starts as; NULL: weights at random, biases 0 */
    bool fixed;       /* it is not trained */
};

/* An option of a kind: `rune train --NAME`, a key in the metadata of files, and shown by `rune
 * info`.
 */
struct layer_option {
    const char *name, *help;
    const char *const *choices; /* NULL at the end; the value is an index. NULL: a number */
    double default_value, min, max;
};

/* The value of an option as files have it and users type it. parse returns 0, or −1 and a message
 * that begins with the option's name. */
void layer_option_print(const struct layer_option *option, double value, char *out, size_t room);
int layer_option_parse(const struct layer_option *option, const char *text, double *value);

/* The values of a unit in one stream: at[t · stride] after timestep t. */
struct layer_series {
    const real *at;
    size_t stride;
};

struct layer_kind {
    const char *name;   /* "lstm" */
    const char *prefix; /* of its parameters' names in files: "rnn" */
    bool numbered;      /* such a name ends in the layer's number: "rnn.weight_ih_l0" */
    bool in_place;      /* dx is the array dy; and y is the array x if options[0] is 0 */
    int num_params, num_options, num_states, num_gates;
    int num_values; /* kept for each unit and timestep; ≥ num_gates */
    const struct layer_param *params;
    const struct layer_option *options;
    /* What a trace shows of a unit, states first: [num_states + num_gates] */
    const char *const *quantities;     /* "c" */
    const char *const *descriptions;   /* "cell state" */
    const real *lowest;                /* [num_gates] a gate goes from there (0 or −1) to 1 */
    int forget_gate;                   /* the gate that multiplies the old state; −1: none */
    const struct recurrent *recurrent; /* private to nn/ */

    /* Sizes of `packed` (B and T are not read) and of `scratch`, in reals. */
    size_t (*packed_size)(const struct layer *layer);
    size_t (*scratch_size)(const struct layer *layer);

    /* pack: after every change of the parameters; NULL for a kind without any. forward: the
     * timesteps [first, last), in rising order from call to call; reads the states in slot `first`.
     * backward: likewise, in falling order; no gradient flows into slot 0 (truncated BPTT).
     * gradients: once, after backward has reached timestep 0; NULL likewise. Long loops end early
     * if the team is told to stop: results are then of no use. */
    void (*pack)(struct member *member, const struct layer *layer, real *packed);
    void (*forward)(struct member *member, const struct layer *layer, int first, int last);
    void (*backward)(struct member *member, const struct layer *layer, int first, int last);
    void (*gradients)(struct member *member, const struct layer *layer);

    /* Recurrent kinds: the products of the dense input, W_ih x, [T][B][projected_width]. They can
     * be computed once and given to other layers as `projected`. */
    int (*projected_width)(const struct layer *layer);
    void (*project)(struct member *member, const struct layer *layer, real *projected);
};

/* The series of unit 0; unit u's begins u numbers later. */
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
