/* LSTM with forget gate (Hochreiter & Schmidhuber 1997; Gers, Schmidhuber & Cummins 2000):
 *
 *     i_t = σ(W_ii x_t + W_hi h_{t−1} + b_i)
 *     f_t = σ(W_if x_t + W_hf h_{t−1} + b_f)
 *     g_t = tanh(W_ig x_t + W_hg h_{t−1} + b_g)
 *     o_t = σ(W_io x_t + W_ho h_{t−1} + b_o)
 *     c_t = f_t ∘ c_{t−1} + i_t ∘ g_t
 *     h_t = o_t ∘ tanh c_t
 *
 * and back, with δ for the gradient of the loss:
 *
 *     δh_t = δy_t + W_hhᵀ δa_{t+1}                 a: the gates' arguments
 *     δc_t = δh_t ∘ o_t ∘ (1 − tanh² c_t) + δc_{t+1} ∘ f_{t+1}
 *     δa_i = δc_t ∘ g_t ∘ i_t (1 − i_t)            δa_g = δc_t ∘ i_t ∘ (1 − g_t²)
 *     δa_f = δc_t ∘ c_{t−1} ∘ f_t (1 − f_t)        δa_o = δh_t ∘ tanh c_t ∘ o_t (1 − o_t)
 *
 * A member owns PANEL neighbouring units with their four gates, so that one timestep is a product,
 * its non-linearities, and one barrier. */
#include "blas.h"
#include "engine.h"
#include "linear.h"
#include "panel.h"

enum { I, F, G, O, GATES };
enum { WEIGHT_IH, WEIGHT_HH, BIAS, PARAMS };
enum { STATE_H, STATE_C, STATES };

static const char *const quantities[] = {"h", "c", "i", "f", "g", "o"};

/* The forget gate starts open (Jozefowicz et al. 2015). */
static const real bias_start[GATES] = {[F] = 1};

static const struct cell_param params[PARAMS] = {
    [WEIGHT_IH] = {.name = "weight_ih", .gates = GATES, .columns = CELL_INPUT},
    [WEIGHT_HH] = {.name = "weight_hh", .gates = GATES, .columns = CELL_HIDDEN},
    [BIAS] = {.name = "bias_ih",
              .twin = "bias_hh",
              .gates = GATES,
              .columns = CELL_VECTOR,
              .start = bias_start},
};

static int num_tiles(int H)
{
    return (H + PANEL - 1) / PANEL;
}

static int tile_width(int H, int tile)
{
    return H - tile * PANEL < PANEL ? H - tile * PANEL : PANEL;
}

/* A tile's packed weights: four panels [H][PANEL] for the way forward, one [4H][PANEL] for the way
 * back. */
static size_t tile_size(int H)
{
    return 2 * (size_t)GATES * (size_t)H * (size_t)PANEL;
}

static size_t packed_size(int H)
{
    return (size_t)num_tiles(H) * tile_size(H);
}

static size_t scratch_size(int B, int H)
{
    return (size_t)B * (size_t)H;
}

static void pack(struct member *member, const struct layer *layer, real *packed)
{
    const int H = layer->H;
    const real *weight = layer->param[WEIGHT_HH];
    int first, last;
    team_share(member, num_tiles(H), &first, &last);
    for (int tile = first; tile < last; tile++) {
        const int unit = tile * PANEL, width = tile_width(H, tile);
        real *to = packed + (size_t)tile * tile_size(H);
        for (int gate = 0; gate < GATES; gate++, to += (size_t)H * (size_t)PANEL)
            panel_pack_turned(H, width,
                              weight + ((size_t)gate * (size_t)H + (size_t)unit) * (size_t)H,
                              (size_t)H, to);
        panel_pack(GATES * H, width, weight + unit, (size_t)H, to);
    }
}

/* The cell's equations for `width` units of one row; `gates` holds the arguments on the way in. */
static void row_forward(int width, int H, real *gates, const real *c_before, real *c, real *h)
{
    for (int u = 0; u < width; u += LANES) {
        const int n = width - u < LANES ? width - u : LANES;
        const vec i = vec_sigmoid(vec_load_part(gates + I * H + u, n));
        const vec f = vec_sigmoid(vec_load_part(gates + F * H + u, n));
        const vec g = vec_tanh(vec_load_part(gates + G * H + u, n));
        const vec o = vec_sigmoid(vec_load_part(gates + O * H + u, n));
        const vec cell = f * vec_load_part(c_before + u, n) + i * g;
        vec_store_part(gates + I * H + u, i, n);
        vec_store_part(gates + F * H + u, f, n);
        vec_store_part(gates + G * H + u, g, n);
        vec_store_part(gates + O * H + u, o, n);
        vec_store_part(c + u, cell, n);
        vec_store_part(h + u, o * vec_tanh(cell), n);
    }
}

