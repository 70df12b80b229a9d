#include "reach.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tape.h"

#define ROWS 2048       /* timesteps of a batch of predictions */
#define WARMUP 500      /* timesteps that are read before a chunk, for its initial state */
#define PREDICTIONS 128 /* neighbouring predictions that share a reader */

/* The prediction of x_t, timestep t, reads x_{t−1}. A chunk of K timesteps ends with it, or, where
 * the text has not as many before, begins with the text: what follows the prediction in it has no
 * target and so no part in the gradient. */
static size_t first_step(size_t t, int K)
{
    return t + 1 > (size_t)K ? t + 1 - (size_t)K : 0;
}

/* Predictions, and a batch of them whose gradients are computed at once, one in each stream. */
struct look {
    struct model *model;
    const int32_t *ids; /* the text */
    const size_t *positions;
    size_t count;
    int K;
    real *states;    /* [count][L][S][H] before each prediction's chunk */
    size_t first;    /* the prediction of stream 0 */
    int num_streams; /* streams of the tape that have a prediction */
    struct tape tape;
    int32_t *x, *y; /* [K][B] */
    struct arena memory;
};

/* The symbol that timestep t reads. */
static int32_t input_at(const struct look *look, size_t t)
{
    return t > 0 ? look->ids[t - 1] : VOCAB_NONE;
}

/* Copies the states of a stream from a tape to `look`; with `back`, from `look` to the tape. */
static void copy_states(const struct look *look, size_t prediction, const struct tape *tape, int b,
                        bool back)
{
    const struct model *model = look->model;
    const size_t H = (size_t)model->hidden_size, S = (size_t)model->cell->num_states;
    real *kept = look->states + prediction * (size_t)model->num_layers * S * H;
    for (int l = 0; l < model->num_layers; l++)
        for (int s = 0; s < model->cell->num_states; s++, kept += H) {
            real *there = tape_state(tape, l, s) + (size_t)b * H;
            memcpy(back ? there : kept, back ? kept : there, H * sizeof(real));
        }
}

/* --- the states before ------------------------------------------------------------------------ */

/* Reads the text before some consecutive predictions, in one stream, and keeps their states. */
struct reader {
    size_t t;         /* the next timestep */
    size_t next, end; /* predictions whose states are still missing */
};

struct readers {
    struct look *look;
    struct reader *list;
    struct tape tape; /* a stream each, one timestep */
    int32_t *x;
};

static void read_one(struct member *member, void *argument)
{
    struct readers *readers = argument;
    model_forward(member, &readers->tape, NULL, 0, 0);
}

/* Keeps the state if a chunk begins here. Returns whether the reader must read on. */
static bool keep_states(struct readers *readers, int b)
{
    struct look *look = readers->look;
    struct reader *reader = &readers->list[b];
    while (reader->next < reader->end &&
           first_step(look->positions[reader->next], look->K) == reader->t)
        copy_states(look, reader->next++, &readers->tape, b, false);
    return reader->next < reader->end;
}

/* Sets every stream's next input. Returns whether any reader must read on. */
static bool next_inputs(struct readers *readers)
{
    bool more = false;
    for (int b = 0; b < readers->tape.B; b++) {
        const bool reads = keep_states(readers, b);
        readers->x[b] = reads ? input_at(readers->look, readers->list[b].t++) : VOCAB_NONE;
        more = more || reads;
    }
    return more;
}

/* Reads what is before the predictions, from WARMUP timesteps before the first of each `each` on.
 */
static int find_states(struct look *look, struct team *team, size_t each)
{
    const int count = (int)((look->count - 1) / each + 1);
    struct readers readers = {.look = look,
                              .list =
                                  arena_take(&look->memory, (uint64_t)count, sizeof *readers.list),
                              .x = arena_take(&look->memory, (uint64_t)count, sizeof *readers.x)};
    const int result =
        look->memory.failed ? -1 : tape_init(&readers.tape, look->model, count, 1, false, 0);
    for (int b = 0; b < count && result == 0; b++) {
        const size_t next = (size_t)b * each, first = first_step(look->positions[next], look->K);
        const size_t end = next + each < look->count ? next + each : look->count;
        readers.list[b] = (struct reader){first > WARMUP ? first - WARMUP : 0, next, end};
    }
    if (result == 0)
        tape_set_input(&readers.tape, readers.x);
    while (result == 0 && next_inputs(&readers))
        team_run(team, read_one, &readers);
    tape_release(&readers.tape);
    return result;
}

