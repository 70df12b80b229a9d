#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "caption.h"
#include "colour.h"
#include "error.h"
#include "glyph.h"
#include "view.h"

#define SENTENCES 10

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

static int check_written(FILE *out)
{
    if (fflush(out) != 0 || ferror(out))
        return error_set("the text cannot be written: %s", strerror(errno));
    return 0;
}

int terminal_sentences(const struct inspection *inspection, FILE *out)
{
    const struct discoveries *discoveries = &inspection->discoveries;
    for (size_t i = 0; i < discoveries->num_units && i < SENTENCES; i++) {
        char *sentence = caption_of_discovery(inspection, discoveries->units[i]);
        if (!sentence)
            return -1;
        fprintf(out, "%s\n", sentence);
        free(sentence);
    }
    if (discoveries->num_units == 0)
        fputs("no unit was found to go with anything that is known of this text\n", out);
    if (discoveries->num_units > SENTENCES)
        fprintf(out, "and %zu more\n", discoveries->num_units - SENTENCES);
    return check_written(out);
}

static void put_passage(FILE *out, const struct trace *trace, const struct view_options *options,
                        const struct glyph *glyphs, size_t signal)
{
    const float range = trace_range(trace, signal);
    const size_t last = options->start + options->length;
    size_t end;
    put_heading(out, trace, signal, range);
    for (size_t start = options->start; start < last; start = end) {
        end = glyph_row_end(glyphs, trace->ids, last, start, options->columns);
        put_row(out, trace, glyphs, start, end, signal, range);
    }
}

int terminal_write(const struct inspection *inspection, const struct view_options *options,
                   FILE *out)
{
    const struct trace *trace = &inspection->trace;
    assert(options->columns > 0 && options->start <= trace->length &&
           options->length <= trace->length - options->start);
    struct glyph *glyphs = glyphs_new(trace->vocab);
    if (!glyphs)
        return -1;
    int result = terminal_sentences(inspection, out);
    for (size_t i = 0; i < options->num_chosen && result == 0; i++) {
        fputs("\n", out);
        put_passage(out, trace, options, glyphs, options->chosen[i]);
    }
    glyphs_free(glyphs);
    return result == 0 ? check_written(out) : -1;
}
