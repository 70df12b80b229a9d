/* Means by symbol: a signal's mean after each symbol of those that occur often enough to tell. */
#ifndef RUNE_MEANS_H
#define RUNE_MEANS_H

#include "cards.h"
#include "trace.h"

#define MEANS_LEAST 10 /* times that a symbol must occur; where none does, once is enough */

struct symbol_mean {
    int symbol;
    float mean;
};

/* How often each symbol occurs in the text: [V], to free(). NULL and a message if there is no
 * memory. */
size_t *means_count(const struct trace *trace);

/* The means of a card, highest first, of symbols that occur *least times (may be NULL) or more:
 * writes list[≤ V], returns how many. */
int means_list(const struct card *card, const size_t *counts, int V, struct symbol_mean *list,
               size_t *least);

#endif
