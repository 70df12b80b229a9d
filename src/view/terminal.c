#include <assert.h>
#include <errno.h>
#include <string.h>

#include "colour.h"
#include "error.h"
#include "glyph.h"
#include "view.h"

#define LEGEND_CELLS 21 /* odd, so that 0 has its own */

static void put_colour(FILE *out, struct colour colour)
{
    struct colour text = colour_text_on(colour);
    fprintf(out, "\033[38;2;%d;%d;%d;48;2;%d;%d;%dm", text.red, text.green, text.blue, colour.red,
            colour.green, colour.blue);
}

static void put_heading(FILE *out, const struct trace *trace, size_t signal, float range)
{
    char name[64];
    fprintf(out, "%s  range ±%.3g  ", trace_signal_name(trace, signal, name, sizeof name),
            (double)range);
    fputs("−", out);
    for (int i = 0; i < LEGEND_CELLS; i++) {
        put_colour(out, colour_of((float)(2 * i - (LEGEND_CELLS - 1)), LEGEND_CELLS - 1));
        fputc(' ', out);
    }
    fputs("\033[0m+\n", out);
}

/* Colours are switched only where they change, and off before a line ends: a terminal would else
 * paint the rest of the line. */
static void put_row(FILE *out, const struct trace *trace, const struct glyph *glyphs, size_t start,
                    size_t end, size_t signal, float range)
{
    struct colour current = {0, 0, 0};
    for (size_t t = start; t < end; t++) {
        struct colour colour = colour_of(*trace_place(trace, signal, t), range);
        if (t == start || memcmp(&colour, &current, sizeof colour) != 0)
            put_colour(out, colour);
        current = colour;
        fputs(glyphs[trace->ids[t]].shown, out);
    }
    fputs("\033[0m\n", out);
}

int terminal_write(const struct inspection *inspection, const struct view_options *options,
                   FILE *out)
{
    assert(options->columns > 0);
    const struct trace *trace = &inspection->trace;
    struct glyph *glyphs = glyphs_new(trace->vocab);
    if (!glyphs)
        return -1;
    for (size_t i = 0; i < options->num_chosen; i++) {
        size_t signal = options->chosen[i], end;
        float range = trace_range(trace, signal);
        if (i > 0)
            fputc('\n', out);
        put_heading(out, trace, signal, range);
        for (size_t start = 0; start < trace->length; start = end) {
            end = glyph_row_end(glyphs, trace->ids, trace->length, start, options->columns);
            put_row(out, trace, glyphs, start, end, signal, range);
        }
    }
    glyphs_free(glyphs);
    if (fflush(out) != 0 || ferror(out))
        return error_set("the coloured text cannot be written: %s", strerror(errno));
    return 0;
}
