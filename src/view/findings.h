/* What was found out about a text and its units, as JSON for the page. Signals are named
 * [quantity, layer, unit], labels and symbols by index; what is unknown is left out. */
#ifndef RUNE_FINDINGS_H
#define RUNE_FINDINGS_H

#include <jansson.h>

#include "inspection.h"

#define FINDINGS_EACH 6 /* discoveries of one signal, at most */

/* Of the whole network, of a text of which the page holds the first `length` characters;
 * symbol_counts[V]: of means_count(). A new reference. NULL and a message if there is no memory. */
json_t *findings_new(const struct inspection *inspection, const size_t *symbol_counts,
                     size_t length);

/* Of one signal; an empty object where nothing is known. Elsewhere as above. */
json_t *findings_of_signal(const struct inspection *inspection, const size_t *symbol_counts,
                           size_t signal, size_t length);

#endif
