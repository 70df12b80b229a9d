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

/* The bins of one variable of a table, and how its counts lie. */
struct side {
    const uint32_t *counts;
    size_t bins, stride;         /* from bin to bin */
    size_t others, other_stride; /* the bins of the other variable, and from one to the next */
};

static struct side rows_of(const struct table *table)
{
    return (struct side){table->counts, table->rows, table->columns, table->columns, 1};
}

static struct side columns_of(const struct table *table)
{
    return (struct side){table->counts, table->columns, 1, table->rows, table->columns};
}

/* Counts in a bin. */
static double bin_sum(const struct side *side, size_t bin)
{
    double sum = 0;
    for (size_t k = 0; k < side->others; k++)
        sum += side->counts[bin * side->stride + k * side->other_stride];
    return sum;
}

static double table_sum(const struct table *table)
{
    const struct side rows = rows_of(table);
    double sum = 0;
    for (size_t i = 0; i < rows.bins; i++)
        sum += bin_sum(&rows, i);
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

static struct spread spread_of(struct side side)
{
    struct spread spread = {0};
    for (size_t bin = 0; bin < side.bins; bin++)
        spread_add(&spread, bin_sum(&side, bin));
    return spread;
}

double measure_information(const struct table *table)
{
    const double n = table_sum(table);
    const struct spread rows = spread_of(rows_of(table)), columns = spread_of(columns_of(table));
    struct spread cells = {0};
    if (n == 0)
        return 0;
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
    const double entropy = n > 0 ? (count_log(n) - spread_of(columns_of(table)).logs) / n : 0;
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

static void rank(struct side side, double n, double *scores)
{
    double below = -n / 2;
    for (size_t bin = 0; bin < side.bins; bin++) {
        const double here = bin_sum(&side, bin);
        scores[bin] = below + here / 2;
        below += here;
    }
}

void measure_rank_scores(const struct table *table, double *row_scores, double *column_scores)
{
    const double n = table_sum(table);
    rank(rows_of(table), n, row_scores);
    rank(columns_of(table), n, column_scores);
}

/* The mean, over each bin's counts, of the other variable's scores. */
static void average(struct side side, const double *other_scores, double *scores)
{
    for (size_t bin = 0; bin < side.bins; bin++) {
        const double here = bin_sum(&side, bin);
        double sum = 0;
        for (size_t k = 0; k < side.others; k++)
            sum += side.counts[bin * side.stride + k * side.other_stride] * other_scores[k];
        scores[bin] = here > 0 ? sum / here : 0;
    }
}

/* Makes scores of mean 0 and variance 1 over all counts. */
static void standardise(struct side side, double *scores)
{
    double n = 0, sum = 0, squares = 0;
    for (size_t bin = 0; bin < side.bins; bin++) {
        n += bin_sum(&side, bin);
        sum += bin_sum(&side, bin) * scores[bin];
    }
    for (size_t bin = 0; bin < side.bins; bin++) {
        scores[bin] -= n > 0 ? sum / n : 0;
        squares += bin_sum(&side, bin) * scores[bin] * scores[bin];
    }
    for (size_t bin = 0; bin < side.bins && squares > 0; bin++)
        scores[bin] /= sqrt(squares / n);
}

#define ROUNDS 100

void measure_best_scores(const struct table *table, double *row_scores, double *column_scores)
{
    for (size_t j = 0; j < table->columns; j++)
        column_scores[j] = cos(1 + 2 * (double)j); /* favours no direction */
    for (int round = 0; round < ROUNDS; round++) {
        if (round > 0)
            average(columns_of(table), row_scores, column_scores);
        standardise(columns_of(table), column_scores);
        average(rows_of(table), column_scores, row_scores);
    }
}
