/* Segmentation of text into symbols. Bytes arrive in pieces; symbols come out in runs. */
#ifndef RUNE_SEGMENTER_H
#define RUNE_SEGMENTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "utf8.h"

/* What one symbol is. */
enum vocab_unit { VOCAB_CODEPOINT, VOCAB_GRAPHEME, VOCAB_BYTE };

/* What becomes of line ends: nothing, or CR LF and CR become LF. */
enum vocab_newlines { VOCAB_KEEP, VOCAB_LF };

/* How the bytes of a text become symbols. A model treats every text alike, apart from the encoding,
 * which belongs to a file. */
struct text_treatment {
    const char *encoding; /* iconv's name of it; NULL: UTF-8, or any bytes if these are the unit */
    bool strip_bom;       /* leave out a byte order mark (U+FEFF) at the start */
    enum vocab_newlines newlines;
    enum utf8_form form; /* normal form; UTF8_NONE if the unit is a byte */
    enum vocab_unit unit;
};

struct vocab_symbol {
    const uint8_t *bytes;
    size_t length;
};

#define SEGMENTER_RUN_MAX 4096 /* symbols in a run */

/* Consecutive symbols of a text. A symbol of one code point (or one byte, if that is the unit) is
 * given as a number, a grapheme cluster of several code points by its bytes. */
struct segmenter_run {
    enum vocab_unit unit;
    size_t count;
    const int32_t *points;               /* [count] the code point or byte, or ~i for clusters[i] */
    const struct vocab_symbol *clusters; /* of the run, in order */
};

/* The bytes of the i-th symbol of a run. Those of a code point are written to `buffer`. */
struct vocab_symbol segmenter_symbol(const struct segmenter_run *run, size_t i, uint8_t buffer[4]);

/* Statistics of a text. */
struct text_notes {
    uint64_t bytes, symbols; /* bytes of UTF-8 as they came in; symbols as they came out */
    uint64_t nul_bytes, carriage_returns, line_feeds;
    bool byte_order_mark; /* the text begins with U+FEFF */
};

struct segmenter;

/* Makes a segmenter for one text, whose encoding is not looked at: it has been decoded. Messages
 * give the text's `name`, which is not copied. NULL and a message on failure. */
struct segmenter *segmenter_new(const struct text_treatment *treatment, const char *name);
void segmenter_free(struct segmenter *segmenter);

/* Begins another text, as if the segmenter were new. */
void segmenter_restart(struct segmenter *segmenter, const char *name);

/* Receives a run, which is valid during the call. A result other than 0 ends the segmentation. */
typedef int segmenter_fn(void *context, const struct segmenter_run *run);

/* Segments the next piece of the text. `last` marks the final one. An incomplete symbol is kept
 * until the next call, so that the symbols do not depend on where the pieces end. Bytes that are
 * not UTF-8 are an error (unless the unit is a byte), whose message has the name, offset and byte.
 * Returns 0, the result of `each` if not 0, or −1 and a message. After a failure the segmenter can
 * only be restarted or freed. */
int segmenter_feed(struct segmenter *segmenter, const uint8_t *piece, size_t length, bool last,
                   segmenter_fn *each, void *context);

const struct text_notes *segmenter_notes(const struct segmenter *segmenter);

/* Whether the failure was of bytes that are not UTF-8; if so, *offset is that of the first. */
bool segmenter_refused(const struct segmenter *segmenter, uint64_t *offset);

#endif
