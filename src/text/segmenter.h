/* Cutting text into symbols: bytes that arrive in pieces come out as runs of symbols. */
#ifndef RUNE_SEGMENTER_H
#define RUNE_SEGMENTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "utf8.h"

/* What one symbol is. */
enum vocab_unit { VOCAB_CODEPOINT, VOCAB_GRAPHEME, VOCAB_BYTE };

struct vocab_symbol {
    const uint8_t *bytes;
    size_t length;
};

#define SEGMENTER_RUN_MAX 4096 /* most symbols in a run */

/* Symbols in the order of the text. Nearly all are a single code point (or byte, where that is the
 * unit) and are given as such; a grapheme cluster of several is given by its bytes. */
struct segmenter_run {
    enum vocab_unit unit;
    size_t count;
    const int32_t *points;               /* [count] the code point or byte, or ~i for clusters[i] */
    const struct vocab_symbol *clusters; /* those of the run, in order */
};

/* The bytes of a run's i-th symbol; `room` is where those of a code point are put. */
struct vocab_symbol segmenter_symbol(const struct segmenter_run *run, size_t i, uint8_t room[4]);

/* What a segmenter noticed on the way. */
struct text_notes {
    uint64_t bytes, symbols; /* bytes as they were, symbols as they are counted */
    uint64_t nul_bytes, carriage_returns, line_feeds;
    bool byte_order_mark; /* the text begins with U+FEFF */
};

struct segmenter;

/* A segmenter at the start of a text that is normalised first where `form` asks for it (not in
 * bytes). For messages, and not copied: the text's name, and what to do if it is not UTF-8 ("; …",
 * or NULL if there is nothing). NULL and a message on failure. */
struct segmenter *segmenter_new(enum vocab_unit unit, enum utf8_form form, const char *name,
                                const char *advice);
void segmenter_free(struct segmenter *segmenter);

/* Takes a run, which is valid during the call. Anything but 0 ends the cutting. */
typedef int segmenter_fn(void *context, const struct segmenter_run *run);

/* Cuts the next piece; what may belong to a longer symbol is kept until the next call, and `last`
 * says that there is none. Where the pieces end makes no difference to the symbols. Bytes that are
 * not UTF-8 (unit byte takes all) are an error that names the text, the offset, the byte and the
 * advice. Returns 0, what `each` returned, or −1 and a message; after a failure nothing more
 * can be cut. */
int segmenter_feed(struct segmenter *segmenter, const uint8_t *piece, size_t length, bool last,
                   segmenter_fn *each, void *context);

const struct text_notes *segmenter_notes(const struct segmenter *segmenter);

#endif
