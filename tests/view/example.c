#include "example.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "file.h"

#define MAX_SYMBOLS 64
#define UNITS 3
#define SIGNALS (2 * 2 * UNITS)

static const char *const quantities[] = {"h", "c"};
static const char *const descriptions[] = {"hidden state", "cell state"};

static void fill(struct trace *trace, int count)
{
    for (size_t t = 0; t < trace->length; t++) {
        trace->ids[t] = (int32_t)(t % (size_t)count);
        trace->losses[t] = (float)(t % 7) / 2;
        trace->ranks[t] = (int32_t)(t % (size_t)count) + 1;
        for (int k = 0; k < TRACE_GUESSES; k++)
            trace->guesses[t * TRACE_GUESSES + (size_t)k] = (struct trace_guess){
                k < count ? (int32_t)((t + 1 + (size_t)k) % (size_t)count) : VOCAB_NONE,
                k < count ? 0.5F / (float)(1 << k) : 0};
        for (size_t s = 0; s < SIGNALS; s++)
            *trace_place(trace, s, t) =
                (s < SIGNALS / 2 ? 1.0F : 7.5F) * sinf((float)(t * (s + 1)) / 9);
    }
}

void example_init(struct example *example, enum vocab_unit unit, const char *const *symbols,
                  int count, int rounds)
{
    struct vocab_symbol list[MAX_SYMBOLS];
    struct trace_signal signals[SIGNALS];
    *example = (struct example){.directory = "/tmp/rune-view-XXXXXX"};
    assert_non_null(mkdtemp(example->directory));
    assert_true(count <= MAX_SYMBOLS);
    for (int i = 0; i < count; i++)
        list[i] = (struct vocab_symbol){(const uint8_t *)symbols[i], strlen(symbols[i])};
    assert_int_equal(vocab_from_symbols(&example->vocab, &(struct text_treatment){.unit = unit},
                                        list, count, VOCAB_NONE),
                     0);
    for (int s = 0; s < SIGNALS; s++)
        signals[s] = (struct trace_signal){s / (2 * UNITS), s / UNITS % 2, s % UNITS};
    struct trace *trace = &example->inspection.trace;
    assert_int_equal(trace_init(trace, (size_t)(count * rounds), signals, SIGNALS, NULL), 0);
    trace->vocab = &example->vocab;
    trace->model = "runs/</script><b>\xFF/best.safetensors";
    trace->text = "awkward & text.txt";
    trace->cell = "lstm";
    trace->num_layers = 2;
    trace->hidden_size = UNITS;
    trace->num_quantities = 2;
    trace->quantities = quantities;
    trace->descriptions = descriptions;
    fill(trace, count);
    static const size_t shown[SIGNALS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    example->options = (struct view_options){.shown = shown,
                                             .num_shown = SIGNALS,
                                             .chosen = shown,
                                             .num_chosen = 3,
                                             .length = trace->length,
                                             .text_length = trace->length,
                                             .columns = 40};
}

void example_awkward(struct example *example, int rounds)
{
    static const char *const symbols[] = {"<",
                                          "/",
                                          "s",
                                          "&",
                                          "\"",
                                          ",",
                                          "\t",
                                          "\n",
                                          "\r",
                                          "\x07",
                                          "\x7F",
                                          " ",
                                          "\u00A0",
                                          "\u0301",
                                          "\u200B",
                                          "\u200D",
                                          "\u2028",
                                          "\u202E",
                                          "\u4E2D",
                                          "\u0633",
                                          "\u05D0",
                                          "\u0939",
                                          "\u093F",
                                          "\U0001F44D",
                                          "\U0001F3FD",
                                          "\uFFFD",
                                          "\uFEFF",
                                          "\uE000",
                                          "\xC2\x85",
                                          "-",
                                          "!",
                                          ">",
                                          "\U0010FFFF",
                                          "\U000E0041",
                                          "\U0001D11E",
                                          "e\u0301",
                                          "</script><i title=x>&lt;</i>"};
    example_init(example, VOCAB_GRAPHEME, symbols, sizeof symbols / sizeof *symbols, rounds);
}

void example_release(struct example *example)
{
    char path[512];
    DIR *directory = opendir(example->directory);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));)
        if (entry->d_name[0] != '.') {
            snprintf(path, sizeof path, "%s/%s", example->directory, entry->d_name);
            unlink(path);
        }
    closedir(directory);
    assert_int_equal(rmdir(example->directory), 0); /* no temporary file is left behind */
    arena_release(&example->inspection.memory);
    trace_release(&example->inspection.trace);
    vocab_release(&example->vocab);
}