/* `gates` holds their values on the way in and the gradients of their arguments on the way out;
 * `dc` holds δc_{t+1} ∘ f_{t+1} on the way in and δc_t ∘ f_t on the way out. */
static void row_backward(int width, int H, real *gates, const real *c_before, const real *c,
                         const real *dh, real *dc)
{
    for (int u = 0; u < width; u += LANES) {
        const int n = width - u < LANES ? width - u : LANES;
        const vec i = vec_load_part(gates + I * H + u, n), f = vec_load_part(gates + F * H + u, n);
        const vec g = vec_load_part(gates + G * H + u, n), o = vec_load_part(gates + O * H + u, n);
        const vec tanh_c = vec_tanh(vec_load_part(c + u, n)), dhidden = vec_load_part(dh + u, n);
        const vec dcell = dhidden * o * (1 - tanh_c * tanh_c) + vec_load_part(dc + u, n);
        vec_store_part(gates + I * H + u, dcell * g * i * (1 - i), n);
        vec_store_part(gates + F * H + u, dcell * vec_load_part(c_before + u, n) * f * (1 - f), n);
        vec_store_part(gates + G * H + u, dcell * i * (1 - g * g), n);
        vec_store_part(gates + O * H + u, dhidden * tanh_c * o * (1 - o), n);
        vec_store_part(dc + u, dcell * f, n);
    }
}

static void forward(struct member *member, const struct layer *layer)
{
    const int B = layer->B, H = layer->H;
    const size_t step = (size_t)B * (size_t)H; /* numbers of a timestep */
    int first, last;
    team_share(member, num_tiles(H), &first, &last);
    layer_input_forward(member, layer, GATES, WEIGHT_IH, BIAS);
    team_barrier(member);
    for (int t = 0; t < layer->T; t++) {
        const size_t before = (size_t)t * step, after = before + step;
        real *gates = layer->gates + GATES * before;
        for (int tile = first; tile < last; tile++) {
            const int unit = tile * PANEL, width = tile_width(H, tile);
            const real *panel = layer->packed + (size_t)tile * tile_size(H);
            for (int gate = 0; gate < GATES; gate++, panel += (size_t)H * (size_t)PANEL)
                panel_product(B, width, H, layer->state[STATE_H] + before, (size_t)H, panel,
                              gates + gate * H + unit, GATES * (size_t)H);
            for (int b = 0; b < B; b++) {
                const size_t row = (size_t)b * (size_t)H + (size_t)unit;
                row_forward(width, H, gates + (size_t)b * GATES * (size_t)H + unit,
                            layer->state[STATE_C] + before + row,
                            layer->state[STATE_C] + after + row,
                            layer->state[STATE_H] + after + row);
            }
        }
        team_barrier(member);
    }
}

static void backward(struct member *member, const struct layer *layer)
{
    const int B = layer->B, T = layer->T, H = layer->H;
    const size_t step = (size_t)B * (size_t)H;
    int first, last;
    team_share(member, num_tiles(H), &first, &last);
    for (int t = T - 1; t >= 0; t--) {
        const size_t before = (size_t)t * step, after = before + step;
        real *gates = layer->gates + GATES * before, *dh = layer->dy + before, *dc = layer->scratch;
        for (int tile = first; tile < last; tile++) {
            const int unit = tile * PANEL, width = tile_width(H, tile);
            const real *panel = layer->packed + ((size_t)tile * 2 + 1) * (tile_size(H) / 2);
            if (t < T - 1)
                panel_product(B, width, GATES * H, gates + GATES * step, GATES * (size_t)H, panel,
                              dh + unit, (size_t)H);
            for (int b = 0; b < B; b++) {
                const size_t row = (size_t)b * (size_t)H + (size_t)unit;
                if (t == T - 1)
                    memset(dc + row, 0, (size_t)width * sizeof(real));
                row_backward(width, H, gates + (size_t)b * GATES * (size_t)H + unit,
                             layer->state[STATE_C] + before + row,
                             layer->state[STATE_C] + after + row, dh + row, dc + row);
            }
        }
        team_barrier(member);
    }
    blas_gemm(member, GATES * H, H, T * B, (struct blas_operand){layer->gates, GATES * H, true},
              (struct blas_operand){layer->state[STATE_H], H, false}, 0, layer->grad[WEIGHT_HH], H);
    layer_input_backward(member, layer, GATES, WEIGHT_IH, BIAS);
}

const struct cell VARIANT(lstm_cell) = {
    .name = "lstm",
    .num_states = STATES,
    .num_gates = GATES,
    .num_params = PARAMS,
    .quantities = quantities,
    .params = params,
    .packed_size = packed_size,
    .scratch_size = scratch_size,
    .pack = pack,
    .forward = forward,
    .backward = backward,
};