/* --- looking back ----------------------------------------------------------------------------- */

static void look_back(struct member *member, void *argument)
{
    struct look *look = argument;
    model_forward(member, &look->tape, NULL, 0, 0);
    model_loss(member, &look->tape, look->y);
    model_backward(member, &look->tape, look->y);
}

/* Sets the streams to the predictions from `first` on. */
static void begin_batch(struct look *look, size_t first)
{
    const size_t left = look->count - first;
    const int B = look->tape.B;
    look->first = first;
    look->num_streams = left < (size_t)B ? (int)left : B;
    for (int b = 0; b < B; b++) {
        const bool in = b < look->num_streams;
        const size_t t = in ? look->positions[first + (size_t)b] : 0;
        const size_t start = first_step(t, look->K);
        for (int k = 0; k < look->K; k++) {
            const size_t step = start + (size_t)k;
            look->x[k * B + b] = in && step <= t ? input_at(look, step) : VOCAB_NONE;
            look->y[k * B + b] = in && step == t ? look->ids[t] : VOCAB_NONE;
        }
        if (in)
            copy_states(look, first + (size_t)b, &look->tape, b, true);
    }
}

/* The row of the tape k steps before the prediction of stream b; −1 before the text. */
static long row_before(const struct look *look, int b, int k)
{
    const size_t t = look->positions[look->first + (size_t)b];
    const long step = (long)(t - first_step(t, look->K)) - k;
    return step < 0 ? -1 : step * look->tape.B + b;
}

/* Allocates, and computes the states before the predictions. */
static int look_init(struct look *look, struct team *team, size_t each)
{
    const struct model *model = look->model;
    const size_t most = ROWS / (size_t)look->K > 1 ? ROWS / (size_t)look->K : 1;
    const int B = (int)(look->count < most ? look->count : most);
    const size_t rows = (size_t)B * (size_t)look->K;
    assert(model->training && model->input_gradient);
    look->states = arena_take(&look->memory, look->count,
                              (size_t)model->num_layers * (size_t)model->cell->num_states *
                                  (size_t)model->hidden_size * sizeof(real));
    look->x = arena_take(&look->memory, rows, sizeof *look->x);
    look->y = arena_take(&look->memory, rows, sizeof *look->y);
    if (look->memory.failed || tape_init(&look->tape, model, B, look->K, true, 0) != 0)
        return -1;
    tape_set_input(&look->tape, look->x);
    model_prepare(team, look->model);
    return find_states(look, team, each);
}

/* Computes the gradients of all predictions, batch by batch, and calls `use` after each. */
static int look_at_all(struct look *look, struct team *team, size_t each,
                       void (*use)(const struct look *, void *result), void *result)
{
    const int status = look_init(look, team, each);
    for (size_t first = 0; first < look->count && status == 0; first += (size_t)look->tape.B) {
        begin_batch(look, first);
        team_run(team, look_back, look);
        use(look, result);
    }
    tape_release(&look->tape);
    arena_release(&look->memory);
    return status;
}

/* --- reach ---------------------------------------------------------------------------------- */

/* The norm of a gradient of one prediction's loss: model_backward has divided it by the number of
 * them. */
static float norm(const struct look *look, const real *gradient, int n, long row)
{
    double sum = 0;
    gradient += row * n;
    for (int k = 0; k < n; k++)
        sum += (double)gradient[k] * (double)gradient[k];
    return (float)(sqrt(sum) * look->num_streams);
}

/* Norms of all predictions: [curves][K][positions]. */
static void keep_norms(const struct look *look, void *result)
{
    float *norms = result;
    const int L = look->model->num_layers;
    const size_t K = (size_t)look->K;
    for (int b = 0; b < look->num_streams; b++)
        for (int k = 0; k < look->K; k++)
            for (int curve = 0; curve <= L; curve++) {
                const struct layer *layer = tape_layer(&look->tape, curve < L ? curve : 0);
                const size_t at = ((size_t)curve * K + (size_t)k) * look->count;
                norms[at + look->first + (size_t)b] =
                    norm(look, curve < L ? layer->dy : layer->dx, curve < L ? layer->N : layer->D,
                         row_before(look, b, k));
            }
}

