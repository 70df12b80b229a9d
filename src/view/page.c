/* The page: one self-contained HTML file. Its constant parts are in the folder page/. Its order is
 *
 *     head: style and body
 *     "about" and "signals": JSON of names, symbols and colours, and of the signals in the page
 *     data of the characters
 *     the script, which starts while the browser still reads the rest
 *     data of the whole network
 *     "signal0", "unit0", "signal1", …: values of and findings on each signal, best signal first
 *
 * All data but "about" and "signals" are compressed blocks (block.h); the script unpacks what is
 * looked at. Text is never written as markup. */
#include <math.h>
#include <stdlib.h>

#include "about.h"
#include "block.h"
#include "colour.h"
#include "error.h"
#include "findings.h"
#include "glyph.h"
#include "mem.h"
#include "page_parts.h"
#include "symbols.h"
#include "writers.h"

/* A value is stored as a level, −127 … 127: level/127 of its signal's range. Values beyond the
 * range get the last level. */
#define LEVELS 127
#define NO_LEVEL (-128) /* not a number */
#define LOSS_STEPS 1000 /* a loss is stored in thousandths of a nat */
#define NO_LOSS 0xFFFF  /* not a number */
#define SHARE_STEPS 255 /* a probability is stored as n, (n/255)², which resolves small ones */
#define STRENGTHS 5     /* levels of an attribution, each with its line width */
#define DIGITS 4        /* of numbers on the network */
#define UNIT_DIGITS 3   /* of numbers on a signal */
#define SIGNAL_ROOM 64  /* bytes of a signal in "signals", at most */

/* The page being written. */
struct page {
    const struct trace *trace;
    const struct inspection *inspection;
    size_t length; /* characters in the page, the first of the text */
    struct symbols symbols;
    FILE *out;
    FILE *rest; /* memory for all after "signals", which is written once their number is known */
    char *rest_bytes;
    size_t rest_size;
    json_t *signals; /* [[quantity, layer, unit, range, clipped], …] in the page */
};

/* --- characters ------------------------------------------------------------------------------- */

/* Bytes of an id or rank; the largest value of an id is VOCAB_NONE. */
static int id_bytes(const struct trace *trace)
{
    return trace->vocab->size < 0xFF ? 1 : trace->vocab->size < 0xFFFF ? 2 : 4;
}

/* Writes a little-endian number. Returns its end. */
static uint8_t *put_number(uint8_t *at, uint32_t number, int bytes)
{
    for (int i = 0; i < bytes; i++)
        *at++ = (uint8_t)(number >> 8 * i);
    return at;
}

enum series { IDS, RANKS, LOSSES, GUESS_IDS, GUESS_PROBS };

/* The number of character t; of its guesses, that of guess k. */
static uint32_t number_of(const struct trace *trace, enum series series, size_t t, size_t k)
{
    const struct trace_guess *guess = &trace->guesses[t * TRACE_GUESSES + k];
    switch (series) {
    case IDS:
        return (uint32_t)trace->ids[t];
    case RANKS:
        return (uint32_t)trace->ranks[t];
    case LOSSES:
        if (!isfinite(trace->losses[t]))
            return NO_LOSS;
        return (uint32_t)lrintf(fminf(trace->losses[t] * LOSS_STEPS, NO_LOSS - 1));
    case GUESS_IDS:
        return (uint32_t)guess->id;
    default:
        return (uint32_t)lrintf(sqrtf(fminf(fmaxf(guess->prob, 0), 1)) * SHARE_STEPS);
    }
}

/* Writes a block of `each` numbers of every character. All numbers of a k are
 * neighbours, which compresses better. */
static int put_characters(const struct page *page, const char *id, int bytes, enum series series,
                          size_t each)
{
    uint8_t *numbers = mem_new(page->length * each, (size_t)bytes), *end = numbers;
    if (!numbers)
        return -1;
    for (size_t k = 0; k < each; k++)
        for (size_t t = 0; t < page->length; t++)
            end = put_number(end, number_of(page->trace, series, t, k), bytes);
    int result = block_put(page->rest, id, numbers, (size_t)(end - numbers));
    free(numbers);
    return result;
}

