#include "corpus.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "file.h"
#include "hash.h"
#include "mem.h"
#include "reader.h"
#include "temp_mapping.h"

#define MAX_NAMED 10 /* missing symbols named in the message */
#define WRITE_FAILURE "the encoded text cannot be written"

/* What a pass over a file found. Both passes must find the same. */
struct file_pass {
    uint64_t symbols, length; /* length: ids; fewer than the symbols if some are left out */
    uint64_t hash;            /* of all files up to the end of this one */
};

struct builder {
    struct corpus *corpus;
    struct vocab *vocab;
    const struct corpus_options *options;
    struct text_treatment treatment;
    struct reader *reader;
    struct file_pass *passes;      /* [num_files] of the last pass */
    uint64_t hash;                 /* of the bytes read in this pass */
    uint64_t file_bytes;           /* read of the current file */
    uint64_t bytes;                /* of all files */
    uint64_t done, total;          /* bytes, in all passes */
    struct vocab_counter *counter; /* NULL if the vocabulary is fixed */
    size_t capacity;               /* of corpus->ids */
    const char *name;              /* of the current file */

    /* symbols that a fixed vocabulary without an unknown symbol lacks */
    const char *first_missing; /* name of the first file with such a symbol */
    uint64_t num_missing;
    char missing[MAX_NAMED][64]; /* names of the first distinct ones */
    int num_named;
};

/* --- ids in their smallest type --------------------------------------------------------------- */

static int bytes_for_ids(int vocab_size)
{
    return vocab_size <= 1 << 8 ? 1 : vocab_size <= 1 << 16 ? 2 : 4;
}

static void pack(const int32_t *ids, size_t count, int id_bytes, void *out)
{
    if (id_bytes == 1)
        for (size_t i = 0; i < count; i++)
            ((uint8_t *)out)[i] = (uint8_t)ids[i];
    else if (id_bytes == 2)
        for (size_t i = 0; i < count; i++)
            ((uint16_t *)out)[i] = (uint16_t)ids[i];
    else
        memcpy(out, ids, count * sizeof *ids);
}

static void unpack(const void *packed, size_t count, int id_bytes, int32_t *out)
{
    if (id_bytes == 1)
        for (size_t i = 0; i < count; i++)
            out[i] = ((const uint8_t *)packed)[i];
    else if (id_bytes == 2)
        for (size_t i = 0; i < count; i++)
            out[i] = ((const uint16_t *)packed)[i];
    else
        memcpy(out, packed, count * sizeof *out);
}

static int write_error(const struct builder *builder)
{
    return file_write_error(builder->options->temp_path, WRITE_FAILURE, errno);
}

/* Appends ids to the corpus, in memory or in its file. */
static int store(struct builder *builder, const int32_t *ids, size_t count)
{
    struct corpus *corpus = builder->corpus;
    size_t id_bytes = (size_t)corpus->id_bytes, used = (size_t)corpus->length;
    int32_t packed[SEGMENTER_RUN_MAX];
    corpus->length += count;
    if (corpus->file) {
        pack(ids, count, corpus->id_bytes, packed);
        return fwrite(packed, id_bytes, count, corpus->file) == count ? 0 : write_error(builder);
    }
    if (mem_grow(&corpus->ids, &builder->capacity, used + count, id_bytes) != 0)
        return -1;
    pack(ids, count, corpus->id_bytes, (uint8_t *)corpus->ids + used * id_bytes);
    return 0;
}

/* --- reading files ---------------------------------------------------------------------------- */

static const char *name_of(const struct corpus_options *options, int i)
{
    return options->names ? options->names[i] : options->files[i];
}

/* The size of all files. They must be regular: others cannot be read twice, and opening a pipe
 * might block forever. */
static int measure_files(const struct corpus_options *options, uint64_t *total)
{
    struct stat status;
    *total = 0;
    for (int i = 0; i < options->num_files; i++) {
        const char *name = name_of(options, i);
        if (stat(options->files[i], &status) != 0)
            return error_set("%s: %s", name, strerror(errno));
        if (S_ISDIR(status.st_mode))
            return error_set("%s: is a directory, where a file is needed", name);
        if (!S_ISREG(status.st_mode))
            return error_set("%s: is not a regular file, and cannot be read twice: save the "
                             "text to a file first",
                             name);
        if (status.st_size == 0)
            return error_set("%s: is empty: leave it out", name);
        *total += (uint64_t)status.st_size;
    }
    return 0;
}

