#include "findings.h"

#include <math.h>
#include <stdlib.h>

#include "about.h"
#include "error.h"
#include "means.h"
#include "mem.h"

#define SYMBOLS_EACH 14   /* symbols with the highest means, and with the lowest */
#define OUTPUT_WEIGHTS 12 /* largest output weights, and smallest */

/* --- parts of JSON ---------------------------------------------------------------------------- */

static json_t *numbers(const float *values, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, about_number((double)values[i]));
    return list;
}

static json_t *counts(const size_t *values, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_integer((json_int_t)values[i]));
    return list;
}

/* The positions below `length`. */
static json_t *positions(const size_t *values, size_t count, size_t length)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        if (values[i] < length)
            json_array_append_new(list, json_integer((json_int_t)values[i]));
    return list;
}

/* The same for rising positions: the first, then the distance of each to its predecessor. */
static json_t *distances(const size_t *values, size_t count, size_t length)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count && values[i] < length; i++)
        json_array_append_new(list,
                              json_integer((json_int_t)(values[i] - (i > 0 ? values[i - 1] : 0))));
    return list;
}

static json_t *signal_json(const struct trace *trace, size_t signal)
{
    const struct trace_signal *s = &trace->signals[signal];
    return json_pack("[i, i, i]", s->quantity, s->layer, s->unit);
}

/* The object; or NULL and a message, and the object released, if a part failed. */
static json_t *complete(json_t *object, bool failed)
{
    if (!failed)
        return object;
    json_decref(object);
    error_set("no memory for the page");
    return NULL;
}

/* --- the network ------------------------------------------------------------------------------ */

static json_t *labels_json(const struct labels *labels)
{
    json_t *list = json_array();
    for (size_t k = 0; k < labels->count; k++)
        json_array_append_new(list, json_string(labels->list[k].name));
    return list;
}

static json_t *discovery_json(const struct inspection *inspection,
                              const struct discovery *discovery)
{
    char text[512];
    discovery_describe(discovery, &inspection->trace, &inspection->labels, text, sizeof text);
    return json_pack("[o, i, s, o, o, s]", signal_json(&inspection->trace, discovery->signal),
                     (int)discovery->label, measure_names[discovery->measure],
                     about_number((double)discovery->score),
                     about_number((double)discovery->baseline), text);
}

/* Best first, at most FINDINGS_EACH of a signal. */
static json_t *discoveries_json(const struct inspection *inspection)
{
    const struct discoveries *discoveries = &inspection->discoveries;
    unsigned char *taken = mem_new(inspection->trace.num_signals, 1);
    json_t *list = taken ? json_array() : NULL;
    for (size_t i = 0; list && i < discoveries->count; i++) {
        const struct discovery *discovery = &discoveries->list[i];
        if (taken[discovery->signal]++ < FINDINGS_EACH)
            json_array_append_new(list, discovery_json(inspection, discovery));
        else
            taken[discovery->signal] = FINDINGS_EACH;
    }
    free(taken);
    return list;
}

static json_t *gates_json(const struct inspection *inspection)
{
    const struct gates *gates = &inspection->gates;
    const struct trace *trace = &inspection->trace;
    const size_t units = (size_t)trace->num_layers * (size_t)trace->hidden_size;
    json_t *list = json_array();
    for (size_t g = 0; g < (size_t)gates->count; g++)
        json_array_append_new(list, json_pack("{s:s, s:b, s:o, s:o, s:o}", "name", gates->names[g],
                                              "keeps", (int)g == gates->forget, "low",
                                              numbers(gates->low + g * units, units), "high",
                                              numbers(gates->high + g * units, units), "mean",
                                              numbers(gates->mean + g * units, units)));
    return list;
}

static json_t *reach_json(const struct reach *reach)
{
    const size_t steps = (size_t)reach->steps;
    json_t *curves = json_array();
    for (size_t i = 0; i < (size_t)reach->curves; i++)
        json_array_append_new(curves, json_pack("{s:o, s:o, s:o}", "median",
                                                numbers(reach->median + i * steps, steps), "low",
                                                numbers(reach->low + i * steps, steps), "high",
                                                numbers(reach->high + i * steps, steps)));
    return json_pack("{s:i, s:o}", "positions", reach->positions, "curves", curves);
}

json_t *findings_new(const struct inspection *inspection, const size_t *symbol_counts,
                     size_t length)
{
    const struct attributions *attributions = &inspection->attributions;
    const struct ablation *ablation = &inspection->ablation;
    json_t *discoveries = discoveries_json(inspection), *findings = json_object();
    int failed =
        !discoveries || json_object_set_new(findings, "labels", labels_json(&inspection->labels)) ||
        json_object_set(findings, "discoveries", discoveries) ||
        json_object_set_new(findings, "quantiles", numbers(card_quantiles, CARD_QUANTILES)) ||
        json_object_set_new(findings, "times",
                            counts(symbol_counts, (size_t)inspection->trace.vocab->size));
    if (inspection->gates.count > 0)
        failed |= json_object_set_new(findings, "gates", gates_json(inspection));
    if (inspection->reach.curves > 0)
        failed |= json_object_set_new(findings, "reach", reach_json(&inspection->reach));
    if (attributions->count > 0)
        failed |= json_object_set_new(
            findings, "attributions",
            json_pack("{s:i, s:o}", "steps", (int)attributions->steps, "distances",
                      distances(attributions->positions, attributions->count, length)));
    if (ablation->count > 0)
        failed |= json_object_set_new(findings, "ablation",
                                      json_pack("{s:s, s:i, s:f}", "clamped",
                                                ablation->kind == ABLATION_MEAN ? "its mean" : "0",
                                                "length", (int)ablation->length, "loss",
                                                (double)ablation->loss));
    json_decref(discoveries);
    return complete(findings, failed);
}

