/* How a signal and a label are related over a half of a text, and when that is a finding. */
#ifndef RUNE_RELATION_H
#define RUNE_RELATION_H

#include "discover.h"
#include "measures.h"
#include "targets.h"

struct relation {
    double linear;      /* AUC of a binary label, 0 … 1; Pearson's r of a scalar one */
    double correlation; /* the same from −1 to 1: 2 AUC − 1, or r */
    double rank;        /* the same of a scalar label's ranks: Spearman's, over the bins */
    double mi;          /* mutual information as a measure */
};

/* Of the AUC or r, and a table of counts by the bins of the signal (rows, at most RANKS_BINS) and
 * of the label (columns, at most TARGETS_LABEL_BINS). */
struct relation relation_of(enum label_kind kind, double linear, const struct table *table);

/* The score in a measure; that of AUC and r in the direction of the sign. */
double relation_score(const struct relation *relation, enum measure measure, int sign);

/* (score − baseline) / (1 − baseline), which ranks findings. 0 for a score that is none: too low,
 * or not clearly above the baseline. A score by mi counts 0.1 less, so that of two equal ones the
 * linear relation comes first. */
double relation_gain(const struct relation *relation, enum measure measure, int sign,
                     const struct target_half *half);

/* The direction (1 or −1) in which AUC or r is high enough for a finding; 0: none. */
int relation_sign(const struct relation *relation, enum label_kind kind);

/* Whether the mutual information is clearly more than that of the linear or monotone relation. */
bool relation_is_nonlinear(const struct relation *relation);

/* Whether they clearly rise together (1), or one falls as the other rises (−1); 0: neither. */
int relation_direction(const struct relation *relation);

/* What the current symbol alone reaches in a measure. */
double relation_baseline(enum measure measure, const struct target_half *half);

#endif
