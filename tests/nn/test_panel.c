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
#include "panel.h"

/* What stands in rows between their end and the next must stay. */
#define STAYS ((real)4321)

/* Number k of a column (or row) that is packed in words `across` apart. */
static double unpacked(const struct kernels *kernels, const real *packed, size_t k, size_t across)
{
    const real *from = packed + k / (size_t)kernels->word * across;
    uint32_t bits;
    float number;
    if (kernels->word == 1)
        return (double)*from;
    memcpy(&bits, from, sizeof bits);
    bits = k % 2 == 0 ? bits << 16 : bits & 0xFFFF0000;
    memcpy(&number, &bits, sizeof number);
    return (double)number;
}

/* Number k of column j of a panel. */
static double in_panel(const struct kernels *kernels, const real *panel, size_t k, size_t j)
{
    const size_t P = (size_t)kernels->panel;
    if (!kernels->int8)
        return unpacked(kernels, panel + j, k, P);
    const real *scales = panel + k / SCALE_ROWS * (P + SCALE_ROWS * P / sizeof(real));
    const int8_t *numbers = (const int8_t *)(scales + P);
    return (double)scales[j] * numbers[k % SCALE_ROWS * P + j];
}

/* How far number k of a column of K may be from what it is packed to: nothing, or half of the 127th
 * part of the largest in its group, and the roundings on the way. */
static double lost(const struct kernels *kernels, size_t K, size_t k, const real *column)
{
    double largest = 0;
    if (!kernels->int8)
        return 0;
    for (size_t i = k / SCALE_ROWS * SCALE_ROWS; i < K && i < (k / SCALE_ROWS + 1) * SCALE_ROWS;
         i++)
        largest = fmax(largest, fabs((double)column[i]));
    return largest / 127 * (0.5 + 127 * 4 * UNIT);
}

/* Compares the panel with `columns` of K numbers each, `down` apart. */
static void check_panel(const struct kernels *kernels, const real *panel, size_t K, size_t n,
                        const real *columns, size_t down)
{
    for (size_t k = 0; k < kernels->words((int)K) * (size_t)kernels->word; k++)
        for (size_t j = 0; j < (size_t)kernels->panel; j++) {
            const bool in = j < n && k < K;
            const real *column = columns + (in ? j * down : 0);
            const double number = in ? array_operand((double)column[k], kernels->bf16) : 0;
            assert_true(fabs(in_panel(kernels, panel, k, j) - number) <=
                        (in ? lost(kernels, K, k, column) : 0));
        }
}

static void packs_columns(void **state)
{
    (void)state;
    struct random random = {1, 0};
    for (int i = 0; kernels_at(i); i++) {
        const struct kernels *kernels = kernels_at(i);
        for (int n = 1; n <= kernels->panel; n++) {
            const size_t K = 1 + (size_t)random_below(&random, 140);
            const size_t across = (size_t)n + (size_t)random_below(&random, 3),
                         down = K + (size_t)random_below(&random, 3);
            real *columns = array_random(&random, (size_t)n * down, 1),
                 *w = array_random(&random, K * across, 1);
            real *panel = array_new(kernels->size((int)K)),
                 *panel_of_w = array_new(kernels->size((int)K));
            kernels->pack_transposed((int)K, n, columns, down, panel);
            check_panel(kernels, panel, K, (size_t)n, columns, down);
            for (size_t k = 0; k < K; k++)
                for (size_t j = 0; j < (size_t)n; j++)
                    w[k * across + j] = columns[j * down + k];
            if (!kernels->int8) { /* whose weights are packed for the way forward alone */
                kernels->pack((int)K, n, w, across, panel_of_w);
                check_panel(kernels, panel_of_w, K, (size_t)n, columns, down);
            }
            array_free(columns);
            array_free(w);
            array_free(panel);
            array_free(panel_of_w);
        }
    }
}

static void packs_rows(void **state)
{
    (void)state;
    struct random random = {4, 0};
    for (int i = 0; kernels_at(i); i++) {
        const struct kernels *kernels = kernels_at(i);
        for (int round = 0; round < 60; round++) {
            const int M = 1 + random_below(&random, 50), K = 1 + random_below(&random, 80);
            const size_t m = (size_t)M, depth = (size_t)K, words = kernels->words(K),
                         stride = m + (size_t)random_below(&random, 3), apart = words + 3;
            real *x = array_random(&random, depth * stride, 1), *to = array_new(m * apart),
                 *sums = array_new(m), *row = array_new(words);
            kernels->pack_rows_transposed(M, K, x, stride, to, apart, sums);
            for (size_t r = 0; r < m; r++) {
                double sum = 0;
                for (size_t k = 0; k < words * (size_t)kernels->word; k++) {
                    const double number = k < depth ? (double)x[k * stride + r] : 0;
                    sum += number;
                    assert_true(unpacked(kernels, to + r * apart, k, 1) ==
                                array_operand(number, kernels->bf16));
                }
                assert_true(fabs((double)sums[r] - sum) <= K * UNIT * K);
            }
            if (kernels->word > 1) { /* else rows are read where they are */
                kernels->pack_row(K, x, row);
                for (size_t k = 0; k < 2 * words; k++)
                    assert_true(unpacked(kernels, row, k, 1) ==
                                array_operand(k < depth ? (double)x[k] : 0, true));
            }
            array_free(x);
            array_free(to);
            array_free(sums);
            array_free(row);
        }
    }
}