/* Follows the bytes of a file. */
static int add_block(void *context, const uint8_t *block, size_t length)
{
    struct builder *builder = context;
    const struct corpus_options *options = builder->options;
    builder->hash = hash_bytes(builder->hash, block, length);
    builder->file_bytes += length;
    builder->done += length;
    if (options->progress)
        options->progress(options->context, builder->done, builder->total);
    return 0;
}

/* Passes the runs of the i-th file to `each`, whose context is the builder. */
static int read_file(struct builder *builder, int i, segmenter_fn *each, struct text_notes *notes)
{
    builder->name = name_of(builder->options, i);
    builder->file_bytes = 0;
    if (reader_read(builder->reader, builder->options->files[i], builder->name, each, add_block,
                    builder, notes) != 0)
        return -1;
    const uint64_t bytes = htole64(builder->file_bytes);
    builder->hash = hash_bytes(builder->hash, &bytes, sizeof bytes);
    return 0;
}

static int refuse_change(const struct builder *builder)
{
    return error_set("%s: has changed while it was read: start again when nothing writes to it",
                     builder->name);
}

/* Reads all files. In the second pass they must be unchanged. */
static int read_files(struct builder *builder, bool again, segmenter_fn *each)
{
    struct text_notes *sum = &builder->corpus->notes;
    *sum = (struct text_notes){0};
    builder->hash = 0;
    for (int i = 0; i < builder->options->num_files; i++) {
        const uint64_t start = builder->corpus->length;
        struct text_notes notes;
        if (read_file(builder, i, each, &notes) != 0)
            return -1;
        struct file_pass *pass = &builder->passes[i];
        if (again && (pass->hash != builder->hash || pass->symbols != notes.symbols))
            return refuse_change(builder);
        *pass = (struct file_pass){notes.symbols, builder->corpus->length - start, builder->hash};
        builder->corpus->hashes[i] = builder->hash;
        sum->bytes += notes.bytes;
        sum->symbols += notes.symbols;
        sum->nul_bytes += notes.nul_bytes;
        sum->carriage_returns += notes.carriage_returns;
        sum->line_feeds += notes.line_feeds;
        sum->byte_order_mark |= notes.byte_order_mark;
    }
    return 0;
}

static int count_run(void *context, const struct segmenter_run *run)
{
    struct builder *builder = context;
    return vocab_counter_add(builder->counter, run);
}

static void note_missing(struct builder *builder, const struct segmenter_run *run, size_t i)
{
    uint8_t room[4];
    char name[sizeof builder->missing[0]];
    if (builder->num_missing++ == 0)
        builder->first_missing = builder->name;
    if (builder->num_named == MAX_NAMED)
        return;
    struct vocab_symbol symbol = segmenter_symbol(run, i, room);
    vocab_describe(run->unit, symbol.bytes, symbol.length, name, sizeof name);
    for (int k = 0; k < builder->num_named; k++)
        if (strcmp(builder->missing[k], name) == 0)
            return;
    memcpy(builder->missing[builder->num_named++], name, sizeof name);
}

static int encode_run(void *context, const struct segmenter_run *run)
{
    struct builder *builder = context;
    const struct vocab *vocab = builder->vocab;
    const enum encode_unknown on_unknown = builder->options->on_unknown;
    const bool refused = vocab->unknown == VOCAB_NONE && on_unknown == ENCODE_ERROR;
    int32_t ids[SEGMENTER_RUN_MAX];
    size_t missing = vocab_find_all(vocab, run, ids), kept = 0;
    if (missing == 0)
        return store(builder, ids, run->count);
    if (vocab->unknown == VOCAB_NONE && builder->counter)
        return refuse_change(builder); /* the first pass saw every symbol */
    builder->corpus->num_unknown += missing;
    for (size_t i = 0; i < run->count; i++) {
        int32_t id = ids[i];
        if (id == VOCAB_NONE && refused)
            note_missing(builder, run, i);
        else if (id == VOCAB_NONE)
            id = encode_missing(vocab, on_unknown, run, i);
        if (id != VOCAB_NONE)
            ids[kept++] = id;
    }
    return kept > 0 ? store(builder, ids, kept) : 0;
}

