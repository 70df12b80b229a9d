/* Figures: what the formats of pictures write beside each other, in the drawer's process. Each
 * returns 0, or −1 and a message; one without content is not written. */
#ifndef RUNE_FIGURES_H
#define RUNE_FIGURES_H

#include "drawer.h"

/* activations: the chosen signals over the passage; picture.c. */
int picture_write(const struct drawer *drawer, const struct inspection *inspection);

/* gates: how often each unit's gates are shut and open; memory.c. */
int gates_write(const struct drawer *drawer, const struct inspection *inspection);

/* reach: how much the past matters, by how long ago it is; memory.c. */
int reach_write(const struct drawer *drawer, const struct inspection *inspection);

/* neuron_L_U: the card of each unit of which a signal is chosen, for the one of them that has the
 * best discovery; neuron.c. */
int neurons_write(const struct drawer *drawer, const struct inspection *inspection);

#endif
