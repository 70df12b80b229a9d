/* Reads a text's marks: characters, lines, words, quotes, code and brackets. */
#ifndef RUNE_LABEL_PARSE_H
#define RUNE_LABEL_PARSE_H

#include "label_marks.h"

/* Fills zeroed marks, in the style of another text or (NULL) in its own. Takes time in proportion
 * to the length, whatever the text. Returns 0, or −1 and a message. */
int label_parse(struct label_marks *marks, const int32_t *points, size_t length,
                const struct label_style *style);

#endif
