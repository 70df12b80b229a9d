#include "inspect.h"

#include <math.h>

#include "ablate.h"
#include "error.h"
#include "probe.h"
#include "reach.h"

#define REACH_POSITIONS 64
#define REACH_STEPS 100
#define ATTRIBUTION_STEPS 40
#define ATTRIBUTION_WORK 1e12 /* FLOP that attributions may take, 6 a parameter and timestep */
#define ABLATION_LENGTH 4000
#define ABLATION_BEST 32
#define ABLATION_LIMIT 1e-3  /* nats by which the loss in bf16 may differ from that in float32 */
#define CARD_VALUES 60000000 /* of the signals that have a card: more than a page can hold */

struct work {
    struct inspect_result *result;
    struct inspection *inspection; /* the result's, and */
    struct arena *memory;          /* where its arrays are */
    struct team *team;
    struct model *model;
    const struct temp_mapping *text; /* what the ids are in */
    const int32_t *ids;
    size_t length;
    const struct inspect_options *options;
    struct arena scratch;
};

static void tell(const struct work *work, const char *what)
{
    if (work->options->progress)
        work->options->progress(work->options->context, what);
}

/* --- what is probed --------------------------------------------------------------------------- */

static int probe_signals(struct work *work, const struct trace_signal *signals, size_t count,
                         struct gates *gates)
{
    const struct probe_options probe = {.model = work->options->model_name,
                                        .text = work->options->text_name,
                                        .temp_path = work->options->temp_path,
                                        .signals = signals,
                                        .num_signals = count};
    tell(work, "reading the text");
    return probe_run(&work->inspection->trace, gates, work->memory, work->team, work->model,
                     work->text, work->length, &probe);
}

/* The states of all units, which are compared, and the other quantities that are shown. */
static bool is_probed(const struct work *work, int quantity)
{
    return quantity < work->model->cell->num_states || work->options->quantities[quantity];
}

/* Quantity by quantity, layer by layer. */
static int probe_units(struct work *work)
{
    const struct model *model = work->model;
    const int quantities = model->cell->num_states + model->cell->num_gates;
    const int H = model->hidden_size, units = model->num_layers * H;
    struct trace_signal *signals =
        arena_take(&work->scratch, (uint64_t)quantities * (uint64_t)units, sizeof *signals);
    size_t count = 0;
    if (!signals)
        return -1;
    for (int q = 0; q < quantities; q++)
        for (int k = 0; k < units && is_probed(work, q); k++)
            signals[count++] = (struct trace_signal){q, k / H, k % H};
    return probe_signals(work, signals, count, &work->inspection->gates);
}

/* --- which signals are shown ------------------------------------------------------------------ */

/* Adds the wanted signals of a unit that is not among the shown yet. */
static void show_unit(struct work *work, bool *taken, int layer, int unit)
{
    struct inspect_result *result = work->result;
    const struct layer_kind *cell = work->model->cell;
    const size_t at = (size_t)layer * (size_t)work->model->hidden_size + (size_t)unit;
    if (taken[at])
        return;
    taken[at] = true;
    const size_t units = (size_t)work->model->num_layers * (size_t)work->model->hidden_size;
    size_t signal = at; /* as probe_units orders them */
    for (int q = 0; q < cell->num_states + cell->num_gates; q++) {
        if (work->options->quantities[q])
            result->shown[result->num_shown++] = signal;
        if (is_probed(work, q))
            signal += units;
    }
}

/* The unit of a signal. */
static void show_unit_of(struct work *work, bool *taken, size_t signal)
{
    const struct trace_signal *of = &work->inspection->trace.signals[signal];
    show_unit(work, taken, of->layer, of->unit);
}

/* Those with a discovery, best first, then those that vary most. */
static int show_all(struct work *work, bool *taken)
{
    const struct trace *trace = &work->inspection->trace;
    const struct discoveries *discoveries = &work->inspection->discoveries;
    size_t *varying = arena_take(&work->scratch, trace->num_signals, sizeof *varying);
    const int count = varying ? trace_most_varying(trace, trace->num_signals, varying) : -1;
    for (size_t k = 0; count >= 0 && k < discoveries->num_units; k++)
        show_unit_of(work, taken, discoveries->list[discoveries->units[k]].signal);
    for (int k = 0; k < count; k++)
        show_unit_of(work, taken, varying[k]);
    return count >= 0 ? 0 : -1;
}

