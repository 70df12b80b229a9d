/* Marks what is inside quotes. */
#ifndef RUNE_LABEL_QUOTES_H
#define RUNE_LABEL_QUOTES_H

#include "label_marks.h"

void label_mark_quotes(struct label_marks *marks);

#endif
