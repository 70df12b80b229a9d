/* A text of random symbols, with signals and labels that are made up. */
#ifndef RUNE_TEST_TRACE_TEXT_H
#define RUNE_TEST_TRACE_TEXT_H

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "labels.h"
#include "mem.h"
#include "random.h"
#include "trace.h"

#define TEXT_SYMBOLS 12

static const char *const text_quantities[] = {"h", "c", "i", "f"};
static const char *const text_descriptions[] = {"hidden state", "cell state", "input gate",
                                                "forget gate"};
static const struct vocab text_vocab = {.size = TEXT_SYMBOLS};

struct text {
    struct trace trace;
    struct labels labels;
    struct random random;
};

/* Signals are numbered through 5 units of each of two layers of h, then of c, and so on. */
static inline void text_init(struct text *text, size_t length, size_t signals, size_t labels,
                             uint64_t seed)
{
    struct trace_signal *list = mem_new(signals, sizeof *list);
    assert_non_null(list);
    for (size_t s = 0; s < signals; s++)
        list[s] = (struct trace_signal){(int)(s / 10 % 4), (int)(s / 5 % 2), (int)(s % 5 + s / 40)};
    *text = (struct text){.random = {seed, 0}};
    assert_int_equal(trace_init(&text->trace, length, list, signals, NULL), 0);
    free(list);
    text->trace.vocab = &text_vocab;
    text->trace.quantities = text_quantities;
    text->trace.descriptions = text_descriptions;
    text->trace.num_quantities = 4;
    for (size_t t = 0; t < length; t++)
        text->trace.ids[t] = random_below(&text->random, TEXT_SYMBOLS);
    text->labels.length = length;
    text->labels.list = mem_new(labels, sizeof *text->labels.list);
    text->labels.count = labels;
    for (size_t k = 0; k < labels; k++)
        text->labels.list[k] = (struct label){
            .name = "left in line",
            .place = "inside quotes",
            .rising = "counts up along the line",
            .falling = "counts down to the end of the line",
            .values = mem_new(length, sizeof(float)),
        };
}

static inline void text_release(struct text *text)
{
    for (size_t k = 0; k < text->labels.count; k++)
        free(text->labels.list[k].values);
    free(text->labels.list);
    trace_release(&text->trace);
}

static inline void text_set(struct text *text, size_t signal, size_t t, double value)
{
    *trace_place(&text->trace, signal, t) = (float)value;
}

static inline double text_normal(struct text *text)
{
    const double u = random_between(&text->random, 1e-12, 1);
    return sqrt(-2 * log(u)) * cos(random_between(&text->random, 0, 2 * acos(-1)));
}

/* A first-order process with a time constant; a random walk if it is INFINITY. */
static inline void text_wander(struct text *text, double time_constant, float *out)
{
    const double keep = exp(-1 / time_constant), fresh = keep < 1 ? sqrt(1 - keep * keep) : 1;
    double value = keep < 1 ? text_normal(text) : 0;
    for (size_t t = 0; t < text->trace.length; t++) {
        value = keep * value + fresh * text_normal(text);
        out[t] = (float)value;
    }
}

/* A label that is on, or counts, in spells of about `mean` characters. */
static inline void text_label(struct text *text, size_t label, enum label_kind kind, double mean)
{
    struct label *of = &text->labels.list[label];
    float value = 0;
    of->kind = kind;
    for (size_t t = 0; t < text->labels.length; t++) {
        const bool turn = random_between(&text->random, 0, 1) < 1 / mean;
        if (kind == LABEL_BINARY)
            value = turn ? 1 - value : value;
        else
            value = turn ? 0 : value + 1;
        of->values[t] = value;
    }
}

#endif
