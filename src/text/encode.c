#include "encode.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "file.h"
#include "mem.h"
#include "reader.h"

const char *const encode_unknown_names[] = {"error", "skip", "replace", NULL};

struct encoding {
    const struct vocab *vocab;
    const char *name; /* of the text */
    const struct encode_options *options;
    struct temp_mapping *ids;
    size_t count, dropped; /* ids; of them those that need not stay in memory */
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
    vocab_describe(vocab->treatment.unit, symbol.bytes, symbol.length, name, sizeof name);
    return error_set("%s: %s at offset %" PRIu64 "%s is not in the model's vocabulary%s%s",
                     encoding->name, name, encoding->offset + num_bytes(run, i),
                     vocab->treatment.form == UTF8_NONE ? "" : " (normalised)",
                     option ? "; to go on without it: " : "", option ? option : "");
}

/* The id of the most similar symbol of the vocabulary, or VOCAB_NONE. */
static int32_t find_similar(const struct vocab *vocab, const struct vocab_symbol *symbol)
{
    int32_t point, id;
    bool is_text = vocab->treatment.unit != VOCAB_BYTE || symbol->bytes[0] < 0x80;
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

int32_t encode_missing(const struct vocab *vocab, enum encode_unknown on_unknown,
                       const struct segmenter_run *run, size_t i)
{
    uint8_t buffer[4];
    struct vocab_symbol symbol = segmenter_symbol(run, i, buffer);
    if (vocab->unknown != VOCAB_NONE)
        return vocab->unknown;
    return on_unknown == ENCODE_REPLACE ? find_similar(vocab, &symbol) : VOCAB_NONE;
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
            int32_t id = ids[i];
            if (id == VOCAB_NONE)
                id = encode_missing(encoding->vocab, encoding->options->on_unknown, run, i);
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
    struct segmenter *segmenter = segmenter_new(&vocab->treatment, name);
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

/* Keeps the ids of a block out of memory until they are needed. */
static int drop_ids(void *context, const uint8_t *block, size_t length)
{
    (void)block, (void)length;
    struct encoding *encoding = context;
    temp_mapping_drop(encoding->ids, (int32_t *)encoding->ids->bytes + encoding->dropped,
                      (encoding->count - encoding->dropped) * sizeof(int32_t));
    encoding->dropped = encoding->count;
    return 0;
}

int encode_file(const struct vocab *vocab, const char *path, const struct encode_options *options,
                struct temp_mapping *ids, size_t *count, size_t *num_unknown)
{
    struct encoding encoding = {
        .vocab = vocab, .name = file_name(path), .options = options, .ids = ids};
    struct text_treatment treatment = vocab->treatment;
    struct text_notes notes;
    treatment.encoding = options->encoding;
    struct reader *reader = reader_new(&treatment, NULL);
    const int result =
        reader ? reader_read(reader, path, encoding.name, encode_run, drop_ids, &encoding, &notes)
               : -1;
    reader_free(reader);
    *count = encoding.count;
    if (num_unknown)
        *num_unknown = encoding.num_unknown;
    return result;
}