char *example_read(const struct example *example, const char *name, size_t *length)
{
    uint8_t *data;
    char *path = file_join(example->directory, name);
    assert_non_null(path);
    assert_int_equal(file_read(path, &data, length), 0);
    free(path);
    return (char *)data;
}

/* --- a large one, with all parts -------------------------------------------------------------- */

#define FULL_HIDDEN 512
#define FULL_REACH 100
#define FULL_ATTRIBUTIONS 400
#define FULL_STEPS 60
#define FULL_LABELS 4

static uint32_t draw(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

static float draw_between(uint32_t *state, float low, float high)
{
    return low + (high - low) * (float)(draw(state) & 0xFFFF) / 65535;
}

static void *new_array(struct inspection *inspection, size_t count, size_t size)
{
    void *array = arena_take(&inspection->memory, count, size);
    assert_non_null(array);
    return array;
}

/* Words in lines, some of them quoted. */
static void fill_text(struct trace *trace)
{
    static const char *const words[] = {
        "the",   "of",     "and", "river", "stone", "speaks", "a",     "light", "without",
        "under", "memory", "in",  "to",    "gate",  "that",   "keeps", "what",  "was",
        "read",  "long",   "ago", "line",  "it",    "counts", "down",  "end"};
    uint32_t random = 7;
    size_t column = 0;
    for (size_t t = 0; t < trace->length;) {
        char text[32];
        bool quoted = draw(&random) % 12 == 0, ends = draw(&random) % 9 == 0;
        snprintf(text, sizeof text, "%s%s%s%s%s", quoted ? "\"" : "",
                 words[draw(&random) % (sizeof words / sizeof *words)], ends ? "." : "",
                 quoted ? "\"" : "", column > 62 ? "\n" : " ");
        column = column > 62 ? 0 : column + strlen(text);
        for (size_t i = 0; text[i] && t < trace->length; i++, t++) {
            trace->ids[t] = vocab_find_point(trace->vocab, text[i]);
            assert_true(trace->ids[t] >= 0);
        }
    }
    for (size_t t = 0; t < trace->length; t++) {
        float prob = 0.7F;
        for (size_t k = 0; k < TRACE_GUESSES; k++, prob *= 0.3F)
            trace->guesses[t * TRACE_GUESSES + k] =
                (struct trace_guess){k == 1 && t + 1 < trace->length
                                         ? trace->ids[t + 1]
                                         : (int32_t)(draw(&random) % (uint32_t)trace->vocab->size),
                                     prob};
        trace->losses[t] = draw_between(&random, 0, 4);
        trace->ranks[t] = 1 + (int32_t)(draw(&random) % 9);
    }
}

/* Signal 0 is on between quotes, 1 counts down to the end of the line, others wander; the last are
 * noise that cannot be compressed. */
static void fill_signals(struct trace *trace)
{
    uint32_t random = 11;
    for (size_t s = 0; s < trace->num_signals; s++) {
        float value = 0;
        for (size_t t = 0; t < trace->length; t++) {
            const char byte = (char)*trace->vocab->symbols[trace->ids[t]].bytes;
            if (s == 0)
                value = byte == '"' ? (value > 0 ? -0.2F : 0.9F) : value;
            else if (s == 1)
                value = byte == '\n' ? 1 : value - 0.026F;
            else if (s % 3 == 0)
                value = draw_between(&random, -1, 1);
            else
                value = 0.9F * value + draw_between(&random, -0.2F, 0.2F) +
                        (byte == ' ' ? 0.3F * sinf((float)s) : 0);
            *trace_place(trace, s, t) =
                (trace->signals[s].quantity ? 3 : 1) * (value + draw_between(&random, -0.1F, 0.1F));
        }
    }
}

static void add_discoveries(struct inspection *inspection)
{
    static struct label labels[FULL_LABELS] = {
        {"inside quotes", "inside quotes", NULL, NULL, LABEL_BINARY, false, NULL},
        {"left in line", NULL, "counts up along the line to go",
         "counts down to the end of the line", LABEL_SCALAR, false, NULL},
        {"inside word", "inside words", NULL, NULL, LABEL_BINARY, false, NULL},
        {"sentence start", "where a sentence starts", NULL, NULL, LABEL_BINARY, true, NULL}};
    const size_t S = inspection->trace.num_signals;
    struct discoveries *discoveries = &inspection->discoveries;
    inspection->labels =
        (struct labels){.length = inspection->trace.length, .count = FULL_LABELS, .list = labels};
    discoveries->list = new_array(inspection, S, sizeof *discoveries->list);
    discoveries->count = S;
    for (size_t i = 0; i < S; i++) {
        const bool scalar = i % FULL_LABELS == 1;
        const float score = 0.98F - 0.4F * (float)i / (float)S;
        discoveries->list[i] = (struct discovery){
            .signal = i,
            .label = i % FULL_LABELS,
            .measure = scalar ? MEASURE_R : MEASURE_AUC,
            .score = scalar ? -score : score,
            .baseline = 0.55F,
            .sign = scalar || i % 5 == 4 ? -1 : 1,
            .auc = score,
            .r = score,
            .on = 0.8F,
            .off = 0.1F,
            .p = 0.001F,
        };
    }
}

static void add_cards(struct inspection *inspection)
{
    const struct trace *trace = &inspection->trace;
    const size_t S = trace->num_signals, V = (size_t)trace->vocab->size;
    struct cards *cards = &inspection->cards;
    uint32_t random = 3;
    cards->list = new_array(inspection, S, sizeof *cards->list);
    float *means = new_array(inspection, S * V, sizeof *means);
    cards->count = S;
    for (size_t s = 0; s < S; s++) {
        struct card *card = &cards->list[s];
        const float range = trace_range(trace, s);
        *card = (struct card){
            .signal = s, .range = range, .deviation = range / 3, .by_symbol = means + s * V};
        for (int i = 0; i < CARD_BINS; i++) {
            const double x = (i - 14.0) / 8;
            card->histogram[i] = (size_t)(20000 * exp(-x * x));
        }
        for (int i = 0; i < CARD_QUANTILES; i++)
            card->quantiles[i] = range * ((float)i / 4 - 1);
        for (size_t i = 0; i < CARD_ENDS; i++) {
            card->highest[i] = draw(&random) % trace->length;
            card->lowest[i] = draw(&random) % trace->length;
            card->alike[i] = (struct card_related){(s + 2 * i + 1) % S, 0.9F - 0.1F * (float)i};
            card->opposed[i] = (struct card_related){i < 2 ? (s + 3 * i + 2) % S : S, -0.7F};
        }
        for (size_t i = 0; i < CARD_TENTHS; i++)
            card->tenths[i] = draw(&random) % trace->length;
        for (size_t v = 0; v < V; v++)
            card->by_symbol[v] = v == 3 ? NAN : draw_between(&random, -range, range);
    }
}

static void add_gates(struct inspection *inspection)
{
    static const char *const names[] = {"i", "f", "g", "o"};
    const size_t units = (size_t)2 * FULL_HIDDEN;
    struct gates *gates = &inspection->gates;
    uint32_t random = 5;
    *gates = (struct gates){4,
                            names,
                            1,
                            new_array(inspection, 4 * units, sizeof(float)),
                            new_array(inspection, 4 * units, sizeof(float)),
                            new_array(inspection, 4 * units, sizeof(float))};
    for (size_t i = 0; i < 4 * units; i++) {
        const float low = draw_between(&random, 0, 1), high = draw_between(&random, 0, 1);
        gates->low[i] = low * low * (i / FULL_HIDDEN % 2 ? 1 : 0.4F);
        gates->high[i] = high * high * high * (1 - gates->low[i]);
        gates->mean[i] = 0.5F * (1 - gates->low[i]) + 0.49F * gates->high[i];
    }
}

static void add_memory(struct inspection *inspection)
{
    struct reach *reach = &inspection->reach;
    struct attributions *attributions = &inspection->attributions;
    uint32_t random = 9;
    *reach = (struct reach){FULL_REACH,
                            256,
                            3,
                            new_array(inspection, 3 * FULL_REACH, sizeof(float)),
                            new_array(inspection, 3 * FULL_REACH, sizeof(float)),
                            new_array(inspection, 3 * FULL_REACH, sizeof(float))};
    for (size_t i = 0; i < 3 * FULL_REACH; i++) {
        const float k = (float)(i % FULL_REACH), layer = (float)(i / FULL_REACH); /* NOLINT */
        reach->median[i] = 0.3F / (1 + layer) * expf(-k / (12 + 9 * layer));
        reach->low[i] = reach->median[i] * 0.3F;
        reach->high[i] = reach->median[i] * 2.7F;
    }
    *attributions = (struct attributions){
        FULL_ATTRIBUTIONS, FULL_STEPS, new_array(inspection, FULL_ATTRIBUTIONS, sizeof(size_t)),
        new_array(inspection, (size_t)FULL_ATTRIBUTIONS * FULL_STEPS, sizeof(float))};
    for (size_t i = 0; i < FULL_ATTRIBUTIONS; i++)
        attributions->positions[i] = 100 + i;
    for (size_t i = 0; i < (size_t)FULL_ATTRIBUTIONS * FULL_STEPS; i++)
        attributions->weights[i] =
            draw_between(&random, -1, 1) * expf(-(float)(i % FULL_STEPS) / 8);
}

static void add_ablation(struct inspection *inspection)
{
    const struct trace *trace = &inspection->trace;
    struct ablation *ablation = &inspection->ablation;
    const size_t count = trace->num_signals / 2 - 1; /* one was not ablated */
    uint32_t random = 13;
    *ablation = (struct ablation){ABLATION_MEAN,
                                  4000,
                                  count,
                                  new_array(inspection, count, sizeof(struct trace_signal)),
                                  1.5F,
                                  new_array(inspection, count, sizeof(float)),
                                  new_array(inspection, count * FULL_LABELS, sizeof(float)),
                                  new_array(inspection, FULL_LABELS, sizeof(size_t))};
    for (size_t i = 0; i < count; i++) {
        ablation->units[i] = trace->signals[i];
        ablation->change[i] = draw_between(&random, -0.001F, 0.02F);
        for (size_t k = 0; k < FULL_LABELS; k++)
            ablation->by_label[i * FULL_LABELS + k] =
                k == 1 ? NAN : draw_between(&random, -0.01F, 0.1F);
    }
    const size_t weights = (size_t)trace->vocab->size * FULL_HIDDEN;
    inspection->output_weights = new_array(inspection, weights, sizeof(float));
    for (size_t i = 0; i < weights; i++)
        inspection->output_weights[i] = draw_between(&random, -2, 2);
}

void example_full(struct example *example, size_t length, int units)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz \n.\"";
    struct vocab_symbol symbols[sizeof letters - 1];
    const size_t S = 2 * (size_t)units;
    *example = (struct example){.directory = "/tmp/rune-view-XXXXXX"};
    struct inspection *inspection = &example->inspection;
    struct trace_signal *signals = new_array(inspection, S, sizeof *signals);
    assert_non_null(mkdtemp(example->directory));
    for (size_t i = 0; i < sizeof letters - 1; i++)
        symbols[i] = (struct vocab_symbol){(const uint8_t *)&letters[i], 1};
    assert_int_equal(vocab_from_symbols(&example->vocab, &(struct text_treatment){0}, symbols,
                                        sizeof letters - 1, VOCAB_NONE),
                     0);
    example->shown = new_array(inspection, S, sizeof *example->shown);
    for (int s = 0; s < 2 * units; s++) {
        signals[s] = (struct trace_signal){s / units, s % units % 2, s % units * 5 % FULL_HIDDEN};
        example->shown[s] = (size_t)(s / 2 + (s % 2 ? units : 0)); /* h and c of a unit, in turn */
    }
    struct trace *trace = &example->inspection.trace;
    assert_int_equal(trace_init(trace, length, signals, S, NULL), 0);
    trace->vocab = &example->vocab;
    trace->model = "runs/rivers";
    trace->text = "rivers.txt";
    trace->cell = "lstm";
    trace->num_layers = 2;
    trace->hidden_size = FULL_HIDDEN;
    trace->num_quantities = 2;
    trace->quantities = quantities;
    trace->descriptions = descriptions;
    fill_text(trace);
    fill_signals(trace);
    add_discoveries(&example->inspection);
    add_cards(&example->inspection);
    add_gates(&example->inspection);
    add_memory(&example->inspection);
    add_ablation(&example->inspection);
    example->options = (struct view_options){.shown = example->shown,
                                             .num_shown = S,
                                             .chosen = example->shown,
                                             .num_chosen = 1,
                                             .length = length,
                                             .text_length = length,
                                             .columns = 80,
                                             .max_bytes = VIEW_PAGE_BYTES};
}
