/* Batches: B parallel streams through a part of a corpus, T timesteps at a time. */
#ifndef RUNE_BATCH_H
#define RUNE_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "corpus.h"

struct batch {
    const struct corpus *corpus;
    const struct corpus_part *part;
    int B, T;
    uint64_t *position; /* [B] next position of each stream in the part */
    uint64_t *before;   /* [B] what they were before this chunk */
    uint64_t *end;      /* [B] where the stream ends; UINT64_MAX on a ring */
    uint64_t *scored;   /* [B] first position whose target counts: before it the stream warms up */
    int32_t *x, *y;     /* [T][B] inputs and targets; VOCAB_NONE: the zero vector, no target */
    bool *reset;        /* [B] the stream's state is zero before this chunk */
    bool begins;        /* nothing is read yet, and all states are to be zero when it is */
    size_t num_targets; /* in this chunk */
    int32_t *row;       /* [T + 1] scratch */
};

/* Endless streams round the part: stream b starts at ⌊bN/B⌋ and only moves forward. Fills a zeroed
 * batch. B·T may be anything ≥ 1; B ≤ N. Returns 0, or −1 and a message. */
int batch_ring(struct batch *batch, const struct corpus *corpus, const struct corpus_part *part,
               int B, int T);

/* Streams that read the part once: stream b reads ⌊bN/B⌋ … ⌊(b+1)N/B⌋ − 1, each but the first
 * warmed on the `warmup` characters before it (not scored). With warmup 0 each of these borders is
 * moved to the next start of a segment, so that no stream begins amid one (and some are empty). */
int batch_once(struct batch *batch, const struct corpus *corpus, const struct corpus_part *part,
               int B, int T, uint64_t warmup);

/* Fills x, y, reset, num_targets with the next chunk. Target t is the character at a stream's
 * position, input t the character before it: VOCAB_NONE at the start of a segment (of a file). A
 * chunk never runs over the start of a segment: the rest of it is padded with VOCAB_NONE and the
 * next chunk begins there with `reset` set; so it is behind a stream's end. Returns 1, 0 when every
 * stream has ended, or −1 and a message. */
int batch_next(struct batch *batch);

/* Goes back to before the chunk that batch_next has filled last. */
void batch_undo(struct batch *batch);

/* Safe on a zeroed batch. */
void batch_release(struct batch *batch);

#endif
