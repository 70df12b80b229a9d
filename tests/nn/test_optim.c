/* The optimizers against their papers' formulas in double precision. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arrays.h"
#include "engine.h"

#define STEPS 60

static double clip(double g, double limit)
{
    return limit > 0 ? fmax(-limit, fmin(limit, g)) : g;
}

struct weight {
    double w, m, v;
};

static void exact_step(const struct optim *optim, struct weight *at, int step, double rate,
                       double g)
{
    const double decay = rate * optim->weight_decay * at->w;
    switch (optim->kind) {
    case OPTIM_ADAM:
        at->m = 0.9 * at->m + 0.1 * g;
        at->v = 0.999 * at->v + 0.001 * g * g;
        at->w -=
            rate * (at->m / (1 - pow(0.9, step))) / (sqrt(at->v / (1 - pow(0.999, step))) + 1e-8);
        break;
    case OPTIM_RMSPROP:
        at->v = 0.99 * at->v + 0.01 * g * g;
        at->w -= rate * g / (sqrt(at->v) + 1e-8);
        break;
    case OPTIM_SGD:
        at->w -= rate * g;
        break;
    }
    at->w -= decay;
}

/* Each step rounds the weight a few times by its own size, and moves it by something of the size
 * of rate · g that some twenty roundings went into, and the constants' own: 1 − 0.999 is a thousand
 * times smaller than what it is rounded with, but moments forget. */
static double tolerance(const struct optim *optim, double rate, double gradient)
{
    const double move = optim->kind == OPTIM_SGD ? rate * gradient : rate * 10;
    return STEPS * UNIT * (3 + 60 * move);
}

static void check(const struct engine *engine, const struct optim *optim, size_t n, double size)
{
    struct random random = {n, 0};
    const double rate = 0.01, scale = 0.75;
    real *w = array_random(&random, n, 1), *m = array_new(n), *v = array_new(n);
    struct weight *exact = calloc(n, sizeof *exact);
    double *right = malloc(n * sizeof *right);
    for (size_t k = 0; k < n; k++) {
        exact[k].w = (double)w[k];
        m[k] = v[k] = 0;
    }
    for (int step = 1; step <= STEPS; step++) {
        real *g = array_random(&random, n, size);
        engine->optim.update(optim, n, (uint64_t)step, rate, scale, g, w, m, v);
        for (size_t k = 0; k < n; k++)
            exact_step(optim, &exact[k], step, rate, scale * clip((double)g[k], optim->clip_value));
        array_free(g);
    }
    for (size_t k = 0; k < n; k++)
        right[k] = exact[k].w;
    const double worst = array_near("weight", w, right, n, tolerance(optim, rate, size));
    print_message("# %s, optimizer %d, %zu weights: %.2f of the tolerance\n", engine->name,
                  optim->kind, n, worst);
    free(exact);
    free(right);
    array_free(w);
    array_free(m);
    array_free(v);
}

static void steps(void **state)
{
    (void)state;
    static const size_t lengths[] = {1, 3, 17, 100, 1001};
    static const enum optim_kind kinds[] = {OPTIM_ADAM, OPTIM_RMSPROP, OPTIM_SGD};
    for (int k = 0; engine_at(k); k++)
        for (size_t i = 0; i < 15; i++) {
            const struct optim plain = {.kind = kinds[i % 3]};
            const struct optim full = {
                .kind = kinds[i % 3], .weight_decay = 0.3, .clip_value = 0.5};
            check(engine_at(k), &plain, lengths[i / 3], 2);
            check(engine_at(k), &full, lengths[i / 3], 2);
        }
}

/* At the first step Adam moves every weight by the rate, whatever the gradient's size. */
static void adams_first_step_is_the_rate(void **state)
{
    (void)state;
    for (int k = 0; engine_at(k); k++)
        for (double size = 1e-3; size < 1e4; size *= 10) {
            real w = 1, m = 0, v = 0;
            engine_at(k)->optim.update(&(struct optim){.kind = OPTIM_ADAM}, 1, 1, 0.5, 1,
                                       &(real){(real)size}, &w, &m, &v);
            assert_true(fabs((double)w - 0.5) < 2e-5);
        }
}

static void squares_are_summed(void **state)
{
    (void)state;
    struct random random = {4, 0};
    for (int k = 0; engine_at(k); k++)
        for (size_t n = 0; n < 70; n++)
            for (int clipped = 0; clipped < 2; clipped++) {
                const double limit = clipped ? 0.25 : 0;
                real *g = array_random(&random, n, 1);
                double sum = 0;
                for (size_t i = 0; i < n; i++)
                    sum += pow(clip((double)g[i], limit), 2);
                assert_true(fabs(engine_at(k)->optim.square_sum(limit, n, g) - sum) <=
                            1e-15 * (double)(n + 1) * sum);
                array_free(g);
            }
}

/* What is not finite shows in the sum, from which the caller tells that the step must not be made.
 */
static void nan_shows_in_the_sum(void **state)
{
    (void)state;
    for (int k = 0; engine_at(k); k++)
        for (size_t at = 0; at < 21; at++) {
            real g[21] = {0};
            g[at] = (real)NAN;
            assert_true(isnan(engine_at(k)->optim.square_sum(0, 21, g)));
            assert_true(isnan(engine_at(k)->optim.square_sum(1, 21, g)));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps),
        cmocka_unit_test(adams_first_step_is_the_rate),
        cmocka_unit_test(squares_are_summed),
        cmocka_unit_test(nan_shows_in_the_sum),
    };
    return cmocka_run_group_tests_name("optim", tests, NULL, NULL);
}
