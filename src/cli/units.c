#include "units.h"

#include <stdlib.h>

#include "error.h"

int unit_parse(const char *option, struct option_item item, const struct model *model, int *layer,
               int *unit)
{
    char *end;
    long l = model->num_layers - 1, u = strtol(item.text, &end, 10);
    bool sound = end != item.text;
    if (sound && *end == ':') {
        const char *after = end + 1;
        l = u;
        u = strtol(after, &end, 10);
        sound = end != after;
    }
    if (!sound || end != item.text + item.length)
        return error_set("%s: \"%.*s\" is no unit like 1:37 (layer:unit)", option, (int)item.length,
                         item.text);
    if (l < 0 || l >= model->num_layers || u < 0 || u >= model->hidden_size)
        return error_set("%s: there is no unit %ld:%ld; layers are 0 to %d and units 0 to %d",
                         option, l, u, model->num_layers - 1, model->hidden_size - 1);
    *layer = (int)l;
    *unit = (int)u;
    return 0;
}
