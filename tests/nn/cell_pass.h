/* One layer of a cell with all that a pass through it needs, drawn at random, and the right answer
 * for it. */
#ifndef RUNE_TEST_CELL_PASS_H
#define RUNE_TEST_CELL_PASS_H

#include "arrays.h"
#include "engine.h"
#include "reference.h"

struct cell_shape {
    int B, T, D, H; /* D: V where the input is one-hot */
    bool onehot;
};

/* A layer's inputs, and what is right for it. */
struct cell_problem {
    struct cell_shape shape;
    const char *cell;
    double options[LAYER_OPTIONS];
    int32_t *ids;              /* [T][B] one-hot, or NULL */
    real *x;                   /* [T][B][D] what the ids mean, or the dense input */
    real *param[LAYER_PARAMS]; /* rows by rows, as files have them */
    real *state[LAYER_STATES]; /* [B][H] before the chunk */
    real *dy;                  /* [T][B][H] */
    struct reference right;
    size_t states, input; /* numbers in [T][B][H] and [T][B][D] */
};

/* The k-th cell, for a shape; options are drawn as well. `solved`: fill `right` too. */
void cell_problem_init(struct cell_problem *problem, const struct layer_kind *cell,
                       struct random *random, struct cell_shape shape, bool solved);
void cell_problem_release(struct cell_problem *problem);

/* Numbers in parameter k. */
size_t cell_param_size(const struct cell_problem *problem, int k);

/* What an engine works on. */
struct cell_pass {
    const struct engine *engine;
    struct layer layer;
    real *packed;
    int piece; /* timesteps of a call; T where it is 0 */
};

/* training: false for a pass that only goes forward. */
void cell_pass_init(struct cell_pass *pass, const struct cell_problem *problem,
                    const struct engine *engine, bool training);
void cell_pass_release(struct cell_pass *pass);

/* Pack and forward, and, in training, backward and the gradients. */
void cell_pass_run(struct cell_pass *pass, int threads);

/* A parameter's gradient as files have it, in memory of array_new. */
real *cell_gradient(const struct cell_pass *pass, int k);

#endif
