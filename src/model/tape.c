#include "tape.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "mem.h"

/* --- memory ----------------------------------------------------------------------------------- */

/* A layer of the model's chain with the chunk of a tape, without its arrays. */
static struct layer layer_of(const struct tape *tape, int l)
{
    struct layer layer = tape->model->layers[l];
    layer.B = tape->B;
    layer.T = tape->T;
    layer.training = tape->training;
    layer.pass = tape->pass;
    if (layer.kind == tape->model->engine->dropout)
        layer.options[0] = tape->dropout;
    return layer;
}

/* The most that a layer needs. */
static size_t scratch_size(const struct tape *tape)
{
    size_t most = 0;
    for (int l = 0; l < tape->model->depth; l++) {
        const struct layer layer = layer_of(tape, l);
        const size_t size = layer.kind->scratch_size(&layer);
        most = size > most ? size : most;
    }
    return most;
}

/* Gives a layer its arrays; below: the layer under it, or NULL. */
static void lay_out_layer(struct layer *layer, const struct layer *below, bool highest,
                          struct arena *arena)
{
    const uint64_t R = (uint64_t)layer->B * (uint64_t)layer->T, N = (uint64_t)layer->N;
    const struct layer_kind *kind = layer->kind;
    const bool idle = kind->in_place && layer->options[0] == 0; /* its output is its input */
    assert(below || !kind->in_place);
    layer->x = below ? below->y : NULL;
    for (int s = 0; s < kind->num_states; s++)
        layer->state[s] = arena_take(arena, (R + (uint64_t)layer->B) * N, sizeof(real));
    if (kind->num_states > 0)
        layer->y = layer->state[0] ? layer->state[0] + (size_t)layer->B * (size_t)N : NULL;
    else
        layer->y = idle ? below->y : arena_take(arena, R * N, sizeof(real));
    layer->values =
        idle ? NULL : arena_take(arena, R * N * (uint64_t)kind->num_values, sizeof(real));
    if (!layer->training)
        return;
    /* The loss replaces the chain's output by its gradient. */
    layer->dy = kind->in_place ? below->dy
                : highest      ? layer->y
                               : arena_take(arena, R * N, sizeof(real));
    if (layer->needs_dx)
        layer->dx = below ? below->dy : arena_take(arena, R * (uint64_t)layer->D, sizeof(real));
}

static void lay_out(struct tape *tape, struct arena *arena)
{
    const struct model *model = tape->model;
    const uint64_t R = (uint64_t)tape->B * (uint64_t)tape->T;
    struct layer layer = {0}, below;
    real *scratch = arena_take(arena, scratch_size(tape), sizeof(real));
    tape->pass = arena_take(arena, 1, sizeof *tape->pass);
    if (tape->training)
        tape->gradients = arena_take(arena, model->params.size, sizeof(real));
    tape->losses = arena_take(arena, R, sizeof(real));
    tape->log_sum_exps = arena_take(arena, R, sizeof(real));
    for (int l = 0; l < model->depth; l++, below = layer) {
        layer = layer_of(tape, l);
        layer.scratch = scratch;
        lay_out_layer(&layer, l > 0 ? &below : NULL, l == model->depth - 1, arena);
        for (int k = 0; tape->gradients && k < layer.kind->num_params; k++)
            layer.grad[k] = tape->gradients + params_at(&model->params, l, k)->offset;
        if (tape->layers)
            tape->layers[l] = layer;
    }
    tape->logits = layer.y;
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
        return ARENA_MAX;
    struct arena arena = {.counting = true};
    lay_out(&tape, &arena);
    return arena.taken;
}

int tape_init(struct tape *tape, const struct model *model, int B, int T, bool training,
              double dropout)
{
    const size_t bytes = tape_bytes(model, B, T, training, dropout);
    *tape = (struct tape){.model = model, .B = B, .T = T, .training = training, .dropout = dropout};
    if (bytes >= ARENA_MAX)
        return error_set("chunks of %d streams and %d timesteps take more memory than can be "
                         "addressed: lower --batch-size or --seq-length",
                         B, T);
    tape->layers = mem_new((size_t)model->depth, sizeof *tape->layers);
    if (!tape->layers || arena_reserve(&tape->memory, bytes) != 0) {
        tape_release(tape);
        return -1;
    }
    lay_out(tape, &tape->memory);
    return 0;
}

void tape_release(struct tape *tape)
{
    free(tape->layers);
    arena_release(&tape->memory);
    *tape = (struct tape){0};
}

struct layer *tape_layer(const struct tape *tape, int l)
{
    return &tape->layers[model_layer_index(tape->model, l)];
}

real *tape_state(const struct tape *tape, int l, int s)
{
    return layer_state(tape_layer(tape, l), s);
}

void tape_reset(struct tape *tape)
{
    for (int l = 0; l < tape->model->depth; l++) {
        const struct layer *layer = &tape->layers[l];
        for (int s = 0; s < layer->kind->num_states; s++)
            memset(layer_state(layer, s), 0, (size_t)layer->B * (size_t)layer->N * sizeof(real));
    }
}

