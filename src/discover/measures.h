/* How strongly a signal and a label go together. */
#ifndef RUNE_MEASURES_H
#define RUNE_MEASURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "labels.h"

/* Counts of characters by the bins of two variables: counts[rows][columns]. */
struct table {
    const uint32_t *counts;
    size_t rows, columns;
};

/* Whether all values are finite. */
bool measure_finite(const float *values, size_t n);

double measure_mean(const float *values, size_t n);

/* Σ (x − x_mean) · (y − y_mean) */
double measure_product(const float *x, double x_mean, const float *y, double y_mean, size_t n);

/* Pearson's r from such sums; 0 where x or y does not vary. */
double measure_r(double product, double x_squares, double y_squares);

/* The area under the ROC curve, from the sum of the centred ranks (see ranks.h) of the characters
 * that are on: `on` of n. */
double measure_auc(double ranks_on, double on, double n);

/* The average precision of the values as a ranking of what is on, highest first, or lowest first if
 * the sign is −1: the mean, over all that is on, of the precision down to it. Equal values share a
 * place. `order` is that of the values. */
double measure_average_precision(const float *values, const uint32_t *order, const float *on,
                                 size_t n, int sign);

/* Mutual information in nats, less its bias by the numbers of cells, rows and columns that are not
 * empty (Miller & Madow); never negative. Most cells should have counts. */
double measure_information(const struct table *table);

/* The same from 0 to 1: for a scalar label the correlation of equal information, √(1 − e^(−2I))
 * (Linfoot 1957); for a binary one the share of the entropy of the columns. */
double measure_mi(const struct table *table, enum label_kind kind);

/* The correlation of row_scores[rows] and column_scores[columns], whose means over all counts are
 * 0. */
double measure_score_r(const struct table *table, const double *row_scores,
                       const double *column_scores);

/* Such scores by rank, so that the correlation is Spearman's. */
void measure_rank_scores(const struct table *table, double *row_scores, double *column_scores);

/* The scores that correlate most, by reciprocal averaging (Hirschfeld 1935). */
void measure_best_scores(const struct table *table, double *row_scores, double *column_scores);

#endif
