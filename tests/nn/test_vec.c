/* e^x, σ and tanh over all numbers, against the C library's in double precision. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "arrays.h"
#include "kernels.h"

#define N 300000

#ifdef RUNE_DOUBLE
#define EXP_ERROR (2 * UNIT)
#define LOWEST (-700)
#define HIGHEST 700
#else
#define EXP_ERROR 2e-7 /* what vec.h promises */
#define LOWEST (-87)   /* beyond these e^x stays what it is there */
#define HIGHEST 88
#endif

/* Numbers of every size on both sides of 0, dense where the functions bend, and the ends. */
static real *arguments(void)
{
    struct random random = {1, 0};
    real *x = array_random(&random, N, 20);
    for (size_t k = 0; k < N; k++) {
        if (k % 4 == 1)
            x[k] *= 5;
        else if (k % 4 == 2)
            x[k] *= 50;
        else if (k % 4 == 3)
            x[k] *= (real)exp2(random_between(&random, -100, 0));
    }
    const double ends[] = {0.0, -0.0, 1, -1, 1000, -1000, 1e30, -1e30, INFINITY, -INFINITY};
    for (size_t k = 0; k < sizeof ends / sizeof *ends; k++)
        x[k] = (real)ends[k];
    return x;
}

/* Applies a function and compares it: relative × |expected| + absolute is allowed. */
static void compare(const char *name, void (*function)(size_t, const real *, real *),
                    double (*exact)(double), double relative, double absolute)
{
    real *x = arguments(), *y = array_new(N);
    function(N, x, y);
    for (size_t k = 0; k < N; k++) {
        const double expected = exact((double)x[k]);
        if (!(fabs((double)y[k] - expected) <= relative * fabs(expected) + absolute))
            fail_msg("%s(%.9g) is %.9g, not %.9g", name, (double)x[k], (double)y[k], expected);
    }
    array_free(x);
    array_free(y);
}

static double clamped_exp(double x)
{
    return exp(fmin(fmax(x, LOWEST), HIGHEST));
}

static double exact_sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static void exponential(void **state)
{
    (void)state;
#ifdef RUNE_DOUBLE
    double (*const exact)(double) = exp;
#else
    double (*const exact)(double) = clamped_exp;
#endif
    for (int k = 0; kernels_at(k); k++) {
        real *x = arguments();
        for (size_t i = 0; i < N; i++) /* infinity has no difference from itself */
            x[i] = x[i] > HIGHEST ? HIGHEST : x[i];
        real *y = array_new(N);
        kernels_at(k)->exp(N, x, y);
        for (size_t i = 0; i < N; i++) {
            const double expected = exact((double)x[i]);
            if (!(fabs((double)y[i] - expected) <= EXP_ERROR * expected))
                fail_msg("e^%.9g is %.9g, not %.9g", (double)x[i], (double)y[i], expected);
        }
        array_free(x);
        array_free(y);
    }
    (void)clamped_exp;
}

/* 1 / (1 + e^−x): the error of e^−x counts at most a quarter, and two roundings are added. */
static void sigmoid(void **state)
{
    (void)state;
    for (int k = 0; kernels_at(k); k++)
        compare("sigmoid", kernels_at(k)->sigmoid, exact_sigmoid, 0, EXP_ERROR / 4 + 2 * UNIT);
}

/* 1 − 2 / (1 + e^2x): twice that, and the subtraction's. */
static void hyperbolic_tangent(void **state)
{
    (void)state;
    for (int k = 0; kernels_at(k); k++)
        compare("tanh", kernels_at(k)->tanh, tanh, 0, EXP_ERROR / 2 + 4 * UNIT + UNIT);
}

static void values_stay_in_their_range(void **state)
{
    (void)state;
    real *x = arguments(), *y = array_new(N);
    for (int k = 0; kernels_at(k); k++) {
        kernels_at(k)->sigmoid(N, x, y);
        for (size_t i = 0; i < N; i++)
            assert_true(y[i] >= 0 && y[i] <= 1);
        kernels_at(k)->tanh(N, x, y);
        for (size_t i = 0; i < N; i++)
            assert_true(y[i] >= -1 && y[i] <= 1);
    }
    array_free(x);
    array_free(y);
}

/* A NaN must come through: it is how a training that has gone wrong is noticed. */
static void nan_comes_through(void **state)
{
    (void)state;
    for (int k = 0; kernels_at(k); k++) {
        void (*const functions[])(size_t, const real *, real *) = {
            kernels_at(k)->exp, kernels_at(k)->sigmoid, kernels_at(k)->tanh};
        for (int f = 0; f < 3; f++)
            for (size_t at = 0; at < 37; at++) {
                struct random random = {at, 0};
                real *x = array_random(&random, 37, 3), *y = array_new(37);
                x[at] = at % 2 ? (real)NAN : -(real)NAN;
                functions[f](37, x, y);
                for (size_t i = 0; i < 37; i++)
                    assert_int_equal(isnan(y[i]) != 0, i == at);
                array_free(x);
                array_free(y);
            }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exponential),        cmocka_unit_test(sigmoid),
        cmocka_unit_test(hyperbolic_tangent), cmocka_unit_test(values_stay_in_their_range),
        cmocka_unit_test(nan_comes_through),
    };
    return cmocka_run_group_tests_name("vec", tests, NULL, NULL);
}
