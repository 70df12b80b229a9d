/* A text as code points, whatever the unit of its vocabulary. */
#ifndef RUNE_LABEL_TEXT_H
#define RUNE_LABEL_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "vocab.h"

struct label_text {
    size_t count;    /* characters */
    int32_t *points; /* [count] the first code point of each; −1 for a byte that is none */
    size_t *first;   /* [count + 1] the first symbol of each, and the number of symbols */
};

/* Fills a text, which lies in `memory`, from the symbols ids[0..length). Each symbol is a
 * character, but the bytes of a code point make one together. The cluster CR LF is a line feed.
 * Returns 0, or −1 and a message.
 */
int label_text_init(struct label_text *text, struct arena *memory, const struct vocab *vocab,
                    const int32_t *ids, size_t length);

/* The bytes of symbols end to end, with a NUL after them, and starts[length + 1], the offset of
 * each symbol and of the end. Both lie in `memory`. Returns 0, or −1 and a message. */
int label_text_bytes(struct arena *memory, const struct vocab *vocab, const int32_t *ids,
                     size_t length, uint8_t **bytes, size_t **starts);

#endif
