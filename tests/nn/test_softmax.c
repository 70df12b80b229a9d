/* Softmax and cross-entropy against their definition in double precision. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arrays.h"
#include "engine.h"

#define EXP_UNITS 4 /* error of e^x in units of rounding: 2e-7, see vec.h */

struct rows {
    int R, V;
    real *logits, *losses, *log_sum_exps;
    double *exact; /* the logits */
    int32_t *targets;
};

static void rows_init(struct rows *rows, struct random *random, int R, int V, double size)
{
    const size_t r = (size_t)R, v = (size_t)V;
    *rows = (struct rows){R,
                          V,
                          array_random(random, r * v, size),
                          array_new(r),
                          array_new(r),
                          NULL,
                          malloc(r * sizeof(int32_t))};
    rows->exact = array_doubles(rows->logits, r * v);
    for (size_t k = 0; k < r; k++)
        rows->targets[k] = random_below(random, 5) ? random_below(random, V) : -1;
}

static void rows_release(struct rows *rows)
{
    array_free(rows->logits);
    array_free(rows->losses);
    array_free(rows->log_sum_exps);
    free(rows->exact);
    free(rows->targets);
}

static double normaliser_of(const struct rows *rows, size_t r)
{
    const double *logits = rows->exact + r * (size_t)rows->V;
    double max = -INFINITY, sum = 0;
    for (int v = 0; v < rows->V; v++)
        max = fmax(max, logits[v]);
    for (int v = 0; v < rows->V; v++)
        sum += exp(logits[v] - max);
    return max + log(sum);
}

/* A difference of two logits is rounded, e^x of it is, V of those are added, and the logarithm is
 * added to the maximum. */
static double normaliser_error(const struct rows *rows, double normaliser)
{
    return UNIT * (rows->V + EXP_UNITS + 1 + 2 * fabs(normaliser) + 90);
}

static void check_losses(const struct rows *rows)
{
    for (size_t r = 0; r < (size_t)rows->R; r++) {
        const double normaliser = normaliser_of(rows, r),
                     error = normaliser_error(rows, normaliser);
        assert_true(fabs((double)rows->log_sum_exps[r] - normaliser) <= error);
        if (rows->targets[r] < 0) {
            assert_true(rows->losses[r] == 0);
            continue;
        }
        const double loss =
            normaliser - rows->exact[r * (size_t)rows->V + (size_t)rows->targets[r]];
        assert_true(fabs((double)rows->losses[r] - loss) <= error + UNIT * fabs(loss));
    }
}

static void check_gradients(const struct rows *rows, double scale)
{
    for (size_t r = 0; r < (size_t)rows->R; r++) {
        const double normaliser = normaliser_of(rows, r),
                     error = normaliser_error(rows, normaliser);
        for (int v = 0; v < rows->V; v++) {
            const size_t at = r * (size_t)rows->V + (size_t)v;
            if (rows->targets[r] < 0) {
                assert_true(rows->logits[at] == 0);
                continue;
            }
            const double x = rows->exact[at] - normaliser, prob = exp(x);
            const double right = scale * (prob - (v == rows->targets[r]));
            /* e^x does not fall below e^−87. */
            const double allowed =
                scale * (prob * (expm1(error + UNIT * fmin(fabs(x), 90)) + (EXP_UNITS + 1) * UNIT) +
                         UNIT * (v == rows->targets[r]) + 2e-38);
            assert_true(fabs((double)rows->logits[at] - right) <= allowed);
        }
    }
}

static void random_rows(void **state)
{
    (void)state;
    static const int counts[] = {1, 7, 50, 64}, symbols[] = {1, 2, 3, 17, 65, 300};
    static const double sizes[] = {0.1, 3, 30, 1e4};
    struct random random = {1, 0};
    for (int round = 0; round < 48; round++)
        for (int k = 0; engine_at(k); k++) {
            struct rows rows;
            rows_init(&rows, &random, counts[random_below(&random, 4)], symbols[round % 6],
                      sizes[round / 6 % 4]);
            engine_at(k)->softmax.loss(rows.R, rows.V, rows.logits, rows.targets, rows.losses,
                                       rows.log_sum_exps);
            check_losses(&rows);
            engine_at(k)->softmax.backward(rows.R, rows.V, rows.targets, rows.log_sum_exps,
                                           (real)0.125, rows.logits);
            check_gradients(&rows, 0.125);
            rows_release(&rows);
        }
}

/* One logit of ±1e4 among small ones: sure, and surely wrong. */
static void sure_of_itself(void **state)
{
    (void)state;
    for (int k = 0; engine_at(k); k++)
        for (int32_t target = 0; target < 2; target++) {
            real logits[3] = {0, 10000, -10000}, loss, normaliser;
            engine_at(k)->softmax.loss(1, 3, logits, &target, &loss, &normaliser);
            assert_true(loss == (target == 1 ? 0 : 10000));
            engine_at(k)->softmax.backward(1, 3, &target, &normaliser, 1, logits);
            assert_true(fabs((double)logits[0] - (target == 0 ? -1 : 0)) < 1e-37);
            assert_true(fabs((double)logits[1] - (target == 0 ? 1 : 0)) < 1e-6);
            assert_true(fabs((double)logits[2]) < 1e-37);
        }
}

/* Where the normaliser is beyond what a float tells apart, losses and gradients are still those of
 * the differences. */
static void large_logits_keep_their_differences(void **state)
{
    (void)state;
    static const double larges[] = {3e4, -3e4, 1e6, -1e6, 1e30, -1e30, 3e38, -3e38};
    enum { V = 37 };
    for (int k = 0; engine_at(k); k++)
        for (size_t l = 0; l < sizeof larges / sizeof *larges; l++)
            for (int32_t target = 0; target < V; target++) {
                real *logits = array_new(V), loss, normaliser;
                double sum = 0;
                for (int v = 0; v < V; v++)
                    logits[v] = (real)(larges[l] + (fabs(larges[l]) < 1e7 ? v % 4 : 0));
                for (int v = 0; v < V; v++)
                    sum += exp((double)(logits[v] - logits[target]));
                engine_at(k)->softmax.loss(1, V, logits, &target, &loss, &normaliser);
                assert_true(fabs((double)loss - log(sum)) < 1e-5);
                engine_at(k)->softmax.backward(1, V, &target, &normaliser, 1, logits);
                assert_true(fabs((double)logits[target] - (1 / sum - 1)) < 1e-5);
                array_free(logits);
            }
}

/* Training stops at a loss that is not finite; it must not be hidden by the maximum. */
static void nan_comes_through(void **state)
{
    (void)state;
    for (int k = 0; engine_at(k); k++)
        for (int V = 1; V <= 40; V++)
            for (int at = 0; at < V; at++) {
                struct random random = {3, 0};
                real *logits = array_random(&random, (size_t)V, 1), *loss = array_new(1),
                     *normaliser = array_new(1);
                logits[at] = (real)NAN;
                engine_at(k)->softmax.loss(1, V, logits, &(int32_t){0}, loss, normaliser);
                assert_true(isnan(*loss));
                array_free(normaliser);
                array_free(logits);
                array_free(loss);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_rows),
        cmocka_unit_test(sure_of_itself),
        cmocka_unit_test(large_logits_keep_their_differences),
        cmocka_unit_test(nan_comes_through),
    };
    return cmocka_run_group_tests_name("softmax", tests, NULL, NULL);
}
