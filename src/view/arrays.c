/* Arrays: the shown signals as npy with json, and as csv. They are written in blocks of characters,
 * so that memory does not grow with the text. */
#include <endian.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "about.h"
#include "csv.h"
#include "glyph.h"
#include "mem.h"
#include "writers.h"

/* --- blocks ----------------------------------------------------------------------------------- */

/* A walk through the text, and its current block of characters. */
struct walk {
    const struct trace *trace;
    const struct view_options *options;
    size_t start, count; /* of the block */
    float *values;       /* [num_shown][TRACE_BLOCK] of the block */
};

static int walk_init(struct walk *walk, const struct trace *trace,
                     const struct view_options *options)
{
    *walk = (struct walk){.trace = trace, .options = options};
    walk->values = mem_new(options->num_shown, TRACE_BLOCK * sizeof *walk->values);
    return walk->values ? 0 : -1;
}

/* Reads the next block; false at the end. */
static bool walk_next(struct walk *walk)
{
    walk->start += walk->count;
    const size_t left = walk->trace->length - walk->start;
    walk->count = left < TRACE_BLOCK ? left : TRACE_BLOCK;
    for (size_t k = 0; k < walk->options->num_shown; k++)
        trace_read(walk->trace, walk->options->shown[k], walk->start, walk->count,
                   walk->values + k * TRACE_BLOCK);
    return walk->count > 0;
}

/* --- npy -------------------------------------------------------------------------------------- */

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* The nearest IEEE 754 half-precision number, ties to even. Branch-free, so that the compiler can
 * vectorise it. */
static uint16_t half_of(float value)
{
    const uint32_t bits = bits_of(value), magnitude = bits & 0x7FFFFFFF;
    /* Normal numbers: the biases of the exponents differ by 112; the bits cut off are rounded. */
    const uint32_t normal = (magnitude - 0x38000000 + 0xFFF + (magnitude >> 13 & 1)) >> 13;
    /* Subnormal numbers, below 2^−14, are multiples of 2^−24: adding 1/2 rounds to one. */
    const uint32_t small = bits_of(fabsf(value) + 0.5F) - 0x3F000000;
    uint32_t half = magnitude < 0x38800000 ? small : normal;
    half = magnitude >= 0x477FF000 ? 0x7C00 : half; /* 65520 and above round to infinity */
    half = magnitude > 0x7F800000 ? 0x7E00 : half;  /* not a number */
    return (uint16_t)(half | (bits >> 16 & 0x8000));
}

/* NumPy's format 1.0: magic, version, length of the header, the header padded to 64 bytes. */
static void put_npy_header(FILE *out, size_t rows, size_t columns)
{
    char header[118];
    int used =
        snprintf(header, sizeof header,
                 "{'descr': '<f2', 'fortran_order': False, 'shape': (%zu, %zu), }", rows, columns);
    fwrite("\x93NUMPY\x01\x00\x76\x00", 1, 10, out);
    fprintf(out, "%s%*s\n", header, (int)sizeof header - 1 - used, "");
}

/* Transposes the block and rounds it to half precision. */
static void make_rows(uint16_t *rows, const struct walk *walk)
{
    const size_t S = walk->options->num_shown;
    uint16_t halves[TRACE_BLOCK];
    for (size_t k = 0; k < S; k++) {
        for (size_t t = 0; t < TRACE_BLOCK; t++)
            halves[t] = htole16(half_of(walk->values[k * TRACE_BLOCK + t]));
        for (size_t t = 0; t < walk->count; t++)
            rows[t * S + k] = halves[t];
    }
}

static int put_npy(const struct file_out *out, const struct inspection *inspection,
                   const struct view_options *options)
{
    const struct trace *trace = &inspection->trace;
    struct walk walk;
    const size_t S = options->num_shown;
    uint16_t *rows = mem_new(S, TRACE_BLOCK * sizeof *rows);
    int result = walk_init(&walk, trace, options) == 0 && rows ? 0 : -1;
    put_npy_header(out->stream, trace->length, S);
    while (result == 0 && walk_next(&walk)) {
        make_rows(rows, &walk);
        fwrite(rows, sizeof *rows, walk.count * S, out->stream);
    }
    free(walk.values);
    free(rows);
    return result;
}

/* --- json that describes the npy -------------------------------------------------------------- */

