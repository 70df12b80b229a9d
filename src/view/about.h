/* What a trace was made from, as JSON. */
#ifndef RUNE_ABOUT_H
#define RUNE_ABOUT_H

#include <jansson.h>

#include "trace.h"

/* {"model", "text", "cell", "unit": …, "num_layers", "hidden_size": …, "quantities": ["h", …]}: a
 * new reference. NULL if memory runs out. */
json_t *about_new(const struct trace *trace);

/* A number; null where it is not finite, since JSON has only finite numbers. A new reference. */
json_t *about_number(double number);

#endif
