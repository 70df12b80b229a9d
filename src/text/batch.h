/* Batches: B parallel streams through a part of a corpus, T timesteps at a time. */
#ifndef RUNE_BATCH_H
#define RUNE_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "corpus.h"

struct batch {
    const struct corpus *corpus;
    const struct corpus_part *part;
    int B, T;
    uint64_t *position; /* [B] next position of each stream in the part */
    uint64_t *previous; /* [B] the positions before this chunk, for batch_undo */
    uint64_t *end;      /* [B] where the stream ends; UINT64_MAX if it never does */
    uint64_t *scored;   /* [B] first position that has a target; the stream warms up before it */
    int32_t *x;         /* [T][B] inputs; VOCAB_NONE: the zero vector */
    int32_t *y;         /* [T][B] targets; VOCAB_NONE: no target */
    bool *reset;        /* [B] whether the state is zeroed before this chunk */
    bool reset_all;     /* the next chunk resets every stream */
    size_t num_targets; /* in this chunk */
    int32_t *row;       /* [T + 1] scratch */
    struct arena memory;
};

/* Fills a zeroed batch with endless streams: stream b starts at ⌊bN/B⌋ and wraps around at the end
 * of the part. Requires 1 ≤ B ≤ N and T ≥ 1. Returns 0, or −1 and a message. */
int batch_ring(struct batch *batch, const struct corpus *corpus, const struct corpus_part *part,
               int B, int T);

/* Fills a zeroed batch with streams that read the part once: stream b reads ⌊bN/B⌋ … ⌊(b+1)N/B⌋
 * − 1. It warms up on the `warmup` characters before, which have no targets. With warmup 0, streams
 * begin only at starts of segments: each border moves to the next one, and some streams may be
 * empty. Returns 0, or −1 and a message. */
int batch_once(struct batch *batch, const struct corpus *corpus, const struct corpus_part *part,
               int B, int T, uint64_t warmup);

/* Lets each stream of batch_once end after its first `targets` ones. */
void batch_shorten(struct batch *batch, uint64_t targets);

/* Fills x, y, reset and num_targets with the next chunk. Target t is the character at a stream's
 * position. Input t is the character before it, VOCAB_NONE at the start of a segment (a file). A
 * chunk never crosses the start of a segment or the end of a stream: its rest is VOCAB_NONE. The
 * next chunk then begins at the new segment with `reset` set. Returns 1, 0 when every stream has
 * ended, or −1 and a message. */
int batch_next(struct batch *batch);

/* Undoes the last batch_next: the next one fills the same chunk. */
void batch_undo(struct batch *batch);

/* Safe on a zeroed batch. */
void batch_release(struct batch *batch);

#endif
