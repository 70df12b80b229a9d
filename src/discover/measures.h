/* How strongly a signal and a label go together. */
#ifndef RUNE_MEASURES_H
#define RUNE_MEASURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "labels.h"

/* Counts of characters by the bins of two things: counts[rows][columns]. */
struct table {
    const uint32_t *counts;
    size_t rows, columns;
};

/* Whether all values are numbers that can be measured. */
bool measure_finite(const float *values, size_t n);

double measure_mean(const float *values, size_t n);

/* Σ (x − x_mean) · (y − y_mean) */
double measure_product(const float *x, double x_mean, const float *y, double y_mean, size_t n);

/* Pearson's r from such sums; 0 where one of the two does not vary. */
double measure_r(double product, double x_squares, double y_squares);

/* Area under the ROC curve from the sum of the centred ranks (see ranks.h) of those `on` of n. */
double measure_auc(double ranks_on, double on, double n);

/* Average precision of finding what is on among the highest values, or among the lowest if the sign
 * is −1: the mean, over all that is on, of the share that is on among what is found with it. Equal
 * values are found at once; `order` is that of the values. */
double measure_average_precision(const float *values, const uint32_t *order, const float *on,
                                 size_t n, int sign);

/* Mutual information in nats, less what chance gives, from how many cells, rows and columns are not
 * empty (Miller & Madow); never negative. Cells should hold some counts each. */
double measure_information(const struct table *table);

/* The same as a measure of how much is known: the correlation of equal information for scalar
 * labels (Linfoot 1957), the share of the label's (the columns') entropy for binary ones. */
double measure_mi(const struct table *table, enum label_kind kind);

/* Scores of rows and columns whose mean over all that was counted is 0: their correlation. */
double measure_score_r(const struct table *table, const double *row_scores,
                       const double *column_scores);

/* Such scores by rank: row_scores[rows], column_scores[columns]. */
void measure_rank_scores(const struct table *table, double *row_scores, double *column_scores);

/* Those that correlate most, by reciprocal averaging (Hirschfeld 1935). */
void measure_best_scores(const struct table *table, double *row_scores, double *column_scores);

#endif
