#include "naive.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reference.h"

/* Rows by rows. */
static double *copy(const struct model *model, const struct param *param)
{
    const real *from = model->weights + param->offset;
    double *weights = calloc((size_t)param->rows * (size_t)param->columns, sizeof *weights);
    double *to = weights;
    for (int row = 0; row < param->rows; row++)
        for (int column = 0; column < param->columns; column++)
            *to++ = (double)(param->transposed ? from[column * param->rows + row]
                                               : from[row * param->columns + column]);
    return weights;
}

void naive_init(struct naive *naive, const struct model *model)
{
    *naive = (struct naive){
        .model = model, .L = model->num_layers, .H = model->hidden_size, .V = model->vocab_size};
    naive->weights = calloc((size_t)model->params.count, sizeof *naive->weights);
    naive->states =
        calloc((size_t)(naive->L * model->cell->num_states * 2 * naive->H), sizeof(double));
    naive->logits = calloc((size_t)naive->V, sizeof(double));
    for (int p = 0; p < model->params.count; p++)
        naive->weights[p] = copy(model, &model->params.list[p]);
}

void naive_release(struct naive *naive)
{
    for (int p = 0; p < naive->model->params.count; p++)
        free(naive->weights[p]);
    free(naive->weights);
    free(naive->states);
    free(naive->logits);
}

double *naive_state(const struct naive *naive, int layer, int s)
{
    return naive->states + ((layer * naive->model->cell->num_states + s) * 2 + 1) * naive->H;
}

void naive_one_hot(const struct naive *naive, int32_t id, double *x)
{
    for (int v = 0; v < naive->V; v++)
        x[v] = v == id;
}

/* The parameter that files call so, "rnn.NAME_l0"; NULL if there is none. */
static const double *weights_of(const struct naive *naive, int layer, const char *name)
{
    char whole[48];
    snprintf(whole, sizeof whole, "rnn.%s_l%d", name, layer);
    for (int p = 0; p < naive->model->params.count; p++)
        if (strcmp(naive->model->params.list[p].name, whole) == 0)
            return naive->weights[p];
    return NULL;
}

static void step_layer(struct naive *naive, int layer, const double *x)
{
    const struct layer_kind *kind = naive->model->cell;
    const int H = naive->H;
    double *gates = calloc((size_t)(kind->num_gates * H) + 1, sizeof(double));
    struct reference reference = {.cell = reference_cell(kind),
                                  .kind = kind,
                                  .options = naive->model->options,
                                  .B = 1,
                                  .T = 1,
                                  .D = layer == 0 ? naive->V : H,
                                  .H = H,
                                  .x = x,
                                  .weight_ih = weights_of(naive, layer, "weight_ih"),
                                  .weight_hh = weights_of(naive, layer, "weight_hh"),
                                  .b_ih = weights_of(naive, layer, "bias_ih"),
                                  .b_hh = weights_of(naive, layer, "bias_hh"),
                                  .gates = gates};
    for (int s = 0; s < kind->num_states; s++) {
        double *after = naive_state(naive, layer, s);
        reference.state[s] = after - H;
        memcpy(after - H, after, (size_t)H * sizeof(double));
    }
    reference_forward(&reference);
    free(gates);
}

double naive_step(struct naive *naive, const double *x, int32_t target, naive_touch_fn *touch,
                  void *context)
{
    const int H = naive->H, V = naive->V, count = naive->model->params.count;
    const double *weight = naive->weights[count - 2], *bias = naive->weights[count - 1];
    double sum = 0;
    for (int l = 0; l < naive->L; l++) {
        double *h = naive_state(naive, l, 0);
        step_layer(naive, l, x);
        if (touch)
            touch(context, l, h);
        x = h;
    }
    for (int v = 0; v < V; v++) {
        naive->logits[v] = bias[v];
        for (int u = 0; u < H; u++)
            naive->logits[v] += weight[v * H + u] * x[u];
        sum += exp(naive->logits[v]);
    }
    return target < 0 ? 0 : log(sum) - naive->logits[target];
}
