#include "findings.h"

#include <math.h>

#include "about.h"

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

/* Those of the numbers that are below `end`. */
static json_t *integers(const size_t *values, size_t count, size_t end)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        if (values[i] < end)
            json_array_append_new(list, json_integer((json_int_t)values[i]));
    return list;
}

/* The same for rising numbers: the first, then the distance of each to its predecessor. */
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
    char text[DISCOVERY_ROOM];
    discovery_describe(discovery, &inspection->trace, &inspection->labels, text);
    return json_pack("[o, i, s, o, o, s]", signal_json(&inspection->trace, discovery->signal),
                     (int)discovery->label, measure_names[discovery->measure],
                     about_number((double)discovery->score),
                     about_number((double)discovery->baseline), text);
}

/* Best first, at most FINDINGS_EACH of a signal. */
static json_t *discoveries_json(const struct inspection *inspection)
{
    const struct discovery *all = inspection->discoveries.list;
    json_t *list = json_array();
    for (size_t i = 0; i < inspection->discoveries.count; i++) {
        int better = 0;
        for (size_t j = 0; j < i && better < FINDINGS_EACH; j++)
            better += all[j].signal == all[i].signal;
        if (better < FINDINGS_EACH)
            json_array_append_new(list, discovery_json(inspection, &all[i]));
    }
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

static json_t *attributions_json(const struct attributions *attributions, size_t length)
{
    return json_pack("{s:i, s:o}", "steps", (int)attributions->steps, "distances",
                     distances(attributions->positions, attributions->count, length));
}

static json_t *ablation_json(const struct ablation *ablation)
{
    return json_pack("{s:s, s:i, s:f}", "clamped",
                     ablation->kind == ABLATION_MEAN ? "its mean" : "0", "length",
                     (int)ablation->length, "loss", (double)ablation->loss);
}

json_t *findings_new(const struct inspection *inspection, const struct symbols *symbols,
                     size_t length)
{
    const struct attributions *attributions = &inspection->attributions;
    const struct ablation *ablation = &inspection->ablation;
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o*, s:o*, s:o*, s:o*}", /* o*: NULL is left out */
        "labels", labels_json(&inspection->labels),     /**/
        "discoveries", discoveries_json(inspection), "quantiles",
        numbers(card_quantiles, CARD_QUANTILES), /**/
        "times", integers(symbols->counts, (size_t)inspection->trace.vocab->size, SIZE_MAX),
        "gates", inspection->gates.count > 0 ? gates_json(inspection) : NULL, "reach",
        inspection->reach.curves > 0 ? reach_json(&inspection->reach) : NULL, "attributions",
        attributions->count > 0 ? attributions_json(attributions, length) : NULL, "ablation",
        ablation->count > 0 ? ablation_json(ablation) : NULL);
}

/* --- a signal --------------------------------------------------------------------------------- */

/* [symbol, value] of so many symbols of the list, from `first` on in that direction. */
static json_t *values_json(const struct symbols *symbols, int first, int count, int step)
{
    json_t *list = json_array();
    for (int i = 0; i < count; i++) {
        const struct symbol_value *at = &symbols->list[first + i * step];
        json_array_append_new(list, json_pack("[i, f]", at->symbol, (double)at->value));
    }
    return list;
}

/* Two lists of [symbol, mean of the signal after it]: the highest means and the lowest. The second
 * is empty if the first has all. */
static json_t *by_symbol_json(struct symbols *symbols, const struct card *card)
{
    symbols_list_means(symbols, card);
    const int count = symbols->count;
    const bool all = count <= 2 * SYMBOLS_EACH;
    return json_pack("[o, o]", values_json(symbols, 0, all ? count : SYMBOLS_EACH, 1),
                     values_json(symbols, count - SYMBOLS_EACH, all ? 0 : SYMBOLS_EACH, 1));
}

/* Two lists of [symbol, output weight] of a unit of the last layer: the largest weights and the
 * smallest. */
static json_t *output_weights_json(struct symbols *symbols, const float *weights, int unit)
{
    symbols_list_weights(symbols, weights, unit);
    const int half = symbols->count / 2, shown = half < OUTPUT_WEIGHTS ? half : OUTPUT_WEIGHTS;
    return json_pack("[o, o]", values_json(symbols, 0, shown, 1),
                     values_json(symbols, symbols->count - 1, shown, -1));
}

static json_t *related_json(const struct trace *trace, const struct card_related *related)
{
    json_t *list = json_array();
    for (size_t i = 0; i < CARD_RELATED && related[i].signal < trace->num_signals; i++)
        json_array_append_new(
            list, json_pack("[o, f]", signal_json(trace, related[i].signal), (double)related[i].r));
    return list;
}

static json_t *card_json(struct symbols *symbols, const struct card *card, size_t length)
{
    return json_pack(
        "{s:f, s:f, s:f, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "range", (double)card->range,
        "mean", (double)card->mean, "deviation", (double)card->deviation, "histogram",
        integers(card->histogram, CARD_BINS, SIZE_MAX), "quantiles",
        numbers(card->quantiles, CARD_QUANTILES), "highest",
        integers(card->highest, CARD_ENDS, length), "lowest",
        integers(card->lowest, CARD_ENDS, length), "tenths",
        integers(card->tenths, CARD_TENTHS, length), "by_symbol", by_symbol_json(symbols, card),
        "alike", related_json(symbols->trace, card->alike), "opposed",
        related_json(symbols->trace, card->opposed));
}

/* The change of the loss without the unit: in all and, as [[label, change], …], by label. NULL if
 * the unit was not ablated. */
static json_t *changes_json(const struct ablation *ablation, size_t num_labels,
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

json_t *findings_of_signal(const struct inspection *inspection, struct symbols *symbols,
                           size_t signal, size_t length)
{
    const struct trace_signal *named = &inspection->trace.signals[signal];
    const struct card *card = cards_find(&inspection->cards, signal);
    const float *weights = inspection->output_weights;
    const bool last = named->layer == inspection->trace.num_layers - 1;
    return json_pack("{s:o*, s:o*, s:o*}", "card", card ? card_json(symbols, card, length) : NULL,
                     "output_weights",
                     weights && last ? output_weights_json(symbols, weights, named->unit) : NULL,
                     "ablation",
                     changes_json(&inspection->ablation, inspection->labels.count, named));
}