/* The units that were asked for, or all. */
static int rank(struct work *work)
{
    const struct trace *trace = &work->inspection->trace;
    const struct inspect_options *options = work->options;
    const size_t units = (size_t)trace->num_layers * (size_t)trace->hidden_size;
    bool *taken = arena_take(&work->scratch, units, sizeof *taken);
    work->result->shown = arena_take(work->memory, trace->num_signals, sizeof *work->result->shown);
    if (!taken || !work->result->shown)
        return -1;
    for (size_t k = 0; k < options->num_units; k++)
        show_unit(work, taken, options->units[k].layer, options->units[k].unit);
    return options->num_units == 0 ? show_all(work, taken) : 0;
}

/* --- what is found out ------------------------------------------------------------------------ */

static int label(struct work *work)
{
    struct labels *labels = &work->inspection->labels;
    const struct inspect_options *options = work->options;
    const struct vocab *vocab = &work->model->vocab;
    tell(work, "labelling the text");
    if (labels_make(labels, vocab, work->ids, work->length) != 0 ||
        labels_add_patterns(labels, vocab, work->ids, options->patterns, options->num_patterns) !=
            0)
        return -1;
    return options->labels_file
               ? labels_add_file(labels, options->labels_file, options->text_length)
               : 0;
}

static int find(struct work *work)
{
    tell(work, "comparing units with labels");
    return discover(&work->inspection->discoveries, work->memory, work->team,
                    &work->inspection->trace, &work->inspection->labels);
}

/* Makes cards of the signals that are shown first. */
static int describe(struct work *work)
{
    const struct inspect_result *result = work->result;
    const size_t most = CARD_VALUES / work->length + 1;
    tell(work, "describing units");
    return cards_make(&work->inspection->cards, work->memory, work->team, &work->inspection->trace,
                      result->shown, result->num_shown < most ? result->num_shown : most);
}

/* The weights of the linear layer, [V][H]. */
static int copy_output_weights(struct work *work)
{
    const struct model *model = work->model;
    const struct param *linear = params_at(&model->params, model->depth - 1, 0);
    const size_t count = (size_t)model->vocab_size * (size_t)model->hidden_size;
    float *weights = arena_take(work->memory, count, sizeof *weights);
    for (size_t k = 0; weights && k < count; k++)
        weights[k] = (float)model->weights[linear->offset + k];
    work->inspection->output_weights = weights;
    return weights ? 0 : -1;
}

/* Where all losses of the text are finite, their gradients, and losses with units clamped, need not
 * be. */
static int check_finite(const struct work *work, const float *numbers, size_t count)
{
    for (size_t k = 0; k < count; k++)
        if (!isfinite(numbers[k]))
            return error_set("%s: how its loss changes is not finite: " MODEL_UNSOUND,
                             work->options->model_name);
    return 0;
}

/* How far the past matters, and what the predictions of the passage depend on: as many of them as
 * can be had in a few seconds. */
static int look_back(struct work *work)
{
    const double each = 6 * ATTRIBUTION_STEPS * (double)work->model->params.total;
    const double most = fmax(ATTRIBUTION_WORK / each, 1);
    const size_t start = work->options->start, left = work->length - start;
    const size_t count = (double)left < most ? left : (size_t)most;
    struct reach *reach = &work->inspection->reach;
    struct attributions *attributions = &work->inspection->attributions;
    tell(work, "looking back");
    if (reach_measure(reach, work->memory, work->team, work->model, work->ids, work->length,
                      REACH_POSITIONS, REACH_STEPS) != 0 ||
        attributions_measure(attributions, work->memory, work->team, work->model, work->ids,
                             work->length, start, count, ATTRIBUTION_STEPS) != 0)
        return -1;
    const size_t points = (size_t)reach->curves * (size_t)reach->steps;
    if (check_finite(work, reach->low, points) != 0 || check_finite(work, reach->high, points) != 0)
        return -1;
    return check_finite(work, attributions->weights, attributions->count * attributions->steps);
}

static int ablate_in(struct work *work, const struct engine *engine,
                     const struct trace_signal *units, size_t count)
{
    const size_t length = work->length < ABLATION_LENGTH ? work->length : ABLATION_LENGTH;
    if (work->model->engine != engine && model_change_engine(work->model, engine) != 0)
        return -1;
    return ablate(&work->inspection->ablation, work->memory, work->team, work->model, work->ids,
                  length, work->options->ablation_kind, units, count, &work->inspection->labels);
}

