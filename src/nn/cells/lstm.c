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
 *     δa_f = δc_t ∘ c_{t−1} ∘ f_t (1 − f_t)        δa_o = δh_t ∘ tanh c_t ∘ o_t (1 − o_t) */
#include "engine.h"
#include "recurrent.h"

enum { I, F, G, O, GATES };
enum { WEIGHT_IH, WEIGHT_HH, BIAS, PARAMS };
enum { STATE_H, STATE_C, STATES };

static const char *const quantities[] = {"h", "c", "i", "f", "g", "o"};
static const char *const descriptions[] = {"hidden state", "cell state",  "input gate",
                                           "forget gate",  "new content", "output gate"};

static const real lowest[GATES] = {[G] = -1};

/* The forget gate starts open (Jozefowicz et al. 2015). */
static const real bias_init[GATES] = {[F] = 1};

static const struct layer_param params[PARAMS] = {
    [WEIGHT_IH] = {.name = "weight_ih", .blocks = GATES, .columns = LAYER_INPUT},
    [WEIGHT_HH] = {.name = "weight_hh", .blocks = GATES, .columns = LAYER_OUTPUT},
    [BIAS] = {.name = "bias_ih",
              .zero_bias = "bias_hh",
              .blocks = GATES,
              .columns = LAYER_VECTOR,
              .init = bias_init},
};

static void row_forward(const double *options, int width, const real *a, const real *const before[],
                        real *gates, size_t apart, real *const after[])
{
    (void)options;
    for (int u = 0; u < width; u += LANES) {
        const int n = width - u < LANES ? width - u : LANES;
        const vec i = vec_sigmoid(vec_load(a + I * NR + u));
        const vec f = vec_sigmoid(vec_load(a + F * NR + u));
        const vec g = vec_tanh(vec_load(a + G * NR + u));
        const vec o = vec_sigmoid(vec_load(a + O * NR + u));
        const vec c = vec_fma(f, vec_load_part(before[STATE_C] + u, n), i * g);
        vec_store_part(gates + I * apart + u, i, n);
        vec_store_part(gates + F * apart + u, f, n);
        vec_store_part(gates + G * apart + u, g, n);
        vec_store_part(gates + O * apart + u, o, n);
        vec_store_part(after[STATE_C] + u, c, n);
        vec_store_part(after[STATE_H] + u, o * vec_tanh(c), n);
    }
}

/* carried[0] is δc_{t+1} ∘ f_{t+1}. */
static void row_backward(const double *options, int width, real *gates, size_t apart,
                         const real *const before[], const real *const after[], real *dh,
                         real *const carried[])
{
    (void)options;
    for (int u = 0; u < width; u += LANES) {
        const int n = width - u < LANES ? width - u : LANES;
        const vec i = vec_load_part(gates + I * apart + u, n);
        const vec f = vec_load_part(gates + F * apart + u, n);
        const vec g = vec_load_part(gates + G * apart + u, n);
        const vec o = vec_load_part(gates + O * apart + u, n);
        const vec tanh_c = vec_tanh(vec_load_part(after[STATE_C] + u, n));
        const vec dhidden = vec_load_part(dh + u, n);
        const vec dcell = vec_fma(dhidden * o, vec_fma(-tanh_c, tanh_c, vec_of(1)),
                                  vec_load_part(carried[0] + u, n));
        const vec c_before = vec_load_part(before[STATE_C] + u, n);
        vec_store_part(gates + I * apart + u, dcell * g * i * (1 - i), n);
        vec_store_part(gates + F * apart + u, dcell * c_before * f * (1 - f), n);
        vec_store_part(gates + G * apart + u, dcell * i * vec_fma(-g, g, vec_of(1)), n);
        vec_store_part(gates + O * apart + u, dhidden * tanh_c * o * (1 - o), n);
        vec_store_part(carried[0] + u, dcell * f, n);
    }
}

static const int sums[GATES] = {I, F, G, O};

static const struct recurrent lstm = {
    .num_sums = GATES,
    .input = {GATES, sums},
    .state = {GATES, sums},
    .weight_ih = WEIGHT_IH,
    .weight_hh = WEIGHT_HH,
    .bias_ih = BIAS,
    .bias_hh = -1,
    .num_carried = 1,
    .row_forward = row_forward,
    .row_backward = row_backward,
};

const struct layer_kind VARIANT(lstm_cell) = {
    .name = "lstm",
    .num_states = STATES,
    .num_gates = GATES,
    .num_values = GATES,
    .num_params = PARAMS,
    .quantities = quantities,
    .descriptions = descriptions,
    .lowest = lowest,
    .forget_gate = F,
    .params = params,
    .recurrent = &lstm,
    RECURRENT_CELL,
};
