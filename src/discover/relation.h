/* How a signal and a label go together over a half of a text, and when that is a finding. */
#ifndef RUNE_RELATION_H
#define RUNE_RELATION_H

#include "discover.h"
#include "measures.h"
#include "targets.h"

struct relation {
    double linear; /* AUC of a binary label, unfolded; Pearson's r of a scalar one */
    double line;   /* the same as a correlation: −1 … 1 */
    double rank; /* how strongly they rise (> 0) or fall together, whatever the shape: −1 … 1 */
    double mi;   /* mutual information as a measure */
};

/* From the AUC or r, and counts by the bins of the signal (rows, at most RANKS_BINS) and of the
 * label (columns, at most TARGETS_LABEL_BINS). */
struct relation relation_of(enum label_kind kind, double linear, const struct table *table);

/* The score in a measure, in the direction of the sign. */
double relation_score(const struct relation *relation, enum measure measure, int sign);

/* The score's share of what the character alone leaves to be known; 0 for a score that is no
 * finding: too low, or not above the character alone. By mi a tenth less: what another shape tells
 * is worth less than the same along a line. */
double relation_gain(const struct relation *relation, enum measure measure, int sign,
                     const struct target_half *half);

/* The direction in which AUC or r is high enough for a finding; 0 if there is none. */
int relation_sign(const struct relation *relation, enum label_kind kind);

/* Whether the information is more than what rises or falls as they do would have. */
bool relation_is_nonlinear(const struct relation *relation);

/* Whether they clearly rise (1) or fall (−1) together; 0: neither. */
int relation_direction(const struct relation *relation);

/* What the character alone reaches in a measure. */
double relation_baseline(enum measure measure, const struct target_half *half);

#endif
