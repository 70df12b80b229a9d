#include "probe.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "tape.h"

#define STREAMS 32      /* parts that are read side by side; more are no faster */
#define STEPS 16        /* timesteps of a chunk: one cache line of each signal */
#define LEAST_PART 2048 /* characters; most networks forget faster than that */
#define FIRST_SPAN 256
#define MOST_SPANS 128 /* more than the longest text has */

/* A signal that is kept, and its index in the trace. */
struct kept {
    struct trace_signal signal;
    size_t index;
};

/* The text is cut into parts, which streams read side by side, in sweeps. Sweep 1 reads all parts
 * from the state after a text's first input. Sweep 2 rereads each part from its predecessor's final
 * state until the two agree; where they never do, the rest is read serially, part after part.
 *
 * States are compared at the ends of spans, each half as long as all before it: few states are
 * kept, and little is reread after two streams agree. */
struct probe {
    struct trace *trace;
    struct team *team;
    struct model *model;
    struct kept *kept; /* [S] sorted, so that neighbouring units are side by side */

    int parts;
    size_t part_length;          /* characters, of all parts but the last; a multiple of STEPS */
    int spans;                   /* of a part */
    size_t span_end[MOST_SPANS]; /* [spans] characters from the part's beginning */
    real *initial_state;         /* [L][states][H] before the first character */
    real *states;                /* [parts][spans][L][states][H] after each span */
    bool *outdated; /* [parts] was read from a state other than its predecessor's final one */

    /* [parts][spans][G][L][H] of each gate, as last read; NULL where none are wanted */
    uint32_t *low, *high;
    double *sum;

    /* a sweep */
    bool again; /* any sweep but the first */
    struct tape tape;
    int streams;
    int *part;      /* [streams] the part that each reads; −1: it has finished */
    int32_t *x, *y; /* [STEPS][streams] */
    size_t at;      /* where the chunk begins within every part */
    int span;       /* that the chunk lies in */
};

/* --- where things are ------------------------------------------------------------------------- */

/* State vectors of a model, of all layers; and the numbers in all of them. */
static size_t num_states(const struct model *model)
{
    return (size_t)model->num_layers * (size_t)model->cell->num_states;
}

static size_t state_size(const struct model *model)
{
    return num_states(model) * (size_t)model->hidden_size;
}

/* The k-th of these vectors in one stream, after its last chunk. */
static real *stream_state(const struct tape *tape, int stream, size_t k)
{
    const size_t states = (size_t)tape->model->cell->num_states;
    return tape_state(tape, (int)(k / states), (int)(k % states)) +
           (size_t)stream * (size_t)tape->model->hidden_size;
}

static size_t gates_size(const struct model *model)
{
    return (size_t)model->num_layers * (size_t)model->cell->num_gates * (size_t)model->hidden_size;
}

static size_t span_index(const struct probe *probe, int part, int span)
{
    return (size_t)part * (size_t)probe->spans + (size_t)span;
}

static real *state_after(const struct probe *probe, int part, int span)
{
    return probe->states + span_index(probe, part, span) * state_size(probe->model);
}

/* The character that a stream reads at the beginning of the chunk, and how many there are in it. */
static size_t first_row(const struct probe *probe, int stream)
{
    return (size_t)probe->part[stream] * probe->part_length + probe->at;
}

static size_t chunk_rows(const struct probe *probe, int stream)
{
    const size_t left = probe->trace->length - first_row(probe, stream);
    return left < STEPS ? left : STEPS;
}

static struct layer_series series_of(const struct probe *probe, int stream, int quantity, int layer)
{
    return layer_series(tape_layer(&probe->tape, layer), quantity, stream);
}

/* --- what is kept of a chunk ------------------------------------------------------------------ */

static bool any_above(int count, const real *logits, real least)
{
    int above = 0;
    for (int k = 0; k < count; k++)
        above |= logits[k] > least;
    return above;
}

/* The TRACE_GUESSES likeliest of V symbols. Most groups of symbols are skipped: none in them is
 * above the least of those found so far. */
