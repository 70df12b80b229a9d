#include "trace.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "mem.h"

/* Characters of whole blocks. */
static size_t padded(size_t length)
{
    return (length + TRACE_BLOCK - 1) / TRACE_BLOCK * TRACE_BLOCK;
}

/* The bytes of all arrays; SIZE_MAX if they are more. */
static size_t trace_bytes(size_t length, size_t num_signals)
{
    const size_t row =
        sizeof(struct trace_guess) * TRACE_GUESSES + 2 * sizeof(float) + sizeof(int32_t);
    size_t values, bytes;
    if (length > SIZE_MAX / 2 || __builtin_mul_overflow(num_signals, sizeof(float), &values) ||
        __builtin_add_overflow(values, row, &values) ||
        __builtin_mul_overflow(padded(length), values, &bytes))
        return SIZE_MAX;
    return bytes;
}

/* Whole blocks let each array begin on a cache line. */
static void lay_out(struct trace *trace)
{
    const size_t rows = padded(trace->length);
    trace->values = trace->mapping.bytes;
    trace->guesses = (struct trace_guess *)(trace->values + rows * trace->num_signals);
    trace->losses = (float *)(trace->guesses + rows * TRACE_GUESSES);
    trace->ranks = (int32_t *)(trace->losses + rows);
    trace->ids = trace->ranks + rows;
}

int trace_init(struct trace *trace, size_t length, const struct trace_signal *signals,
               size_t num_signals, const char *temp_path)
{
    const size_t bytes = trace_bytes(length, num_signals);
    trace->signals = mem_new(num_signals, sizeof *trace->signals);
    if (!trace->signals ||
        temp_mapping_init(&trace->mapping, bytes, TRACE_IN_MEMORY, temp_path) != 0) {
        trace_release(trace);
        return error_set("%s; that is a trace of %zu characters and %zu signals: take a shorter "
                         "text or fewer units",
                         error_message(), length, num_signals);
    }
    if (num_signals)
        memcpy(trace->signals, signals, num_signals * sizeof *signals);
    trace->length = length;
    trace->num_signals = num_signals;
    lay_out(trace);
    return 0;
}

void trace_release(struct trace *trace)
{
    free(trace->signals);
    temp_mapping_release(&trace->mapping);
    *trace = (struct trace){0};
}

/* Characters from t to the end of its block, or to `end`. */
static size_t run_length(size_t t, size_t end)
{
    const size_t left = TRACE_BLOCK - t % TRACE_BLOCK;
    return end - t < left ? end - t : left;
}

void trace_drop(const struct trace *trace, size_t start, size_t count)
{
    const struct temp_mapping *mapping = &trace->mapping;
    const size_t first = start / TRACE_BLOCK * TRACE_BLOCK, end = padded(start + count);
    temp_mapping_drop(mapping, trace_place(trace, 0, first),
                      (end - first) * trace->num_signals * sizeof *trace->values);
    temp_mapping_drop(mapping, trace->guesses + start * TRACE_GUESSES,
                      count * TRACE_GUESSES * sizeof *trace->guesses);
    temp_mapping_drop(mapping, trace->losses + start, count * sizeof *trace->losses);
    temp_mapping_drop(mapping, trace->ranks + start, count * sizeof *trace->ranks);
    temp_mapping_drop(mapping, trace->ids + start, count * sizeof *trace->ids);
}

void trace_read(const struct trace *trace, size_t signal, size_t start, size_t count, float *out)
{
    for (size_t t = start, end = start + count; t < end;) {
        const size_t n = run_length(t, end);
        temp_mapping_read(&trace->mapping, trace_place(trace, signal, t), n * sizeof *out, out);
        out += n;
        t += n;
    }
}

/* The larger of the range and the largest finite |value|. */
static float widen(float range, const float *values, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        const float magnitude = fabsf(values[k]);
        range = magnitude > range && magnitude < INFINITY ? magnitude : range;
    }
    return range;
}

#define RANGE_BINS 1024
#define RANGE_SHARE 0.99
#define RANGE_SLACK 1.2F

