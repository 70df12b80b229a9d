#include "reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "decoder.h"
#include "error.h"
#include "file.h"
#include "guess.h"
#include "mem.h"

#define BLOCK ((size_t)1 << 20) /* bytes per read */

struct reader {
    struct text_treatment treatment;
    const char *advice; /* "" if there is none */
    struct segmenter *segmenter;
    uint8_t *block; /* [BLOCK] */
    bool no_text, binary;

    /* of the file that is read */
    const char *path;        /* as the user knows it; "-": stdin */
    struct decoder *decoder; /* NULL: it is UTF-8 */
    uint64_t offset;         /* of the block */
    uint8_t head[GUESS_HEAD];
    size_t head_length;
    segmenter_fn *each;
    void *context;
};

bool reader_is_utf8(const char *encoding)
{
    return !encoding || strcasecmp(encoding, "UTF-8") == 0 || strcasecmp(encoding, "UTF8") == 0;
}

struct reader *reader_new(const struct text_treatment *treatment, const char *advice)
{
    struct reader *reader = mem_new(1, sizeof *reader);
    if (!reader)
        return NULL;
    reader->treatment = *treatment;
    reader->advice = advice ? advice : "";
    reader->segmenter = segmenter_new(treatment, "a text");
    reader->block = mem_new(BLOCK, 1);
    if (reader->segmenter && reader->block)
        return reader;
    reader_free(reader);
    return NULL;
}

void reader_free(struct reader *reader)
{
    if (!reader)
        return;
    segmenter_free(reader->segmenter);
    free(reader->block);
    free(reader);
}

bool reader_found_no_text(const struct reader *reader)
{
    return reader->no_text;
}

bool reader_found_binary(const struct reader *reader)
{
    return reader->binary;
}

/* Adds to the message what the file seems to be. The bad bytes may have begun in the block before;
 * so few are not missed. */
static int refuse(struct reader *reader, uint64_t offset, size_t length)
{
    char seems[800];
    const size_t at = offset > reader->offset ? (size_t)(offset - reader->offset) : 0;
    const struct guess guess =
        guess_bytes(reader->head, reader->head_length, reader->block + at, length - at);
    guess_describe(&guess, reader->path, seems, sizeof seems);
    reader->no_text = true;
    reader->binary = guess.binary;
    return error_set("%s%s%s", error_message(), seems, guess.binary ? "" : reader->advice);
}

static int take_text(void *context, const uint8_t *text, size_t length)
{
    struct reader *reader = context;
    return segmenter_feed(reader->segmenter, text, length, false, reader->each, reader->context);
}

static int decode_block(struct reader *reader, size_t length, bool last)
{
    int result = decoder_feed(reader->decoder, reader->block, length, last, take_text, reader);
    reader->no_text = decoder_refused(reader->decoder);
    if (result == 0 && last)
        result = segmenter_feed(reader->segmenter, reader->block, 0, true, reader->each,
                                reader->context);
    return result;
}

static int segment_block(struct reader *reader, size_t length, bool last)
{
    uint64_t offset;
    const int result = segmenter_feed(reader->segmenter, reader->block, length, last, reader->each,
                                      reader->context);
    return result == -1 && segmenter_refused(reader->segmenter, &offset)
               ? refuse(reader, offset, length)
               : result;
}

static int read_blocks(struct reader *reader, FILE *file, const char *name, reader_fn *after)
{
    int result = 0;
    for (bool last = false; !last && result == 0;) {
        const size_t length = fread(reader->block, 1, BLOCK, file);
        if (ferror(file))
            return error_set("%s: cannot be read: %s", name, strerror(errno));
        last = length < BLOCK;
        if (reader->offset == 0) {
            reader->head_length = length < GUESS_HEAD ? length : GUESS_HEAD;
            memcpy(reader->head, reader->block, reader->head_length);
        }
        result = reader->decoder ? decode_block(reader, length, last)
                                 : segment_block(reader, length, last);
        if (result == 0 && after)
            result = after(reader->context, reader->block, length);
        reader->offset += length;
    }
    return result;
}

int reader_read(struct reader *reader, const char *path, const char *name, segmenter_fn *each,
                reader_fn *after, void *context, struct text_notes *notes)
{
    const char *encoding = reader->treatment.encoding;
    const bool piped = strcmp(name, file_name("-")) == 0;
    reader->path = piped ? "-" : name;
    reader->each = each;
    reader->context = context;
    reader->offset = 0;
    reader->no_text = reader->binary = false;
    segmenter_restart(reader->segmenter, name);
    FILE *file = file_open(path);
    if (!file)
        return piped ? error_set("%s: cannot be read", name) : -1;
    int result = 0;
    if (!reader_is_utf8(encoding) && !(reader->decoder = decoder_new(encoding, name)))
        result = -1;
    if (result == 0)
        result = read_blocks(reader, file, name, after);
    if (result == 0)
        *notes = *segmenter_notes(reader->segmenter);
    decoder_free(reader->decoder);
    reader->decoder = NULL;
    fclose(file);
    return result;
}
