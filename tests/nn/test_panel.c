/* The packed product against a naive one in double precision. */
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
#include "kernels.h"

/* What stands in rows between their end and the next must stay. */
#define STAYS ((real)4321)

static void packs_columns(void **state)
{
    (void)state;
    struct random random = {1, 0};
    for (int k = 0; kernels_at(k); k++) {
        const struct kernels *kernels = kernels_at(k);
        const size_t P = (size_t)kernels->panel;
        for (int n = 1; n <= kernels->panel; n++) {
            const size_t K = 1 + (size_t)random_below(&random, 40);
            const size_t across = (size_t)n + (size_t)random_below(&random, 3),
                         down = K + (size_t)random_below(&random, 3);
            real *w = array_random(&random, K * across, 1),
                 *turned = array_random(&random, (size_t)n * down, 1);
            real *panel = array_new(K * P), *panel_of_turned = array_new(K * P);
            kernels->pack((int)K, n, w, across, panel);
            kernels->pack_turned((int)K, n, turned, down, panel_of_turned);
            for (size_t row = 0; row < K; row++)
                for (size_t j = 0; j < P; j++) {
                    const bool in = j < (size_t)n;
                    assert_true(panel[row * P + j] == (in ? w[row * across + j] : 0));
                    assert_true(panel_of_turned[row * P + j] == (in ? turned[j * down + row] : 0));
                }
            array_free(w);
            array_free(turned);
            array_free(panel);
            array_free(panel_of_turned);
        }
    }
}

/* A sum of K products added to c, in whatever order, is within (K + 1) roundings of Σ|a||w| + |c|.
 */
static void check_product(const struct kernels *kernels, struct random *random, size_t M, size_t n,
                          size_t K)
{
    const size_t P = (size_t)kernels->panel, a_stride = K + (size_t)random_below(random, 5),
                 c_stride = n + (size_t)random_below(random, 20);
    real *a = array_random(random, M * a_stride, 2), *w = array_random(random, K * n, 2);
    real *panel = array_new(K * P), *c = array_random(random, M * c_stride, 2);
    for (size_t m = 0; m < M; m++)
        for (size_t j = n; j < c_stride; j++)
            c[m * c_stride + j] = STAYS;
    double *before = array_doubles(c, M * c_stride);
    kernels->pack((int)K, (int)n, w, n, panel);
    for (size_t k = 0; k < K; k++) /* columns behind the n-th are nobody's business */
        for (size_t j = n; j < P; j++)
            panel[k * P + j] = STAYS;
    kernels->product((int)M, (int)n, (int)K, a, a_stride, panel, c, c_stride);
    for (size_t m = 0; m < M; m++)
        for (size_t j = 0; j < c_stride; j++) {
            double sum = before[m * c_stride + j], size = fabs(sum);
            for (size_t k = 0; j < n && k < K; k++) {
                const double product = (double)a[m * a_stride + k] * (double)w[k * n + j];
                sum += product;
                size += fabs(product);
            }
            const double error = fabs((double)c[m * c_stride + j] - sum);
            assert_true(j < n ? error <= (double)(K + 1) * UNIT * size : error == 0);
        }
    free(before);
    array_free(a);
    array_free(w);
    array_free(panel);
    array_free(c);
}

static void multiplies_random_shapes(void **state)
{
    (void)state;
    static const int rows[] = {1, 2, 6, 7, 13, 14, 26, 27, 50, 64},
                     depths[] = {1, 2, 3, 17, 100, 127};
    struct random random = {2, 0};
    for (int k = 0; kernels_at(k); k++) {
        const struct kernels *kernels = kernels_at(k);
        for (int n = 1; n <= kernels->panel; n++)
            for (int round = 0; round < 8; round++)
                check_product(kernels, &random, (size_t)rows[random_below(&random, 10)], (size_t)n,
                              (size_t)depths[random_below(&random, 6)]);
        for (size_t M = 1; M <= 70; M++)
            check_product(kernels, &random, M, (size_t)(1 + random_below(&random, kernels->panel)),
                          9);
    }
}

/* Small whole numbers leave no room for rounding: every engine gives the same. */
static void whole_numbers_are_exact(void **state)
{
    (void)state;
    enum { M = 19, K = 40 };
    struct random random = {3, 0};
    for (int k = 0; kernels_at(k); k++) {
        const struct kernels *kernels = kernels_at(k);
        const size_t n = (size_t)kernels->panel - 1;
        real *a = array_new(M * K), *w = array_new(K * n), *c = array_new(M * n);
        real *panel = array_new(K * (n + 1));
        for (size_t i = 0; i < M * K; i++)
            a[i] = (real)(random_below(&random, 9) - 4);
        for (size_t i = 0; i < K * n; i++)
            w[i] = (real)(random_below(&random, 9) - 4);
        memset(c, 0, M * n * sizeof *c);
        kernels->pack(K, (int)n, w, n, panel);
        kernels->product(M, (int)n, K, a, K, panel, c, n);
        for (size_t m = 0; m < M; m++)
            for (size_t j = 0; j < n; j++) {
                int sum = 0;
                for (size_t i = 0; i < K; i++)
                    sum += (int)a[m * K + i] * (int)w[i * n + j];
                assert_true(c[m * n + j] == (real)sum);
            }
        array_free(a);
        array_free(w);
        array_free(c);
        array_free(panel);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packs_columns),
        cmocka_unit_test(multiplies_random_shapes),
        cmocka_unit_test(whole_numbers_are_exact),
    };
    return cmocka_run_group_tests_name("panel", tests, NULL, NULL);
}
