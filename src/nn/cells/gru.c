/* Gated recurrent unit (Cho et al. 2014), in two forms. In PyTorch's the reset gate is applied
 * after the product with the state:
 *
 *     r_t = σ(W_ir x_t + b_ir + W_hr h_{t−1} + b_hr)
 *     z_t = σ(W_iz x_t + b_iz + W_hz h_{t−1} + b_hz)
 *     m_t = W_hn h_{t−1} + b_hn
 *     n_t = tanh(W_in x_t + b_in + r_t ∘ m_t)
 *     h_t = (1 − z_t) ∘ n_t + z_t ∘ h_{t−1}
 *
 * In the original one it is applied before, to the state: s_t = r_t ∘ h_{t−1}, m_t = W_hn s_t +
 * b_hn and n_t = tanh(W_in x_t + b_in + m_t).
 *
 * And back, with δ for the gradient of the loss, and a for the argument of σ or tanh:
 *
 *     δh_t = δy_t + W_hhᵀ [δa_r; δa_z; δm]_{t+1} + δh_{t+1} ∘ z_{t+1}
 *     δa_n = δh_t ∘ (1 − z_t) ∘ (1 − n_t²)
 *     δa_z = δh_t ∘ (h_{t−1} − n_t) ∘ z_t (1 − z_t)
 *
 *     after:     δm_t = δa_n ∘ r_t    δa_r = δa_n ∘ m_t ∘ r_t (1 − r_t)
 *     before:    δm_t = δa_n          δs_t = W_hnᵀ δm_t
 *                δa_r = δs_t ∘ h_{t−1} ∘ r_t (1 − r_t)
 *                δh_t = δy_t + W_hhᵀ [δa_r; δa_z]_{t+1} + δh_{t+1} ∘ z_{t+1} + δs_{t+1} ∘ r_{t+1}
 */
#include "engine.h"
#include "recurrent.h"

enum { R, Z, NEW, GATES, M = GATES, SUMS }; /* NEW: of n */
enum { WEIGHT_IH, WEIGHT_HH, BIAS_IH, BIAS_HH, PARAMS };
enum { RESET_GATE, OPTIONS };
enum { AFTER, BEFORE };

static const char *const places[] = {[AFTER] = "after", [BEFORE] = "before", NULL};

static const struct layer_option options[OPTIONS] = {
    [RESET_GATE] = {.name = "reset-gate",
                    .help = "Apply the reset gate after the product with the state, as PyTorch "
                            "does, or before it",
                    .choices = places},
};

static const char *const quantities[] = {"h", "r", "z", "n"};
static const char *const descriptions[] = {"hidden state", "reset gate", "update gate",
                                           "candidate state"};

static const real lowest[GATES] = {[NEW] = -1};

static const struct layer_param params[PARAMS] = {
    [WEIGHT_IH] = {.name = "weight_ih", .blocks = GATES, .columns = LAYER_INPUT},
    [WEIGHT_HH] = {.name = "weight_hh", .blocks = GATES, .columns = LAYER_OUTPUT},
    [BIAS_IH] = {.name = "bias_ih", .blocks = GATES, .columns = LAYER_VECTOR},
    [BIAS_HH] = {.name = "bias_hh", .blocks = GATES, .columns = LAYER_VECTOR},
};

static void row_forward(const double *option, int width, const real *a, const real *const before[],
                        real *values, size_t apart, real *const after[])
{
    for (int u = 0; u < width; u += LANES) {
        const int k = width - u < LANES ? width - u : LANES;
        const vec r = vec_sigmoid(vec_load(a + R * NR + u));
        const vec z = vec_sigmoid(vec_load(a + Z * NR + u));
        const vec m = vec_load(a + M * NR + u), a_n = vec_load(a + NEW * NR + u);
        const vec n = vec_tanh(option[RESET_GATE] == BEFORE ? a_n + m : vec_fma(r, m, a_n));
        const vec h = vec_load_part(before[0] + u, k);
        vec_store_part(values + R * apart + u, r, k);
        vec_store_part(values + Z * apart + u, z, k);
        vec_store_part(values + NEW * apart + u, n, k);
        vec_store_part(values + M * apart + u, m, k);
        vec_store_part(after[0] + u, vec_fma(z, h - n, n), k);
    }
}