/* Whether the whole model has nearly the loss that the probe saw in float32. */
static bool is_near(const struct work *work)
{
    const struct ablation *ablation = &work->inspection->ablation;
    double sum = 0;
    for (size_t t = 0; t < ablation->length; t++)
        sum += (double)work->inspection->trace.losses[t];
    return fabs(sum / (double)ablation->length - (double)ablation->loss) <= ABLATION_LIMIT;
}

/* In bf16, two to three times as fast, where the machine has it and the loss allows it. */
static int hold_still(struct work *work, const struct trace_signal *units, size_t count)
{
    const struct engine *own = work->model->engine;
    const struct engine *quick = work->options->exact ? own : engine_find(PRECISION_BF16);
    tell(work, "ablating units");
    if (!quick || ablate_in(work, quick, units, count) != 0)
        return -1;
    if (quick == own)
        return 0;
    if (is_near(work))
        return model_change_engine(work->model, own);
    return ablate_in(work, own, units, count);
}

/* The units that are shown first, or all of the model in their order. */
static int take_away(struct work *work)
{
    const struct model *model = work->model;
    const struct trace *trace = &work->inspection->trace;
    const int H = model->hidden_size;
    const size_t all = (size_t)model->num_layers * (size_t)H;
    struct trace_signal *units = arena_take(&work->scratch, all, sizeof *units);
    size_t count = 0;
    if (!units)
        return -1;
    const bool every = work->options->ablation == INSPECT_ABLATE_ALL;
    for (; every && count < all; count++)
        units[count] = (struct trace_signal){0, (int)count / H, (int)count % H};
    for (size_t k = 0; !every && k < work->result->num_shown && count < ABLATION_BEST; k++) {
        const struct trace_signal *signal = &trace->signals[work->result->shown[k]];
        if (count == 0 || units[count - 1].layer != signal->layer ||
            units[count - 1].unit != signal->unit)
            units[count++] = (struct trace_signal){0, signal->layer, signal->unit};
    }
    return hold_still(work, units, count) == 0
               ? check_finite(work, work->inspection->ablation.change, count)
               : -1;
}

/* --- the whole -------------------------------------------------------------------------------- */

/* Releases scratch memory, and what was found out if that failed. */
static int end_work(struct work *work, bool done)
{
    arena_release(&work->scratch);
    if (!done)
        inspect_release(work->result);
    return done ? 0 : -1;
}

int inspect(struct inspect_result *result, struct team *team, struct model *model,
            const struct temp_mapping *ids, size_t length, const struct inspect_options *options)
{
    struct inspection *inspection = &result->inspection;
    struct work work = {result,  inspection, &inspection->memory, team,
                        model,   ids,        ids->bytes,          length,
                        options, {0}};
    const bool done = label(&work) == 0 && probe_units(&work) == 0 && find(&work) == 0 &&
                      rank(&work) == 0 && describe(&work) == 0 && copy_output_weights(&work) == 0 &&
                      look_back(&work) == 0 &&
                      (options->ablation == INSPECT_ABLATE_NONE || take_away(&work) == 0);
    return end_work(&work, done);
}

int inspect_whole(struct inspect_result *whole, const struct inspect_result *result,
                  struct team *team, struct model *model, const struct temp_mapping *ids,
                  size_t length, const struct inspect_options *options)
{
    struct inspection *inspection = &whole->inspection;
    struct work work = {
        whole, inspection, &inspection->memory, team, model, ids, ids->bytes, length, options, {0}};
    struct trace_signal *signals = arena_take(&work.scratch, result->num_shown, sizeof *signals);
    whole->shown = arena_take(work.memory, result->num_shown, sizeof *whole->shown);
    whole->num_shown = result->num_shown;
    for (size_t k = 0; signals && whole->shown && k < result->num_shown; k++) {
        signals[k] = result->inspection.trace.signals[result->shown[k]];
        whole->shown[k] = k;
    }
    return end_work(&work, signals && whole->shown &&
                               probe_signals(&work, signals, result->num_shown, NULL) == 0);
}

void inspect_release(struct inspect_result *result)
{
    inspection_release(&result->inspection);
    *result = (struct inspect_result){0};
}
