/* One label more in a list. */
#ifndef RUNE_LABEL_ADD_H
#define RUNE_LABEL_ADD_H

#include "labels.h"

/* Adds a label with values[length] (its own from then on; freed on failure) and copies of the
 * texts. A name that is empty, long, not UTF-8, not printable or there already is an error that
 * begins with `where`. Returns 0, or −1 and a message. */
int label_add(struct labels *labels, const char *where, const char *name, const char *rising,
              const char *falling, enum label_kind kind, bool own, float *values);

/* Whether a name may be given to one more label; else −1 and a message that begins with `where`. */
int label_check_name(const struct labels *labels, const char *where, const char *name);

#endif
