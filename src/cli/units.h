/* Units in option values. */
#ifndef RUNE_UNITS_H
#define RUNE_UNITS_H

#include "model.h"
#include "options.h"

/* Parses "layer:unit", as "1:37". Returns 0, or −1 and a message that begins with the option. */
int unit_parse(const char *option, struct option_item item, int *layer, int *unit);

/* Returns 0, or −1 and a message that begins with the option if the model lacks the unit. */
int unit_check(const char *option, const struct model *model, int layer, int unit);

#endif
