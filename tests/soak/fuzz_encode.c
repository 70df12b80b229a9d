/* libFuzzer: a text in the symbols of another. Whatever both are, in every treatment and way with
 * unknown symbols, there are ids of the vocabulary or a message. The first byte chooses; the first
 * text ends at the first byte FF. */
#include <string.h>

#include "encode.h"
#include "fuzz.h"

static int count_run(void *context, const struct segmenter_run *run)
{
    return vocab_counter_add(context, run);
}

static bool make_vocab(struct vocab *vocab, uint8_t choice, const uint8_t *text, size_t length)
{
    const enum vocab_unit unit = (enum vocab_unit)(choice % 3);
    const struct text_treatment treatment = {
        .unit = unit,
        .form = unit == VOCAB_BYTE ? UTF8_NONE : (enum utf8_form)(choice / 3 % 3),
        .newlines = choice / 64 % 2 ? VOCAB_LF : VOCAB_KEEP,
        .strip_bom = choice / 128};
    struct vocab_counter *counter = vocab_counter_new(unit);
    struct segmenter *segmenter = segmenter_new(&treatment, "a text");
    const bool made = segmenter &&
                      segmenter_feed(segmenter, text, length, true, count_run, counter) == 0 &&
                      vocab_from_counts(vocab, counter, 1 + choice / 32 % 2, &treatment) == 0;
    segmenter_free(segmenter);
    vocab_counter_free(counter);
    return made;
}

static void check(const struct vocab *vocab, const int32_t *ids, size_t count)
{
    for (size_t i = 0; i < count; i++)
        require(ids[i] >= 0 && ids[i] < vocab->size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size < 2 ? NULL : memchr(data + 1, 0xFF, size - 1);
    struct vocab vocab = {0};
    if (!end || !make_vocab(&vocab, data[0], data + 1, (size_t)(end - data) - 1))
        return 0;
    const uint8_t *text = end + 1;
    const size_t length = size - (size_t)(text - data);
    const struct encode_options options = {.on_unknown = (enum encode_unknown)(data[0] / 9 % 3)};
    int32_t *ids;
    size_t count, in_file, unknown = 0;
    const bool whole =
        encode_text(&vocab, "a text", text, length, &options, &ids, &count, &unknown) == 0;
    if (whole)
        check(&vocab, ids, count);
    struct temp_mapping mapping;
    require(temp_mapping_init(&mapping, 0, 64, fuzz_path("ids")) == 0);
    const bool read = encode_file(&vocab, fuzz_file("text", text, length), &options, &mapping,
                                  &in_file, &unknown) == 0;
    require(read == whole);
    if (whole)
        require(in_file == count &&
                (count == 0 || memcmp(mapping.bytes, ids, count * sizeof *ids) == 0));
    temp_mapping_release(&mapping);
    if (whole)
        free(ids);
    vocab_release(&vocab);
    return 0;
}