static void guess(int V, const real *logits, real log_sum_exp, struct trace_guess *guesses)
{
    enum { LEAST = TRACE_GUESSES - 1, GROUP = 32 };
    real found[TRACE_GUESSES];
    for (int k = 0; k < TRACE_GUESSES; k++) {
        found[k] = -INFINITY;
        guesses[k].id = VOCAB_NONE;
    }
    for (int v = 0; v < V; v += GROUP) {
        const int end = V - v < GROUP ? V : v + GROUP;
        if (!any_above(end - v, logits + v, found[LEAST]))
            continue;
        for (int32_t id = v; id < end; id++) {
            int k = LEAST;
            if (!(logits[id] > found[LEAST]))
                continue;
            for (; k > 0 && logits[id] > found[k - 1]; k--) {
                found[k] = found[k - 1];
                guesses[k].id = guesses[k - 1].id;
            }
            found[k] = logits[id];
            guesses[k].id = id;
        }
    }
    for (int k = 0; k < TRACE_GUESSES; k++)
        guesses[k].prob = expf((float)(found[k] - log_sum_exp));
}

static int32_t rank_of(int V, const real *logits, int32_t id)
{
    const real own = logits[id];
    int32_t rank = 1;
    for (int v = 0; v < V; v++)
        rank += logits[v] > own;
    return rank;
}

/* Keeps the loss of character `next`, which is that of row r of the tape. */
static void keep_loss(const struct probe *probe, size_t r, size_t next)
{
    const int V = probe->model->vocab_size;
    probe->trace->losses[next] = (float)probe->tape.losses[r];
    probe->trace->ranks[next] =
        rank_of(V, probe->tape.logits + r * (size_t)V, probe->trace->ids[next]);
}

static void keep_prediction(const struct probe *probe, size_t r)
{
    const size_t B = (size_t)probe->streams, t = r / B;
    const int stream = (int)(r % B), V = probe->model->vocab_size;
    if (probe->part[stream] < 0 || t >= chunk_rows(probe, stream))
        return;
    const size_t row = first_row(probe, stream) + t;
    guess(V, probe->tape.logits + r * (size_t)V, probe->tape.log_sum_exps[r],
          probe->trace->guesses + row * TRACE_GUESSES);
    if (row + 1 < probe->trace->length)
        keep_loss(probe, r, row + 1);
}

#define TILE 16 /* units: one cache line of a timestep */

static bool in_tile(const struct trace_signal *first, const struct trace_signal *signal)
{
    return first->quantity == signal->quantity && first->layer == signal->layer &&
           first->unit / TILE == signal->unit / TILE;
}

/* Transposes tiles of a few units by the chunk's timesteps into the trace. */
static void keep_values(const struct probe *probe, int stream)
{
    const size_t row = first_row(probe, stream), rows = chunk_rows(probe, stream);
    const struct kept *kept = probe->kept, *end = kept + probe->trace->num_signals;
    while (kept < end) {
        float tile[STEPS][TILE];
        const struct trace_signal *first = &kept->signal;
        const struct layer_series from = series_of(probe, stream, first->quantity, first->layer);
        const int unit = first->unit / TILE * TILE, left = probe->model->hidden_size - unit;
        for (size_t t = 0; t < rows; t++)
            for (int u = 0; u < (left < TILE ? left : TILE); u++)
                tile[t][u] = (float)from.at[t * from.stride + (size_t)(unit + u)];
        for (; kept < end && in_tile(first, &kept->signal); kept++) {
            float *to = trace_place(probe->trace, kept->index, row);
            for (size_t t = 0; t < rows; t++)
                to[t] = tile[t][kept->signal.unit - unit];
        }
    }
}

/* Adds `rows` timesteps of one gate of a layer to its counts and sums. */
static void add_gate(struct layer_series from, size_t rows, size_t H, float lowest, uint32_t *low,
                     uint32_t *high, double *sum)
{
    const float scale = 1 / (1 - lowest);
    for (size_t t = 0; t < rows; t++, from.at += from.stride)
        for (size_t u = 0; u < H; u++) {
            const float open = ((float)from.at[u] - lowest) * scale;
            low[u] += open < 0.1F;
            high[u] += open > 0.9F;
            sum[u] += (double)open;
        }
}

