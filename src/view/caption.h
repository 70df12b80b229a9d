/* Captions for traces, discoveries and curves, in tables, pictures and on the terminal. */
#ifndef RUNE_CAPTION_H
#define RUNE_CAPTION_H

#include "inspection.h"

/* "verses.txt, read by runs/bible", in new memory. NULL and a message if that runs out. */
char *caption_of_trace(const struct trace *trace);

/* The sentence of a discovery, on one line without control characters, in new memory. NULL and a
 * message if that runs out. */
char *caption_of_discovery(const struct inspection *inspection, size_t discovery);

/* The index of a signal's best discovery; discoveries->count if it has none. */
size_t caption_find(const struct discoveries *discoveries, size_t signal);

/* The sentence of a signal's best discovery; "" if it has none. Else as caption_of_discovery. */
char *caption_of_signal(const struct inspection *inspection, size_t signal);

/* The sentence on a label that no unit was found for. Else as caption_of_discovery. */
char *caption_of_attempt(const struct inspection *inspection, size_t label);

/* Writes the name of a curve of the reach: "layer 0", …, "input". Returns out. */
char *caption_of_curve(const struct reach *reach, int curve, char *out, size_t room);

#endif
