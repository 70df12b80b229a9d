/* How options name units. */
#ifndef RUNE_UNITS_H
#define RUNE_UNITS_H

#include "model.h"
#include "options.h"

/* Reads "1:37", layer and unit, of any model. Returns 0, or −1 and a message that begins with the
 * option. */
int unit_parse(const char *option, struct option_item item, int *layer, int *unit);

/* Returns 0, or −1 and a message that begins with the option if the model has no such unit. */
int unit_find(const char *option, const struct model *model, int layer, int unit);

#endif
