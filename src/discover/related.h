/* Signals that are correlated. */
#ifndef RUNE_RELATED_H
#define RUNE_RELATED_H

#include "cards.h"

/* Fills `alike` and `opposed` of cards whose signal is set, from at most RELATED_CHARACTERS evenly
 * spaced characters. Returns 0, or −1 and a message. */
int related_find(struct cards *cards, struct team *team, const struct trace *trace);

#define RELATED_CHARACTERS 4096

#endif
