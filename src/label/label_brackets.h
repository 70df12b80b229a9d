/* Marks what is inside brackets. */
#ifndef RUNE_LABEL_BRACKETS_H
#define RUNE_LABEL_BRACKETS_H

#include "label_marks.h"

/* The kind of a bracket, and whether it opens; LABEL_BRACKETS for what is none. */
enum label_bracket label_bracket_of(int32_t point, bool *opens);

/* Pairs brackets. A blank line ends open ones except { and those around it, so that a stray one has
 * no long effect. Returns 0, or −1 and a message. */
int label_mark_brackets(struct label_marks *marks);

#endif
