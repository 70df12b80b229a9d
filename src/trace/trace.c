#include "trace.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "mem.h"

int trace_init(struct trace *trace, size_t length, const struct trace_signal *signals,
               size_t num_signals)
{
    const size_t blocks = length / TRACE_BLOCK + (length % TRACE_BLOCK > 0);
    size_t cells;
    if (__builtin_mul_overflow(blocks * TRACE_BLOCK, num_signals, &cells) ||
        cells > SIZE_MAX / sizeof(float))
        return error_set(
            "a trace of %zu characters and %zu signals is more than memory can address", length,
            num_signals);
    trace->length = length;
    trace->num_signals = num_signals;
    trace->ids = mem_new(length, sizeof *trace->ids);
    trace->losses = mem_new(length, sizeof *trace->losses);
    trace->ranks = mem_new(length, sizeof *trace->ranks);
    trace->guesses = mem_new(length, TRACE_GUESSES * sizeof *trace->guesses);
    trace->signals = mem_new(num_signals, sizeof *trace->signals);
    trace->values = mem_new(cells, sizeof *trace->values);
    if (!trace->ids || !trace->losses || !trace->ranks || !trace->guesses || !trace->signals ||
        !trace->values) {
        trace_release(trace);
        return error_set(
            "no memory for the %zu bytes of a trace of %zu characters and %zu signals: "
            "take a shorter text or fewer units",
            cells * sizeof(float), length, num_signals);
    }
    if (num_signals)
        memcpy(trace->signals, signals, num_signals * sizeof *signals);
    return 0;
}

void trace_release(struct trace *trace)
{
    free(trace->ids);
    free(trace->losses);
    free(trace->ranks);
    free(trace->guesses);
    free(trace->signals);
    free(trace->values);
    *trace = (struct trace){0};
}

void trace_read(const struct trace *trace, size_t signal, size_t start, size_t count, float *out)
{
    for (size_t t = start, end = start + count; t < end;) {
        const size_t left = TRACE_BLOCK - t % TRACE_BLOCK, n = end - t < left ? end - t : left;
        memcpy(out + (t - start), trace_place(trace, signal, t), n * sizeof *out);
        t += n;
    }
}

size_t trace_find(const struct trace *trace, struct trace_signal signal)
{
    size_t s = 0;
    while (s < trace->num_signals &&
           (trace->signals[s].quantity != signal.quantity ||
            trace->signals[s].layer != signal.layer || trace->signals[s].unit != signal.unit))
        s++;
    return s;
}

static float larger_magnitude(float range, float value)
{
    float magnitude = fabsf(value);
    return isfinite(value) && magnitude > range ? magnitude : range;
}

float trace_range(const struct trace *trace, size_t signal)
{
    float range = 0;
    for (size_t t = 0; t < trace->length; t++)
        range = larger_magnitude(range, *trace_place(trace, signal, t));
    return range > 0 ? range : 1;
}

void trace_ranges(const struct trace *trace, float *ranges)
{
    size_t S = trace->num_signals;
    for (size_t s = 0; s < S; s++)
        ranges[s] = 0;
    for (size_t t = 0; t < trace->length; t++)
        for (size_t s = 0; s < S; s++)
            ranges[s] = larger_magnitude(ranges[s], *trace_place(trace, s, t));
    for (size_t s = 0; s < S; s++)
        ranges[s] = ranges[s] > 0 ? ranges[s] : 1;
}

struct variation {
    double sum, sum_of_squares, score;
    size_t signal;
};

static int compare_variations(const void *a, const void *b)
{
    const struct variation *left = a, *right = b;
    if (left->score != right->score)
        return left->score > right->score ? -1 : 1;
    return left->signal < right->signal ? -1 : 1;
}

/* Values are taken relative to the range: sums of large and small signals then lose the same. */
static void measure_variations(const struct trace *trace, const float *ranges,
                               struct variation *variations)
{
    size_t S = trace->num_signals;
    for (size_t t = 0; t < trace->length; t++)
        for (size_t s = 0; s < S; s++) {
            double value = (double)*trace_place(trace, s, t) / (double)ranges[s];
            if (!isfinite(value))
                continue;
            variations[s].sum += value;
            variations[s].sum_of_squares += value * value;
        }
    double count = trace->length ? (double)trace->length : 1;
    for (size_t s = 0; s < S; s++) {
        double mean = variations[s].sum / count;
        variations[s].score = variations[s].sum_of_squares / count - mean * mean;
        variations[s].signal = s;
    }
}

int trace_most_varying(const struct trace *trace, size_t count, size_t *signals)
{
    size_t S = trace->num_signals;
    float *ranges = mem_new(S, sizeof *ranges);
    struct variation *variations = mem_new(S, sizeof *variations);
    int result = -1;
    if (ranges && variations) {
        trace_ranges(trace, ranges);
        measure_variations(trace, ranges, variations);
        qsort(variations, S, sizeof *variations, compare_variations);
        result = (int)(count < S ? count : S);
        for (int i = 0; i < result; i++)
            signals[i] = variations[i].signal;
    }
    free(variations);
    free(ranges);
    return result;
}

char *trace_signal_name(const struct trace *trace, size_t signal, char *out, size_t room)
{
    const struct trace_signal *named = &trace->signals[signal];
    snprintf(out, room, "%s %d:%d", trace->quantities[named->quantity], named->layer, named->unit);
    return out;
}

double trace_mean_loss(const struct trace *trace)
{
    double sum = 0;
    for (size_t t = 0; t < trace->length; t++)
        sum += (double)trace->losses[t];
    return trace->length ? sum / (double)trace->length : 0;
}
