#include "batch.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "error.h"

static int batch_init(struct batch *batch, const struct corpus *corpus,
                      const struct corpus_part *part, int B, int T)
{
    assert(B >= 1 && T >= 1);
    size_t streams = (size_t)B, chunk = streams * (size_t)T;
    *batch = (struct batch){.corpus = corpus, .part = part, .B = B, .T = T};
    batch->position = arena_take(&batch->memory, streams, sizeof *batch->position);
    batch->previous = arena_take(&batch->memory, streams, sizeof *batch->previous);
    batch->end = arena_take(&batch->memory, streams, sizeof *batch->end);
    batch->scored = arena_take(&batch->memory, streams, sizeof *batch->scored);
    batch->x = arena_take(&batch->memory, chunk, sizeof *batch->x);
    batch->y = arena_take(&batch->memory, chunk, sizeof *batch->y);
    batch->reset = arena_take(&batch->memory, streams, sizeof *batch->reset);
    batch->row = arena_take(&batch->memory, (size_t)T + 1, sizeof *batch->row);
    if (!batch->memory.failed)
        return 0;
    batch_release(batch);
    return -1;
}

/* ⌊bN/B⌋, also where bN overflows 64 bits. */
static uint64_t share(uint64_t N, int b, int B)
{
    uint64_t streams = (uint64_t)B, stream = (uint64_t)b;
    return N / streams * stream + N % streams * stream / streams;
}

int batch_ring(struct batch *batch, const struct corpus *corpus, const struct corpus_part *part,
               int B, int T)
{
    if (part->length < (uint64_t)B)
        return error_set("a text of %" PRIu64 " characters is too short for %d streams: lower "
                         "--batch-size or add text",
                         part->length, B);
    if (batch_init(batch, corpus, part, B, T) != 0)
        return -1;
    for (int b = 0; b < B; b++) {
        batch->position[b] = share(part->length, b, B);
        batch->end[b] = UINT64_MAX;
    }
    return 0;
}

/* Where stream b begins: with warmup 0, at the start of a segment. */
static uint64_t stream_start(const struct corpus_part *part, int b, int B, uint64_t warmup)
{
    const uint64_t first = share(part->length, b, B);
    if (warmup > 0 || first == part->length)
        return first;
    const struct corpus_segment *segment = corpus_segment_at(part, first);
    return first == segment->position ? first : segment->position + segment->length;
}

int batch_once(struct batch *batch, const struct corpus *corpus, const struct corpus_part *part,
               int B, int T, uint64_t warmup)
{
    if (batch_init(batch, corpus, part, B, T) != 0)
        return -1;
    batch->reset_all = true;
    for (int b = 0; b < B; b++) {
        uint64_t first = stream_start(part, b, B, warmup);
        batch->position[b] = batch->scored[b] = first;
        batch->end[b] = stream_start(part, b + 1, B, warmup);
        if (first == batch->end[b])
            continue;
        /* A warm-up need not start before the segment, where the state is reset anyway. */
        uint64_t back = first - corpus_segment_at(part, first)->position;
        batch->position[b] -= back < warmup ? back : warmup;
    }
    return 0;
}

void batch_shorten(struct batch *batch, uint64_t targets)
{
    for (int b = 0; b < batch->B; b++)
        if (batch->end[b] - batch->scored[b] > targets)
            batch->end[b] = batch->scored[b] + targets;
}

/* Fills column b with the next chunk of stream b and advances the stream. */
static int fill_stream(struct batch *batch, int b)
{
    size_t B = (size_t)batch->B, T = (size_t)batch->T, n = 0;
    uint64_t position = batch->position[b];
    batch->reset[b] = batch->reset_all;
    if (position < batch->end[b]) {
        const struct corpus_segment *segment = corpus_segment_at(batch->part, position);
        uint64_t end = segment->position + segment->length;
        bool starts = position == segment->position;
        end = end < batch->end[b] ? end : batch->end[b];
        n = end - position < T ? (size_t)(end - position) : T;
        batch->reset[b] |= starts;
        batch->row[0] = VOCAB_NONE; /* row[0] is the input of the first target, which is row[1] */
        if (corpus_read(batch->corpus, batch->part, position - !starts, n + !starts,
                        batch->row + starts) != 0)
            return -1;
    }
    for (size_t t = 0; t < T; t++) {
        bool scored = t < n && position + t >= batch->scored[b];
        batch->x[t * B + (size_t)b] = t < n ? batch->row[t] : VOCAB_NONE;
        batch->y[t * B + (size_t)b] = scored ? batch->row[t + 1] : VOCAB_NONE;
        batch->num_targets += scored;
    }
    position += n;
    bool wraps = position == batch->part->length && batch->end[b] == UINT64_MAX;
    batch->position[b] = wraps ? 0 : position;
    return 0;
}

int batch_next(struct batch *batch)
{
    bool ended = true;
    for (int b = 0; b < batch->B; b++)
        ended = ended && batch->position[b] >= batch->end[b];
    if (ended)
        return 0;
    batch->num_targets = 0;
    memcpy(batch->previous, batch->position, (size_t)batch->B * sizeof *batch->previous);
    for (int b = 0; b < batch->B; b++)
        if (fill_stream(batch, b) != 0)
            return -1;
    batch->reset_all = false;
    return 1;
}

void batch_undo(struct batch *batch)
{
    memcpy(batch->position, batch->previous, (size_t)batch->B * sizeof *batch->position);
}

void batch_release(struct batch *batch)
{
    arena_release(&batch->memory);
    *batch = (struct batch){0};
}
