/* Marks comments, strings, tags, commands, code in backticks and URLs. */
#ifndef RUNE_LABEL_CODE_H
#define RUNE_LABEL_CODE_H

#include "label_marks.h"

/* What kind of text it is. */
struct label_style label_style_of(const struct label_marks *marks);

/* Wants the style. */
void label_mark_code(struct label_marks *marks);

#endif
