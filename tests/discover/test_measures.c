#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "measures.h"
#include "random.h"
#include "ranks.h"

#define N 400

static float signal[N], label[N], ranks[N];
static uint32_t order[N];
static uint64_t pairs[2 * N];

/* A label that is on for one of three, and a signal that is higher there; of few values if
 * `coarse`. */
static void fill(struct random *random, double strength, int coarse)
{
    for (size_t t = 0; t < N; t++) {
        label[t] = random_below(random, 3) == 0;
        const double x = random_between(random, -1, 1) + strength * (double)label[t];
        signal[t] = coarse ? (float)floor(x * coarse) : (float)x;
    }
    ranks_order(signal, N, order, pairs);
    ranks_centred(signal, order, N, ranks);
}

/* The share of pairs of an on and an off that the signal puts in order. */
static double naive_auc(void)
{
    double right = 0, all = 0;
    for (size_t i = 0; i < N; i++)
        for (size_t k = 0; k < N; k++)
            if (label[i] > 0 && label[k] == 0) {
                all++;
                right += signal[i] > signal[k] ? 1 : signal[i] == signal[k] ? 0.5 : 0;
            }
    return right / all;
}

/* Over what is on: the share that is on of all that is as high. */
static double naive_average_precision(int sign)
{
    double sum = 0, on = 0;
    for (size_t i = 0; i < N; i++) {
        double found = 0, taken = 0;
        for (size_t k = 0; k < N; k++)
            if ((float)sign * signal[k] >= (float)sign * signal[i]) {
                taken++;
                found += (double)label[k];
            }
        on += (double)label[i];
        sum += (double)label[i] * found / taken;
    }
    return sum / on;
}

static void auc_and_average_precision_are_those_by_definition(void **state)
{
    (void)state;
    struct random random = {1, 0};
    for (int turn = 0; turn < 12; turn++) {
        fill(&random, turn / 4.0 - 1, turn % 3 * 2);
        const double on = measure_mean(label, N) * N;
        const double auc = measure_auc(measure_product(ranks, 0, label, 0, N), on, N);
        assert_float_equal(auc, naive_auc(), 1e-6);
        for (int sign = -1; sign <= 1; sign += 2)
            assert_float_equal(measure_average_precision(signal, order, label, N, sign),
                               naive_average_precision(sign), 1e-9);
    }
    assert_float_equal(measure_auc(0, 0, N), 0.5, 0); /* nothing is on */
}

static void r_is_one_on_a_line_and_zero_of_a_constant(void **state)
{
    (void)state;
    struct random random = {2, 0};
    fill(&random, 1, 0);
    for (size_t t = 0; t < N; t++)
        label[t] = 3 - 2 * signal[t];
    const double x = measure_mean(signal, N), y = measure_mean(label, N);
    const double xx = measure_product(signal, x, signal, x, N);
    const double yy = measure_product(label, y, label, y, N);
    assert_float_equal(measure_r(measure_product(signal, x, label, y, N), xx, yy), -1, 1e-6);
    assert_float_equal(measure_r(0, xx, 0), 0, 0);
}

static double naive_information(const struct table *table)
{
    double n = 0, sum = 0, used_rows = 0, used_columns = 0, used = 0;
    for (size_t i = 0; i < table->rows * table->columns; i++)
        n += table->counts[i];
    for (size_t i = 0; i < table->rows; i++)
        for (size_t j = 0; j < table->columns; j++) {
            double row = 0, column = 0, both = table->counts[i * table->columns + j];
            for (size_t k = 0; k < table->columns; k++)
                row += table->counts[i * table->columns + k];
            for (size_t k = 0; k < table->rows; k++)
                column += table->counts[k * table->columns + j];
            used_rows += j == 0 && row > 0;
            used_columns += i == 0 && column > 0;
            used += both > 0;
            if (both > 0)
                sum += both / n * log(both * n / (row * column));
        }
    return fmax(0, sum - (used - used_rows - used_columns + 1) / (2 * n));
}

static void information_is_that_by_definition(void **state)
{
    (void)state;
    struct random random = {3, 0};
    uint32_t counts[6 * 5];
    const struct table table = {counts, 6, 5};
    for (int turn = 0; turn < 20; turn++) {
        for (size_t i = 0; i < 30; i++)
            counts[i] = i % 5 == 3 || i / 5 == 2 || random_below(&random, 4) == 0
                            ? 0
                            : (uint32_t)random_below(&random, 40);
        const double information = naive_information(&table);
        assert_float_equal(measure_information(&table), information, 1e-9);
        assert_float_equal(measure_mi(&table, LABEL_SCALAR), sqrt(1 - exp(-2 * information)), 1e-9);
    }
    const uint32_t same[] = {300, 0, 0, 100}, none[] = {300, 100, 300, 100};
    assert_float_equal(measure_mi(&(struct table){same, 2, 2}, LABEL_BINARY), 1, 0.01);
    assert_float_equal(measure_mi(&(struct table){none, 2, 2}, LABEL_BINARY), 0, 0);
    assert_float_equal(measure_mi(&(struct table){none, 4, 1}, LABEL_BINARY), 0, 0);
    assert_float_equal(measure_information(&(struct table){none, 0, 0}), 0, 0);
}

static void best_scores_find_what_ranks_do_not(void **state)
{
    (void)state;
    /* the columns rise with the rows, and then fall again */
    const uint32_t counts[] = {50, 5, 0, 5, 50, 5, 0, 5, 50, 5, 50, 5, 50, 5, 0};
    const struct table table = {counts, 5, 3};
    double rows[5], columns[3];
    measure_rank_scores(&table, rows, columns);
    assert_true(fabs(measure_score_r(&table, rows, columns)) < 0.1);
    measure_best_scores(&table, rows, columns);
    const double best = measure_score_r(&table, rows, columns);
    assert_true(best > 0.7);
    struct random random = {4, 0};
    for (int turn = 0; turn < 200; turn++) { /* no others correlate more */
        double sum = 0, count = 0;
        for (size_t i = 0; i < 5; i++)
            rows[i] = random_between(&random, -1, 1);
        for (size_t i = 0; i < 15; i++) {
            sum += counts[i] * rows[i / 3];
            count += counts[i];
        }
        for (size_t i = 0; i < 5; i++)
            rows[i] -= sum / count;
        assert_true(measure_score_r(&table, rows, columns) <= best + 1e-9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(auc_and_average_precision_are_those_by_definition),
        cmocka_unit_test(r_is_one_on_a_line_and_zero_of_a_constant),
        cmocka_unit_test(information_is_that_by_definition),
        cmocka_unit_test(best_scores_find_what_ranks_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
