/* The page: one HTML file that needs nothing else. What is the same in every page stands in
 * page.html, page.css and page.js; here the data are put between. They are blocks of inert text:
 * "about" is JSON, the others are arrays in base64, little endian, one a signal, so that the
 * browser decodes only what is looked at. Nothing of the text gets near the markup: JSON is written
 * in ASCII with '<' escaped, and base64 has no '<'. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "about.h"
#include "colour.h"
#include "error.h"
#include "file.h"
#include "glyph.h"
#include "mem.h"
#include "page_parts.h"
#include "writers.h"

#define LEVELS 127      /* a value is level/127 of its signal's range, −127 ≤ level ≤ 127 */
#define NO_LEVEL (-128) /* not a number */
#define SIGNALS_AT_ONCE 64 /* turned from rows into columns in one pass over the values */
#define PROBABILITY_ONE 65535

/* --- base64 ----------------------------------------------------------------------------------- */

static void put_base64(FILE *out, const uint8_t *bytes, size_t length)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        unsigned group = (unsigned)bytes[i] << 16 | (left > 1 ? (unsigned)bytes[i + 1] << 8 : 0) |
                         (left > 2 ? bytes[i + 2] : 0U);
        char text[4] = {digits[group >> 18], digits[group >> 12 & 63],
                        left > 1 ? digits[group >> 6 & 63] : '=',
                        left > 2 ? digits[group & 63] : '='};
        fwrite(text, 1, sizeof text, out);
    }
}

static void put_block(FILE *out, const char *name, const uint8_t *bytes, size_t length)
{
    fprintf(out, "<script type=\"text/plain\" id=\"%s\">", name);
    put_base64(out, bytes, length);
    fputs("</script>\n", out);
}

/* --- the arrays ------------------------------------------------------------------------------- */

/* Bytes of an id; its largest value stands for VOCAB_NONE. */
static int id_bytes(const struct trace *trace)
{
    return trace->vocab->size < 0xFFFF ? 2 : 4;
}

static uint8_t *put_number(uint8_t *at, uint32_t number, int bytes)
{
    for (int i = 0; i < bytes; i++)
        *at++ = (uint8_t)(number >> 8 * i);
    return at;
}

static int put_ids(FILE *out, const struct trace *trace)
{
    int size = id_bytes(trace);
    uint8_t *bytes = mem_new(trace->length, (size_t)size), *end = bytes;
    if (!bytes)
        return -1;
    for (size_t t = 0; t < trace->length; t++)
        end = put_number(end, (uint32_t)trace->ids[t], size);
    put_block(out, "ids", bytes, (size_t)(end - bytes));
    free(bytes);
    return 0;
}

static int put_losses(FILE *out, const struct trace *trace)
{
    uint8_t *bytes = mem_new(trace->length, 4), *end = bytes;
    uint32_t bits;
    if (!bytes)
        return -1;
    for (size_t t = 0; t < trace->length; t++) {
        memcpy(&bits, &trace->losses[t], sizeof bits);
        end = put_number(end, bits, 4);
    }
    put_block(out, "losses", bytes, (size_t)(end - bytes));
    free(bytes);
    return 0;
}

static int put_guesses(FILE *out, const struct trace *trace)
{
    int size = id_bytes(trace);
    size_t count = trace->length * TRACE_GUESSES;
    uint8_t *ids = mem_new(count, (size_t)size), *ids_end = ids;
    uint8_t *probs = mem_new(count, 2), *probs_end = probs;
    if (ids && probs) {
        for (size_t i = 0; i < count; i++) {
            float prob = fminf(fmaxf(trace->guesses[i].prob, 0), 1);
            ids_end = put_number(ids_end, (uint32_t)trace->guesses[i].id, size);
            probs_end = put_number(probs_end, (uint32_t)lrintf(prob * PROBABILITY_ONE), 2);
        }
        put_block(out, "guess_ids", ids, (size_t)(ids_end - ids));
        put_block(out, "guess_probs", probs, (size_t)(probs_end - probs));
    }
    int result = ids && probs ? 0 : -1;
    free(probs);
    free(ids);
    return result;
}

static int8_t level_of(float value, float range)
{
    return isfinite(value) ? (int8_t)lrintf(value / range * LEVELS) : NO_LEVEL;
}

