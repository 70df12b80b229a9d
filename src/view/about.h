/* What a trace is of, as JSON, for every file that carries it along. */
#ifndef RUNE_ABOUT_H
#define RUNE_ABOUT_H

#include <jansson.h>

#include "trace.h"

/* {"model", "text", "cell", "unit": …, "num_layers", "hidden_size": …, "quantities": ["h", …]}; a
 * new reference. NULL if there is no memory. */
json_t *about_new(const struct trace *trace);

#endif
