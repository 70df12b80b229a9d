/* libFuzzer: for any bytes, unit and form, results do not depend on the pieces and, without
 * normalisation, decode(encode(text)) is the text. The first two bytes choose unit and form. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "encode.h"
#include "vocab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int count_run(void *context, const struct segmenter_run *run)
{
    return vocab_counter_add(context, run);
}

static void require(bool holds)
{
    if (!holds)
        abort();
}

struct gathered {
    const struct vocab *vocab;
    int32_t *ids;
    size_t count;
};

static int gather_run(void *context, const struct segmenter_run *run)
{
    struct gathered *gathered = context;
    int32_t ids[SEGMENTER_RUN_MAX];
    require(vocab_find_all(gathered->vocab, run, ids) == 0);
    require(memcmp(ids, gathered->ids + gathered->count, run->count * sizeof *ids) == 0);
    gathered->count += run->count;
    return 0;
}

/* The vocabulary of a text that is cut whole; false if it has none. */
static bool make_vocab(struct vocab *vocab, enum vocab_unit unit, enum utf8_form form,
                       const uint8_t *text, size_t length)
{
    struct vocab_counter *counter = vocab_counter_new(unit);
    struct segmenter *segmenter =
        segmenter_new(&(struct text_treatment){.unit = unit, .form = form}, "a text");
    bool made = segmenter &&
                segmenter_feed(segmenter, text, length, true, count_run, counter) == 0 &&
                vocab_from_counts(vocab, counter, 1,
                                  &(struct text_treatment){.unit = unit, .form = form}) == 0;
    segmenter_free(segmenter);
    vocab_counter_free(counter);
    return made;
}

static void check_decoding(const struct vocab *vocab, const int32_t *ids, size_t count,
                           const uint8_t *text, size_t length)
{
    for (size_t i = 0; i < count; i++) {
        const struct vocab_symbol *symbol = &vocab->symbols[ids[i]];
        require(symbol->length <= length && memcmp(symbol->bytes, text, symbol->length) == 0);
        text += symbol->length;
        length -= symbol->length;
    }
    require(length == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vocab vocab = {0};
    if (size < 2)
        return 0;
    enum vocab_unit unit = (enum vocab_unit)(data[0] % 3);
    enum utf8_form form = (enum utf8_form)(data[0] / 3 % 3);
    size_t step = data[1] % 16u + 1u, length = size - 2, count, unknown;
    const uint8_t *text = data + 2;
    if (!make_vocab(&vocab, unit, form, text, length))
        return 0;
    int32_t *ids;
    require(encode_text(&vocab, "a text", text, length, &(struct encode_options){0}, &ids, &count,
                        &unknown) == 0);
    require(unknown == 0);
    if (form == UTF8_NONE)
        check_decoding(&vocab, ids, count, text, length);
    struct gathered gathered = {&vocab, ids, 0};
    struct segmenter *segmenter =
        segmenter_new(&(struct text_treatment){.unit = unit, .form = form}, "a text");
    for (size_t at = 0; at < length; at += step) {
        size_t piece = length - at < step ? length - at : step;
        require(segmenter_feed(segmenter, text + at, piece, at + piece == length, gather_run,
                               &gathered) == 0);
    }
    require(gathered.count == count);
    segmenter_free(segmenter);
    free(ids);
    vocab_release(&vocab);
    return 0;
}