/* --- a signal --------------------------------------------------------------------------------- */

struct output_weight {
    int symbol;
    float weight;
};

static int compare_weights(const void *a, const void *b)
{
    const struct output_weight *left = a, *right = b;
    if (left->weight != right->weight)
        return left->weight > right->weight ? -1 : 1;
    return left->symbol < right->symbol ? -1 : 1;
}

/* Two lists of [symbol, mean of the signal after it]: the highest means and the lowest. The second
 * is empty if the first has all. */
static json_t *by_symbol_json(const struct trace *trace, const struct card *card,
                              const size_t *counts)
{
    struct symbol_mean *means = mem_new((size_t)trace->vocab->size, sizeof *means);
    if (!means)
        return NULL;
    const int count = means_list(card, counts, trace->vocab->size, means, NULL);
    const bool all = count <= 2 * SYMBOLS_EACH;
    json_t *lists = json_pack("[[], []]");
    for (int i = 0; i < count; i++)
        if (all || i < SYMBOLS_EACH || i >= count - SYMBOLS_EACH)
            json_array_append_new(json_array_get(lists, !all && i >= SYMBOLS_EACH),
                                  json_pack("[i, f]", means[i].symbol, (double)means[i].mean));
    free(means);
    return lists;
}

static json_t *related_json(const struct trace *trace, const struct card_related *related)
{
    json_t *list = json_array();
    for (size_t i = 0; i < CARD_RELATED && related[i].signal < trace->num_signals; i++)
        json_array_append_new(
            list, json_pack("[o, f]", signal_json(trace, related[i].signal), (double)related[i].r));
    return list;
}

static json_t *card_json(const struct trace *trace, const struct card *card,
                         const size_t *symbol_counts, size_t length)
{
    return json_pack(
        "{s:f, s:f, s:f, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "range", (double)card->range,
        "mean", (double)card->mean, "deviation", (double)card->deviation, "histogram",
        counts(card->histogram, CARD_BINS), "quantiles", numbers(card->quantiles, CARD_QUANTILES),
        "highest", positions(card->highest, CARD_ENDS, length), "lowest",
        positions(card->lowest, CARD_ENDS, length), "tenths",
        positions(card->tenths, CARD_TENTHS, length), "by_symbol",
        by_symbol_json(trace, card, symbol_counts), "alike", related_json(trace, card->alike),
        "opposed", related_json(trace, card->opposed));
}

/* Two lists of [symbol, output weight] of a unit of the last layer: the largest weights and the
 * smallest. */
static json_t *output_weights_json(const struct trace *trace, const float *weights, int unit)
{
    const int V = trace->vocab->size, shown = V / 2 < OUTPUT_WEIGHTS ? V / 2 : OUTPUT_WEIGHTS;
    struct output_weight *symbols = mem_new((size_t)V, sizeof *symbols);
    if (!symbols)
        return NULL;
    for (int v = 0; v < V; v++)
        symbols[v] = (struct output_weight){
            v, weights[(size_t)v * (size_t)trace->hidden_size + (size_t)unit]};
    qsort(symbols, (size_t)V, sizeof *symbols, compare_weights);
    json_t *up = json_array(), *down = json_array();
    for (int i = 0; i < shown; i++) {
        const struct output_weight *first = &symbols[i], *last = &symbols[V - 1 - i];
        json_array_append_new(up, json_pack("[i, f]", first->symbol, (double)first->weight));
        json_array_append_new(down, json_pack("[i, f]", last->symbol, (double)last->weight));
    }
    free(symbols);
    return json_pack("[o, o]", up, down);
}

/* The change of the loss without the unit: in all and, as [[label, change], …], by label. NULL if
 * the unit was not ablated. */
static json_t *ablation_json(const struct ablation *ablation, size_t num_labels,
                             const struct trace_signal *signal)
{
    const size_t i = ablation_find(ablation, signal);
    if (i == ablation->count)
        return NULL;
    json_t *by_label = json_array();
    for (size_t k = 0; ablation->by_label && k < num_labels; k++) {
        float change = ablation->by_label[i * num_labels + k];
        if (isfinite(change))
            json_array_append_new(by_label, json_pack("[i, f]", (int)k, (double)change));
    }
    return json_pack("{s:o, s:o}", "change", about_number((double)ablation->change[i]), "by_label",
                     by_label);
}

json_t *findings_of_signal(const struct inspection *inspection, const size_t *symbol_counts,
                           size_t signal, size_t length)
{
    const struct trace *trace = &inspection->trace;
    const struct trace_signal *named = &trace->signals[signal];
    const struct card *card = cards_find(&inspection->cards, signal);
    json_t *findings = json_object();
    int failed = !findings;
    if (card)
        failed |=
            json_object_set_new(findings, "card", card_json(trace, card, symbol_counts, length));
    if (inspection->output_weights && named->layer == trace->num_layers - 1)
        failed |= json_object_set_new(
            findings, "output_weights",
            output_weights_json(trace, inspection->output_weights, named->unit));
    json_t *ablation = ablation_json(&inspection->ablation, inspection->labels.count, named);
    if (ablation)
        failed |= json_object_set_new(findings, "ablation", ablation);
    return complete(findings, failed);
}
