/* Every parameter's gradient against central differences, in double precision. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rng.h"
#include "tape.h"
#include "team.h"

struct problem {
    struct model model;
    struct tape tape;
    struct team *team;
    int32_t *x, *y;
    bool *reset;
    real *start; /* states before the chunk, [L][states][B][H] */
    bool backward;
};

static double uniform(uint32_t k)
{
    const struct rng rng = {5, RNG_TEST};
    const uint32_t counter[4] = {k, 0, 0, 0};
    return rng_uniform(&rng, counter);
}

static void run(struct member *member, void *argument)
{
    struct problem *p = argument;
    model_pack(member, &p->model);
    model_forward(member, &p->tape, p->reset, 11, 3);
    model_loss(member, &p->tape, p->y);
    if (p->backward)
        model_backward(member, &p->tape, p->y);
}

/* The loss of the chunk from the problem's start states. */
static double loss(struct problem *p, bool backward)
{
    const size_t state = (size_t)p->tape.B * (size_t)p->model.hidden_size;
    const real *from = p->start;
    for (int l = 0; l < p->model.num_layers; l++)
        for (int s = 0; s < p->model.cell->num_states; s++, from += state)
            memcpy(tape_state(&p->tape, l, s), from, state * sizeof *from);
    p->backward = backward;
    team_run(p->team, run, p);
    return p->tape.loss;
}

static void problem_init(struct problem *p, const char *cell, const double *options, int L, int H,
                         int V, int B, int T, double dropout)
{
    memset(p, 0, sizeof *p);
    const int R = B * T;
    p->model.training = true;
    assert_int_equal(
        model_init(&p->model, engine_find(PRECISION_FP32), cell, options, L, H, V, NULL), 0);
    assert_int_equal(model_allocate(&p->model), 0);
    params_start(&p->model.params, 1, p->model.weights);
    for (size_t k = 0; k < p->model.params.size; k++)
        /* Far from where everything is linear; and no bias is 0, where relu has its corner. */
        p->model.weights[k] = 2 * p->model.weights[k] + 0.2 * uniform((uint32_t)(5000 + k)) - 0.1;
    assert_int_equal(tape_init(&p->tape, &p->model, B, T, true, dropout), 0);
    p->team = team_new(2);
    p->x = calloc((size_t)R, sizeof *p->x);
    p->y = calloc((size_t)R, sizeof *p->y);
    p->reset = calloc((size_t)B, sizeof *p->reset);
    const size_t states = (size_t)(L * p->model.cell->num_states * B * H);
    p->start = calloc(states, sizeof *p->start);
    for (int r = 0; r < R; r++) {
        p->x[r] = (int32_t)(uniform((uint32_t)r) * (V + 1)) - 1;
        p->y[r] = (int32_t)(uniform((uint32_t)(1000 + r)) * (V + 1)) - 1;
    }
    p->reset[B - 1] = true;
    for (size_t k = 0; k < states; k++)
        p->start[k] = 2 * uniform((uint32_t)(2000 + k)) - 1;
    tape_set_input(&p->tape, p->x);
}

static void problem_release(struct problem *p)
{
    tape_release(&p->tape);
    model_release(&p->model);
    team_free(p->team);
    free(p->x);
    free(p->y);
    free(p->reset);
    free(p->start);
}

static void check_cell(const char *cell, const double *options, int L, int H, double dropout)
{
    struct problem p;
    double largest = 0, worst = 0;
    const double eps = 1e-5;
    problem_init(&p, cell, options, L, H, 6, 3, 4, dropout);
    loss(&p, true);
    real *gradients = calloc(p.model.params.size, sizeof *gradients);
    memcpy(gradients, p.tape.gradients, p.model.params.size * sizeof *gradients);
    for (size_t k = 0; k < p.model.params.size; k++)
        largest = fmax(largest, fabs(gradients[k]));
    for (size_t k = 0; k < p.model.params.size; k++) {
        const real kept = p.model.weights[k];
        p.model.weights[k] = kept + eps;
        const double above = loss(&p, false);
        p.model.weights[k] = kept - eps;
        const double below = loss(&p, false);
        p.model.weights[k] = kept;
        worst = fmax(worst, fabs((above - below) / (2 * eps) - gradients[k]));
    }
    print_message("# %s, %d layers of %d, dropout %g: largest gradient %.3g, worst error %.2g of "
                  "it\n",
                  cell, L, H, dropout, largest, worst / largest);
    assert_true(largest > 1e-3);
    assert_true(worst < 1e-7 * largest);
    free(gradients);
    problem_release(&p);
}

/* Every cell as it is by default, and with every other choice of its options. */
static void check(int L, int H, double dropout)
{
    for (const struct layer_kind *const *cell = engine_find(PRECISION_FP32)->cells; *cell; cell++) {
        check_cell((*cell)->name, NULL, L, H, dropout);
        for (int k = 0; k < (*cell)->num_options; k++) {
            const struct layer_option *option = &(*cell)->options[k];
            double options[LAYER_OPTIONS] = {NAN, NAN, NAN, NAN};
            for (int choice = 0; option->choices && option->choices[choice]; choice++) {
                options[k] = choice;
                if (choice != (int)option->default_value)
                    check_cell((*cell)->name, options, L, H, dropout);
            }
        }
    }
}

static void one_layer(void **state)
{
    (void)state;
    check(1, 5, 0);
}

static void two_layers(void **state)
{
    (void)state;
    check(2, 7, 0);
}

static void three_layers(void **state)
{
    (void)state;
    check(3, 4, 0);
}

static void two_layers_with_dropout(void **state)
{
    (void)state;
    check(2, 9, 0.3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_layer),
        cmocka_unit_test(two_layers),
        cmocka_unit_test(three_layers),
        cmocka_unit_test(two_layers_with_dropout),
    };
    return cmocka_run_group_tests_name("gradient", tests, NULL, NULL);
}