/* A sum of K products added to c, in whatever order, is within (K + 1) roundings of Σ|a||w| + |c|;
 * one more where the sum is scaled. Columns behind the n-th are nobody's business. */
static void check_product(const struct kernels *kernels, struct random *random, size_t M, size_t n,
                          size_t K)
{
    const size_t P = (size_t)kernels->panel, words = kernels->words((int)K),
                 a_stride = words + (size_t)random_below(random, 5),
                 c_stride = n + (size_t)random_below(random, 20);
    real *x = array_random(random, M * K, 2), *w = array_random(random, P * K, 2);
    real *a = array_new(M * a_stride);
    real *panel = array_new(kernels->size((int)K)), *c = array_random(random, M * c_stride, 2);
    for (size_t m = 0; m < M; m++) {
        if (kernels->word > 1)
            kernels->pack_row((int)K, x + m * K, a + m * a_stride);
        else
            memcpy(a + m * a_stride, x + m * K, K * sizeof *a);
        for (size_t j = n; j < c_stride; j++)
            c[m * c_stride + j] = STAYS;
    }
    const double roundings = (double)K + 1 + kernels->int8;
    double *before = array_doubles(c, M * c_stride);
    kernels->pack_transposed((int)K, (int)P, w, K, panel);
    kernels->product((int)M, (int)n, words, (struct rows){a, a_stride}, panel, c, c_stride);
    for (size_t m = 0; m < M; m++)
        for (size_t j = 0; j < c_stride; j++) {
            double sum = before[m * c_stride + j], size = fabs(sum);
            for (size_t k = 0; j < n && k < K; k++) {
                const double product = array_operand((double)x[m * K + k], kernels->bf16) *
                                       in_panel(kernels, panel, k, j);
                sum += product;
                size += fabs(product);
            }
            const double error = fabs((double)c[m * c_stride + j] - sum);
            assert_true(j < n ? error <= roundings * UNIT * size : error == 0);
        }
    free(before);
    array_free(x);
    array_free(a);
    array_free(w);
    array_free(panel);
    array_free(c);
}

static void multiplies_random_shapes(void **state)
{
    (void)state;
    static const int rows[] = {1, 2, 6, 7, 13, 14, 26, 27, 50, 64},
                     depths[] = {1, 2, 3, 17, 63, 64, 65, 100, 127, 129};
    struct random random = {2, 0};
    for (int k = 0; kernels_at(k); k++) {
        const struct kernels *kernels = kernels_at(k);
        for (int n = 1; n <= kernels->panel; n++)
            for (int round = 0; round < 8; round++)
                check_product(kernels, &random, (size_t)rows[random_below(&random, 10)], (size_t)n,
                              (size_t)depths[random_below(&random, 10)]);
        for (size_t M = 1; M <= 70; M++)
            check_product(kernels, &random, M, (size_t)(1 + random_below(&random, kernels->panel)),
                          9);
    }
}

/* What a row and a column give does not depend on the rows and columns beside them. */
static void rows_do_not_see_each_other(void **state)
{
    (void)state;
    enum { M = 64, K = 100 };
    struct random random = {3, 0};
    for (int i = 0; kernels_at(i); i++) {
        const struct kernels *kernels = kernels_at(i);
        const size_t P = (size_t)kernels->panel, words = kernels->words(K);
        real *x = array_random(&random, M * K, 1), *w = array_random(&random, K * P, 1);
        real *a = array_new(M * words), *panel = array_new(kernels->size(K));
        real *all = array_new(M * P), *some = array_new(M * P);
        for (size_t m = 0; m < M; m++)
            if (kernels->word > 1)
                kernels->pack_row(K, x + m * K, a + m * words);
            else
                memcpy(a + m * words, x + m * K, K * sizeof *a);
        kernels->pack_transposed(K, (int)P, w, K, panel);
        memset(all, 0, M * P * sizeof *all);
        kernels->product(M, (int)P, words, (struct rows){a, words}, panel, all, P);
        for (size_t first = 0; first < M; first += 9)
            for (size_t count = 1; first + count <= M; count += 5) {
                const int n = 1 + random_below(&random, kernels->panel);
                memset(some, 0, M * P * sizeof *some);
                kernels->product((int)count, n, words, (struct rows){a + first * words, words},
                                 panel, some, P);
                for (size_t m = 0; m < count; m++)
                    assert_memory_equal(some + m * P, all + (first + m) * P,
                                        (size_t)n * sizeof *all);
            }
        array_free(x);
        array_free(w);
        array_free(a);
        array_free(panel);
        array_free(all);
        array_free(some);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packs_columns),
        cmocka_unit_test(packs_rows),
        cmocka_unit_test(multiplies_random_shapes),
        cmocka_unit_test(rows_do_not_see_each_other),
    };
    return cmocka_run_group_tests_name("panel", tests, NULL, NULL);
}
