#include "model.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "mem.h"

/* --- the chain -------------------------------------------------------------------------------- */

/* Puts a layer of N units on top of the chain. */
static void add_layer(struct model *model, const struct layer_kind *kind, int N)
{
    const bool lowest = model->depth == 0;
    struct layer layer = {
        .kind = kind,
        .D = lowest ? model->vocab_size : model->layers[model->depth - 1].N,
        .N = N,
        .onehot = lowest,
        .training = model->training,
        .needs_dx = model->training && (!lowest || model->input_gradient),
    };
    for (int l = 0; l < model->depth; l++)
        layer.number += model->layers[l].kind == kind;
    for (int k = 0; k < kind->num_options; k++)
        layer.options[k] = kind == model->cell ? model->options[k] : kind->options[k].default_value;
    model->layers[model->depth++] = layer;
}

static void build_chain(struct model *model)
{
    model->depth = 0;
    for (int l = 0; l < model->num_layers; l++) {
        add_layer(model, model->cell, model->hidden_size);
        add_layer(model, model->engine->dropout, model->hidden_size);
    }
    add_layer(model, model->engine->linear, model->vocab_size);
}

int model_layer_index(const struct model *model, int l)
{
    int place = 0;
    while (model->layers[place].kind != model->cell || model->layers[place].number != l)
        place++;
    return place;
}

int model_init(struct model *model, const struct engine *engine, const char *cell,
               const double *options, int L, int H, int V, struct vocab *vocab)
{
    assert(!model->training || engine->precision != PRECISION_INT8);
    model->engine = engine;
    model->cell = engine_cell(engine, cell);
    model->num_layers = L;
    model->hidden_size = H;
    model->vocab_size = V;
    model->val_loss = NAN;
    for (int k = 0; model->cell && k < model->cell->num_options; k++)
        model->options[k] =
            options && !isnan(options[k]) ? options[k] : model->cell->options[k].default_value;
    model->layers = mem_new(2 * (size_t)L + 1, sizeof *model->layers);
    if (model->cell && model->layers)
        build_chain(model);
    if (!model->cell || !model->layers ||
        params_init(&model->params, model->layers, model->depth) != 0) {
        model_release(model);
        return -1;
    }
    if (vocab) {
        model->vocab = *vocab;
        *vocab = (struct vocab){0};
    }
    return 0;
}

/* --- memory ----------------------------------------------------------------------------------- */

/* Numbers that a layer's packed weights take: whole cache lines. */
static size_t packed_size(const struct layer *layer)
{
    return (layer->kind->packed_size(layer) + 15) / 16 * 16;
}

static size_t packed_total(const struct model *model)
{
    size_t total = 0;
    for (int l = 0; l < model->depth; l++)
        total += packed_size(&model->layers[l]);
    return total;
}

/* Takes the memory for packed weights, and points the layers at theirs. */
static int point_layers(struct model *model)
{
    real *packed = model->packed = mem_new(packed_total(model), sizeof(real));
    for (int l = 0; packed && l < model->depth; l++) {
        struct layer *layer = &model->layers[l];
        layer->packed = packed;
        packed += packed_size(layer);
        for (int k = 0; k < layer->kind->num_params; k++)
            layer->param[k] = model->weights + params_at(&model->params, l, k)->offset;
    }
    return packed ? 0 : -1;
}

int model_allocate(struct model *model)
{
    model->weights = mem_new(model->params.size, sizeof(real));
    return model->weights ? point_layers(model) : -1;
}

int model_change_engine(struct model *model, const struct engine *engine)
{
    free(model->packed); /* before there is room for the new ones: they may be large */
    model->packed = NULL;
    if (!(model->cell = engine_cell(engine, model->cell->name)))
        return -1;
    model->engine = engine;
    build_chain(model);
    return point_layers(model);
}

void model_release(struct model *model)
{
    params_release(&model->params);
    free(model->layers);
    free(model->weights);
    free(model->packed);
    free(model->history);
    vocab_release(&model->vocab);
    *model = (struct model){0};
}

size_t model_bytes(const struct model *model)
{
    return sizeof(real) * (model->params.size + packed_total(model));
}

/* --- packing ---------------------------------------------------------------------------------- */

void model_pack(struct member *member, struct model *model)
{
    for (int l = 0; l < model->depth; l++) {
        const struct layer *layer = &model->layers[l];
        if (layer->kind->pack)
            layer->kind->pack(member, layer, (real *)layer->packed);
    }
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
