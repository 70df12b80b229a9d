#include "ablate.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "tape.h"

#define BLOCK 64    /* timesteps that the whole model reads at once */
#define STREAMS 512 /* units that are clamped side by side */

/* --- the whole model -------------------------------------------------------------------------- */

/* The model as it is reads the text in one stream, block by block. */
struct whole {
    struct model *model;
    const int32_t *ids;
    size_t length;
    struct tape tape;
    int32_t x[BLOCK], y[BLOCK];
    size_t start, steps; /* of the block in the text */
    double loss;         /* mean */
    double *means;       /* [L][H] of the outputs */
};

/* Timestep t of the text reads x_{t−1} and predicts x_t. */
static void begin_block(struct whole *whole, size_t start)
{
    const size_t left = whole->length - start;
    whole->start = start;
    whole->steps = left < BLOCK ? left : BLOCK;
    for (size_t t = 0; t < BLOCK; t++) {
        const bool in = t < whole->steps;
        whole->x[t] = in && start + t > 0 ? whole->ids[start + t - 1] : VOCAB_NONE;
        whole->y[t] = in ? whole->ids[start + t] : VOCAB_NONE;
    }
}

static void read_whole(struct member *member, struct whole *whole)
{
    const bool begins = whole->start == 0;
    model_forward(member, &whole->tape, &begins, 0, 0);
    model_loss(member, &whole->tape, whole->y);
}

static void read_alone(struct member *member, void *argument)
{
    read_whole(member, argument);
}

/* Reads the text for its loss and the means of the outputs. */
static void measure_whole(struct whole *whole, struct team *team)
{
    const size_t H = (size_t)whole->model->hidden_size, L = (size_t)whole->model->num_layers;
    for (size_t start = 0; start < whole->length; start += BLOCK) {
        begin_block(whole, start);
        team_run(team, read_alone, whole);
        for (size_t t = 0; t < whole->steps; t++) {
            whole->loss += (double)whole->tape.losses[t] / (double)whole->length;
            for (size_t l = 0; l < L; l++)
                for (size_t u = 0; u < H; u++)
                    whole->means[l * H + u] +=
                        (double)tape_layer(&whole->tape, (int)l)->state[0][(t + 1) * H + u] /
                        (double)whole->length;
        }
    }
}

/* --- units clamped ---------------------------------------------------------------------------- */

/* Units of one layer that are clamped, one in each stream. The layer's input is the same in all
 * streams, and is computed once, by the whole model. */
struct group {
    struct whole *whole;
    const struct labels *labels;
    int layer, count;
    const size_t *units;  /* [count] indices into the ablation's */
    struct clamp *clamps; /* [count] */
    struct tape tape;     /* B = count + 1: in the last stream nothing is clamped */
    int32_t *inputs;      /* [B] the same in all streams, like */
    int32_t *targets;     /* [B] */
    double *sums;         /* [1 + K][B] changes of the loss: in all, and where each label is on */
    bool above;           /* the layer is not the lowest, and uses */
    real *projected;      /* [BLOCK][…] its input product, see layer.h */
    struct arena memory;
};

/* The layer of the group as it is in the whole model. */
static const struct layer *whole_layer(const struct group *group)
{
    return tape_layer(&group->whole->tape, group->layer);
}

static int group_init(struct group *group)
{
    const size_t B = (size_t)group->count + 1, K = group->labels->count;
    const struct layer *layer = whole_layer(group);
    if (tape_init(&group->tape, group->whole->model, group->count + 1, 1, false, 0) != 0)
        return -1;
    group->above = group->layer > 0;
    group->clamps = arena_take(&group->memory, B, sizeof *group->clamps);
    group->inputs = arena_take(&group->memory, B, sizeof *group->inputs);
    group->targets = arena_take(&group->memory, B, sizeof *group->targets);
    group->sums = arena_take(&group->memory, (1 + K) * B, sizeof *group->sums);
    if (group->above)
        group->projected = arena_take(&group->memory, BLOCK,
                                      (size_t)layer->kind->projected_width(layer) * sizeof(real));
    if (group->memory.failed)
        return -1;
    if (group->above)
        tape_begin_at(&group->tape, group->layer, group->projected);
    tape_set_input(&group->tape, group->inputs);
    tape_set_clamps(&group->tape, group->clamps, (size_t)group->count);
    return 0;
}

/* Runs the whole model over the block, and computes the layer's input product from it. */
static void read_below(struct member *member, struct group *group)
{
    const struct layer *layer = whole_layer(group);
    read_whole(member, group->whole);
    layer->kind->project(member, layer, group->projected);
    team_barrier(member);
}

static bool is_on(const struct label *label, size_t t)
{
    return label->kind == LABEL_BINARY && label->values[t] > 0.5f;
}

/* Adds the differences between the losses of character t and that of the last stream. */
static void add_changes(const struct member *member, const struct group *group, size_t t)
{
    const int B = group->tape.B;
    const real *losses = group->tape.losses;
    int first, last;
    team_share(member, B, &first, &last);
    for (size_t k = 0; k <= group->labels->count; k++) {
        double *sums = group->sums + k * (size_t)B;
        if (k > 0 && !is_on(&group->labels->list[k - 1], t))
            continue;
        for (int b = first; b < last; b++)
            sums[b] += (double)losses[b] - (double)losses[B - 1];
    }
}