/* The |value| that RANGE_SHARE of the finite ones stay within, to a bin's width. */
static float usual_range(const struct trace *trace, size_t signal, float largest)
{
    size_t bins[RANGE_BINS] = {0}, count = 0, within = 0, bin = 0;
    float values[TRACE_BLOCK];
    for (size_t t = 0; t < trace->length; t += TRACE_BLOCK) {
        const size_t n = run_length(t, trace->length);
        trace_read(trace, signal, t, n, values);
        for (size_t k = 0; k < n; k++) {
            const float share = fabsf(values[k]) / largest;
            if (!(share <= 1)) /* not finite */
                continue;
            const size_t at = (size_t)(share * RANGE_BINS);
            bins[at < RANGE_BINS ? at : RANGE_BINS - 1]++;
            count++;
        }
    }
    while (bin < RANGE_BINS - 1 && (double)(within += bins[bin]) < RANGE_SHARE * (double)count)
        bin++;
    return largest * (float)(bin + 1) / RANGE_BINS;
}

float trace_range(const struct trace *trace, size_t signal)
{
    float largest = 0, values[TRACE_BLOCK];
    for (size_t t = 0; t < trace->length; t += TRACE_BLOCK) {
        const size_t n = run_length(t, trace->length);
        trace_read(trace, signal, t, n, values);
        largest = widen(largest, values, n);
    }
    return largest > 0 ? fminf(largest, RANGE_SLACK * usual_range(trace, signal, largest)) : 1;
}

struct variation {
    double sum, sum_of_squares, score;
    float range;
    size_t signal;
};

static int compare_variations(const void *a, const void *b)
{
    const struct variation *left = a, *right = b;
    if (left->score != right->score)
        return left->score > right->score ? -1 : 1;
    return left->signal < right->signal ? -1 : 1;
}

static void add_values(struct variation *variation, const float *values, size_t count)
{
    double sum = 0, sum_of_squares = 0;
    for (size_t k = 0; k < count; k++) {
        const double value = isfinite(values[k]) ? (double)values[k] : 0;
        sum += value;
        sum_of_squares += value * value;
    }
    variation->sum += sum;
    variation->sum_of_squares += sum_of_squares;
    variation->range = widen(variation->range, values, count);
}

static void measure_variations(const struct trace *trace, struct variation *variations)
{
    const size_t S = trace->num_signals;
    for (size_t t = 0; t < trace->length; t += TRACE_BLOCK) {
        const size_t n = run_length(t, trace->length);
        for (size_t s = 0; s < S; s++)
            add_values(&variations[s], trace_place(trace, s, t), n);
        trace_drop(trace, t, n);
    }
    const double count = trace->length ? (double)trace->length : 1;
    for (size_t s = 0; s < S; s++) {
        struct variation *variation = &variations[s];
        const double mean = variation->sum / count,
                     range = variation->range > 0 ? (double)variation->range : 1;
        variation->score = (variation->sum_of_squares / count - mean * mean) / (range * range);
        variation->signal = s;
    }
}

int trace_most_varying(const struct trace *trace, size_t count, size_t *signals)
{
    const size_t S = trace->num_signals, found = count < S ? count : S;
    struct variation *variations = mem_new(S, sizeof *variations);
    if (!variations)
        return -1;
    measure_variations(trace, variations);
    qsort(variations, S, sizeof *variations, compare_variations);
    for (size_t k = 0; k < found; k++)
        signals[k] = variations[k].signal;
    free(variations);
    return (int)found;
}

char *trace_signal_name(const struct trace *trace, size_t signal, char *out, size_t size)
{
    const struct trace_signal *named = &trace->signals[signal];
    snprintf(out, size, "%s %d:%d", trace->quantities[named->quantity], named->layer, named->unit);
    return out;
}

double trace_mean_loss(const struct trace *trace)
{
    double sum = 0;
    float losses[TRACE_BLOCK];
    for (size_t t = 0; t < trace->length; t += TRACE_BLOCK) {
        const size_t n = run_length(t, trace->length);
        temp_mapping_read(&trace->mapping, trace->losses + t, n * sizeof *losses, losses);
        for (size_t k = 0; k < n; k++)
            sum += (double)losses[k];
    }
    return trace->length ? sum / (double)trace->length : 0;
}
