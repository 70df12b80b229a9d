#include "model.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "error.h"
#include "mem.h"
#include "recurrent.h"

int model_init(struct model *model, const struct engine *engine, const char *cell, int L, int H,
               int V, struct vocab *vocab)
{
    assert(!model->training || engine->precision != PRECISION_INT8);
    model->engine = engine;
    model->cell = engine_cell(engine, cell);
    model->num_layers = L;
    model->hidden_size = H;
    model->vocab_size = V;
    model->val_loss = NAN;
    if (!model->cell || params_init(&model->params, model->cell, L, H, V) != 0) {
        model_release(model);
        return -1;
    }
    if (vocab) {
        model->vocab = *vocab;
        *vocab = (struct vocab){0};
    }
    return 0;
}

/* The shape of layer l; B and T for a chunk. */
static struct layer shape_of(const struct model *model, int l, int B, int T, bool training)
{
    return (struct layer){.cell = model->cell,
                          .B = B,
                          .T = T,
                          .D = l == 0 ? model->vocab_size : model->hidden_size,
                          .H = model->hidden_size,
                          .onehot = l == 0,
                          .training = training};
}

static size_t layer_packed_size(const struct model *model, int l)
{
    const struct layer layer = shape_of(model, l, 0, 0, model->training);
    return (model->cell->packed_size(&layer) + 15) / 16 * 16;
}

/* Where the packed weights of layer l begin; layer L is the linear one. */
static size_t packed_offset(const struct model *model, int layer)
{
    size_t offset = 0;
    for (int l = 0; l < layer; l++)
        offset += layer_packed_size(model, l);
    return offset;
}

static size_t packed_size(const struct model *model)
{
    return packed_offset(model, model->num_layers) +
           model->engine->linear.packed_size(model->hidden_size, model->vocab_size,
                                             model->training);
}

int model_allocate(struct model *model)
{
    model->weights = mem_new(model->params.size, sizeof(real));
    model->packed = mem_new(packed_size(model), sizeof(real));
    return model->weights && model->packed ? 0 : -1;
}

int model_change_engine(struct model *model, const struct engine *engine)
{
    const struct cell *cell = engine_cell(engine, model->cell->name);
    free(model->packed); /* before there is room for the new ones: they may be large */
    model->packed = NULL;
    if (!cell)
        return -1;
    model->engine = engine;
    model->cell = cell;
    model->packed = mem_new(packed_size(model), sizeof(real));
    return model->packed ? 0 : -1;
}

void model_release(struct model *model)
{
    params_release(&model->params);
    free(model->weights);
    free(model->packed);
    vocab_release(&model->vocab);
    *model = (struct model){0};
}

size_t model_bytes(const struct model *model)
{
    return sizeof(real) * (model->params.size + packed_size(model));
}

static void point_at_params(const struct model *model, struct layer *layer, int l, real *gradients)
{
    for (int k = 0; k < model->cell->num_params; k++) {
        const struct param *param = params_at(&model->params, model->cell, l, k);
        layer->param[k] = model->weights + param->offset;
        layer->grad[k] = gradients ? gradients + param->offset : NULL;
    }
}

void model_pack(struct member *member, struct model *model)
{
    const int L = model->num_layers;
    const struct param *linear = params_at(&model->params, model->cell, L, 0);
    for (int l = 0; l < L; l++) {
        struct layer layer = shape_of(model, l, 0, 0, model->training);
        point_at_params(model, &layer, l, NULL);
        model->cell->pack(member, &layer, model->packed + packed_offset(model, l));
    }
    model->engine->linear.pack(member, model->hidden_size, model->vocab_size,
                               model->weights + linear->offset, model->training,
                               model->packed + packed_offset(model, L));
    team_barrier(member);
}

static void pack_alone(struct member *member, void *argument)
{
    model_pack(member, argument);
}

void model_prepare(struct team *team, struct model *model)
{
    team_run(team, pack_alone, model);
}

/* --- memory ----------------------------------------------------------------------------------- */

/* Row r = t · B + b of a layer's output. */
static real *output_row(const struct tape *tape, int l, int r)
{
    return tape->layers[l].state[0] +
           ((size_t)tape->B + (size_t)r) * (size_t)tape->model->hidden_size;
}

