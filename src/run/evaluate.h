/* Evaluation: the loss of a model on a text. */
#ifndef RUNE_EVALUATE_H
#define RUNE_EVALUATE_H

#include <stdint.h>

#include "corpus.h"
#include "tape.h"
#include "team.h"

#define EVALUATE_WARMUP 1000 /* characters that a stream reads before its first target */

/* Result of evaluate if the team was told to stop. */
#define EVALUATE_STOPPED 1

struct evaluator {
    struct team *team;
    struct team_pace pace;
    struct model *model;
    struct tape tape;
    const struct corpus *corpus;
    const struct corpus_part *part; /* the part that is read, or `windows` */
    struct corpus_part windows;     /* with a window: the part divided into windows */
};

struct evaluation {
    double loss; /* mean, in nats per character */
    uint64_t characters;
};

/* Receives the id and loss (nats) of each character. With one stream, in the order of the text. */
typedef int evaluate_each_fn(void *context, int32_t id, double loss);

/* Fills a zeroed evaluator of a part of a corpus. With window 0, evaluator_streams(part, streams)
 * streams carry their state through the part. With window > 0, the state is reset every `window`
 * characters of a file, and the windows are distributed over `streams` streams. Returns 0, or −1
 * and a message. */
int evaluator_init(struct evaluator *evaluator, struct team *team, struct model *model,
                   const struct corpus *corpus, const struct corpus_part *part, int streams,
                   uint64_t window);

/* The number of streams in which a part is read: at most `streams`, at least 1, and otherwise so
 * few that each is at least as long as its warm-up. */
int evaluator_streams(const struct corpus_part *part, int streams);

/* Timesteps of a chunk: fewer with many streams, so that it stays in the cache, and more with few,
 * so that weights are read less often. */
int evaluator_steps(int streams);

void evaluator_release(struct evaluator *evaluator);

/* Reads the part once with the current weights. `each` may be NULL. Returns 0, the result of `each`
 * if not 0, EVALUATE_STOPPED if the team is told to stop, or −1 and a message. */
int evaluate(struct evaluator *evaluator, struct evaluation *result, evaluate_each_fn *each,
             void *context);

#endif
