#include "cell_pass.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "team.h"

/* --- the problem ------------------------------------------------------------------------------ */

static const struct layer_kind *kind_of(const struct cell_problem *p)
{
    return engine_cell(engine_find(PRECISION_FP32), p->cell);
}

static int param_columns(const struct cell_problem *p, int k)
{
    const enum layer_columns columns = kind_of(p)->params[k].columns;
    return columns == LAYER_INPUT ? p->shape.D : columns == LAYER_OUTPUT ? p->shape.H : 1;
}

static size_t param_rows(const struct cell_problem *p, int k)
{
    return (size_t)(kind_of(p)->params[k].blocks * p->shape.H);
}

size_t cell_param_size(const struct cell_problem *p, int k)
{
    return param_rows(p, k) * (size_t)param_columns(p, k);
}

/* With one-hot input x is what the ids mean: a 1 at the id, or nothing where it is −1. */
static void make_input(struct cell_problem *p, struct random *random)
{
    if (!p->shape.onehot) {
        p->x = array_random(random, p->input, 1);
        return;
    }
    const size_t rows = (size_t)p->shape.T * (size_t)p->shape.B;
    p->x = array_new(p->input);
    p->ids = malloc(rows * sizeof *p->ids);
    memset(p->x, 0, p->input * sizeof *p->x);
    for (size_t r = 0; r < rows; r++) {
        p->ids[r] = random_below(random, 8) == 0 ? -1 : random_below(random, p->shape.D);
        if (p->ids[r] >= 0)
            p->x[r * (size_t)p->shape.D + (size_t)p->ids[r]] = 1;
    }
}

static void draw_options(struct cell_problem *p, struct random *random)
{
    const struct layer_kind *kind = kind_of(p);
    for (int k = 0; k < kind->num_options; k++) {
        const struct layer_option *option = &kind->options[k];
        int choices = 0;
        while (option->choices && option->choices[choices])
            choices++;
        p->options[k] = option->choices ? random_below(random, choices)
                                        : random_between(random, option->min, option->max);
    }
}

static void draw_params(struct cell_problem *p, struct random *random)
{
    const struct layer_kind *kind = kind_of(p);
    /* Twice what training starts from: gates then use all of their range. What has no bounds must
     * not grow from timestep to timestep. */
    const double size = strcmp(p->cell, "rnn") == 0 && p->options[0] > 0 ? 0.5 : 2;
    for (int k = 0; k < kind->num_params; k++) {
        const int columns = param_columns(p, k);
        if (kind->params[k].columns == LAYER_VECTOR)
            p->param[k] = array_random(random, param_rows(p, k), 1);
        else
            p->param[k] = array_weights(random, param_rows(p, k), (size_t)columns,
                                        kind->params[k].columns == LAYER_INPUT && p->shape.onehot
                                            ? size
                                            : size / sqrt(columns));
    }
}

static int find_param(const struct cell_problem *p, const char *name)
{
    const struct layer_kind *kind = kind_of(p);
    for (int k = 0; k < kind->num_params; k++)
        if (strcmp(kind->params[k].name, name) == 0)
            return k;
    return -1;
}

static double *param_doubles(const struct cell_problem *p, const char *name)
{
    const int k = find_param(p, name);
    return k < 0 ? NULL : array_doubles(p->param[k], cell_param_size(p, k));
}

static double *gradient_doubles(const struct cell_problem *p, const char *name)
{
    const int k = find_param(p, name);
    return k < 0 ? NULL : calloc(cell_param_size(p, k), sizeof(double));
}

static void solve(struct cell_problem *p)
{
    const struct layer_kind *kind = kind_of(p);
    const size_t before = (size_t)p->shape.B * (size_t)p->shape.H;
    p->right = (struct reference){
        .cell = reference_cell(kind),
        .kind = kind,
        .options = p->options,
        .B = p->shape.B,
        .T = p->shape.T,
        .D = p->shape.D,
        .H = p->shape.H,
        .x = array_doubles(p->x, p->input),
        .weight_ih = param_doubles(p, "weight_ih"),
        .weight_hh = param_doubles(p, "weight_hh"),
        .b_ih = param_doubles(p, "bias_ih"),
        .b_hh = param_doubles(p, "bias_hh"),
        .gates = calloc((size_t)kind->num_gates * p->states + 1, sizeof(double)),
        .dy = array_doubles(p->dy, p->states),
        .dweight_ih = gradient_doubles(p, "weight_ih"),
        .dweight_hh = gradient_doubles(p, "weight_hh"),
        .db_ih = gradient_doubles(p, "bias_ih"),
        .db_hh = gradient_doubles(p, "bias_hh"),
        .dx = calloc(p->input, sizeof(double)),
        .dh = calloc(p->states, sizeof(double)),
    };
    for (int s = 0; s < kind->num_states; s++) {
        p->right.state[s] = calloc(p->states + before, sizeof(double));
        for (size_t k = 0; k < before; k++)
            p->right.state[s][k] = (double)p->state[s][k];
    }
    reference_forward(&p->right);
    reference_backward(&p->right);
}