/* The most that a layer needs. */
static size_t scratch_size(const struct tape *tape)
{
    const struct model *model = tape->model;
    size_t most = model->engine->linear.scratch_size(tape->B * tape->T, model->hidden_size,
                                                     model->vocab_size, tape->training);
    for (int l = 0; l < 2 && l < model->num_layers; l++) {
        const struct layer layer = shape_of(model, l, tape->B, tape->T, tape->training);
        const size_t size = model->cell->scratch_size(&layer);
        most = size > most ? size : most;
    }
    return most;
}

/* Gradients whose squares make one sum. */
#define SQUARES ((size_t)8192)

/* The first parameter of a layer in the block; behind the linear one, the block's end. */
static size_t layer_offset(const struct model *model, int layer)
{
    return layer > model->num_layers ? model->params.size
                                     : params_at(&model->params, model->cell, layer, 0)->offset;
}

/* Stretches that a layer's gradients are cut into. */
static int num_stretches(const struct model *model, int layer)
{
    const size_t size = layer_offset(model, layer + 1) - layer_offset(model, layer);
    return (int)((size + SQUARES - 1) / SQUARES);
}

static void lay_out(struct tape *tape, struct arena *arena)
{
    const struct model *model = tape->model;
    const struct cell *cell = model->cell;
    const uint64_t R = (uint64_t)tape->B * (uint64_t)tape->T, H = (uint64_t)model->hidden_size;
    const uint64_t L = (uint64_t)model->num_layers, V = (uint64_t)model->vocab_size;
    const bool drops = tape->dropout > 0, training = tape->training;
    real *below = NULL; /* gradient of the output of the layer below */
    tape->scratch = arena_take(arena, scratch_size(tape), sizeof(real));
    if (training) {
        tape->gradients = arena_take(arena, model->params.size, sizeof(real));
        tape->num_squares = 0;
        for (int l = 0; l <= model->num_layers; l++)
            tape->num_squares += (size_t)num_stretches(model, l);
        tape->squares = arena_take(arena, tape->num_squares, sizeof(double));
    }
    tape->dropped = drops ? arena_take(arena, L * R * H, sizeof(real)) : NULL;
    tape->kept = drops ? arena_take(arena, L * R * H, 1) : NULL;
    tape->logits = arena_take(arena, R * V, sizeof(real));
    tape->losses = arena_take(arena, R, sizeof(real));
    tape->normalisers = arena_take(arena, R, sizeof(real));
    for (int l = 0; l < model->num_layers; l++) {
        struct layer layer = shape_of(model, l, tape->B, tape->T, training);
        layer.dx = below;
        layer.dy = below = training ? arena_take(arena, R * H, sizeof(real)) : NULL;
        layer.scratch = tape->scratch;
        for (int s = 0; s < cell->num_states; s++)
            layer.state[s] = arena_take(arena, (R + (uint64_t)tape->B) * H, sizeof(real));
        layer.gates = arena_take(arena, R * H * (uint64_t)cell->num_gates, sizeof(real));
        if (!arena->base)
            continue;
        layer.packed = model->packed + packed_offset(model, l);
        point_at_params(model, &layer, l, tape->gradients);
        if (l > 0)
            layer.x = drops ? tape->dropped + (size_t)(l - 1) * R * H : output_row(tape, l - 1, 0);
        tape->layers[l] = layer;
    }
}

/* Whether the rows of a chunk, and the slot before it, can be counted in an int. */
static bool countable(int B, int T)
{
    return (long long)B * ((long long)T + 1) <= INT_MAX;
}

size_t tape_bytes(const struct model *model, int B, int T, bool training, double dropout)
{
    struct tape tape = {.model = model, .B = B, .T = T, .training = training, .dropout = dropout};
    if (!countable(B, T))
        return ARENA_MOST;
    struct arena arena = {0};
    lay_out(&tape, &arena);
    return arena.used;
}

int tape_init(struct tape *tape, const struct model *model, int B, int T, bool training,
              double dropout)
{
    struct arena arena = {.used = tape_bytes(model, B, T, training, dropout)};
    *tape = (struct tape){.model = model, .B = B, .T = T, .training = training, .dropout = dropout};
    if (arena.used >= ARENA_MOST)
        return error_set("chunks of %d streams and %d timesteps take more memory than can be "
                         "addressed: lower --batch-size or --seq-length",
                         B, T);
    tape->layers = mem_new((size_t)model->num_layers, sizeof *tape->layers);
    if (!tape->layers || arena_allocate(&arena) != 0) {
        tape_release(tape);
        return -1;
    }
    tape->memory = arena.base;
    lay_out(tape, &arena);
    return 0;
}