static json_t *signals_json(const struct trace *trace, const struct view_options *options)
{
    json_t *list = json_array();
    for (size_t k = 0; k < options->num_shown; k++) {
        const struct trace_signal *signal = &trace->signals[options->shown[k]];
        json_array_append_new(list, json_pack("{s:i, s:i, s:s}", "layer", signal->layer, "unit",
                                              signal->unit, "quantity",
                                              trace->quantities[signal->quantity]));
    }
    return list;
}

/* Lists with an item per character. */
static const char *const lists[] = {"characters", "ids", "losses", "ranks"};

static json_t *item_of(const struct trace *trace, const struct glyph *glyphs, size_t list, size_t t)
{
    switch (list) {
    case 0:
        return json_string(glyphs[trace->ids[t]].exact);
    case 1:
        return json_integer(trace->ids[t]);
    case 2:
        return about_number((double)trace->losses[t]);
    default:
        return json_integer(trace->ranks[t]);
    }
}

/* Writes a member of the object. */
static void put_list(FILE *out, const struct trace *trace, const struct glyph *glyphs, size_t list)
{
    fprintf(out, ",\"%s\":[", lists[list]);
    for (size_t t = 0; t < trace->length; t++) {
        json_t *item = item_of(trace, glyphs, list, t);
        fputs(t > 0 ? "," : "", out);
        json_dumpf(item, out, JSON_ENCODE_ANY | JSON_REAL_PRECISION(7));
        json_decref(item);
        if ((t + 1) % TRACE_BLOCK == 0)
            trace_drop(trace, t + 1 - TRACE_BLOCK, TRACE_BLOCK);
    }
    fputc(']', out);
}

static int put_json(const struct file_out *out, const struct inspection *inspection,
                    const struct view_options *options)
{
    const struct trace *trace = &inspection->trace;
    struct glyph *glyphs = glyphs_new(trace->vocab);
    json_t *about = about_new(trace);
    const int result = glyphs && about ? 0 : -1;
    json_object_set_new(about, "signals", signals_json(trace, options));
    fputc('{', out->stream);
    json_dumpf(about, out->stream, JSON_COMPACT | JSON_EMBED);
    for (size_t list = 0; list < sizeof lists / sizeof *lists && result == 0; list++)
        put_list(out->stream, trace, glyphs, list);
    fputs("}\n", out->stream);
    json_decref(about);
    glyphs_free(glyphs);
    return result;
}

static int write_npy_and_json(const struct inspection *inspection,
                              const struct view_options *options, const char *directory)
{
    return view_write(inspection, options, directory, "activations.npy", put_npy) == 0 &&
                   view_write(inspection, options, directory, "activations.json", put_json) == 0
               ? 0
               : -1;
}

/* --- csv -------------------------------------------------------------------------------------- */

static void put_csv_rows(FILE *out, const struct walk *walk, const struct glyph *glyphs)
{
    const struct trace *trace = walk->trace;
    for (size_t i = 0; i < walk->count; i++) {
        const size_t t = walk->start + i;
        fprintf(out, "%zu,", t);
        csv_put_text(out, glyphs[trace->ids[t]].exact);
        csv_put_numbers(out, &trace->losses[t], 1);
        for (size_t k = 0; k < walk->options->num_shown; k++)
            csv_put_numbers(out, &walk->values[k * TRACE_BLOCK + i], 1);
        fputc('\n', out);
    }
}

static int put_csv(const struct file_out *out, const struct inspection *inspection,
                   const struct view_options *options)
{
    const struct trace *trace = &inspection->trace;
    struct walk walk;
    char name[64];
    struct glyph *glyphs = glyphs_new(trace->vocab);
    int result = walk_init(&walk, trace, options) == 0 && glyphs ? 0 : -1;
    fputs("position,character,loss", out->stream);
    for (size_t k = 0; k < options->num_shown; k++)
        fprintf(out->stream, ",%s", trace_signal_name(trace, options->shown[k], name, sizeof name));
    fputc('\n', out->stream);
    while (result == 0 && walk_next(&walk)) {
        put_csv_rows(out->stream, &walk, glyphs);
        trace_drop(trace, walk.start, walk.count);
    }
    free(walk.values);
    glyphs_free(glyphs);
    return result;
}

static int write_csv(const struct inspection *inspection, const struct view_options *options,
                     const char *directory)
{
    return view_write(inspection, options, directory, "activations.csv", put_csv);
}

const struct view npy_view = {"npy", true, write_npy_and_json};
const struct view csv_view = {"csv", true, write_csv};