static int put_text(const struct page *page)
{
    const int size = id_bytes(page->trace);
    return put_characters(page, "ids", size, IDS, 1) == 0 &&
                   put_characters(page, "losses", 2, LOSSES, 1) == 0 &&
                   put_characters(page, "ranks", size, RANKS, 1) == 0 &&
                   put_characters(page, "guess_ids", size, GUESS_IDS, TRACE_GUESSES) == 0 &&
                   put_characters(page, "guess_probs", 1, GUESS_PROBS, TRACE_GUESSES) == 0
               ? 0
               : -1;
}

/* The number of characters whose data, as put_text() writes them, fit into half of max_bytes; the
 * other half is for signals. */
static size_t length_within(const struct trace *trace, size_t max_bytes)
{
    const size_t each = (size_t)id_bytes(trace) * (2 + TRACE_GUESSES) + 2 + TRACE_GUESSES;
    const size_t most = max_bytes / 2 * 7 / 8 / each; /* 7/8: see block.h */
    return max_bytes > 0 && most < trace->length ? most : trace->length;
}

/* --- signals ---------------------------------------------------------------------------------- */

/* The level nearest to a value. */
static int8_t level_of(float value, float range)
{
    const float share = fminf(fmaxf(value / range, -1), 1);
    return isfinite(value) ? (int8_t)lrintf(share * LEVELS) : NO_LEVEL;
}

/* Writes the levels of a signal. Sets *clipped if values are beyond the range. */
static int put_levels(const struct page *page, const char *id, size_t signal, float range,
                      bool *clipped)
{
    float *values = mem_new(page->length, sizeof *values);
    int8_t *levels = mem_new(page->length, 1);
    int result = -1;
    if (values && levels) {
        trace_read(page->trace, signal, 0, page->length, values);
        for (size_t t = 0; t < page->length; t++) {
            levels[t] = level_of(values[t], range);
            *clipped = *clipped || (isfinite(values[t]) && fabsf(values[t]) > range);
        }
        result = block_put(page->rest, id, levels, page->length);
    }
    free(levels);
    free(values);
    return result;
}

/* Writes the values of a signal and the findings on it. */
static int put_signal(struct page *page, size_t signal)
{
    const struct trace_signal *s = &page->trace->signals[signal];
    const float range = trace_range(page->trace, signal);
    const size_t index = json_array_size(page->signals);
    char id[32];
    bool clipped = false;
    snprintf(id, sizeof id, "signal%zu", index);
    if (put_levels(page, id, signal, range, &clipped) != 0)
        return -1;
    snprintf(id, sizeof id, "unit%zu", index);
    if (block_put_json(page->rest, id,
                       findings_of_signal(page->inspection, &page->symbols, signal, page->length),
                       UNIT_DIGITS))
        return -1;
    return json_array_append_new(page->signals, json_pack("[i, i, i, f, b]", s->quantity, s->layer,
                                                          s->unit, (double)range, clipped));
}

/* Writes the first of options->shown that fit into the rest of options->max_bytes. Returns the
 * length of page->rest up to the end of the last one that fits, or −1. */
static off_t put_signals(struct page *page, const struct view_options *options)
{
    const off_t before = ftello(page->out) + (off_t)sizeof page_tail;
    off_t end = ftello(page->rest);
    for (size_t i = 0; i < options->num_shown; i++) {
        if (put_signal(page, options->shown[i]) != 0)
            return -1;
        const off_t size = before + ftello(page->rest) + (off_t)(i + 2) * SIGNAL_ROOM;
        if (options->max_bytes > 0 && size > (off_t)options->max_bytes) {
            json_array_remove(page->signals, i);
            break;
        }
        end = ftello(page->rest);
    }
    return end;
}

/* --- about ------------------------------------------------------------------------------------ */

static json_t *symbols_json(const struct trace *trace, const struct glyph *glyphs)
{
    json_t *list = json_array();
    char name[64];
    for (int id = 0; id < trace->vocab->size; id++) {
        const struct vocab_symbol *symbol = &trace->vocab->symbols[id];
        vocab_describe(trace->vocab->treatment.unit, symbol->bytes, symbol->length, name,
                       sizeof name);
        json_array_append_new(list,
                              json_pack("[s, i, b, s, s]", glyphs[id].shown, (int)glyphs[id].ends,
                                        glyphs[id].combining, name, glyphs[id].exact));
    }
    return list;
}

/* The colours of the levels −127 … 127. */
static json_t *colours_json(enum colour_theme theme)
{
    json_t *list = json_array();
    char name[8];
    for (int level = -LEVELS; level <= LEVELS; level++) {
        json_array_append_new(
            list, json_string(colour_name(colour_on(theme, (float)level, LEVELS), name)));
    }
    return list;
}

