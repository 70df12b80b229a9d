#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "about.h"
#include "error.h"
#include "file.h"
#include "glyph.h"
#include "mem.h"
#include "writers.h"

/* The nearest IEEE 754 half, ties to even. */
static uint16_t half_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    uint32_t magnitude = bits & 0x7FFFFFFF;
    if (magnitude > 0x7F800000)
        return sign | 0x7E00; /* not a number */
    if (magnitude >= 0x477FF000)
        return sign | 0x7C00;   /* 65520 and above round to infinity */
    if (magnitude < 0x38800000) /* below 2^−14: a multiple of 2^−24 */
        return (uint16_t)(sign | (uint16_t)lrintf(fabsf(value) * 0x1p24F));
    uint32_t kept = magnitude - 0x38000000; /* the exponents' biases differ by 112 */
    return (uint16_t)(sign | (kept + 0xFFF + (kept >> 13 & 1)) >> 13);
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

static int write_npy(const struct trace *trace, const char *path)
{
    struct file_out out;
    size_t S = trace->num_signals;
    uint8_t *row = mem_new(S, 2);
    if (!row || file_create(&out, path) != 0) {
        free(row);
        return -1;
    }
    put_npy_header(out.stream, trace->length, S);
    for (size_t t = 0; t < trace->length; t++) {
        for (size_t s = 0; s < S; s++) {
            uint16_t half = half_of(*trace_place(trace, s, t));
            row[2 * s] = (uint8_t)half;
            row[2 * s + 1] = (uint8_t)(half >> 8);
        }
        fwrite(row, 2, S, out.stream);
    }
    free(row);
    return file_commit(&out);
}

static json_t *signals_json(const struct trace *trace)
{
    json_t *list = json_array();
    for (size_t s = 0; s < trace->num_signals; s++) {
        const struct trace_signal *signal = &trace->signals[s];
        json_array_append_new(list, json_pack("{s:i, s:i, s:s}", "layer", signal->layer, "unit",
                                              signal->unit, "quantity",
                                              trace->quantities[signal->quantity]));
    }
    return list;
}

static json_t *losses_json(const struct trace *trace)
{
    json_t *list = json_array();
    for (size_t t = 0; t < trace->length; t++) {
        double loss = (double)trace->losses[t];
        json_array_append_new(list, isfinite(loss) ? json_real(loss) : json_null());
    }
    return list;
}

/* Equal symbols share one JSON string. */
static json_t *characters_json(const struct trace *trace, const struct glyph *glyphs)
{
    json_t *list = json_array(), *symbols = json_array();
    for (int id = 0; id < trace->vocab->size; id++)
        json_array_append_new(symbols, json_string(glyphs[id].exact));
    for (size_t t = 0; t < trace->length; t++)
        json_array_append(list, json_array_get(symbols, (size_t)trace->ids[t]));
    json_decref(symbols);
    return list;
}

static json_t *ids_json(const struct trace *trace)
{
    json_t *list = json_array();
    for (size_t t = 0; t < trace->length; t++)
        json_array_append_new(list, json_integer(trace->ids[t]));
    return list;
}

static int write_json(const struct trace *trace, const char *path)
{
    struct file_out out;
    struct glyph *glyphs = glyphs_new(trace->vocab);
    if (!glyphs)
        return -1;
    json_t *about = about_new(trace);
    int failed = json_object_set_new(about, "signals", signals_json(trace)) ||
                 json_object_set_new(about, "characters", characters_json(trace, glyphs)) ||
                 json_object_set_new(about, "ids", ids_json(trace)) ||
                 json_object_set_new(about, "losses", losses_json(trace));
    glyphs_free(glyphs);
    if (failed)
        return error_set("%s: no memory for it", path);
    int result = file_create(&out, path);
    if (result == 0) {
        json_dumpf(about, out.stream, JSON_COMPACT | JSON_REAL_PRECISION(7));
        fputc('\n', out.stream);
        result = file_commit(&out);
    }
    json_decref(about);
    return result;
}

static int write_npy_and_json(const struct inspection *inspection,
                              const struct view_options *options, const char *directory)
{
    (void)options;
    char *npy = file_join(directory, "activations.npy");
    char *json = file_join(directory, "activations.json");
    int result = npy && json && write_npy(&inspection->trace, npy) == 0 &&
                         write_json(&inspection->trace, json) == 0
                     ? 0
                     : -1;
    free(json);
    free(npy);
    return result;
}

static void put_csv(FILE *out, const struct trace *trace, const struct glyph *glyphs)
{
    size_t S = trace->num_signals;
    char name[64];
    fputs("position,character,loss", out);
    for (size_t s = 0; s < S; s++)
        fprintf(out, ",%s", trace_signal_name(trace, s, name, sizeof name));
    fputs("\n", out);
    for (size_t t = 0; t < trace->length; t++) {
        fprintf(out, "%zu,", t);
        glyph_put_csv(&glyphs[trace->ids[t]], out);
        fprintf(out, ",%.6g", (double)trace->losses[t]);
        for (size_t s = 0; s < S; s++)
            fprintf(out, ",%.6g", (double)*trace_place(trace, s, t));
        fputs("\n", out);
    }
}

static int write_csv(const struct inspection *inspection, const struct view_options *options,
                     const char *directory)
{
    (void)options;
    const struct trace *trace = &inspection->trace;
    struct file_out out;
    char *path = file_join(directory, "activations.csv");
    struct glyph *glyphs = path ? glyphs_new(trace->vocab) : NULL;
    int result = glyphs ? file_create(&out, path) : -1;
    if (result == 0) {
        put_csv(out.stream, trace, glyphs);
        result = file_commit(&out);
    }
    glyphs_free(glyphs);
    free(path);
    return result;
}

const struct view npy_view = {"npy", "activations.npy, activations.json", write_npy_and_json};
const struct view csv_view = {"csv", "activations.csv", write_csv};