void tape_undo(struct tape *tape)
{
    for (int l = 0; l < tape->model->depth; l++) {
        const struct layer *layer = &tape->layers[l];
        for (int s = 0; s < layer->kind->num_states; s++)
            memcpy(layer_state(layer, s), layer->state[s],
                   (size_t)layer->B * (size_t)layer->N * sizeof(real));
    }
}

void tape_set_input(struct tape *tape, const int32_t *ids)
{
    tape->layers[tape->first_layer].ids = ids;
}

void tape_begin_at(struct tape *tape, int l, const real *projected)
{
    assert(l > 0 && !tape->training);
    tape->first_layer = model_layer_index(tape->model, l);
    tape->layers[tape->first_layer].onehot = true;
    tape->layers[tape->first_layer].projected = projected;
}

void tape_set_clamps(struct tape *tape, const struct clamp *clamps, size_t count)
{
    assert(tape->T == 1 || count == 0);
    tape->clamps = clamps;
    tape->num_clamps = count;
}

/* --- forward and back ------------------------------------------------------------------------- */

/* Sets the clamped units of a recurrent layer in the streams [first, last) of its outputs h[B][N].
 */
static void clamp_outputs(const struct tape *tape, const struct layer *layer, int first, int last,
                          real *h)
{
    for (size_t k = 0; k < tape->num_clamps; k++) {
        const struct clamp *clamp = &tape->clamps[k];
        const int stream = clamp->stream;
        const int from = stream == CLAMP_ALL || stream < first ? first : stream;
        const int to = stream == CLAMP_ALL || stream >= last ? last : stream + 1;
        for (int b = from; b < to && clamp->layer == layer->number; b++)
            h[(size_t)b * (size_t)layer->N + (size_t)clamp->unit] = clamp->value;
    }
}

static void carry_states(struct member *member, struct tape *tape, const bool *reset)
{
    int first, last;
    team_share(member, tape->B, &first, &last);
    for (int l = tape->first_layer; l < tape->model->depth; l++) {
        const struct layer *layer = &tape->layers[l];
        const size_t N = (size_t)layer->N;
        for (int s = 0; s < layer->kind->num_states; s++)
            for (int b = first; b < last; b++) {
                real *before = layer->state[s] + (size_t)b * N;
                if (reset && reset[b])
                    memset(before, 0, N * sizeof(real));
                else
                    memcpy(before, layer_state(layer, s) + (size_t)b * N, N * sizeof(real));
            }
        if (layer->kind->num_states > 0)
            clamp_outputs(tape, layer, first, last, layer->state[0]);
    }
}

/* Clamps what a layer has just computed. */
static void clamp_layer(struct member *member, struct tape *tape, const struct layer *layer)
{
    int first, last;
    if (tape->num_clamps == 0 || layer->kind->num_states == 0)
        return;
    team_share(member, tape->B, &first, &last);
    clamp_outputs(tape, layer, first, last, layer_state(layer, 0));
    team_barrier(member);
}

void model_forward(struct member *member, struct tape *tape, const bool *reset, uint64_t seed,
                   uint64_t step)
{
    if (member->rank == 0)
        *tape->pass = (struct pass){seed, step};
    carry_states(member, tape, reset);
    team_barrier(member);
    for (int l = tape->first_layer; l < tape->model->depth; l++) {
        const struct layer *layer = &tape->layers[l];
        layer->kind->forward(member, layer, 0, tape->T);
        team_barrier(member);
        clamp_layer(member, tape, layer);
    }
}

void model_loss(struct member *member, struct tape *tape, const int32_t *targets)
{
    const int R = tape->T * tape->B, V = tape->model->vocab_size;
    int first, last;
    team_share(member, R, &first, &last);
    tape->model->engine->softmax.loss(last - first, V, tape->logits + (size_t)first * (size_t)V,
                                      targets + first, tape->losses + first,
                                      tape->log_sum_exps + first);
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

void model_backward(struct member *member, struct tape *tape, const int32_t *targets)
{
    const struct model *model = tape->model;
    const int R = tape->T * tape->B, V = model->vocab_size;
    int first, last, count = 0;
    for (int r = 0; r < R; r++)
        count += targets[r] >= 0;
    team_share(member, R, &first, &last);
    model->engine->softmax.backward(last - first, V, targets + first, tape->log_sum_exps + first,
                                    1 / (real)(count > 0 ? count : 1),
                                    tape->logits + (size_t)first * (size_t)V);
    team_barrier(member);
    for (int l = model->depth - 1; l >= 0; l--) {
        const struct layer *layer = &tape->layers[l];
        layer->kind->backward(member, layer, 0, tape->T);
        team_barrier(member);
        if (layer->kind->gradients)
            layer->kind->gradients(member, layer);
        team_barrier(member);
    }
}
