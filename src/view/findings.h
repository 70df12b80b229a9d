/* The results of an inspection as JSON for the page. A signal is [quantity, layer, unit]; labels
 * and symbols are indices; keys of unknown values are missing. */
#ifndef RUNE_FINDINGS_H
#define RUNE_FINDINGS_H

#include <jansson.h>

#include "inspection.h"
#include "symbols.h"

#define FINDINGS_EACH 6 /* discoveries per signal, at most */

/* The results on the whole network; the page holds the first `length` characters of the text. A new
 * reference; NULL or incomplete if memory runs out. */
json_t *findings_new(const struct inspection *inspection, const struct symbols *symbols,
                     size_t length);

/* The results on one signal; an empty object if there are none. Else as findings_new. */
json_t *findings_of_signal(const struct inspection *inspection, struct symbols *symbols,
                           size_t signal, size_t length);

#endif