static void row_change(const double *option, int width, const real *a, const real *const before[],
                       real *changed)
{
    (void)option;
    for (int u = 0; u < width; u += LANES) {
        const int k = width - u < LANES ? width - u : LANES;
        const vec r = vec_sigmoid(vec_load(a + R * NR + u));
        vec_store_part(changed + u, r * vec_load_part(before[0] + u, k), k);
    }
}

/* carried[0] is a part of δh_t: δh_{t+1} ∘ z_{t+1}, and δs_{t+1} ∘ r_{t+1} if there is an s. It
 * becomes δh_t ∘ z_t. */
static void row_backward(const double *option, int width, real *values, size_t apart,
                         const real *const before[], const real *const after[], real *dh,
                         real *const carried[])
{
    (void)after;
    for (int u = 0; u < width; u += LANES) {
        const int k = width - u < LANES ? width - u : LANES;
        const vec r = vec_load_part(values + R * apart + u, k);
        const vec z = vec_load_part(values + Z * apart + u, k);
        const vec n = vec_load_part(values + NEW * apart + u, k);
        const vec m = vec_load_part(values + M * apart + u, k);
        const vec h = vec_load_part(before[0] + u, k);
        const vec dhidden = vec_load_part(dh + u, k) + vec_load_part(carried[0] + u, k);
        const vec da_n = dhidden * (1 - z) * vec_fma(-n, n, vec_of(1));
        if (option[RESET_GATE] == AFTER)
            vec_store_part(values + R * apart + u, da_n * m * r * (1 - r), k);
        vec_store_part(values + Z * apart + u, dhidden * (h - n) * z * (1 - z), k);
        vec_store_part(values + NEW * apart + u, da_n, k);
        vec_store_part(values + M * apart + u, option[RESET_GATE] == AFTER ? da_n * r : da_n, k);

        vec_store_part(dh + u, dhidden, k);
        vec_store_part(carried[0] + u, dhidden * z, k);
    }
}

/* values[R] is still r. */
static void row_change_back(const double *option, int width, real *values, size_t apart,
                            const real *const before[], const real *dchanged, real *changed,
                            real *const carried[])
{
    (void)option;
    for (int u = 0; u < width; u += LANES) {
        const int k = width - u < LANES ? width - u : LANES;
        const vec r = vec_load_part(values + R * apart + u, k);
        const vec h = vec_load_part(before[0] + u, k), ds = vec_load_part(dchanged + u, k);
        vec_store_part(values + R * apart + u, ds * h * r * (1 - r), k);
        vec_store_part(changed + u, r * h, k);
        vec_store_part(carried[0] + u, vec_load_part(carried[0] + u, k) + ds * r, k);
    }
}

static int changed_blocks(const double *option)
{
    return option[RESET_GATE] == BEFORE ? 1 : 0; /* M's, the last one */
}

static const int input[GATES] = {R, Z, NEW}, state[GATES] = {R, Z, M};

static const struct recurrent gru = {
    .num_sums = SUMS,
    .input = {GATES, input},
    .state = {GATES, state},
    .weight_ih = WEIGHT_IH,
    .weight_hh = WEIGHT_HH,
    .bias_ih = BIAS_IH,
    .bias_hh = BIAS_HH,
    .num_carried = 1,
    .row_forward = row_forward,
    .row_backward = row_backward,
    .changed_blocks = changed_blocks,
    .row_change = row_change,
    .row_change_back = row_change_back,
};

const struct layer_kind VARIANT(gru_cell) = {
    .name = "gru",
    .num_states = 1,
    .num_gates = GATES,
    .num_values = SUMS,
    .num_params = PARAMS,
    .num_options = OPTIONS,
    .quantities = quantities,
    .descriptions = descriptions,
    .lowest = lowest,
    .forget_gate = Z,
    .params = params,
    .options = options,
    .recurrent = &gru,
    RECURRENT_CELL,
};
