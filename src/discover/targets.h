/* Targets: the labels that vary in both halves of a text, each with its baseline, which is how well
 * the current symbol alone predicts it. The prediction is the label's mean after each symbol in one
 * half; it is scored in the other half, over the characters whose symbol occurs in both. Learned
 * and scored in one place, rare symbols would predict anything. */
#ifndef RUNE_TARGETS_H
#define RUNE_TARGETS_H

#include <stdbool.h>

#include "arena.h"
#include "labels.h"
#include "ranks.h"
#include "team.h"
#include "trace.h"

#define TARGETS_LABEL_BINS 8

enum half { FIRST_HALF, SECOND_HALF, HALVES };

/* Characters of a text. */
struct range {
    size_t start, count;
};

/* A label in a half. */
struct target_half {
    double mean, squares;         /* Σ (y − mean)² */
    double deviation;             /* √(squares / characters) */
    double on;                    /* characters where it is on, of a binary label */
    double baseline, baseline_mi; /* AUC or r, and mutual information as a measure */
};

struct target {
    size_t label;
    enum label_kind kind;
    const float *values; /* [length] the label's */
    bool drifts;         /* its values only rise, or only fall, from the text's start to its end */
    struct bins bins;    /* of its values in the first half */
    struct target_half halves[HALVES];
};

struct targets {
    struct target *list; /* binary ones first */
    size_t count, num_binary;
    struct range halves[HALVES];
};

/* A label's value, scaled to mean 0 and variance 1 over a half. Sums and squares in floats then do
 * not depend on the label's unit. */
static inline float target_standard(const struct target_half *half, float value)
{
    return (float)(((double)value - half->mean) / half->deviation);
}

/* Fills zeroed targets, which lie in `memory`. Returns 0, or −1 and a message. */
int targets_make(struct targets *targets, struct arena *memory, struct team *team,
                 const struct trace *trace, const struct labels *labels);

#endif
