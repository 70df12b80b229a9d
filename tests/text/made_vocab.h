/* The vocabulary of a text. */
#ifndef RUNE_TEST_MADE_VOCAB_H
#define RUNE_TEST_MADE_VOCAB_H

#include "vocab.h"

static int count_run(void *context, const struct segmenter_run *run)
{
    return vocab_counter_add(context, run);
}

/* The vocabulary of a text; what vocab_from_counts returns. */
static inline int make_vocab(struct vocab *vocab, enum vocab_unit unit, enum utf8_form form,
                             const void *text, size_t length, uint64_t min_count)
{
    const struct text_treatment treatment = {.unit = unit, .form = form};
    *vocab = (struct vocab){0};
    struct vocab_counter *counter = vocab_counter_new(unit);
    struct segmenter *segmenter = segmenter_new(&treatment, "a text");
    assert_int_equal(segmenter_feed(segmenter, text, length, true, count_run, counter), 0);
    int result = vocab_from_counts(vocab, counter, min_count, &treatment);
    segmenter_free(segmenter);
    vocab_counter_free(counter);
    return result;
}

#endif
