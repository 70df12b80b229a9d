#include "units.h"

#include <limits.h>
#include <stdlib.h>

#include "error.h"

/* Parses a non-negative int. Returns its end, or NULL if there is none. */
static const char *read_index(const char *text, int *index)
{
    char *end;
    const long number = strtol(text, &end, 10);
    *index = (int)number;
    return end != text && number >= 0 && number <= INT_MAX ? end : NULL;
}

int unit_parse(const char *option, struct option_item item, int *layer, int *unit)
{
    const char *end = read_index(item.text, layer);
    end = end && *end == ':' ? read_index(end + 1, unit) : NULL;
    if (end != item.text + item.length)
        return error_set("%s: \"%.*s\" is not a unit: write layer:unit, like 1:37", option,
                         (int)item.length, item.text);
    return 0;
}

int unit_check(const char *option, const struct model *model, int layer, int unit)
{
    if (layer >= model->num_layers || unit >= model->hidden_size)
        return error_set("%s: there is no unit %d:%d; layers are 0 to %d and units 0 to %d", option,
                         layer, unit, model->num_layers - 1, model->hidden_size - 1);
    return 0;
}
