/* Every cell of every engine, forward and back, against its equations in double precision. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cell_pass.h"
#include "engines.h"

#define BF16_UNIT (1.0 / 512)

/* n roundings add up like a random walk of steps of one unit; a factor of 8 takes in the farthest
 * of the many numbers compared, and what a small layer remembers for long. */
static double rounding(const struct cell_pass *pass, double n, double largest)
{
    if (pass->engine->precision == PRECISION_BF16)
        return 8 * BF16_UNIT * largest;
    return 8 * sqrt(n) * UNIT * largest;
}

/* A state is the work of all timesteps up to its own, each with a product of length D + H and some
 * twenty operations more; what the recurrence forgets makes up for what it enlarges. */
static double work_of(const struct cell_problem *p)
{
    return p->shape.T * ((p->ids ? 1 : p->shape.D) + p->shape.H + 20);
}

/* Backward computes in place of the values: `gates` are kept from before. */
static double compare_forward(const struct cell_pass *pass, const struct cell_problem *p)
{
    const struct layer_kind *kind = pass->layer.kind;
    const size_t before = (size_t)p->shape.B * (size_t)p->shape.H;
    const double n = work_of(p);
    double worst = 0;
    for (int s = 0; s < kind->num_states; s++) {
        const double *right = p->right.state[s] + before;
        const double largest = fmax(1, array_largest(right, p->states));
        worst = fmax(worst, array_near(kind->quantities[s], pass->layer.state[s] + before, right,
                                       p->states, rounding(pass, n, largest)));
    }
    return worst;
}

/* The gates stand first among the values of a unit. */
static double compare_gates(const struct cell_pass *pass, const struct cell_problem *p)
{
    const struct layer_kind *kind = pass->layer.kind;
    const size_t H = (size_t)p->shape.H, G = (size_t)kind->num_gates * H,
                 values = (size_t)kind->num_values * H, rows = p->states / H;
    double worst = 0;
    for (size_t r = 0; r < rows && G > 0; r++)
        worst = fmax(worst, array_near("gates", pass->layer.values + r * values,
                                       p->right.gates + r * G, G, rounding(pass, work_of(p), 1)));
    return worst;
}

/* The way back is as long again, with products of all arguments; a weight's gradient then is a sum
 * over all rows, of numbers of the size of 1 whatever their sum is. */
static double compare_backward(const struct cell_pass *pass, const struct cell_problem *p)
{
    const struct reference *right = &p->right;
    const double n = p->shape.T * ((p->ids ? 1 : p->shape.D) + 5 * p->shape.H + 40),
                 sum = n + p->shape.T * p->shape.B;
    double worst = 0;
    for (int k = 0; k < pass->layer.kind->num_params; k++) {
        const char *name = pass->layer.kind->params[k].name;
        const double *expected = strcmp(name, "weight_ih") == 0   ? right->dweight_ih
                                 : strcmp(name, "weight_hh") == 0 ? right->dweight_hh
                                 : strcmp(name, "bias_ih") == 0   ? right->db_ih
                                                                  : right->db_hh;
        const size_t size = cell_param_size(p, k);
        real *gradient = cell_gradient(pass, k);
        worst =
            fmax(worst, array_near(name, gradient, expected, size,
                                   rounding(pass, sum, fmax(1, array_largest(expected, size)))));
        array_free(gradient);
    }
    worst =
        fmax(worst, array_near("dy", pass->layer.dy, right->dh, p->states,
                               rounding(pass, n, fmax(1, array_largest(right->dh, p->states)))));
    return fmax(worst, array_near("dx", pass->layer.dx, right->dx, p->input,
                                  rounding(pass, n, fmax(1, array_largest(right->dx, p->input)))));
}

/* Whether a unit is so near to where its nonlinearity has a corner that rounding decides which
 * slope it has. */
static bool near_a_corner(const struct cell_pass *pass, const struct cell_problem *p)
{
    const size_t before = (size_t)p->shape.B * (size_t)p->shape.H;
    const double near = rounding(pass, work_of(p), 1);
    if (strcmp(p->cell, "rnn") != 0 || p->options[0] == 0)
        return false;
    for (size_t k = 0; k < p->states; k++)
        if (p->right.state[0][before + k] < near)
            return true;
    return false;
}

static void check(struct random *random, struct cell_shape shape, int threads)
{
    for (int c = 0; engines_at(0)->cells[c]; c++) {
        struct cell_problem problem;
        cell_problem_init(&problem, engines_at(0)->cells[c], random, shape, true);
        for (int k = 0; engines_at(k); k++) {
            struct cell_pass pass;
            cell_pass_init(&pass, &problem, engines_at(k), false);
            cell_pass_run(&pass, threads);
            const double gates = compare_gates(&pass, &problem),
                         forward = compare_forward(&pass, &problem);
            double backward = 0;
            cell_pass_release(&pass);
            if (engine_trains(engines_at(k))) {
                cell_pass_init(&pass, &problem, engines_at(k), true);
                cell_pass_run(&pass, threads);
                if (!near_a_corner(&pass, &problem))
                    backward = compare_backward(&pass, &problem);
                cell_pass_release(&pass);
            }
            print_message("# %s, %s, B %d T %d %s %d H %d: %.2f, %.2f and %.2f of the tolerance\n",
                          problem.cell, engines_at(k)->name, shape.B, shape.T,
                          shape.onehot ? "V" : "D", shape.D, shape.H, gates, forward, backward);
        }
        cell_problem_release(&problem);
    }
}

static const int batches[] = {1, 7, 50, 64}, lengths[] = {1, 2, 50},
                 widths[] = {1, 3, 17, 100, 127}, symbols[] = {1, 2, 65, 300};

/* Shapes beyond this many products take longer than they teach. */
#ifndef WORK
#define WORK 3e7
#endif

static void onehot_input(void **state)
{
    (void)state;
    struct random random = {1, 0};
    for (int round = 0; round < 20;) {
        const struct cell_shape shape = {batches[random_below(&random, 4)],
                                         lengths[random_below(&random, 3)], symbols[round % 4],
                                         widths[round % 5], true};
        if (4.0 * shape.B * shape.T * shape.H * shape.H > WORK)
            continue;
        check(&random, shape, 1 + round % 3);
        round++;
    }
}

static void dense_input(void **state)
{
    (void)state;
    struct random random = {2, 0};
    for (int round = 0; round < 15;) {
        struct cell_shape shape = {batches[random_below(&random, 4)],
                                   lengths[random_below(&random, 3)], 0, widths[round % 5], false};
        shape.D = random_below(&random, 2) ? shape.H : 1 + random_below(&random, 40);
        if (4.0 * shape.B * shape.T * shape.H * (shape.H + shape.D) > WORK)
            continue;
        check(&random, shape, 1 + round % 3);
        round++;
    }
    /* deeper than what is multiplied at once */
    check(&random, (struct cell_shape){2, 2, 300, 270, false}, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(onehot_input),
        cmocka_unit_test(dense_input),
    };
    return cmocka_run_group_tests_name("cells", tests, NULL, NULL);
}