void cell_problem_init(struct cell_problem *p, const struct layer_kind *cell, struct random *random,
                       struct cell_shape shape, bool solved)
{
    const size_t before = (size_t)shape.B * (size_t)shape.H, T = (size_t)shape.T;
    *p = (struct cell_problem){.shape = shape, .cell = cell->name};
    p->states = T * before;
    p->input = T * (size_t)shape.B * (size_t)shape.D;
    make_input(p, random);
    draw_options(p, random);
    draw_params(p, random);
    for (int s = 0; s < cell->num_states; s++)
        p->state[s] = array_random(random, before, 1 + s);
    p->dy = array_random(random, p->states, 1);
    if (solved)
        solve(p);
}

void cell_problem_release(struct cell_problem *p)
{
    const struct reference *right = &p->right;
    const double *const doubles[] = {
        right->x,     right->weight_ih, right->weight_hh,  right->b_ih,       right->b_hh,
        right->gates, right->dy,        right->dweight_ih, right->dweight_hh, right->db_ih,
        right->db_hh, right->dx,        right->dh};
    for (size_t k = 0; k < sizeof doubles / sizeof *doubles; k++)
        free((void *)(uintptr_t)doubles[k]);
    for (int k = 0; k < LAYER_PARAMS; k++)
        array_free(p->param[k]);
    for (int s = 0; s < LAYER_STATES; s++) {
        array_free(p->state[s]);
        free(right->state[s]);
    }
    array_free(p->x);
    array_free(p->dy);
    free(p->ids);
}

/* --- the pass --------------------------------------------------------------------------------- */

/* The one-hot layer's matrix and its gradient lie the other way round: rows × columns becomes
 * columns × rows. */
static real *transposed(const real *from, size_t rows, size_t columns)
{
    real *to = array_new(rows * columns);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            to[c * rows + r] = from[r * columns + c];
    return to;
}

static bool is_transposed(const struct cell_pass *pass, int k)
{
    return pass->layer.onehot && pass->layer.kind->params[k].columns == LAYER_INPUT;
}

void cell_pass_init(struct cell_pass *pass, const struct cell_problem *p,
                    const struct engine *engine, bool training)
{
    const struct layer_kind *kind = engine_cell(engine, p->cell);
    const size_t before = (size_t)p->shape.B * (size_t)p->shape.H;
    struct layer *layer = &pass->layer;
    *pass = (struct cell_pass){.engine = engine};
    *layer = (struct layer){
        .kind = kind,
        .D = p->shape.D,
        .N = p->shape.H,
        .onehot = p->shape.onehot,
        .training = training,
        .needs_dx = training,
        .B = p->shape.B,
        .T = p->shape.T,
        .ids = p->ids,
        .x = p->ids ? NULL : p->x,
        .values = array_new((size_t)kind->num_values * p->states),
        .dx = training ? array_new(p->input) : NULL,
    };
    memcpy(layer->options, p->options, sizeof layer->options);
    for (int k = 0; k < kind->num_params; k++) {
        const size_t rows = param_rows(p, k), columns = (size_t)param_columns(p, k);
        layer->param[k] = is_transposed(pass, k) ? transposed(p->param[k], rows, columns)
                                                 : transposed(p->param[k], 1, rows * columns);
        layer->grad[k] = training ? array_new(rows * columns) : NULL;
    }
    for (int s = 0; s < kind->num_states; s++) {
        layer->state[s] = array_new(p->states + before);
        memcpy(layer->state[s], p->state[s], before * sizeof(real));
    }
    layer->y = layer->state[0] + before;
    layer->dy = training ? transposed(p->dy, 1, p->states) : NULL;
    layer->packed = pass->packed = array_new(kind->packed_size(layer));
    layer->scratch = array_new(kind->scratch_size(layer));
}

void cell_pass_release(struct cell_pass *pass)
{
    struct layer *layer = &pass->layer;
    for (int k = 0; k < LAYER_PARAMS; k++) {
        array_free((real *)(uintptr_t)layer->param[k]);
        array_free(layer->grad[k]);
    }
    for (int s = 0; s < LAYER_STATES; s++)
        array_free(layer->state[s]);
    array_free(layer->values);
    array_free(layer->dy);
    array_free(layer->dx);
    array_free(layer->scratch);
    array_free(pass->packed);
}

static void run(struct member *member, void *argument)
{
    const struct cell_pass *pass = argument;
    const struct layer *layer = &pass->layer;
    const int piece = pass->piece > 0 ? pass->piece : layer->T;
    layer->kind->pack(member, layer, pass->packed);
    team_barrier(member);
    for (int t = 0; t < layer->T; t += piece) {
        layer->kind->forward(member, layer, t, t + piece < layer->T ? t + piece : layer->T);
        team_barrier(member);
    }
    if (!layer->training)
        return;
    for (int t = layer->T; t > 0; t -= piece) {
        layer->kind->backward(member, layer, t > piece ? t - piece : 0, t);
        team_barrier(member);
    }
    layer->kind->gradients(member, layer);
}

void cell_pass_run(struct cell_pass *pass, int threads)
{
    struct team *team = team_new(threads);
    team_run(team, run, pass);
    team_free(team);
}

real *cell_gradient(const struct cell_pass *pass, int k)
{
    const struct layer *layer = &pass->layer;
    const enum layer_columns columns = layer->kind->params[k].columns;
    const size_t rows = (size_t)(layer->kind->params[k].blocks * layer->N);
    const size_t width = (size_t)(columns == LAYER_INPUT    ? layer->D
                                  : columns == LAYER_OUTPUT ? layer->N
                                                            : 1);
    return is_transposed(pass, k) ? transposed(layer->grad[k], width, rows)
                                  : transposed(layer->grad[k], 1, rows * width);
}
