#include "encode.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "file.h"
#include "mem.h"

#define BLOCK ((size_t)1 << 20) /* bytes per read */

const char *const encode_unknown_names[] = {"error", "skip", "replace", NULL};

struct encoding {
    const struct vocab *vocab;
    const char *name; /* of the text */
    const struct encode_options *options;
    struct temp_mapping *ids;
    size_t count;
    size_t num_unknown;
    uint64_t offset; /* of the run, in the normalised text */
};

static uint64_t num_bytes(const struct segmenter_run *run, size_t count)
{
    uint8_t buffer[4];
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += segmenter_symbol(run, i, buffer).length;
    return bytes;
}

static int refuse_symbol(const struct encoding *encoding, const struct segmenter_run *run, size_t i)
{
    uint8_t buffer[4];
    char name[64];
    const struct vocab *vocab = encoding->vocab;
    const char *option = encoding->options->option;
    struct vocab_symbol symbol = segmenter_symbol(run, i, buffer);
    vocab_describe(vocab->unit, symbol.bytes, symbol.length, name, sizeof name);
    return error_set("%s: %s at offset %" PRIu64 "%s is not in the model's vocabulary%s%s",
                     encoding->name, name, encoding->offset + num_bytes(run, i),
                     vocab->form == UTF8_NONE ? "" : " (normalised)",
                     option ? "; to go on without it: " : "", option ? option : "");
}

/* The id of the most similar symbol of the vocabulary, or VOCAB_NONE. */
static int32_t find_similar(const struct vocab *vocab, const struct vocab_symbol *symbol)
{
    int32_t point, id;
    bool is_text = vocab->unit != VOCAB_BYTE || symbol->bytes[0] < 0x80;
    if (is_text && utf8_decode(symbol->bytes, symbol->length, &point) > 0)
        for (int i = 0; i < 2; i++, point = utf8_base(point)) {
            int32_t cases[] = {point, utf8_lower(point), utf8_upper(point)};
            for (int k = 0; k < 3; k++)
                if ((id = vocab_find_point(vocab, cases[k])) != VOCAB_NONE)
                    return id;
        }
    id = vocab_find_point(vocab, '?');
    return id != VOCAB_NONE ? id : vocab_find_point(vocab, ' ');
}

static int32_t replace_symbol(const struct encoding *encoding, const struct segmenter_run *run,
                              size_t i)
{
    uint8_t buffer[4];
    struct vocab_symbol symbol = segmenter_symbol(run, i, buffer);
    if (encoding->vocab->unknown != VOCAB_NONE)
        return encoding->vocab->unknown;
    if (encoding->options->on_unknown == ENCODE_REPLACE)
        return find_similar(encoding->vocab, &symbol);
    return VOCAB_NONE;
}

/* Returns where to append `count` ids, or NULL and a message. */
static int32_t *reserve(struct encoding *encoding, size_t count)
{
    struct temp_mapping *ids = encoding->ids;
    const size_t wanted = (encoding->count + count) * sizeof(int32_t), more = ids->size / 2;
    if (wanted > ids->size && temp_mapping_grow(ids, wanted + more) != 0)
        return NULL;
    return (int32_t *)ids->bytes + encoding->count;
}

static int encode_run(void *context, const struct segmenter_run *run)
{
    struct encoding *encoding = context;
    bool lenient =
        encoding->vocab->unknown != VOCAB_NONE || encoding->options->on_unknown != ENCODE_ERROR;
    int32_t *ids = reserve(encoding, run->count);
    if (!ids)
        return -1;
    size_t missing = vocab_find_all(encoding->vocab, run, ids), kept = run->count;
    if (missing > 0) {
        kept = 0;
        for (size_t i = 0; i < run->count; i++) {
            if (ids[i] == VOCAB_NONE && !lenient)
                return refuse_symbol(encoding, run, i);
            int32_t id = ids[i] == VOCAB_NONE ? replace_symbol(encoding, run, i) : ids[i];
            if (id != VOCAB_NONE)
                ids[kept++] = id;
        }
    }
    encoding->num_unknown += missing;
    encoding->count += kept;
    if (!lenient) /* only the error message uses the offset */
        encoding->offset += num_bytes(run, run->count);
    return 0;
}

int encode_text(const struct vocab *vocab, const char *name, const uint8_t *text, size_t length,
                const struct encode_options *options, int32_t **ids, size_t *count,
                size_t *num_unknown)
{
    struct temp_mapping mapping = {0}; /* in memory, having no path */
    struct encoding encoding = {.vocab = vocab, .name = name, .options = options, .ids = &mapping};
    struct segmenter *segmenter = segmenter_new(vocab->unit, vocab->form, name, NULL);
    int result =
        segmenter ? segmenter_feed(segmenter, text, length, true, encode_run, &encoding) : -1;
    segmenter_free(segmenter);
    if (result != 0) {
        temp_mapping_release(&mapping);
        return -1;
    }
    *ids = mapping.bytes;
    *count = encoding.count;
    if (num_unknown)
        *num_unknown = encoding.num_unknown;
    return 0;
}

static int encode_stream(struct encoding *encoding, FILE *file, struct segmenter *segmenter,
                         uint8_t *block)
{
    for (bool last = false; !last;) {
        const size_t length = fread(block, 1, BLOCK, file), before = encoding->count;
        if (ferror(file))
            return error_set("%s: cannot be read: %s", encoding->name, strerror(errno));
        last = length < BLOCK;
        if (segmenter_feed(segmenter, block, length, last, encode_run, encoding) != 0)
            return -1;
        temp_mapping_drop(encoding->ids, (int32_t *)encoding->ids->bytes + before,
                          (encoding->count - before) * sizeof(int32_t));
    }
    return 0;
}

int encode_file(const struct vocab *vocab, const char *path, const struct encode_options *options,
                struct temp_mapping *ids, size_t *count, size_t *num_unknown)
{
    struct encoding encoding = {
        .vocab = vocab, .name = file_name(path), .options = options, .ids = ids};
    FILE *file = file_open(path);
    struct segmenter *segmenter = segmenter_new(vocab->unit, vocab->form, encoding.name, NULL);
    uint8_t *block = mem_new(BLOCK, 1);
    const int result =
        file && segmenter && block ? encode_stream(&encoding, file, segmenter, block) : -1;
    free(block);
    segmenter_free(segmenter);
    if (file)
        fclose(file);
    *count = encoding.count;
    if (num_unknown)
        *num_unknown = encoding.num_unknown;
    return result;
}
