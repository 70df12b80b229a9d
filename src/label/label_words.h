/* Marks words, and the first words of sentences. */
#ifndef RUNE_LABEL_WORDS_H
#define RUNE_LABEL_WORDS_H

#include "label_marks.h"

void label_mark_words(struct label_marks *marks);

/* Wants words. */
void label_mark_sentences(struct label_marks *marks);

#endif