static int by_value(const void *a, const void *b)
{
    const float left = *(const float *)a, right = *(const float *)b;
    return (left > right) - (left < right);
}

/* Interpolates between neighbours. */
static float quantile(const float *sorted, size_t count, double share)
{
    const double at = share * (double)(count - 1);
    const size_t below = (size_t)at, above = below + 1 < count ? below + 1 : below;
    return sorted[below] + (float)(at - (double)below) * (sorted[above] - sorted[below]);
}

int reach_measure(struct reach *reach, struct arena *memory, struct team *team, struct model *model,
                  const int32_t *ids, size_t length, int positions, int K)
{
    assert(length > 0 && positions > 0 && K > 0);
    K = length < (size_t)K ? (int)length : K;
    const size_t whole = length - (size_t)K + 1; /* predictions with K steps before them */
    const size_t count = whole < (size_t)positions ? whole : (size_t)positions;
    const size_t points = (size_t)(model->num_layers + 1) * (size_t)K;
    struct arena scratch = {0};
    size_t *spread = arena_take(&scratch, count, sizeof *spread);
    struct look look = {.model = model, .ids = ids, .positions = spread, .count = count, .K = K};
    float *norms = arena_take(&scratch, points * count, sizeof *norms);
    *reach = (struct reach){K,
                            (int)count,
                            model->num_layers + 1,
                            .median = arena_take(memory, points, sizeof *reach->median),
                            .low = arena_take(memory, points, sizeof *reach->low),
                            .high = arena_take(memory, points, sizeof *reach->high)};
    int result = memory->failed || scratch.failed ? -1 : 0;
    for (size_t k = 0; k < count && result == 0; k++) /* the middles of equal parts */
        spread[k] = (size_t)K - 1 + (2 * k + 1) * whole / (2 * count);
    if (result == 0)
        result = look_at_all(&look, team, 1, keep_norms, norms);
    for (size_t point = 0; point < points && result == 0; point++) {
        float *values = norms + point * count;
        qsort(values, count, sizeof *values, by_value);
        reach->low[point] = quantile(values, count, 0.25);
        reach->median[point] = quantile(values, count, 0.5);
        reach->high[point] = quantile(values, count, 0.75);
    }
    arena_release(&scratch);
    return result;
}

/* --- attributions ----------------------------------------------------------------------------- */

static void keep_weights(const struct look *look, void *result)
{
    struct attributions *attributions = result;
    const struct layer *lowest = tape_layer(&look->tape, 0);
    for (int b = 0; b < look->num_streams; b++)
        for (int k = 0; k < look->K; k++) {
            const long row = row_before(look, b, k);
            const int32_t id = row < 0 ? VOCAB_NONE : look->x[row];
            if (id >= 0)
                attributions->weights[(look->first + (size_t)b) * attributions->steps + (size_t)k] =
                    (float)lowest->dx[row * lowest->D + id] * (float)look->num_streams;
        }
}

int attributions_measure(struct attributions *attributions, struct arena *memory, struct team *team,
                         struct model *model, const int32_t *ids, size_t length, size_t start,
                         size_t count, int K)
{
    assert(count > 0 && K > 0 && start + count <= length);
    const size_t steps = start + count < (size_t)K ? start + count : (size_t)K;
    struct look look = {.model = model, .ids = ids, .count = count, .K = (int)steps};
    attributions->count = count;
    attributions->steps = (size_t)K;
    attributions->positions = arena_take(memory, count, sizeof *attributions->positions);
    attributions->weights = arena_take(memory, count, (size_t)K * sizeof *attributions->weights);
    if (memory->failed)
        return -1;
    for (size_t k = 0; k < count; k++)
        attributions->positions[k] = start + k;
    look.positions = attributions->positions;
    return look_at_all(&look, team, PREDICTIONS, keep_weights, attributions);
}
