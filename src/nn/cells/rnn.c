/* Elman's network (1990), in PyTorch's form, φ = tanh or relu:
 *
 *     h_t = φ(W_ih x_t + W_hh h_{t−1} + b)
 *
 * and back, with δ for the gradient of the loss:
 *
 *     δh_t = δy_t + W_hhᵀ δa_{t+1}                 a: the argument of φ
 *     δa_t = δh_t ∘ φ'(a_t)                        tanh' = 1 − h²   relu' = 1 where h > 0 */
#include "engine.h"
#include "recurrent.h"

enum { A, SUMS };
enum { WEIGHT_IH, WEIGHT_HH, BIAS, PARAMS };
enum { NONLINEARITY, OPTIONS };
enum { TANH, RELU };

static const char *const nonlinearities[] = {[TANH] = "tanh", [RELU] = "relu", NULL};

static const struct layer_option options[OPTIONS] = {
    [NONLINEARITY] = {.name = "nonlinearity",
                      .help = "Nonlinearity of the units",
                      .choices = nonlinearities},
};

static const char *const quantities[] = {"h"};
static const char *const descriptions[] = {"hidden state"};

static const struct layer_param params[PARAMS] = {
    [WEIGHT_IH] = {.name = "weight_ih", .blocks = SUMS, .columns = LAYER_INPUT},
    [WEIGHT_HH] = {.name = "weight_hh", .blocks = SUMS, .columns = LAYER_OUTPUT},
    [BIAS] = {.name = "bias_ih", .zero_bias = "bias_hh", .blocks = SUMS, .columns = LAYER_VECTOR},
};

static void row_forward(const double *option, int width, const real *a, const real *const before[],
                        real *values, size_t apart, real *const after[])
{
    (void)before, (void)values, (void)apart;
    for (int u = 0; u < width; u += LANES) {
        const int n = width - u < LANES ? width - u : LANES;
        const vec sum = vec_load(a + u);
        const vec h = option[NONLINEARITY] == RELU ? vec_max(sum, (vec){0}) : vec_tanh(sum);
        vec_store_part(after[0] + u, h, n);
    }
}

static void row_backward(const double *option, int width, real *values, size_t apart,
                         const real *const before[], const real *const after[], real *dh,
                         real *const carried[])
{
    (void)apart, (void)before, (void)carried;
    for (int u = 0; u < width; u += LANES) {
        const int n = width - u < LANES ? width - u : LANES;
        const vec h = vec_load_part(after[0] + u, n), dhidden = vec_load_part(dh + u, n);
        const vec da = option[NONLINEARITY] == RELU
                           ? vec_select((vec_bits)(h > 0), dhidden, (vec){0})
                           : dhidden * vec_fma(-h, h, vec_of(1));
        vec_store_part(values + u, da, n);
    }
}

static const int sums[SUMS] = {A};

static const struct recurrent rnn = {
    .num_sums = SUMS,
    .input = {SUMS, sums},
    .state = {SUMS, sums},
    .weight_ih = WEIGHT_IH,
    .weight_hh = WEIGHT_HH,
    .bias_ih = BIAS,
    .bias_hh = -1,
    .row_forward = row_forward,
    .row_backward = row_backward,
};

const struct layer_kind VARIANT(rnn_cell) = {
    .name = "rnn",
    .num_states = 1,
    .num_values = SUMS,
    .num_params = PARAMS,
    .num_options = OPTIONS,
    .quantities = quantities,
    .descriptions = descriptions,
    .forget_gate = -1,
    .params = params,
    .options = options,
    .recurrent = &rnn,
    RECURRENT_CELL,
};