/* The index of a signal in options->shown; 0 if it is not there. */
static size_t index_of(const struct view_options *options, size_t signal)
{
    for (size_t i = 0; i < options->num_shown; i++)
        if (options->shown[i] == signal)
            return i;
    return 0;
}

static int put_about(const struct page *page, const struct view_options *options)
{
    const struct trace *trace = page->trace;
    struct glyph *glyphs = glyphs_new(trace->vocab);
    if (!glyphs)
        return -1;
    size_t first = options->num_chosen ? index_of(options, options->chosen[0]) : 0;
    json_t *about = about_new(trace);
    json_t *page_alone = json_pack(
        "{s:I, s:I, s:o, s:i, s:i, s:I, s:o, s:o, s:o}", "length", (json_int_t)page->length,
        "characters", (json_int_t)options->text_length, "mean_loss",
        about_number(trace_mean_loss(trace)), "id_bytes", id_bytes(trace), "num_guesses",
        TRACE_GUESSES, "first", (json_int_t)first, "symbols", symbols_json(trace, glyphs), "light",
        colours_json(COLOUR_LIGHT), "dark", colours_json(COLOUR_DARK));
    json_object_update(about, page_alone);
    json_decref(page_alone);
    glyphs_free(glyphs);
    return block_put_plain_json(page->out, "about", about);
}

/* --- the page --------------------------------------------------------------------------------- */

/* A weight in fifths of the largest of its prediction, −5 … 5; below a twentieth it is 0. */
static int8_t strength_of(float weight, float range)
{
    const float strength = ceilf(fabsf(weight) / range * STRENGTHS - 0.25F);
    return (int8_t)copysignf(fmaxf(strength, 0), weight);
}

/* Writes a row of strengths for each prediction. */
static int put_attributions(const struct page *page)
{
    const struct attributions *attributions = &page->inspection->attributions;
    const size_t K = attributions->steps;
    int8_t *strengths = mem_new(attributions->count, K);
    if (!strengths)
        return -1;
    for (size_t i = 0; i < attributions->count; i++) {
        const float *weights = attributions->weights + i * K;
        float range = 0;
        for (size_t k = 0; k < K; k++)
            range = fmaxf(range, fabsf(weights[k]));
        for (size_t k = 0; range > 0 && k < K; k++)
            strengths[i * K + k] = strength_of(weights[k], range);
    }
    int result = block_put(page->rest, "attributions", strengths, attributions->count * K);
    free(strengths);
    return result;
}

/* Writes all between page_head and page_tail. */
static int put_data(struct page *page, const struct view_options *options)
{
    if (put_about(page, options) != 0 || put_text(page) != 0)
        return -1;
    fwrite(page_script, 1, sizeof page_script, page->rest);
    if (block_put_json(page->rest, "findings",
                       findings_new(page->inspection, &page->symbols, page->length), DIGITS) != 0 ||
        put_attributions(page) != 0)
        return -1;
    const off_t end = put_signals(page, options);
    if (end < 0)
        return -1;
    if (fflush(page->rest) != 0 || ferror(page->rest))
        return error_set_memory("no memory for the page");
    if (block_put_plain_json(page->out, "signals", json_incref(page->signals)) != 0)
        return -1;
    fwrite(page->rest_bytes, 1, (size_t)end, page->out);
    return 0;
}

static int put_page(const struct file_out *out, const struct inspection *inspection,
                    const struct view_options *options)
{
    struct page page = {.trace = &inspection->trace,
                        .inspection = inspection,
                        .length = length_within(&inspection->trace, options->max_bytes),
                        .out = out->stream};
    page.rest = open_memstream(&page.rest_bytes, &page.rest_size);
    if (!page.rest)
        return error_set_memory("no memory for the page");
    page.signals = json_array();
    fwrite(page_head, 1, sizeof page_head, page.out);
    int result = symbols_init(&page.symbols, page.trace) == 0 ? put_data(&page, options) : -1;
    fwrite(page_tail, 1, sizeof page_tail, page.out);
    symbols_release(&page.symbols);
    json_decref(page.signals);
    fclose(page.rest);
    free(page.rest_bytes);
    return result;
}

static int write_page(const struct inspection *inspection, const struct view_options *options,
                      const char *directory)
{
    return view_write(inspection, options, directory, "index.html", put_page);
}

const struct view page_view = {"page", false, write_page};
