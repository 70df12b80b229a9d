/* A text as labels see it: its characters as code points, whatever the vocabulary's unit is. */
#ifndef RUNE_LABEL_TEXT_H
#define RUNE_LABEL_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "vocab.h"

struct label_text {
    size_t count;    /* characters */
    int32_t *points; /* [count] the first code point of each; −1 for a byte that is none */
    size_t *first;   /* [count + 1] the symbol that each begins with, and the number of symbols */
};

/* Fills a zeroed text from the symbols ids[0..length): one character each, but that of bytes those
 * of a code point make one. A line end of two code points, as a cluster, counts as the second.
 * Returns 0, or −1 and a message. */
int label_text_init(struct label_text *text, const struct vocab *vocab, const int32_t *ids,
                    size_t length);

/* The bytes of symbols end to end. *bytes is the caller's, to free(), and has a NUL behind it;
 * *starts, too: where each symbol begins, and the end: [length + 1]. Returns 0, or −1 and a
 * message. */
int label_text_bytes(const struct vocab *vocab, const int32_t *ids, size_t length, uint8_t **bytes,
                     size_t **starts);

/* Safe on a zeroed text. */
void label_text_release(struct label_text *text);

#endif
