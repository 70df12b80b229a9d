/* Labels: what a text is like at every character, to be found again in what units do. The label of
 * character t says how things stand once it is read: behind "(" it is inside brackets, behind ")"
 * no longer. */
#ifndef RUNE_LABELS_H
#define RUNE_LABELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vocab.h"

enum label_kind { LABEL_BINARY, LABEL_SCALAR };

struct label {
    char *name;   /* as in tables: "inside quotes", "left in line"; unique */
    char *place;  /* of a binary label, where it is on: "inside quotes", "at capitals"; else NULL */
    char *rising; /* of a scalar one, how a sentence says that a unit follows it: "counts up along
                     the line"; */
    char *falling; /* and that it does the opposite: "counts down along the line"; else NULL */
    enum label_kind kind;
    bool own;      /* the user's; never left out */
    float *values; /* [length] 0 or 1, or a number; finite */
};

struct labels {
    size_t length;      /* characters of the text */
    size_t count;       /* K */
    struct label *list; /* [K] */
};

/* One of --label NAME=REGEX. */
struct label_pattern {
    const char *name, *regex; /* UTF-8; PCRE2's syntax; on is what matches, from first to last */
};

/* Fills zeroed labels of the symbols ids[0..length), with all that rune knows of itself. Left out
 * is what is the same everywhere, and what the same characters in any order show as well: a
 * shuffled text has no words. (The position in the text stays.) Returns 0, or −1 and a message. */
int labels_make(struct labels *labels, const struct vocab *vocab, const int32_t *ids,
                size_t length);

/* Adds a label for each pattern to those that labels_make made of the same text; one without a
 * match is an error that names it, as is one that does not compile (where, and why), or that takes
 * more than some seconds. Returns 0, or −1 and a message. */
int labels_add_patterns(struct labels *labels, const struct vocab *vocab, const int32_t *ids,
                        const struct label_pattern *patterns, size_t count);

/* Adds a label for each column of a CSV file (RFC 4180): a line of names, then a line of numbers
 * for each of the text_length characters of a text, of which the labels may be of the first alone.
 * Columns "position" and "character" are passed over, so that what
 * inspect writes can be edited and read again. Errors name the file and the line. Returns 0, or −1
 * and a message. */
int labels_add_file(struct labels *labels, const char *path, size_t text_length);

/* Safe on zeroed labels. */
void labels_release(struct labels *labels);

#endif