static int refuse_missing(const struct builder *builder)
{
    char names[MAX_NAMED * (sizeof builder->missing[0] + 2)] = "";
    for (int i = 0; i < builder->num_named; i++) {
        strcat(names, i > 0 ? ", " : "");
        strcat(names, builder->missing[i]);
    }
    const char *const option = builder->options->option;
    return error_set("%s: %" PRIu64 " symbols are not in the model's vocabulary: %s%s%s%s",
                     builder->first_missing, builder->num_missing, names,
                     builder->num_named == MAX_NAMED ? " …" : "",
                     option ? "; to go on without them: " : "", option ? option : "");
}

/* --- opening ---------------------------------------------------------------------------------- */

static int make_vocab(struct builder *builder)
{
    const struct corpus_options *options = builder->options;
    builder->counter = vocab_counter_new(options->treatment.unit);
    if (!builder->counter || read_files(builder, false, count_run) != 0)
        return -1;
    if (vocab_from_counts(builder->vocab, builder->counter, options->min_count,
                          &options->treatment) == 0)
        return 0;
    return error_set("%s%s: %s", name_of(options, 0),
                     options->num_files > 1 ? " and the other files" : "", error_message());
}

static int open_file(struct builder *builder)
{
    const int fd = file_open_unnamed(builder->options->temp_path, WRITE_FAILURE);
    if (fd < 0)
        return -1;
    builder->corpus->file = fdopen(fd, "w+b");
    if (builder->corpus->file)
        return 0;
    write_error(builder);
    close(fd);
    return -1;
}

static int encode_files(struct builder *builder)
{
    struct corpus *corpus = builder->corpus;
    corpus->id_bytes = bytes_for_ids(builder->vocab->size);
    if (builder->bytes > builder->options->in_memory_max) {
        if (open_file(builder) != 0)
            return -1;
    } else if (mem_grow(&corpus->ids, &builder->capacity, (size_t)corpus->notes.symbols,
                        (size_t)corpus->id_bytes) != 0)
        return -1;
    if (read_files(builder, builder->counter, encode_run) != 0)
        return -1;
    if (corpus->file && fflush(corpus->file) != 0)
        return write_error(builder);
    corpus->hash = builder->hash;
    if (builder->num_missing > 0)
        return refuse_missing(builder);
    if (corpus->length < 2)
        return error_set("%s: has %s: a text needs 2 or more", builder->name,
                         corpus->length == 0 ? "no symbols" : "a single symbol");
    return 0;
}

/* Length of the training part of a text. The addend makes up for rounding of 1 − fraction. */
static uint64_t training_length(uint64_t length, double val_fraction)
{
    uint64_t training = (uint64_t)((1 - val_fraction) * (double)length + 1e-6);
    return training < length ? training : length;
}

static void add_segment(struct corpus_part *part, uint64_t start, uint64_t length)
{
    if (length == 0)
        return;
    part->segments[part->num_segments++] = (struct corpus_segment){start, length, part->length};
    part->length += length;
}

static int make_parts(struct builder *builder)
{
    struct corpus *corpus = builder->corpus;
    size_t num_files = (size_t)builder->options->num_files;
    double fraction = builder->options->val_fraction;
    uint64_t held_out = 0, start = 0;
    corpus->training.segments = mem_new(num_files, sizeof *corpus->training.segments);
    corpus->validation.segments = mem_new(num_files, sizeof *corpus->validation.segments);
    if (!corpus->training.segments || !corpus->validation.segments)
        return -1;
    for (size_t i = 0; i < num_files; i++)
        held_out +=
            builder->passes[i].length - training_length(builder->passes[i].length, fraction);
    if (builder->options->val_required && fraction > 0 && held_out == 0)
        return error_set("--val-fraction %g of %" PRIu64 " characters is not a single one: take a "
                         "larger fraction, or 0",
                         fraction, corpus->length);
    if (held_out < CORPUS_MIN_VALIDATION && !builder->options->val_required)
        fraction = 0;
    for (size_t i = 0; i < num_files; i++) {
        uint64_t length = builder->passes[i].length;
        uint64_t training = training_length(length, fraction);
        add_segment(&corpus->training, start, training);
        add_segment(&corpus->validation, start + training, length - training);
        start += length;
    }
    if (corpus->training.length == 0)
        return error_set("nothing is left to train on: lower --val-fraction");
    return 0;
}

