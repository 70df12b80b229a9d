#include "probe.h"

#include <math.h>
#include <string.h>

#define PROBE_T 64

struct probe {
    struct trace *trace;
    struct model *model;
    struct tape tape;
    int32_t x[PROBE_T], y[PROBE_T];
    size_t start; /* of the chunk, in the text */
};

static void read_chunk(struct member *member, void *argument)
{
    struct probe *probe = argument;
    if (probe->start == 0)
        model_pack(member, probe->model);
    model_forward(member, &probe->tape, NULL, 0, 0);
    model_loss(member, &probe->tape, probe->y);
}

/* The value of a unit after timestep t of the chunk; one stream. */
static real value_at(const struct probe *probe, const struct trace_signal *signal, size_t t)
{
    const struct cell *cell = probe->model->cell;
    const struct layer *layer = &probe->tape.layers[signal->layer];
    const size_t H = (size_t)layer->H, unit = (size_t)signal->unit;
    if (signal->quantity < cell->num_states)
        return layer->state[signal->quantity][(t + 1) * H + unit];
    const size_t gate = (size_t)(signal->quantity - cell->num_states);
    return layer->gates[(t * (size_t)cell->num_gates + gate) * H + unit];
}

/* The most likely symbols of one row of logits, by insertion. */
static void guess(const struct probe *probe, size_t t, struct trace_guess *guesses)
{
    const int V = probe->model->vocab_size;
    const real *logits = probe->tape.logits + t * (size_t)V;
    int found = 0;
    for (int32_t v = 0; v < V; v++) {
        int at = found < TRACE_GUESSES ? found : TRACE_GUESSES - 1;
        const float prob = expf((float)(logits[v] - probe->tape.normalisers[t]));
        if (found == TRACE_GUESSES && prob <= guesses[at].prob)
            continue;
        for (; at > 0 && guesses[at - 1].prob < prob; at--)
            guesses[at] = guesses[at - 1];
        guesses[at] = (struct trace_guess){v, prob};
        found += found < TRACE_GUESSES;
    }
    for (; found < TRACE_GUESSES; found++)
        guesses[found] = (struct trace_guess){VOCAB_NONE, 0};
}

/* Step s of the pass reads x_{s−1} (nothing yet at s = 0) and predicts x_s: it gives the state and
 * the guesses of row s − 1 and the loss of row s. */
static void copy_chunk(struct probe *probe)
{
    struct trace *trace = probe->trace;
    for (size_t t = 0; t < PROBE_T && probe->start + t <= trace->length; t++) {
        const size_t step = probe->start + t;
        if (step < trace->length)
            trace->losses[step] = (float)probe->tape.losses[t];
        if (step == 0)
            continue;
        guess(probe, t, &trace->guesses[(step - 1) * TRACE_GUESSES]);
        for (size_t s = 0; s < trace->num_signals; s++)
            *trace_place(trace, s, step - 1) =
                (float)value_at(probe, &trace->signals[s], t);
    }
}

int probe_run(struct trace *trace, struct team *team, struct model *model, const int32_t *ids,
              size_t length, const struct trace_signal *signals, size_t num_signals,
              const char *model_name, const char *text_name)
{
    struct probe probe = {.trace = trace, .model = model};
    if (trace_init(trace, length, signals, num_signals) != 0)
        return -1;
    if (tape_init(&probe.tape, model, 1, PROBE_T, false, 0) != 0) {
        trace_release(trace);
        return -1;
    }
    trace->vocab = &model->vocab;
    trace->model = model_name;
    trace->text = text_name;
    trace->cell = model->cell->name;
    trace->num_layers = model->num_layers;
    trace->hidden_size = model->hidden_size;
    trace->num_quantities = model->cell->num_states + model->cell->num_gates;
    trace->quantities = model->cell->quantities;
    memcpy(trace->ids, ids, length * sizeof *ids);
    tape_set_input(&probe.tape, probe.x);
    for (; probe.start <= length; probe.start += PROBE_T) {
        for (size_t t = 0; t < PROBE_T; t++) {
            const size_t step = probe.start + t;
            probe.x[t] = step == 0 || step > length ? VOCAB_NONE : ids[step - 1];
            probe.y[t] = step < length ? ids[step] : VOCAB_NONE;
        }
        team_run(team, read_chunk, &probe);
        copy_chunk(&probe);
    }
    tape_release(&probe.tape);
    return 0;
}