void tape_release(struct tape *tape)
{
    free(tape->layers);
    free(tape->memory);
    *tape = (struct tape){0};
}

real *tape_state(const struct tape *tape, int layer, int s)
{
    return tape->layers[layer].state[s] +
           (size_t)tape->T * (size_t)tape->B * (size_t)tape->model->hidden_size;
}

void tape_reset(struct tape *tape)
{
    const size_t states = (size_t)tape->B * (size_t)tape->model->hidden_size;
    for (int l = 0; l < tape->model->num_layers; l++)
        for (int s = 0; s < tape->model->cell->num_states; s++)
            memset(tape_state(tape, l, s), 0, states * sizeof(real));
}

void tape_take_back(struct tape *tape)
{
    const size_t states = (size_t)tape->B * (size_t)tape->model->hidden_size;
    for (int l = 0; l < tape->model->num_layers; l++)
        for (int s = 0; s < tape->model->cell->num_states; s++)
            memcpy(tape_state(tape, l, s), tape->layers[l].state[s], states * sizeof(real));
}

void tape_set_input(struct tape *tape, const int32_t *ids)
{
    tape->layers[tape->first].ids = ids;
}

/* The layer is given W_ih turned for the vectors that its input can be, as the lowest is for the
 * one-hot vectors of symbols. */
void tape_begin_at(struct tape *tape, int layer, const real *rows)
{
    const struct cell *cell = tape->model->cell;
    assert(layer > 0 && !tape->training && cell->recurrent);
    tape->first = layer;
    tape->layers[layer].onehot = true;
    tape->layers[layer].param[cell->recurrent->weight_ih] = rows;
}

void tape_set_clamps(struct tape *tape, const struct clamp *clamps, size_t count)
{
    assert(tape->T == 1 || count == 0);
    tape->clamps = clamps;
    tape->num_clamps = count;
}

/* --- forward and back ------------------------------------------------------------------------- */

/* Holds the clamped units of a layer in the streams [first, last) of its outputs h[B][H]. */
static void hold(const struct tape *tape, int layer, int first, int last, real *h)
{
    for (size_t k = 0; k < tape->num_clamps; k++) {
        const struct clamp *clamp = &tape->clamps[k];
        const int stream = clamp->stream;
        const int from = stream == CLAMP_ALL || stream < first ? first : stream;
        const int to = stream == CLAMP_ALL || stream >= last ? last : stream + 1;
        for (int b = from; b < to && clamp->layer == layer; b++)
            h[(size_t)b * (size_t)tape->model->hidden_size + (size_t)clamp->unit] = clamp->value;
    }
}

static void carry_states(struct member *member, struct tape *tape, const bool *reset)
{
    const size_t H = (size_t)tape->model->hidden_size;
    int first, last;
    team_share(member, tape->B, &first, &last);
    for (int l = tape->first; l < tape->model->num_layers; l++) {
        for (int s = 0; s < tape->model->cell->num_states; s++)
            for (int b = first; b < last; b++) {
                real *before = tape->layers[l].state[s] + (size_t)b * H;
                if (reset && reset[b])
                    memset(before, 0, H * sizeof(real));
                else
                    memcpy(before, tape_state(tape, l, s) + (size_t)b * H, H * sizeof(real));
            }
        hold(tape, l, first, last, tape->layers[l].state[0]);
    }
}

static void hold_outputs(struct member *member, struct tape *tape, int l)
{
    int first, last;
    if (tape->num_clamps == 0)
        return;
    team_share(member, tape->B, &first, &last);
    hold(tape, l, first, last, tape_state(tape, l, 0));
    team_barrier(member);
}

static size_t drop_offset(const struct tape *tape, int l, int r)
{
    const size_t R = (size_t)tape->B * (size_t)tape->T;
    return ((size_t)l * R + (size_t)r) * (size_t)tape->model->hidden_size;
}

static void drop_outputs(struct member *member, struct tape *tape, int l, uint64_t seed,
                         uint64_t step)
{
    const struct rng rng = {seed, RNG_DROPOUT};
    int first, last;
    if (tape->dropout == 0)
        return;
    team_share(member, tape->T * tape->B, &first, &last);
    for (int r = first; r < last; r++) {
        const uint32_t counter[4] = {0, (uint32_t)r, (uint32_t)l | (uint32_t)(step >> 32) << 16,
                                     (uint32_t)step};
        tape->model->engine->dropout.forward(
            tape->model->hidden_size, (real)tape->dropout, &rng, counter, output_row(tape, l, r),
            tape->dropped + drop_offset(tape, l, r), tape->kept + drop_offset(tape, l, r));
    }
    team_barrier(member);
}

