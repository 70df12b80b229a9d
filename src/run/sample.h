/* Sampling of text from a model, symbol by symbol. */
#ifndef RUNE_SAMPLE_H
#define RUNE_SAMPLE_H

#include <stdint.h>

#include "tape.h"
#include "team.h"

struct sample_options {
    double temperature; /* ≥ 0; 0 takes the most likely symbol */
    int top_k;          /* only the k most likely; 0: off */
    double top_p;       /* only the most likely whose probabilities sum to p; 1: off */
    double min_p; /* only those whose probability is at least this share of the largest; 0: off */
    uint64_t seed;
};

/* B samples, drawn in parallel. */
struct sampler {
    struct team *team;
    struct team_pace pace;
    struct model *model;
    struct sample_options options;
    struct tape tape; /* B streams, T = 1 */
    int32_t *ids;     /* [B] last symbol of each sample; VOCAB_NONE at the start of a text */
    double *weights;  /* [V] scratch */
    int32_t *order;   /* [V] scratch */
    uint64_t drawn;   /* symbols drawn in each sample */
};

/* Fills a zeroed sampler for `count` samples, which start like a text. Returns 0, or −1 and a
 * message. */
int sampler_init(struct sampler *sampler, struct team *team, struct model *model, int count,
                 const struct sample_options *options);

void sampler_release(struct sampler *sampler);

/* Clamps units in every sample from now on; see tape_set_clamps. The caller keeps the list
 * alive. */
void sampler_clamp(struct sampler *sampler, const struct clamp *clamps, size_t count);

/* Appends a prompt, ids[0..count), to every sample. */
void sampler_prompt(struct sampler *sampler, const int32_t *ids, size_t count);

/* Draws the next symbol of every sample to sampler->ids[0..B). The unknown symbol is never drawn.
 * Sample b depends only on (seed, b), not on the others. Returns 0, or −1 and a message if the
 * probabilities are not finite. */
int sampler_next(struct sampler *sampler);

/* Draws a symbol from a distribution given as V logits: applies temperature, top-k, top-p and min-p
 * in this order, and uses `uniform` in [0, 1). `banned` is an id that is never drawn, or
 * VOCAB_NONE. weights[V] and order[V] are scratch. Any temperature ≥ 0 is safe from overflow.
 * Returns VOCAB_NONE if a logit is not finite. */
int32_t sample_draw(const struct sample_options *options, int V, const real *logits, int32_t banned,
                    double uniform, double *weights, int32_t *order);

#endif
