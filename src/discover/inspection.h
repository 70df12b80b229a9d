/* All that is known of a model and a text: what the probe recorded, and what was found in it. What
 * was not asked for is zero. Filled by discover/ and inspect/, read by view/. */
#ifndef RUNE_INSPECTION_H
#define RUNE_INSPECTION_H

#include <stddef.h>

#include "cards.h"
#include "discover.h"
#include "labels.h"
#include "trace.h"

/* How open gates are over the whole text (Karpathy, Johnson & Fei-Fei 2015). A gate from −1 to 1 is
 * taken as (g + 1) / 2. */
struct gates {
    int count;                /* G */
    const char *const *names; /* [G] "i", "f", "g", "o" */
    int forget;               /* index of the one that keeps the state, or −1 */
    float *low, *high, *mean; /* [G][L][H] share of characters under 0.1, over 0.9; mean */
};

/* The time constant of a state that a forget gate multiplies by its mean: the characters after
 * which it has decayed to 1/e, −1 / ln(mean); infinite where it does not decay. */
double gates_time_constant(double mean);

/* The index of a unit's gate in these arrays. */
static inline size_t gates_place(const struct trace *trace, int gate, int layer, int unit)
{
    return ((size_t)gate * (size_t)trace->num_layers + (size_t)layer) * (size_t)trace->hidden_size +
           (size_t)unit;
}

/* How far back the past matters: the norm of the gradient of the loss at t by the output h of each
 * layer, and by the one-hot input, k characters earlier; over sampled t. */
struct reach {
    int steps;                  /* K: k = 0 … K − 1 */
    int positions;              /* t that were sampled */
    int curves;                 /* L + 1: the layers from the bottom, then the input */
    float *median, *low, *high; /* [curves][K] and quartiles */
};

/* Attributions: how a prediction depends on each character before it. They are the components of
 * the gradient of the loss of x_t along the symbols that were read. */
struct attributions {
    size_t count, steps; /* predictions, and K */
    size_t *positions;   /* [count] t, rising */
    float *weights;      /* [count][K]; k = 0 is x_{t−1}; 0 before the text; > 0: it made x_t
                            less likely */
};

/* What an ablated unit is clamped to. */
enum ablation_kind { ABLATION_NONE, ABLATION_ZERO, ABLATION_MEAN };

#define ABLATION_LEAST 50 /* characters, for a mean over them */

/* What the model loses without a unit. */
struct ablation {
    enum ablation_kind kind;
    size_t length;              /* characters at the start of the text that were read */
    size_t count;               /* units */
    struct trace_signal *units; /* [count] h of them */
    float loss;                 /* mean of the whole model, in nats */
    float *change;              /* [count] of the mean loss with the unit clamped */
    float *by_label; /* [count][K] the same over characters where a binary label is on; NAN for
                        scalar labels, and where it is on for fewer than ABLATION_LEAST */
    size_t *counts;  /* [K] of those characters */
};

struct inspection {
    struct arena memory; /* where all is but the trace and the labels */
    struct trace trace;
    struct labels labels;
    struct discoveries discoveries;
    struct cards cards;
    struct gates gates;
    struct reach reach;
    struct attributions attributions;
    struct ablation ablation;
    float *output_weights; /* [V][H] what each unit of the last layer adds to a symbol's logit;
                              NULL if unknown */
};

/* Safe on a zeroed one. */
void inspection_release(struct inspection *inspection);

/* The index of a signal's unit; count if it was not ablated. */
size_t ablation_find(const struct ablation *ablation, const struct trace_signal *signal);

#endif
