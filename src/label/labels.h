/* Labels: what a text is like at every character, such as inside quotes. The label of character t
 * describes the text once t is read: after "(" it is inside brackets, after ")" no longer. */
#ifndef RUNE_LABELS_H
#define RUNE_LABELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "vocab.h"

enum label_kind { LABEL_BINARY, LABEL_SCALAR };

struct label {
    const char *name;  /* unique: "inside quotes", "left in line" */
    const char *place; /* of a binary label, where it is on: "at capitals"; else NULL */
    const char *rising,
        *falling; /* of a scalar one, what a unit does that follows it: "counts up
                     along the line"; and its opposite: "counts down …"; else NULL */
    enum label_kind kind;
    bool own;      /* the user's */
    float *values; /* [length] finite; of a binary label 0 or 1 */
};

struct labels {
    size_t length;       /* characters of the text */
    size_t count;        /* K */
    struct label *list;  /* [K] */
    struct arena memory; /* where values and the words of the user's labels are */
};

/* One of --label NAME=REGEX, in UTF-8 and PCRE2's syntax. The label is on throughout each match. */
struct label_pattern {
    const char *name, *regex;
};

/* Fills zeroed labels of the symbols ids[0..length) with the built-in ones that say something of
 * the text. Those that are constant are left out, and so are those that the same characters in
 * random order show as well: capitals alone do not make words. Returns 0, or −1 and a message. */
int labels_make(struct labels *labels, const struct vocab *vocab, const int32_t *ids,
                size_t length);

/* Adds a label for each pattern to those that labels_make made of the same text. A pattern that
 * does not compile, has no match or takes more than some seconds is an error, which names it.
 * Returns 0, or −1 and a message. */
int labels_add_patterns(struct labels *labels, const struct vocab *vocab, const int32_t *ids,
                        const struct label_pattern *patterns, size_t count);

/* Adds a label for each column of a CSV file (RFC 4180): a line of names, then a line of numbers
 * for each of the text_length characters of a text, of which the labels may cover only the first.
 * The columns "position" and "character" are skipped, so that a table written by inspect can be
 * edited and read again. Errors name the file and the line. Returns 0, or −1 and a message. */
int labels_add_file(struct labels *labels, const char *path, size_t text_length);

/* Safe on zeroed labels. */
void labels_release(struct labels *labels);

#endif
