/* Sampling: text from a model, symbol by symbol. */
#ifndef RUNE_SAMPLE_H
#define RUNE_SAMPLE_H

#include <stdint.h>

#include "tape.h"
#include "team.h"

struct sample_options {
    double temperature; /* ≥ 0; 0 takes the most likely symbol */
    int top_k;          /* only the k most likely; 0: off */
    double top_p;       /* only the most likely that together have this probability; 1: off */
    double min_p;       /* only those at least this often as likely as the most likely; 0: off */
    uint64_t seed;
};

/* B samples that grow side by side. */
struct sampler {
    struct team *team;
    struct model *model;
    struct sample_options options;
    struct tape tape; /* B streams, T = 1 */
    int32_t *ids;     /* [B] the symbols last read or drawn; VOCAB_NONE at the start of the text */
    double *weights;  /* [V] scratch */
    int32_t *order;   /* [V] scratch */
    uint64_t drawn;   /* symbols drawn so far in each sample */
};

/* Fills a zeroed sampler for `count` samples, which begin as texts begin. Returns 0, or −1 and a
 * message. */
int sampler_init(struct sampler *sampler, struct team *team, struct model *model, int count,
                 const struct sample_options *options);

void sampler_release(struct sampler *sampler);

/* Holds units in every sample from now on; see tape_set_clamps. The list stays the caller's. */
void sampler_clamp(struct sampler *sampler, const struct clamp *clamps, size_t count);

/* Lets every sample read the symbols ids[0..count) of a prompt, as if it had drawn them. */
void sampler_prompt(struct sampler *sampler, const int32_t *ids, size_t count);

/* Draws the next symbol of every sample: sampler->ids[0..B). The unknown symbol is never drawn.
 * Sample b depends on (seed, b) alone. Returns 0, or −1 and a message where what the model expects
 * is not finite. */
int sampler_next(struct sampler *sampler);

/* Draws from a distribution given as V logits, `uniform` in [0, 1): temperature first, then top-k,
 * top-p, min-p on what is left. `banned` is an id that is never drawn, or VOCAB_NONE. weights[V]
 * and order[V] are scratch. In log space: no temperature ≥ 0 gives a number that is not finite.
 * Returns VOCAB_NONE where a logit is not finite. */
int32_t sample_draw(const struct sample_options *options, int V, const real *logits, int32_t banned,
                    double uniform, double *weights, int32_t *order);

#endif
