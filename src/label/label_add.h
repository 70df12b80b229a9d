/* One label more in a list. */
#ifndef RUNE_LABEL_ADD_H
#define RUNE_LABEL_ADD_H

#include "labels.h"

/* See struct label: what has a place is binary. */
struct label_words {
    const char *name, *place, *rising, *falling;
};

/* Adds a label with copies of the words and values[length] (the labels' from then on; freed on
 * failure). Returns 0, or −1 and a message. */
int label_add(struct labels *labels, const struct label_words *words, bool own, float *values);

/* The same with a user's label, whose other words are made of its name. A name that
 * label_check_name refuses is an error. */
int label_add_own(struct labels *labels, const char *where, const char *name, enum label_kind kind,
                  float *values);

/* Whether the user may give a name to one more label; an error, which begins with `where`, is one
 * that is empty, long, not UTF-8, not printable or there already, or a label of rune's, be it of
 * this text or not. Returns 0, or −1 and a message. */
int label_check_name(const struct labels *labels, const char *where, const char *name);

#endif