static void keep_gates(const struct probe *probe, int stream)
{
    const struct layer_kind *cell = probe->model->cell;
    const int L = probe->model->num_layers;
    const size_t H = (size_t)probe->model->hidden_size, size = gates_size(probe->model);
    const size_t from = span_index(probe, probe->part[stream], probe->span) * size;
    if (probe->at == (probe->span > 0 ? probe->span_end[probe->span - 1] : 0)) {
        memset(probe->low + from, 0, size * sizeof *probe->low);
        memset(probe->high + from, 0, size * sizeof *probe->high);
        memset(probe->sum + from, 0, size * sizeof *probe->sum);
    }
    for (int gate = 0; gate < cell->num_gates; gate++)
        for (int l = 0; l < L; l++) {
            const size_t to = from + (size_t)(gate * L + l) * H;
            add_gate(series_of(probe, stream, cell->num_states + gate, l),
                     chunk_rows(probe, stream), H, (float)cell->lowest[gate], probe->low + to,
                     probe->high + to, probe->sum + to);
        }
}

/* --- reading ---------------------------------------------------------------------------------- */

static void forward(struct member *member, void *argument)
{
    struct probe *probe = argument;
    model_forward(member, &probe->tape, NULL, 0, 0);
    model_loss(member, &probe->tape, probe->y);
}

static void read_chunk(struct member *member, void *argument)
{
    struct probe *probe = argument;
    int first, last;
    forward(member, argument);
    team_share(member, STEPS * probe->streams, &first, &last);
    for (int r = first; r < last; r++)
        keep_prediction(probe, (size_t)r);
    team_share(member, probe->streams, &first, &last);
    for (int stream = first; stream < last; stream++) {
        if (probe->part[stream] < 0)
            continue;
        keep_values(probe, stream);
        if (probe->sum)
            keep_gates(probe, stream);
    }
}

static void fill_chunk(struct probe *probe)
{
    for (int stream = 0; stream < probe->streams; stream++)
        for (size_t t = 0; t < STEPS; t++) {
            const size_t to = t * (size_t)probe->streams + (size_t)stream;
            const int32_t *ids = probe->trace->ids;
            const size_t length = probe->trace->length;
            const size_t row = probe->part[stream] < 0 ? length : first_row(probe, stream) + t;
            probe->x[to] = row < length ? ids[row] : VOCAB_NONE;
            probe->y[to] = row + 1 < length ? ids[row + 1] : VOCAB_NONE;
        }
}

/* Whether a stream's state agrees with `known`. Then copies it there. */
static bool agrees(const struct tape *tape, int stream, real *known)
{
    const size_t H = (size_t)tape->model->hidden_size;
    bool same = true;
    for (size_t k = 0; k < num_states(tape->model); k++, known += H) {
        const real *state = stream_state(tape, stream, k);
        for (size_t u = 0; u < H; u++)
            same = same && fabs((double)(state[u] - known[u])) <=
                               PROBE_SAME * fmax(1, fabs((double)state[u]));
        memcpy(known, state, H * sizeof *state);
    }
    return same;
}

/* After a chunk: at the end of a span, keeps the stream's state. Returns whether the stream has
 * read enough of its part. */
static bool ends_part(struct probe *probe, int stream)
{
    const int part = probe->part[stream];
    if (first_row(probe, stream) >= probe->trace->length)
        return true;
    if (probe->at < probe->span_end[probe->span])
        return false;
    if (agrees(&probe->tape, stream, state_after(probe, part, probe->span)) && probe->again)
        return true;
    if (probe->at < probe->part_length)
        return false;
    probe->outdated[part + 1] = true;
    return true;
}

/* Sets the state that each stream starts from. */
static void set_states(const struct probe *probe)
{
    const size_t H = (size_t)probe->model->hidden_size;
    for (int stream = 0; stream < probe->streams; stream++) {
        const real *state = probe->again
                                ? state_after(probe, probe->part[stream] - 1, probe->spans - 1)
                                : probe->initial_state;
        for (size_t k = 0; k < num_states(probe->model); k++, state += H)
            memcpy(stream_state(&probe->tape, stream, k), state, H * sizeof *state);
    }
}

