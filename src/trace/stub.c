/* TEMPORARY: stands in for discover.c and cards.c, which are not merged yet; remove it with its
 * line in meson.build. Weak, so that the real ones win. */
#include <stdio.h>

#include "cards.h"
#include "discover.h"

__attribute__((weak)) const char *const measure_names[] = {"auc", "r", "mi"};

__attribute__((weak)) char *discovery_describe(const struct discovery *discovery,
                                               const struct trace *trace,
                                               const struct labels *labels, char *out, size_t room)
{
    const struct trace_signal *signal = &trace->signals[discovery->signal];
    const struct label *label = &labels->list[discovery->label];
    snprintf(out, room, "layer %d unit %d: %s (%s = %.2f)", signal->layer, signal->unit,
             discovery->sign < 0 ? label->falling : label->rising,
             measure_names[discovery->measure], (double)discovery->score);
    return out;
}

__attribute__((weak)) const struct card *cards_find(const struct cards *cards, size_t signal)
{
    for (size_t i = 0; i < cards->count; i++)
        if (cards->list[i].signal == signal)
            return &cards->list[i];
    return NULL;
}
