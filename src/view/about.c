#include "about.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "glyph.h"

json_t *about_new(const struct trace *trace)
{
    json_t *quantities = json_array(), *about = NULL;
    char *model = glyph_text(trace->model, strlen(trace->model));
    char *text = glyph_text(trace->text, strlen(trace->text));
    for (int q = 0; q < trace->num_quantities; q++)
        json_array_append_new(quantities, json_string(trace->quantities[q]));
    if (model && text)
        about = json_pack(
            "{s:s, s:s, s:s, s:s, s:i, s:i, s:O}", "model", model, "text", text, "cell",
            trace->cell, "unit", vocab_unit_names[trace->vocab->treatment.unit], "num_layers",
            trace->num_layers, "hidden_size", trace->hidden_size, "quantities", quantities);
    json_decref(quantities);
    free(text);
    free(model);
    return about;
}

json_t *about_number(double number)
{
    return isfinite(number) ? json_real(number) : json_null();
}
