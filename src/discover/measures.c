#include "measures.h"

#include <math.h>

bool measure_finite(const float *values, size_t n)
{
    bool finite = true;
    for (size_t t = 0; t < n; t++)
        finite = finite && isfinite(values[t]);
    return finite;
}

double measure_mean(const float *values, size_t n)
{
    double sum = 0;
    for (size_t t = 0; t < n; t++)
        sum += (double)values[t];
    return n ? sum / (double)n : 0;
}

double measure_product(const float *x, double x_mean, const float *y, double y_mean, size_t n)
{
    double sum = 0;
    for (size_t t = 0; t < n; t++)
        sum += ((double)x[t] - x_mean) * ((double)y[t] - y_mean);
    return sum;
}

double measure_r(double product, double x_squares, double y_squares)
{
    const double squares = x_squares * y_squares;
    return squares > 0 ? product / sqrt(squares) : 0;
}

double measure_auc(double ranks_on, double on, double n)
{
    const double pairs = on * (n - on);
    return pairs > 0 ? 0.5 + n * ranks_on / pairs : 0.5;
}

double measure_average_precision(const float *values, const uint32_t *order, const float *on,
                                 size_t n, int sign)
{
    double found = 0, all = 0, sum = 0;
    for (size_t t = 0; t < n; t++)
        all += (double)on[t];
    for (size_t i = 0; i < n;) {
        const float value = values[order[sign > 0 ? n - 1 - i : i]];
        double here = 0;
        for (; i < n; i++) {
            const uint32_t t = order[sign > 0 ? n - 1 - i : i];
            if (values[t] != value)
                break;
            here += (double)on[t];
        }
        found += here;
        sum += here * found / (double)i;
    }
    return all > 0 ? sum / all : 0;
}

static double row_sum(const struct table *table, size_t row)
{
    double sum = 0;
    for (size_t j = 0; j < table->columns; j++)
        sum += table->counts[row * table->columns + j];
    return sum;
}

static double column_sum(const struct table *table, size_t column)
{
    double sum = 0;
    for (size_t i = 0; i < table->rows; i++)
        sum += table->counts[i * table->columns + column];
    return sum;
}

static double count_log(double count)
{
    return count > 0 ? count * log(count) : 0;
}

/* Of counts n_i: Σ n_i log n_i, and how many are not 0. */
struct spread {
    double logs, count;
};

static void spread_add(struct spread *spread, double count)
{
    spread->logs += count_log(count);
    spread->count += count > 0;
}

static struct spread spread_of_columns(const struct table *table)
{
    struct spread spread = {0};
    for (size_t j = 0; j < table->columns; j++)
        spread_add(&spread, column_sum(table, j));
    return spread;
}

static double table_sum(const struct table *table)
{
    double sum = 0;
    for (size_t i = 0; i < table->rows; i++)
        sum += row_sum(table, i);
    return sum;
}

double measure_information(const struct table *table)
{
    const double n = table_sum(table);
    const struct spread columns = spread_of_columns(table);
    struct spread rows = {0}, cells = {0};
    if (n == 0)
        return 0;
    for (size_t i = 0; i < table->rows; i++)
        spread_add(&rows, row_sum(table, i));
    for (size_t i = 0; i < table->rows * table->columns; i++)
        spread_add(&cells, table->counts[i]);
    const double plain = (cells.logs - rows.logs - columns.logs + count_log(n)) / n;
    const double chance = (cells.count - rows.count - columns.count + 1) / (2 * n);
    return fmax(plain - chance, 0);
}

double measure_mi(const struct table *table, enum label_kind kind)
{
    const double information = measure_information(table), n = table_sum(table);
    if (kind == LABEL_SCALAR)
        return sqrt(1 - exp(-2 * information));
    const double entropy = n > 0 ? (count_log(n) - spread_of_columns(table).logs) / n : 0;
    return entropy > 0 ? fmin(information / entropy, 1) : 0;
}

double measure_score_r(const struct table *table, const double *row_scores,
                       const double *column_scores)
{
    double product = 0, row_squares = 0, column_squares = 0;
    for (size_t i = 0; i < table->rows; i++)
        for (size_t j = 0; j < table->columns; j++) {
            const double count = table->counts[i * table->columns + j];
            product += count * row_scores[i] * column_scores[j];
            row_squares += count * row_scores[i] * row_scores[i];
            column_squares += count * column_scores[j] * column_scores[j];
        }
    return measure_r(product, row_squares, column_squares);
}

void measure_rank_scores(const struct table *table, double *row_scores, double *column_scores)
{
    const double middle = table_sum(table) / 2;
    double below = -middle;
    for (size_t i = 0; i < table->rows; i++) {
        const double here = row_sum(table, i);
        row_scores[i] = below + here / 2;
        below += here;
    }
    below = -middle;
    for (size_t j = 0; j < table->columns; j++) {
        const double here = column_sum(table, j);
        column_scores[j] = below + here / 2;
        below += here;
    }
}

/* The mean, over each row's counts, of the columns' scores. */
static void average_rows(const struct table *table, const double *column_scores, double *row_scores)
{
    for (size_t i = 0; i < table->rows; i++) {
        const uint32_t *counts = table->counts + i * table->columns;
        const double here = row_sum(table, i);
        double sum = 0;
        for (size_t j = 0; j < table->columns; j++)
            sum += counts[j] * column_scores[j];
        row_scores[i] = here > 0 ? sum / here : 0;
    }
}

static void average_columns(const struct table *table, const double *row_scores,
                            double *column_scores)
{
    for (size_t j = 0; j < table->columns; j++) {
        const double here = column_sum(table, j);
        double sum = 0;
        for (size_t i = 0; i < table->rows; i++)
            sum += table->counts[i * table->columns + j] * row_scores[i];
        column_scores[j] = here > 0 ? sum / here : 0;
    }
}

/* Makes the columns' scores of mean 0 and variance 1 over all counts. */
static void standardise_columns(const struct table *table, double *scores)
{
    double n = 0, sum = 0, squares = 0;
    for (size_t j = 0; j < table->columns; j++) {
        n += column_sum(table, j);
        sum += column_sum(table, j) * scores[j];
    }
    for (size_t j = 0; j < table->columns; j++) {
        scores[j] -= n > 0 ? sum / n : 0;
        squares += column_sum(table, j) * scores[j] * scores[j];
    }
    for (size_t j = 0; j < table->columns && squares > 0; j++)
        scores[j] /= sqrt(squares / n);
}

#define ROUNDS 100

void measure_best_scores(const struct table *table, double *row_scores, double *column_scores)
{
    for (size_t j = 0; j < table->columns; j++)
        column_scores[j] = cos(1 + 2 * (double)j); /* favours no direction */
    for (int round = 0; round < ROUNDS; round++) {
        if (round > 0)
            average_columns(table, row_scores, column_scores);
        standardise_columns(table, column_scores);
        average_rows(table, column_scores, row_scores);
    }
}
