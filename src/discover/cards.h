/* A unit's card: what its signal is like over the text. */
#ifndef RUNE_CARDS_H
#define RUNE_CARDS_H

#include <stddef.h>

#include "team.h"
#include "trace.h"

#define CARD_BINS 41     /* of the histogram; odd, so that 0 has its own */
#define CARD_QUANTILES 9 /* 0, 1, 5, 25, 50, 75, 95, 99, 100 % */
#define CARD_ENDS 5      /* passages where it is highest, and lowest */
#define CARD_TENTHS 9    /* and near each tenth */
#define CARD_RELATED 5   /* units that are most correlated with it, and most opposed */

extern const float card_quantiles[CARD_QUANTILES]; /* shares */

struct card_related {
    size_t signal; /* of the same quantity; trace.num_signals where there are no more */
    float r;
};

struct card {
    size_t signal;
    float range; /* of its colours; the histogram's bins go from −range to range, the last
                 ones take what is beyond */
    float mean, deviation;
    size_t histogram[CARD_BINS]; /* characters; of all that are finite */
    float quantiles[CARD_QUANTILES];
    size_t highest[CARD_ENDS], lowest[CARD_ENDS]; /* characters, apart from each other by a line's
                                                     length or more; trace.length: no more */
    size_t tenths[CARD_TENTHS];                   /* characters where it is at 10, 20, … 90 % */
    float *by_symbol; /* [V] its mean after each symbol; NAN where there is none */
    struct card_related alike[CARD_RELATED], opposed[CARD_RELATED]; /* strongest first */
};

struct cards {
    struct card *list;
    size_t count;
    float *means; /* their storage */
};

/* Fills zeroed cards of the given signals, in their order; others of the trace are what they are
 * compared with. Returns 0, or −1 and a message. */
int cards_make(struct cards *cards, struct team *team, const struct trace *trace,
               const size_t *signals, size_t count);

/* Safe on zeroed ones. */
void cards_release(struct cards *cards);

/* The card of a signal; NULL if there is none. */
const struct card *cards_find(const struct cards *cards, size_t signal);

#endif
