/* Symbols by what they do to a signal, or it to them. */
#ifndef RUNE_SYMBOLS_H
#define RUNE_SYMBOLS_H

#include "inspection.h"

#define SYMBOLS_MIN_COUNT 10 /* occurrences that a symbol needs; 1 if no symbol has as many */

struct symbol_value {
    int symbol;
    float value;
};

/* The symbols of a trace, and a list of some of them. */
struct symbols {
    const struct trace *trace;
    size_t *counts;            /* [V] occurrences of each */
    struct symbol_value *list; /* [count], highest value first; with room for V */
    int count;
    size_t least; /* occurrences that those in the list have */
};

/* Counts the symbols. Returns 0, or −1 and a message; symbols_release is safe either way. */
int symbols_init(struct symbols *symbols, const struct trace *trace);
void symbols_release(struct symbols *symbols);

/* Lists the signal's mean after each symbol that occurs often enough. */
void symbols_list_means(struct symbols *symbols, const struct card *card);

/* Lists the weights [V][H] of a unit of the last layer: what h = 1 adds to each logit. */
void symbols_list_weights(struct symbols *symbols, const float *weights, int unit);

#endif
