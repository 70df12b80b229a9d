/* The results of an inspection as JSON for the page. A signal is [quantity, layer, unit]; labels
 * and symbols are indices; keys of unknown values are missing. */
#ifndef RUNE_FINDINGS_H
#define RUNE_FINDINGS_H

#include <jansson.h>

#include "inspection.h"

#define FINDINGS_EACH 6 /* discoveries per signal, at most */

/* The results on the whole network; the page holds the first `length` characters of the text, and
 * symbol_counts is from means_count(). A new reference. NULL and a message if memory runs out. */
json_t *findings_new(const struct inspection *inspection, const size_t *symbol_counts,
                     size_t length);

/* The results on one signal; an empty object if there are none. Else as findings_new. */
json_t *findings_of_signal(const struct inspection *inspection, const size_t *symbol_counts,
                           size_t signal, size_t length);

#endif
