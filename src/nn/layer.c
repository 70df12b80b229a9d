#include "layer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

void layer_option_print(const struct layer_option *option, double value, char *out, size_t room)
{
    if (option->choices)
        snprintf(out, room, "%s", option->choices[(int)value]);
    else
        snprintf(out, room, "%.17g", value);
}

static int parse_choice(const struct layer_option *option, const char *text, double *value)
{
    char known[256] = "";
    for (int k = 0; option->choices[k]; k++) {
        if (strcmp(text, option->choices[k]) == 0) {
            *value = k;
            return 0;
        }
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", k ? ", " : "",
                 option->choices[k]);
    }
    return error_set("%s: \"%s\" is not one of %s", option->name, text, known);
}

int layer_option_parse(const struct layer_option *option, const char *text, double *value)
{
    char *end;
    if (option->choices)
        return parse_choice(option, text, value);
    const double number = strtod(text, &end);
    if (end == text || *end || !(number >= option->min && number <= option->max))
        return error_set("%s: \"%s\" is not a number from %g to %g", option->name, text,
                         option->min, option->max);
    *value = number;
    return 0;
}