static int put_signals(FILE *out, const struct trace *trace, const float *ranges)
{
    size_t S = trace->num_signals, length = trace->length;
    uint8_t *columns = mem_new(length, SIGNALS_AT_ONCE);
    char name[32];
    if (!columns)
        return -1;
    for (size_t first = 0; first < S; first += SIGNALS_AT_ONCE) {
        size_t count = S - first < SIGNALS_AT_ONCE ? S - first : SIGNALS_AT_ONCE;
        for (size_t t = 0; t < length; t++)
            for (size_t i = 0; i < count; i++)
                columns[i * length + t] =
                    (uint8_t)level_of(*trace_place(trace, first + i, t), ranges[first + i]);
        for (size_t i = 0; i < count; i++) {
            snprintf(name, sizeof name, "signal%zu", first + i);
            put_block(out, name, columns + i * length, length);
        }
    }
    free(columns);
    return 0;
}

/* --- what they are: JSON ---------------------------------------------------------------------- */

static json_t *symbols_json(const struct trace *trace, const struct glyph *glyphs)
{
    json_t *list = json_array();
    char name[64];
    for (int id = 0; id < trace->vocab->size; id++) {
        const struct vocab_symbol *symbol = &trace->vocab->symbols[id];
        vocab_describe(trace->vocab->unit, symbol->bytes, symbol->length, name, sizeof name);
        json_array_append_new(list, json_pack("[s, i, b, s]", glyphs[id].shown,
                                              (int)glyphs[id].ends, glyphs[id].combining, name));
    }
    return list;
}

static json_t *signals_json(const struct trace *trace, const float *ranges)
{
    json_t *list = json_array();
    for (size_t s = 0; s < trace->num_signals; s++) {
        const struct trace_signal *signal = &trace->signals[s];
        json_array_append_new(list, json_pack("[i, i, i, f]", signal->quantity, signal->layer,
                                              signal->unit, (double)ranges[s]));
    }
    return list;
}

/* The colours of the levels −127 … 127. */
static json_t *colours_json(enum colour_ground ground)
{
    json_t *list = json_array();
    char name[8];
    for (int level = -LEVELS; level <= LEVELS; level++) {
        struct colour colour = colour_on(ground, (float)level, LEVELS);
        snprintf(name, sizeof name, "#%02x%02x%02x", colour.red, colour.green, colour.blue);
        json_array_append_new(list, json_string(name));
    }
    return list;
}

/* '<' occurs only within strings of JSON, where it may be written as an escape. */
static int put_escaped(const char *text, size_t length, void *out)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] == '<')
            fputs("\\u003c", out);
        else
            fputc(text[i], out);
    return 0;
}

static int put_about(FILE *out, const struct trace *trace, const struct view_options *options,
                     const float *ranges)
{
    struct glyph *glyphs = glyphs_new(trace->vocab);
    if (!glyphs)
        return -1;
    json_int_t first = options->num_chosen ? (json_int_t)options->chosen[0] : 0;
    json_t *about = about_new(trace);
    int failed = json_object_set_new(about, "id_bytes", json_integer(id_bytes(trace))) ||
                 json_object_set_new(about, "num_guesses", json_integer(TRACE_GUESSES)) ||
                 json_object_set_new(about, "first", json_integer(first)) ||
                 json_object_set_new(about, "signals", signals_json(trace, ranges)) ||
                 json_object_set_new(about, "symbols", symbols_json(trace, glyphs)) ||
                 json_object_set_new(about, "light", colours_json(COLOUR_LIGHT)) ||
                 json_object_set_new(about, "dark", colours_json(COLOUR_DARK));
    if (!failed) {
        fputs("<script type=\"application/json\" id=\"about\">", out);
        json_dump_callback(about, put_escaped, out,
                           JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(7));
        fputs("</script>\n", out);
    }
    json_decref(about);
    glyphs_free(glyphs);
    return failed ? error_set("no memory for the page") : 0;
}

/* --- the whole -------------------------------------------------------------------------------- */

static int put_page(FILE *out, const struct trace *trace, const struct view_options *options)
{
    float *ranges = mem_new(trace->num_signals, sizeof *ranges);
    if (!ranges)
        return -1;
    trace_ranges(trace, ranges);
    fwrite(page_head, 1, sizeof page_head, out);
    int result = put_about(out, trace, options, ranges) == 0 && put_ids(out, trace) == 0 &&
                         put_losses(out, trace) == 0 && put_guesses(out, trace) == 0 &&
                         put_signals(out, trace, ranges) == 0
                     ? 0
                     : -1;
    fwrite(page_tail, 1, sizeof page_tail, out);
    free(ranges);
    return result;
}

static int write_page(const struct inspection *inspection, const struct view_options *options,
                      const char *directory)
{
    struct file_out out;
    int result = view_open(&out, directory, "index.html");
    if (result == 0)
        result = put_page(out.stream, &inspection->trace, options);
    return view_close(&out, options, result);
}

const struct view page_view = {"page", write_page};
