/* A corpus of a text that is already encoded, as one training part. */
#ifndef RUNE_TEST_MADE_CORPUS_H
#define RUNE_TEST_MADE_CORPUS_H

#include <string.h>

#include "corpus.h"
#include "mem.h"

static inline void corpus_of(struct corpus *corpus, const int32_t *ids, size_t count)
{
    *corpus = (struct corpus){.length = count, .id_bytes = sizeof *ids};
    corpus->ids = mem_new(count, sizeof *ids);
    corpus->training = (struct corpus_part){mem_new(1, sizeof(struct corpus_segment)), 1, count};
    assert_true(corpus->ids && corpus->training.segments);
    memcpy(corpus->ids, ids, count * sizeof *ids);
    corpus->training.segments[0] = (struct corpus_segment){0, count, 0};
}

#endif