int corpus_open(struct corpus *corpus, struct vocab *vocab, const struct corpus_options *options)
{
    assert(options->num_files > 0 && options->val_fraction >= 0 && options->val_fraction < 1);
    bool fixed = options->fixed_vocab;
    struct builder builder = {.corpus = corpus,
                              .vocab = vocab,
                              .options = options,
                              .treatment = fixed ? vocab->treatment : options->treatment};
    int result = -1;
    *corpus = (struct corpus){0};
    builder.treatment.encoding = options->treatment.encoding;
    builder.reader =
        reader_new(&builder.treatment, fixed ? NULL : "; --unit byte accepts any bytes");
    builder.passes = mem_new((size_t)options->num_files, sizeof *builder.passes);
    corpus->hashes = mem_new((size_t)options->num_files, sizeof *corpus->hashes);
    if (builder.reader && builder.passes && corpus->hashes &&
        measure_files(options, &builder.bytes) == 0) {
        builder.total = fixed ? builder.bytes : 2 * builder.bytes;
        if ((fixed || make_vocab(&builder) == 0) && encode_files(&builder) == 0)
            result = make_parts(&builder);
    }
    vocab_counter_free(builder.counter);
    reader_free(builder.reader);
    free(builder.passes);
    if (result != 0) {
        corpus_release(corpus);
        if (!fixed)
            vocab_release(vocab);
    }
    return result;
}

void corpus_release(struct corpus *corpus)
{
    free(corpus->training.segments);
    free(corpus->validation.segments);
    free(corpus->hashes);
    free(corpus->ids);
    if (corpus->file)
        fclose(corpus->file);
    *corpus = (struct corpus){0};
}

/* --- reading ids ------------------------------------------------------------------------------ */

const struct corpus_segment *corpus_segment_at(const struct corpus_part *part, uint64_t position)
{
    assert(position < part->length);
    size_t low = 0, high = part->num_segments; /* the answer is in [low, high) */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (part->segments[middle].position <= position)
            low = middle;
        else
            high = middle;
    }
    return &part->segments[low];
}

/* Reads ids [start, start + count) of the corpus from its file. */
static int read_from_file(const struct corpus *corpus, uint64_t start, size_t count, int32_t *out)
{
    int32_t packed[1024];
    size_t id_bytes = (size_t)corpus->id_bytes;
    while (count > 0) {
        size_t bytes = (count < 1024 ? count : 1024) * id_bytes;
        ssize_t got =
            pread(fileno(corpus->file), packed, bytes, (off_t)(start * (uint64_t)id_bytes));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < (ssize_t)id_bytes)
            return error_set("the file of the encoded text cannot be read: %s",
                             got < 0 ? strerror(errno) : "it is too short");
        size_t n = (size_t)got / id_bytes;
        unpack(packed, n, corpus->id_bytes, out);
        start += n;
        out += n;
        count -= n;
    }
    return 0;
}

int corpus_read(const struct corpus *corpus, const struct corpus_part *part, uint64_t position,
                size_t count, int32_t *out)
{
    assert(position <= part->length && count <= part->length - position);
    const struct corpus_segment *segment = count > 0 ? corpus_segment_at(part, position) : NULL;
    for (; count > 0; segment++) {
        uint64_t skipped = position - segment->position, start = segment->start + skipped;
        uint64_t left = segment->length - skipped;
        size_t n = count < left ? count : (size_t)left;
        if (corpus->file) {
            if (read_from_file(corpus, start, n, out) != 0)
                return -1;
        } else
            unpack((const uint8_t *)corpus->ids + start * (uint64_t)corpus->id_bytes, n,
                   corpus->id_bytes, out);
        position += n;
        out += n;
        count -= n;
    }
    return 0;
}
