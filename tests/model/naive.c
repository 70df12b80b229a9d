#include "naive.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reference.h"

/* Where the weights of a layer begin; layer L is the linear one. */
static double *layer_weights(const struct naive *naive, int layer)
{
    const int H = naive->H, above = 4 * H * (2 * H + 1);
    return naive->weights + (layer == 0 ? 0 : 4 * H * (naive->V + H + 1) + (layer - 1) * above);
}

/* Copies one parameter, [rows][columns], to `to`. Returns what is behind it. */
static double *copy(const struct model *model, const struct param *param, double *to)
{
    const real *from = model->weights + param->offset;
    for (int row = 0; row < param->rows; row++)
        for (int column = 0; column < param->columns; column++)
            *to++ = (double)(param->turned ? from[column * param->rows + row]
                                           : from[row * param->columns + column]);
    return to;
}

void naive_init(struct naive *naive, const struct model *model)
{
    *naive =
        (struct naive){.L = model->num_layers, .H = model->hidden_size, .V = model->vocab_size};
    const size_t states = (size_t)(naive->L * 2 * naive->H);
    naive->weights = calloc(model->params.total, sizeof(double));
    naive->h = calloc(states, sizeof(double));
    naive->c = calloc(states, sizeof(double));
    naive->logits = calloc((size_t)naive->V, sizeof(double));
    double *to = naive->weights;
    for (int p = 0; p < model->params.count; p++)
        to = copy(model, &model->params.list[p], to);
}

void naive_release(struct naive *naive)
{
    free(naive->weights);
    free(naive->h);
    free(naive->c);
    free(naive->logits);
}

void naive_one_hot(const struct naive *naive, int32_t id, double *x)
{
    for (int v = 0; v < naive->V; v++)
        x[v] = v == id;
}

static void step_layer(struct naive *naive, int layer, const double *x, double *gates)
{
    const int H = naive->H, D = layer == 0 ? naive->V : H;
    const double *weights = layer_weights(naive, layer);
    struct reference reference = {.B = 1,
                                  .T = 1,
                                  .D = D,
                                  .H = H,
                                  .x = x,
                                  .weight_ih = weights,
                                  .weight_hh = weights + 4 * H * D,
                                  .b = weights + 4 * H * (D + H),
                                  .h = naive->h + layer * 2 * H,
                                  .c = naive->c + layer * 2 * H,
                                  .gates = gates};
    memcpy(reference.h, reference.h + H, (size_t)H * sizeof(double));
    memcpy(reference.c, reference.c + H, (size_t)H * sizeof(double));
    reference_forward(&reference);
}

double naive_step(struct naive *naive, const double *x, int32_t target, naive_touch_fn *touch,
                  void *context)
{
    const int H = naive->H, V = naive->V;
    const double *linear = layer_weights(naive, naive->L);
    double *gates = calloc((size_t)(4 * H), sizeof(double)), sum = 0;
    for (int l = 0; l < naive->L; l++) {
        double *h = naive->h + (l * 2 + 1) * H;
        step_layer(naive, l, x, gates);
        if (touch)
            touch(context, l, h);
        x = h;
    }
    for (int v = 0; v < V; v++) {
        naive->logits[v] = linear[V * H + v];
        for (int u = 0; u < H; u++)
            naive->logits[v] += linear[v * H + u] * x[u];
        sum += exp(naive->logits[v]);
    }
    free(gates);
    return target < 0 ? 0 : log(sum) - naive->logits[target];
}
