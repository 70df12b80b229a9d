/* A text as symbols, with a vocabulary of its own. */
#ifndef RUNE_TEST_PASSAGE_H
#define RUNE_TEST_PASSAGE_H

#include <stdlib.h>

#include "encode.h"
#include "vocab.h"

struct passage {
    struct vocab vocab;
    int32_t *ids;
    size_t length;
};

static inline int passage_count(void *counter, const struct segmenter_run *run)
{
    return vocab_counter_add(counter, run);
}

/* The vocabulary has "a" and "b" besides, since a single symbol is none. */
static inline struct passage passage_new(enum vocab_unit unit, const void *text, size_t length)
{
    struct passage passage = {0};
    struct vocab_counter *counter = vocab_counter_new(unit);
    for (int i = 0; i < 2; i++) {
        struct segmenter *segmenter =
            segmenter_new(&(struct text_treatment){.unit = unit, .form = UTF8_NONE}, "text");
        const uint8_t *piece = i == 0 ? (const uint8_t *)"ab" : text;
        assert_int_equal(
            segmenter_feed(segmenter, piece, i == 0 ? 2 : length, true, passage_count, counter), 0);
        segmenter_free(segmenter);
    }
    assert_int_equal(
        vocab_from_counts(&passage.vocab, counter, 1, &(struct text_treatment){.unit = unit}), 0);
    vocab_counter_free(counter);
    assert_int_equal(encode_text(&passage.vocab, "text", text, length, &(struct encode_options){0},
                                 &passage.ids, &passage.length, NULL),
                     0);
    return passage;
}

static inline void passage_release(struct passage *passage)
{
    vocab_release(&passage->vocab);
    free(passage->ids);
}

#endif
