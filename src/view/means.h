/* Means by symbol: the mean of a signal after each symbol that occurs often enough. */
#ifndef RUNE_MEANS_H
#define RUNE_MEANS_H

#include "cards.h"
#include "trace.h"

#define MEANS_MIN_COUNT 10 /* occurrences that a symbol needs; 1 if no symbol has as many */

struct symbol_mean {
    int symbol;
    float mean;
};

/* The occurrences of each symbol: [V], to free(). NULL and a message if memory runs out. */
size_t *means_count(const struct trace *trace);

/* Writes the means of a card to list[≤ V], highest first, for symbols with *min_count or more
 * occurrences. Sets *min_count unless it is NULL. Returns their number. */
int means_list(const struct card *card, const size_t *counts, int V, struct symbol_mean *list,
               size_t *min_count);

#endif
