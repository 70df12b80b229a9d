#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "caption.h"
#include "colour.h"
#include "error.h"
#include "glyph.h"
#include "view.h"

#define MAX_SENTENCES 10

#define LEGEND_CELLS 21 /* odd, so that one is for 0 */

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

/* Sets colours only where they change. Resets them before the line ends: else a terminal may colour
 * the rest of the line. */
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

/* Prints a sentence and frees it; `others` is the number of further units with the same label. */
static int put_sentence(FILE *out, char *sentence, size_t others)
{
    if (!sentence)
        return -1;
    fputs(sentence, out);
    free(sentence);
    if (others > 0)
        fprintf(out, ", and %zu more unit%s", others, others == 1 ? "" : "s");
    fputc('\n', out);
    return 0;
}

/* The label of the u-th unit's best discovery. */
static size_t label_of(const struct discoveries *discoveries, size_t u)
{
    return discoveries->list[discoveries->units[u]].label;
}

/* The number of units with a label among [first, end). */
static size_t count_units(const struct discoveries *discoveries, size_t label, size_t first,
                          size_t end)
{
    size_t count = 0;
    for (size_t u = first; u < end; u++)
        count += label_of(discoveries, u) == label;
    return count;
}

/* Prints the best discovery of a user's label that no sentence was about, or that there is none. */
static int put_answer(FILE *out, const struct inspection *inspection, size_t label)
{
    const struct discoveries *discoveries = &inspection->discoveries;
    const size_t units = count_units(discoveries, label, 0, discoveries->num_units);
    for (size_t d = 0; d < discoveries->count; d++)
        if (discoveries->list[d].label == label)
            return put_sentence(out, caption_of_discovery(inspection, d),
                                units > 1 ? units - 1 : 0);
    return put_sentence(out, caption_of_attempt(inspection, label), 0);
}

int terminal_sentences(const struct inspection *inspection, FILE *out)
{
    const struct discoveries *discoveries = &inspection->discoveries;
    size_t u = 0, said = 0, left = 0;
    for (; u < discoveries->num_units && said < MAX_SENTENCES; u++) {
        const size_t label = label_of(discoveries, u);
        if (count_units(discoveries, label, 0, u) > 0)
            continue;
        const size_t others = count_units(discoveries, label, u + 1, discoveries->num_units);
        if (put_sentence(out, caption_of_discovery(inspection, discoveries->units[u]), others) != 0)
            return -1;
        said++;
    }
    if (discoveries->num_units == 0)
        fputs("no unit was found to go with any known property of this text\n", out);
    for (size_t k = 0; k < inspection->labels.count; k++)
        if (inspection->labels.list[k].own && count_units(discoveries, k, 0, u) == 0 &&
            put_answer(out, inspection, k) != 0)
            return -1;
    for (size_t v = u; v < discoveries->num_units; v++)
        left += !inspection->labels.list[label_of(discoveries, v)].own &&
                count_units(discoveries, label_of(discoveries, v), 0, u) == 0;
    if (left > 0)
        fprintf(out, "and %zu unit%s with something else\n", left, left == 1 ? "" : "s");
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
