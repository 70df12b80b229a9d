/* Captions: how what was found out is called in tables, pictures and the terminal. */
#ifndef RUNE_CAPTION_H
#define RUNE_CAPTION_H

#include "inspection.h"

#define CAPTION_ROOM 512 /* bytes for a sentence */

/* "verses.txt, read by runs/bible": new memory, to free(). NULL and a message if there is none. */
char *caption_of_trace(const struct trace *trace);

/* The sentence of a discovery of the list, in one line without controls: new memory, to free().
 * NULL and a message if there is none. */
char *caption_of_discovery(const struct inspection *inspection, size_t discovery);

/* The same of the best discovery of a signal; "" if there is none. */
char *caption_of_signal(const struct inspection *inspection, size_t signal);

/* What is said of a label that nothing was found of, likewise. */
char *caption_of_attempt(const struct inspection *inspection, size_t label);

/* "layer 0", …, "input": how a curve of the reach is called. Returns out. */
char *caption_of_curve(const struct reach *reach, int curve, char *out, size_t room);

#endif