/* Ends a chunk; returns how many streams have more to read. */
static int end_chunk(struct probe *probe)
{
    int reading = 0;
    probe->at += STEPS;
    for (int stream = 0; stream < probe->streams; stream++) {
        if (probe->part[stream] < 0)
            continue;
        const size_t row = first_row(probe, stream);
        const bool done = ends_part(probe, stream);
        if (done || row % TRACE_BLOCK == 0)
            trace_drop(probe->trace, (row - 1) / TRACE_BLOCK * TRACE_BLOCK, TRACE_BLOCK);
        if (done)
            probe->part[stream] = -1;
        reading += !done;
    }
    probe->span += probe->at == probe->span_end[probe->span];
    return reading;
}

/* Each stream reads its part. */
static int sweep(struct probe *probe)
{
    if (tape_init(&probe->tape, probe->model, probe->streams, STEPS, false, 0) != 0)
        return -1;
    tape_set_input(&probe->tape, probe->x);
    set_states(probe);
    probe->at = 0;
    probe->span = 0;
    do {
        fill_chunk(probe);
        team_run(probe->team, read_chunk, probe);
    } while (end_chunk(probe) > 0);
    tape_release(&probe->tape);
    return 0;
}

/* Gives a stream to each of the first outdated parts; returns how many. */
static int assign_streams(struct probe *probe, int most)
{
    int streams = 0;
    for (int part = 0; part < probe->parts && streams < most; part++)
        if (probe->outdated[part]) {
            probe->outdated[part] = false;
            probe->part[streams++] = part;
        }
    return streams;
}

static int read_text(struct probe *probe)
{
    for (int part = 0; part < probe->parts; part++)
        probe->outdated[part] = true;
    for (int k = 0; (probe->streams = assign_streams(probe, k < 2 ? probe->parts : 1)) > 0; k++) {
        probe->again = k > 0;
        if (sweep(probe) != 0)
            return -1;
    }
    trace_drop(probe->trace, 0, probe->trace->length);
    return 0;
}

/* A text begins with the vector 0, no symbol yet. */
static int read_first_input(struct probe *probe)
{
    const size_t H = (size_t)probe->model->hidden_size;
    if (tape_init(&probe->tape, probe->model, 1, 1, false, 0) != 0)
        return -1;
    tape_set_input(&probe->tape, probe->x);
    probe->x[0] = VOCAB_NONE;
    probe->y[0] = probe->trace->ids[0];
    team_run(probe->team, forward, probe);
    keep_loss(probe, 0, 0);
    for (size_t k = 0; k < num_states(probe->model); k++)
        memcpy(probe->initial_state + k * H, stream_state(&probe->tape, 0, k), H * sizeof(real));
    tape_release(&probe->tape);
    return 0;
}

static int check_losses(const struct trace *trace)
{
    for (size_t t = 0; t < trace->length; t++)
        if (!isfinite(trace->losses[t]))
            return error_set(
                "%s: its loss at character %zu of the text is not finite: " MODEL_UNSOUND,
                trace->model, t);
    return 0;
}

/* --- the run ---------------------------------------------------------------------------------- */

static int compare_kept(const void *a, const void *b)
{
    const struct trace_signal *left = &((const struct kept *)a)->signal;
    const struct trace_signal *right = &((const struct kept *)b)->signal;
    return left->quantity != right->quantity ? left->quantity - right->quantity
           : left->layer != right->layer     ? left->layer - right->layer
                                             : left->unit - right->unit;
}

static void cut_text(struct probe *probe)
{
    const size_t length = probe->trace->length, most = length / LEAST_PART;
    const size_t parts = most < 1 ? 1 : most > STREAMS ? STREAMS : most;
    probe->part_length = ((length - 1) / parts / STEPS + 1) * STEPS;
    probe->parts = (int)((length - 1) / probe->part_length + 1);
    for (size_t end = 0; end < probe->part_length; probe->spans++) {
        end = end == 0 ? FIRST_SPAN : end + end / 2 / STEPS * STEPS;
        end = end < probe->part_length ? end : probe->part_length;
        probe->span_end[probe->spans] = end;
    }
}

