/* Evaluation: the loss of a model over a text. */
#ifndef RUNE_EVALUATE_H
#define RUNE_EVALUATE_H

#include <stdint.h>

#include "corpus.h"
#include "tape.h"
#include "team.h"

#define EVALUATE_WARMUP 1000 /* characters that a stream reads before those that count */

/* What evaluate returns when it was told to stop. */
#define EVALUATE_STOPPED 1

struct evaluator {
    struct team *team;
    struct model *model;
    struct tape tape;
    const struct corpus *corpus;
    const struct corpus_part *part; /* what is read; with a window, its windows: */
    struct corpus_part windows;
};

struct evaluation {
    double loss; /* mean, in nats per character */
    uint64_t characters;
};

/* Told each character's id and its loss in nats; with one stream, in the order of the text. */
typedef int evaluate_each_fn(void *context, int32_t id, double loss);

/* Fills a zeroed evaluator of a part of a corpus, read in evaluator_streams(part, streams) streams,
 * the state carried from character to character; with window > 0, from a fresh state every `window`
 * characters of a file, the windows shared out to `streams` streams. Returns 0, or −1 and a
 * message. */
int evaluator_init(struct evaluator *evaluator, struct team *team, struct model *model,
                   const struct corpus *corpus, const struct corpus_part *part, int streams,
                   uint64_t window);

/* How many streams a part is read in where `streams` are asked for: as many as are no shorter than
 * their warm-up, at least 1. */
int evaluator_streams(const struct corpus_part *part, int streams);

/* Timesteps of a chunk: few where there are streams enough, so that it stays in the cache, and many
 * where weights are read for one stream alone. */
int evaluator_steps(int streams);

void evaluator_release(struct evaluator *evaluator);

/* Reads the part once with the weights as they are; `each` may be NULL. Returns 0, what `each`
 * returned other than 0, EVALUATE_STOPPED where the team is told to stop, or −1 and a message. */
int evaluate(struct evaluator *evaluator, struct evaluation *result, evaluate_each_fn *each,
             void *context);

#endif
