/* Figures: the files that each picture format writes. They are drawn in the renderer. Each function
 * returns 0, or −1 and a message; a figure without content is not written. */
#ifndef RUNE_FIGURES_H
#define RUNE_FIGURES_H

#include "renderer.h"

/* activations: the passage in the colours of each chosen signal; picture.c. */
int picture_write(const struct renderer *renderer, const struct inspection *inspection);

/* gates: how often each unit's gates are closed and open; gates_reach.c. */
int gates_write(const struct renderer *renderer, const struct inspection *inspection);

/* reach: the gradient of the loss over the distance to earlier characters; gates_reach.c. */
int reach_write(const struct renderer *renderer, const struct inspection *inspection);

/* neuron_L_U: a card for each unit with a chosen signal; of several signals of a unit, for the one
 * with the best discovery; neuron.c. */
int neurons_write(const struct renderer *renderer, const struct inspection *inspection);

#endif
