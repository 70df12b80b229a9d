/* What is looked for: the labels that vary in both halves of a text, and what the current character
 * alone tells of each. That is learned of the symbols in one half and measured in the other, over
 * the characters whose symbol both have: where symbols are many and rare, what was learned in the
 * same place would tell of anything, and the unknown ones of nothing. */
#ifndef RUNE_TARGETS_H
#define RUNE_TARGETS_H

#include <stdbool.h>
#include <stdint.h>

#include "excerpt.h"
#include "labels.h"
#include "ranks.h"
#include "team.h"
#include "trace.h"

#define TARGETS_LABEL_BINS 8

enum half { FIRST_HALF, SECOND_HALF, HALVES };

/* Of a label in a half. */
struct target_half {
    double mean, squares;         /* Σ (y − mean)² */
    double deviation;             /* √(squares / characters) */
    double on;                    /* characters, of a binary label */
    double baseline, baseline_mi; /* the symbol's AUC, or r, and mutual information as a measure */
};

struct target {
    size_t label;
    enum label_kind kind;
    const float *values; /* [length] the label's */
    bool drifts;         /* from the text's start to its end they only rise, or only fall */
    struct bins bins;    /* of its values in the first half */
    struct target_half halves[HALVES];
};

struct targets {
    struct target *list; /* binary ones first */
    size_t count, num_binary;
    struct excerpt halves[HALVES];
};

/* A value as a label of mean 0 and variance 1 in a half has it: what is computed in floats, or
 * squared in them, may not depend on a label's unit. */
static inline float target_standard(const struct target_half *half, float value)
{
    return (float)(((double)value - half->mean) / half->deviation);
}

/* Fills zeroed targets. Returns 0, or −1 and a message. */
int targets_make(struct targets *targets, struct team *team, const struct trace *trace,
                 const struct labels *labels);

/* Safe on zeroed ones. */
void targets_release(struct targets *targets);

#endif