static void read_block(struct member *member, void *argument)
{
    struct group *group = argument;
    const struct whole *whole = group->whole;
    if (group->above)
        read_below(member, group);
    for (size_t t = 0; t < whole->steps; t++) {
        /* Other members read these only after the first barrier of model_forward. */
        for (int b = 0; b < group->tape.B && member->rank == 0; b++) {
            group->inputs[b] = group->above ? (int32_t)t : whole->x[t];
            group->targets[b] = whole->y[t];
        }
        model_forward(member, &group->tape, NULL, 0, 0);
        model_loss(member, &group->tape, group->targets);
        add_changes(member, group, whole->start + t);
    }
}

/* --- the ablation ----------------------------------------------------------------------------- */

static void count_on(struct ablation *ablation, const struct labels *labels)
{
    for (size_t k = 0; k < labels->count; k++)
        for (size_t t = 0; t < ablation->length; t++)
            ablation->counts[k] += is_on(&labels->list[k], t);
}

static void keep_changes(struct ablation *ablation, const struct group *group)
{
    const size_t B = (size_t)group->tape.B, K = group->labels->count;
    for (size_t b = 0; b < (size_t)group->count; b++) {
        const size_t unit = group->units[b];
        ablation->change[unit] = (float)(group->sums[b] / (double)ablation->length);
        for (size_t k = 0; k < K; k++)
            ablation->by_label[unit * K + k] =
                ablation->counts[k] < ABLATION_LEAST
                    ? NAN
                    : (float)(group->sums[(1 + k) * B + b] / (double)ablation->counts[k]);
    }
}

static void measure_group(struct ablation *ablation, struct team *team, struct group *group)
{
    struct whole *whole = group->whole;
    const size_t H = (size_t)whole->model->hidden_size;
    for (int b = 0; b < group->count; b++) {
        const struct trace_signal *unit = &ablation->units[group->units[b]];
        const double mean = whole->means[(size_t)unit->layer * H + (size_t)unit->unit];
        group->clamps[b] = (struct clamp){unit->layer, unit->unit, b,
                                          ablation->kind == ABLATION_MEAN ? (real)mean : 0};
    }
    for (size_t start = 0; start < whole->length; start += BLOCK) {
        begin_block(whole, start);
        team_run(team, read_block, group);
    }
    keep_changes(ablation, group);
}

/* Clamps the units, layer by layer. order[count] is scratch. */
static int measure_units(struct ablation *ablation, struct team *team, struct whole *whole,
                         const struct labels *labels, size_t *order)
{
    for (int layer = 0; layer < whole->model->num_layers; layer++) {
        size_t count = 0;
        for (size_t k = 0; k < ablation->count; k++)
            if (ablation->units[k].layer == layer)
                order[count++] = k;
        for (size_t at = 0; at < count; at += STREAMS) {
            struct group group = {.whole = whole,
                                  .labels = labels,
                                  .layer = layer,
                                  .units = order + at,
                                  .count = (int)(count - at < STREAMS ? count - at : STREAMS)};
            const int result = group_init(&group);
            if (result == 0)
                measure_group(ablation, team, &group);
            tape_release(&group.tape);
            arena_release(&group.memory);
            if (result != 0)
                return -1;
        }
    }
    return 0;
}

int ablate(struct ablation *ablation, struct arena *memory, struct team *team, struct model *model,
           const int32_t *ids, size_t length, enum ablation_kind kind,
           const struct trace_signal *units, size_t count, const struct labels *labels)
{
    const size_t K = labels->count, LH = (size_t)model->num_layers * (size_t)model->hidden_size;
    struct whole whole = {.model = model, .ids = ids, .length = length};
    struct arena scratch = {0};
    int result = -1;
    assert(kind != ABLATION_NONE && length > 0);
    *ablation = (struct ablation){.kind = kind, .length = length, .count = count};
    ablation->units = arena_take(memory, count, sizeof *units);
    ablation->change = arena_take(memory, count, sizeof *ablation->change);
    if (K > 0) {
        ablation->by_label = arena_take(memory, count * K, sizeof *ablation->by_label);
        ablation->counts = arena_take(memory, K, sizeof *ablation->counts);
    }
    size_t *order = arena_take(&scratch, count, sizeof *order);
    whole.means = arena_take(&scratch, LH, sizeof *whole.means);
    if (!memory->failed && !scratch.failed &&
        tape_init(&whole.tape, model, 1, BLOCK, false, 0) == 0) {
        memcpy(ablation->units, units, count * sizeof *units);
        tape_set_input(&whole.tape, whole.x);
        model_prepare(team, model);
        measure_whole(&whole, team);
        ablation->loss = (float)whole.loss;
        count_on(ablation, labels);
        result = measure_units(ablation, team, &whole, labels, order);
    }
    tape_release(&whole.tape);
    arena_release(&scratch);
    return result;
}
