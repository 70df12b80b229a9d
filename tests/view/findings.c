#include "findings.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rng.h"

#define LAYERS 2
#define SIGNALS 12
#define GATES 4
#define MAX_SYMBOLS 64
#define ROUNDS 40

static const char verses[] =
    "And God said, \"Let there be light\": and there was light.\n"
    "And God saw the light, that it was good: and God divided the light from the darkness.\n"
    "And God called the light Day, and the darkness he called Night (the first day).\n";

static float uniform(uint32_t i, uint32_t purpose)
{
    const struct rng rng = {5, RNG_TEST};
    return (float)rng_uniform(&rng, (uint32_t[4]){i, purpose});
}

/* --- parts ------------------------------------------------------------------------------------ */

static void add_labels(struct labels *labels, size_t length)
{
    static float values[1];
    static struct label list[FINDINGS_LABELS] = {
        {"left in line", NULL, "counts up to the start of the line",
         "counts down to the end of the line", LABEL_SCALAR, false, values},
        {"inside quotes", "inside quotes", NULL, NULL, LABEL_BINARY, false, values},
        {"inside (", "inside (…)", NULL, NULL, LABEL_BINARY, false, values},
        {"capital", "at capitals", NULL, NULL, LABEL_BINARY, false, values},
        {"inside a word", "inside words", NULL, NULL, LABEL_BINARY, false, values},
        {"the, \"he\"\x1B", "in the, \"he\"\x1B", NULL, NULL, LABEL_BINARY, true, values},
    };
    *labels = (struct labels){.length = length, .count = FINDINGS_LABELS, .list = list};
}

static void add_discoveries(struct discoveries *discoveries)
{
    static struct discovery list[] = {
        {.signal = 9,
         .label = 0,
         .measure = MEASURE_R,
         .score = -0.93F,
         .baseline = 0.1F,
         .sign = -1,
         .auc = NAN,
         .average_precision = NAN,
         .r = -0.93F,
         .r2 = 0.8649F,
         .information = 1.25F,
         .p = 1e-4F},
        {.signal = 3,
         .label = 0,
         .measure = MEASURE_R,
         .score = -0.8F,
         .baseline = 0.1F,
         .sign = -1,
         .auc = NAN,
         .average_precision = NAN,
         .r = -0.8F,
         .r2 = 0.64F,
         .information = 0.75F,
         .p = 1e-4F},
        {.signal = 1,
         .label = 1,
         .measure = MEASURE_AUC,
         .score = 0.97F,
         .baseline = 0.5F,
         .sign = 1,
         .auc = 0.97F,
         .average_precision = 0.88F,
         .r = 0.7F,
         .r2 = 0.49F,
         .information = 0.5F,
         .on = 0.8F,
         .off = -0.1F,
         .p = 2e-4F},
        {.signal = 8,
         .label = 5,
         .measure = MEASURE_MI,
         .score = 0.4F,
         .baseline = 0.25F,
         .auc = 0.625F,
         .average_precision = 0.5F,
         .r = NAN,
         .r2 = NAN,
         .information = 0.125F,
         .p = 0.003F},
    };
    static size_t units[] = {0, 2, 3};
    *discoveries = (struct discoveries){.list = list,
                                        .count = 4,
                                        .units = units,
                                        .num_units = 3,
                                        .num_signals = SIGNALS,
                                        .num_labels = FINDINGS_LABELS};
}

static int compare_values(const void *a, const void *b)
{
    const float left = *(const float *)a, right = *(const float *)b;
    return (left > right) - (left < right);
}

static void fill_card(struct card *card, const struct trace *trace, size_t signal, float *means)
{
    static const double shares[CARD_QUANTILES] = {0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1};
    static int counts[MAX_SYMBOLS];
    const size_t N = trace->length;
    float *values = calloc(N + 1, sizeof *values);
    assert_non_null(values);
    memset(counts, 0, sizeof counts);
    *card =
        (struct card){.signal = signal, .range = trace_range(trace, signal), .by_symbol = means};
    trace_read(trace, signal, 0, N, values);
    for (size_t t = 0; t < N; t++) {
        const float share = (values[t] / card->range + 1) / 2 * CARD_BINS;
        card->histogram[share < CARD_BINS ? (size_t)share : CARD_BINS - 1]++;
        card->mean += values[t] / (float)N;
        means[trace->ids[t]] += values[t];
        counts[trace->ids[t]]++;
    }
    for (int v = 0; v < trace->vocab->size; v++)
        means[v] /= (float)counts[v]; /* NAN where there is none */
    card->deviation = 0.4F * card->range;
    for (int i = 0; i < CARD_ENDS; i++) {
        card->highest[i] = N * (size_t)(i + 1) / 7;
        card->lowest[i] = N * (size_t)(2 * i + 1) / 13;
        card->alike[i] =
            (struct card_related){i < 3 ? (signal + (size_t)i + 1) % SIGNALS : trace->num_signals,
                                  0.9F - 0.2F * (float)i};
        card->opposed[i] =
            (struct card_related){(signal + (size_t)i + 4) % SIGNALS, -0.7F + 0.1F * (float)i};
    }
    for (int i = 0; i < CARD_TENTHS; i++)
        card->tenths[i] = N * (size_t)(i + 1) / 11;
    qsort(values, N, sizeof *values, compare_values);
    for (int q = 0; q < CARD_QUANTILES; q++)
        card->quantiles[q] = values[(size_t)(shares[q] * (double)(N > 0 ? N - 1 : 0))];
    free(values);
}

