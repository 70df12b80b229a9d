/* Adding labels to a list. */
#ifndef RUNE_LABEL_ADD_H
#define RUNE_LABEL_ADD_H

#include "labels.h"

/* Adds a user's label, whose words are made of its name. A name that label_check_name refuses is an
 * error. The values [length] lie in labels->memory. Returns 0, or −1 and a message. */
int label_add_own(struct labels *labels, const char *where, const char *name, enum label_kind kind,
                  float *values);

/* Checks the name of a user's label. It must be printable UTF-8 of 1 to 100 bytes, and neither in
 * the list nor the name of a built-in label. Returns 0, or −1 and a message that begins with
 * `where`. */
int label_check_name(const struct labels *labels, const char *where, const char *name);

#endif