static void drop_gradients(struct member *member, struct tape *tape, int l)
{
    int first, last;
    if (tape->dropout == 0)
        return;
    team_share(member, tape->T * tape->B, &first, &last);
    for (int r = first; r < last; r++)
        tape->model->engine->dropout.backward(
            tape->model->hidden_size, (real)tape->dropout, tape->kept + drop_offset(tape, l, r),
            tape->layers[l].dy + (size_t)r * (size_t)tape->model->hidden_size);
    team_barrier(member);
}

/* What the linear layer reads. */
static const real *top(const struct tape *tape)
{
    const int l = tape->model->num_layers - 1;
    return tape->dropout > 0 ? tape->dropped + drop_offset(tape, l, 0) : output_row(tape, l, 0);
}

void model_forward(struct member *member, struct tape *tape, const bool *reset, uint64_t seed,
                   uint64_t step)
{
    const struct model *model = tape->model;
    const struct param *linear = params_at(&model->params, model->cell, model->num_layers, 0);
    carry_states(member, tape, reset);
    team_barrier(member);
    for (int l = tape->first; l < model->num_layers; l++) {
        model->cell->forward(member, &tape->layers[l]);
        team_barrier(member);
        hold_outputs(member, tape, l);
        drop_outputs(member, tape, l, seed, step);
    }
    model->engine->linear.forward(member, tape->T * tape->B, model->hidden_size, model->vocab_size,
                                  top(tape),
                                  model->packed + packed_offset(model, model->num_layers),
                                  model->weights + linear[1].offset, tape->logits, tape->scratch);
    team_barrier(member);
}

void model_loss(struct member *member, struct tape *tape, const int32_t *targets)
{
    const int R = tape->T * tape->B, V = tape->model->vocab_size;
    int first, last;
    team_share(member, R, &first, &last);
    tape->model->engine->softmax.loss(last - first, V, tape->logits + (size_t)first * (size_t)V,
                                      targets + first, tape->losses + first,
                                      tape->normalisers + first);
    team_barrier(member);
    if (member->rank == 0) {
        double sum = 0;
        int count = 0;
        for (int r = 0; r < R; r++) {
            sum += (double)tape->losses[r];
            count += targets[r] >= 0;
        }
        tape->loss = count > 0 ? sum / count : 0;
    }
    team_barrier(member);
}

void tape_sum_squares(struct member *member, struct tape *tape, int layer, double clip_value)
{
    const struct model *model = tape->model;
    const size_t end = layer_offset(model, layer + 1);
    double *squares = tape->squares;
    int first, last;
    for (int l = 0; l < layer; l++)
        squares += num_stretches(model, l);
    team_share(member, num_stretches(model, layer), &first, &last);
    for (int k = first; k < last; k++) {
        const size_t at = layer_offset(model, layer) + (size_t)k * SQUARES;
        squares[k] = model->engine->optim.square_sum(
            clip_value, end - at < SQUARES ? end - at : SQUARES, tape->gradients + at);
    }
}

void model_backward(struct member *member, struct tape *tape, const int32_t *targets,
                    double clip_value)
{
    const struct model *model = tape->model;
    const int R = tape->T * tape->B, V = model->vocab_size, L = model->num_layers;
    const struct param *linear = params_at(&model->params, model->cell, L, 0);
    int first, last, count = 0;
    for (int r = 0; r < R; r++)
        count += targets[r] >= 0;
    team_share(member, R, &first, &last);
    model->engine->softmax.backward(last - first, V, targets + first, tape->normalisers + first,
                                    1 / (real)(count > 0 ? count : 1),
                                    tape->logits + (size_t)first * (size_t)V);
    team_barrier(member);
    model->engine->linear.backward(
        member, R, model->hidden_size, V, top(tape), model->packed + packed_offset(model, L),
        tape->logits, tape->gradients + linear[0].offset, tape->gradients + linear[1].offset,
        tape->layers[L - 1].dy, tape->scratch);
    team_barrier(member);
    tape_sum_squares(member, tape, L, clip_value);
    for (int l = L - 1; l >= 0; l--) {
        drop_gradients(member, tape, l);
        model->cell->backward(member, &tape->layers[l]);
        team_barrier(member);
        tape_sum_squares(member, tape, l, clip_value);
    }
    team_barrier(member);
}