static void add_cards(struct cards *cards, const struct trace *trace)
{
    static struct card list[SIGNALS];
    static float means[SIGNALS * MAX_SYMBOLS];
    memset(means, 0, sizeof means);
    for (size_t s = 0; s < SIGNALS; s++)
        fill_card(&list[s], trace, s, means + s * MAX_SYMBOLS);
    *cards = (struct cards){list, SIGNALS};
}

static void add_gates(struct gates *gates)
{
    static const char *const names[GATES] = {"i", "f", "g", "o"};
    enum { COUNT = GATES * LAYERS * FINDINGS_HIDDEN };
    static float low[COUNT], high[COUNT], mean[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        const float first = uniform(i, 0), second = uniform(i, 1), open = i % 3 == 0 ? 0.9F : 0.4F;
        high[i] = first * first * open;
        low[i] = second * second * (1 - high[i]);
        mean[i] = 0.5F * (1 - low[i] + high[i]);
    }
    *gates = (struct gates){GATES, names, 1, low, high, mean};
}

static void add_reach(struct reach *reach)
{
    enum { COUNT = (LAYERS + 1) * FINDINGS_STEPS };
    static float median[COUNT], low[COUNT], high[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        const float k = (float)(i % FINDINGS_STEPS), curve = (float)(i / FINDINGS_STEPS);
        median[i] = 0.3F * expf(-k / (8 + 6 * curve)) * (1 + 0.3F * uniform(i, 2));
        low[i] = median[i] / 3;
        high[i] = median[i] * 2.5F;
    }
    *reach = (struct reach){FINDINGS_STEPS, 64, LAYERS + 1, median, low, high};
}

static void add_ablation(struct ablation *ablation, const struct trace *trace)
{
    static struct trace_signal units[SIGNALS / 2];
    static float change[SIGNALS / 2], by_label[SIGNALS / 2 * FINDINGS_LABELS];
    for (uint32_t i = 0; i < SIGNALS / 2; i++) {
        units[i] = trace->signals[i];
        change[i] = 0.01F * (uniform(i, 3) - 0.2F);
        for (uint32_t k = 0; k < FINDINGS_LABELS; k++)
            by_label[i * FINDINGS_LABELS + k] = k == 0 ? NAN : 0.1F * (uniform(i, 4 + k) - 0.3F);
    }
    static size_t counts[FINDINGS_LABELS];
    *ablation = (struct ablation){ABLATION_MEAN, trace->length, SIGNALS / 2, units,
                                  1.5F,          change,        by_label,    counts};
}

void findings_add(struct example *example)
{
    struct inspection *inspection = &example->inspection;
    struct trace *trace = &inspection->trace;
    static float output_weights[MAX_SYMBOLS * FINDINGS_HIDDEN];
    trace->hidden_size = FINDINGS_HIDDEN;
    for (uint32_t i = 0; i < MAX_SYMBOLS * FINDINGS_HIDDEN; i++)
        output_weights[i] = 4 * uniform(i, 20) - 2;
    inspection->output_weights = output_weights;
    add_labels(&inspection->labels, trace->length);
    add_discoveries(&inspection->discoveries);
    add_cards(&inspection->cards, trace);
    add_gates(&inspection->gates);
    add_reach(&inspection->reach);
    add_ablation(&inspection->ablation, trace);
}

/* --- the text --------------------------------------------------------------------------------- */

static void write_verses(struct trace *trace)
{
    const size_t period = sizeof verses - 1;
    size_t line = 0;
    for (size_t t = 0; t < trace->length; t++) {
        const char *newline = strchr(verses + t % period, '\n');
        const float left = (float)(newline - (verses + t % period));
        trace->ids[t] = vocab_find_point(trace->vocab, verses[t % period]);
        *trace_place(trace, 9, t) = 2 - left / 18 + 0.4F * sinf((float)t);
        *trace_place(trace, 3, t) = tanhf(1 - left / 40);
        *trace_place(trace, 1, t) = sinf((float)line / 9);
        line = left > 0 ? line + 1 : 0;
    }
}

void findings_init(struct example *example)
{
    static const char *symbols[MAX_SYMBOLS];
    static char texts[MAX_SYMBOLS][2];
    static const size_t chosen[] = {9, 3, 1};
    int count = 0;
    for (int c = 0; c < 128; c++)
        if (c != 0 && strchr(verses, c)) {
            texts[count][0] = (char)c;
            symbols[count] = texts[count];
            count++;
        }
    example_init(example, VOCAB_CODEPOINT, symbols, count, ROUNDS);
    write_verses(&example->inspection.trace);
    example->inspection.trace.model = "runs/bible";
    example->inspection.trace.text = "genesis.txt";
    example->options.chosen = chosen;
    example->options.num_chosen = 3;
    example->options.columns = 80;
    findings_add(example);
}
