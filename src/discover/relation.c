#include "relation.h"

#include <math.h>

static const double floors[] = {[MEASURE_AUC] = 0.7, [MEASURE_R] = 0.4, [MEASURE_MI] = 0.5};
#define ABOVE_BASELINE 0.05
#define NONLINEAR 0.1 /* of mi above the correlation, from which a relation is nonlinear */
#define DIRECTION 0.2 /* of the rank correlation, from which the direction is clear */

struct relation relation_of(enum label_kind kind, double linear, const struct table *table)
{
    const double correlation = kind == LABEL_BINARY ? 2 * linear - 1 : linear;
    struct relation relation = {linear, correlation, correlation, measure_mi(table, kind)};
    double rows[RANKS_BINS], columns[TARGETS_LABEL_BINS];
    if (kind == LABEL_SCALAR) {
        measure_rank_scores(table, rows, columns);
        relation.rank = measure_score_r(table, rows, columns);
    }
    return relation;
}

double relation_score(const struct relation *relation, enum measure measure, int sign)
{
    switch (measure) {
    case MEASURE_AUC:
        return sign > 0 ? relation->linear : 1 - relation->linear;
    case MEASURE_R:
        return sign * relation->linear;
    case MEASURE_MI:
        break;
    }
    return relation->mi;
}

int relation_sign(const struct relation *relation, enum label_kind kind)
{
    const enum measure measure = kind == LABEL_BINARY ? MEASURE_AUC : MEASURE_R;
    for (int sign = -1; sign <= 1; sign += 2)
        if (relation_score(relation, measure, sign) >= floors[measure])
            return sign;
    return 0;
}

bool relation_is_nonlinear(const struct relation *relation)
{
    return relation->mi >= fmax(fabs(relation->correlation), fabs(relation->rank)) + NONLINEAR;
}

int relation_direction(const struct relation *relation)
{
    return (relation->rank >= DIRECTION) - (relation->rank <= -DIRECTION);
}

double relation_baseline(enum measure measure, const struct target_half *half)
{
    return measure == MEASURE_MI ? half->baseline_mi : half->baseline;
}

double relation_gain(const struct relation *relation, enum measure measure, int sign,
                     const struct target_half *half)
{
    const double baseline = relation_baseline(measure, half);
    double score = relation_score(relation, measure, sign);
    if (score < floors[measure])
        return 0;
    score -= measure == MEASURE_MI ? NONLINEAR : 0;
    return score < baseline + ABOVE_BASELINE ? 0 : (score - baseline) / (1 - baseline);
}
