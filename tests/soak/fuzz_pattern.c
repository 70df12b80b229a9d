/* libFuzzer: whatever a regular expression and the text that it searches, it gives a label of zeros
 * and ones or a message. The first byte chooses the unit; the regex ends at the first NUL. */
#include <string.h>

#include "encode.h"
#include "fuzz.h"
#include "labels.h"

static int count_run(void *context, const struct segmenter_run *run)
{
    return vocab_counter_add(context, run);
}

static void search(const struct vocab *vocab, const char *regex, const uint8_t *text, size_t length)
{
    const struct label_pattern pattern = {"found", regex};
    struct labels labels = {0};
    int32_t *ids;
    require(encode_text(vocab, "a text", text, length, &(struct encode_options){0}, &ids,
                        &labels.length, NULL) == 0);
    if (labels_add_patterns(&labels, vocab, ids, &pattern, 1) == 0)
        for (size_t t = 0; t < labels.length; t++)
            require(labels.list[0].values[t] == 0 || labels.list[0].values[t] == 1);
    labels_release(&labels);
    free(ids);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size < 2 ? NULL : memchr(data + 1, 0, size - 1);
    if (!end)
        return 0;
    const size_t length = size - (size_t)(end + 1 - data);
    const enum vocab_unit unit = (enum vocab_unit)(data[0] % 3);
    struct vocab vocab = {0};
    struct vocab_counter *counter = vocab_counter_new(unit);
    struct segmenter *segmenter =
        segmenter_new(&(struct text_treatment){.unit = unit, .form = UTF8_NONE}, "a text");
    if (segmenter && segmenter_feed(segmenter, end + 1, length, true, count_run, counter) == 0 &&
        vocab_from_counts(&vocab, counter, 1, &(struct text_treatment){.unit = unit}) == 0)
        search(&vocab, (const char *)data + 1, end + 1, length);
    vocab_release(&vocab);
    segmenter_free(segmenter);
    vocab_counter_free(counter);
    return 0;
}
