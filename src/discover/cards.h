/* Cards: what signals are like over the text. */
#ifndef RUNE_CARDS_H
#define RUNE_CARDS_H

#include <stddef.h>

#include "arena.h"
#include "team.h"
#include "trace.h"

#define CARD_BINS 41     /* of the histogram; odd, so that 0 has its own */
#define CARD_QUANTILES 9 /* 0, 1, 5, 25, 50, 75, 95, 99, 100 % */
#define CARD_ENDS 5      /* characters where it is highest, and lowest */
#define CARD_TENTHS 9    /* and where it is at each tenth */
#define CARD_RELATED 5   /* signals that correlate most with it, and most negatively */

extern const float card_quantiles[CARD_QUANTILES]; /* shares */

struct card_related {
    size_t signal; /* of the same quantity; trace.num_signals: none */
    float r;
};

/* Lists of characters end with trace.length where there are fewer. */
struct card {
    size_t signal;
    float range; /* see trace_range; the outer bins of the histogram take what is beyond */
    float mean, deviation;
    size_t histogram[CARD_BINS]; /* finite values */
    float quantiles[CARD_QUANTILES];
    size_t highest[CARD_ENDS];  /* characters at least a line's length apart */
    size_t lowest[CARD_ENDS];   /* so, too */
    size_t tenths[CARD_TENTHS]; /* characters where it is at 10, 20, … 90 % */
    float *by_symbol;           /* [V] its mean at each symbol; NAN for one that does not occur */
    struct card_related alike[CARD_RELATED], opposed[CARD_RELATED]; /* strongest first */
};

struct cards {
    struct card *list;
    size_t count;
};

/* Fills zeroed cards of the given signals, in their order, which lie in `memory`. They are compared
 * with all signals of the trace. Returns 0, or −1 and a message. */
int cards_make(struct cards *cards, struct arena *memory, struct team *team,
               const struct trace *trace, const size_t *signals, size_t count);

/* The card of a signal; NULL if there is none. */
const struct card *cards_find(const struct cards *cards, size_t signal);

#endif