static int allocate(struct probe *probe, struct arena *arena, bool gates)
{
    const struct trace *trace = probe->trace;
    const size_t parts = (size_t)probe->parts, spans = parts * (size_t)probe->spans;
    const size_t state = state_size(probe->model), size = gates_size(probe->model);
    probe->kept = arena_take(arena, trace->num_signals, sizeof *probe->kept);
    probe->initial_state = arena_take(arena, state, sizeof *probe->initial_state);
    probe->states = arena_take(arena, spans * state, sizeof *probe->states);
    probe->outdated = arena_take(arena, parts, sizeof *probe->outdated);
    probe->part = arena_take(arena, parts, sizeof *probe->part);
    probe->x = arena_take(arena, parts * STEPS, sizeof *probe->x);
    probe->y = arena_take(arena, parts * STEPS, sizeof *probe->y);
    if (gates) {
        probe->low = arena_take(arena, spans * size, sizeof *probe->low);
        probe->high = arena_take(arena, spans * size, sizeof *probe->high);
        probe->sum = arena_take(arena, spans * size, sizeof *probe->sum);
    }
    if (arena->failed)
        return -1;
    for (size_t s = 0; s < trace->num_signals; s++)
        probe->kept[s] = (struct kept){trace->signals[s], s};
    qsort(probe->kept, trace->num_signals, sizeof *probe->kept, compare_kept);
    return 0;
}

/* Sums over all spans of all parts. */
static int fill_gates(struct gates *gates, struct arena *memory, const struct probe *probe)
{
    const struct layer_kind *cell = probe->model->cell;
    const size_t size = gates_size(probe->model), spans = span_index(probe, probe->parts, 0);
    gates->low = arena_take(memory, size, sizeof *gates->low);
    gates->high = arena_take(memory, size, sizeof *gates->high);
    gates->mean = arena_take(memory, size, sizeof *gates->mean);
    if (memory->failed)
        return -1;
    gates->count = cell->num_gates;
    gates->names = cell->quantities + cell->num_states;
    gates->forget = cell->forget_gate;
    for (size_t k = 0; k < size; k++) {
        const double length = (double)probe->trace->length;
        double low = 0, high = 0, sum = 0;
        for (size_t span = 0; span < spans; span++) {
            low += probe->low[span * size + k];
            high += probe->high[span * size + k];
            sum += probe->sum[span * size + k];
        }
        gates->low[k] = (float)(low / length);
        gates->high[k] = (float)(high / length);
        gates->mean[k] = (float)(sum / length);
    }
    return 0;
}

/* Copies in pieces, so that a long text is never in memory as a whole. */
static void copy_ids(struct trace *trace, const struct temp_mapping *ids)
{
    enum { PIECE = 1 << 16 };
    const int32_t *from = ids->bytes;
    for (size_t at = 0; at < trace->length; at += PIECE) {
        const size_t left = trace->length - at, count = left < PIECE ? left : PIECE;
        temp_mapping_read(ids, from + at, count * sizeof *from, trace->ids + at);
        temp_mapping_drop(&trace->mapping, trace->ids + at, count * sizeof *from);
    }
}

static int begin_trace(struct trace *trace, const struct model *model,
                       const struct temp_mapping *ids, size_t length,
                       const struct probe_options *options)
{
    if (trace_init(trace, length, options->signals, options->num_signals, options->temp_path) != 0)
        return -1;
    trace->vocab = &model->vocab;
    trace->model = options->model;
    trace->text = options->text;
    trace->cell = model->cell->name;
    trace->num_layers = model->num_layers;
    trace->hidden_size = model->hidden_size;
    trace->num_quantities = model->cell->num_states + model->cell->num_gates;
    trace->quantities = model->cell->quantities;
    trace->descriptions = model->cell->descriptions;
    copy_ids(trace, ids);
    return 0;
}

int probe_run(struct trace *trace, struct gates *gates, struct arena *memory, struct team *team,
              struct model *model, const struct temp_mapping *ids, size_t length,
              const struct probe_options *options)
{
    struct probe probe = {.trace = trace, .team = team, .model = model};
    struct arena scratch = {0};
    assert(length > 0);
    if (begin_trace(trace, model, ids, length, options) != 0)
        return -1;
    cut_text(&probe);
    model_prepare(team, model);
    const bool done = allocate(&probe, &scratch, gates != NULL) == 0 &&
                      read_first_input(&probe) == 0 && read_text(&probe) == 0 &&
                      check_losses(trace) == 0 &&
                      (!gates || fill_gates(gates, memory, &probe) == 0);
    arena_release(&scratch);
    if (!done)
        trace_release(trace);
    return done ? 0 : -1;
}
