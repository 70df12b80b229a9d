#include "optim_loops.h"

#define EPSILON ((real)1e-8)

static inline real clipped(real g, real limit)
{
    return g > limit ? limit : g < -limit ? -limit : g;
}

static real limit_of(double clip_value)
{
    return clip_value > 0 ? (real)clip_value : (real)INFINITY;
}

double optim_square_sum(double clip_value, size_t n, const real *gradient)
{
    const real limit = limit_of(clip_value);
    typedef double lanes __attribute__((vector_size(LANES * sizeof(double))));
    const vec most = vec_of(limit);
    lanes sum = {0};
    for (size_t k = 0; k < n; k += (size_t)LANES) {
        const vec g = vec_load_part(gradient + k, n - k < (size_t)LANES ? (int)(n - k) : LANES);
        const lanes x = __builtin_convertvector(vec_min(most, vec_max(-most, g)), lanes);
        sum += x * x;
    }
    double total = 0;
    for (int lane = 0; lane < LANES; lane++)
        total += sum[lane];
    return total;
}

void optim_update(const struct optim *optim, size_t n, uint64_t step, double rate, double scale,
                  const real *gradient, real *restrict weight, real *restrict m, real *restrict v)
{
    const real limit = limit_of(optim->clip_value), factor = (real)scale, lr = (real)rate;
    const real keep = (real)(1 - rate * optim->weight_decay);
    const real m_scale = (real)(1 / (1 - pow(0.9, (double)step)));
    const real v_scale = (real)(1 / (1 - pow(0.999, (double)step)));
    switch (optim->kind) {
    case OPTIM_ADAM:
        for (size_t k = 0; k < n; k++) {
            const real g = factor * clipped(gradient[k], limit);
            m[k] = real_fma((real)0.9, m[k], (real)0.1 * g);
            v[k] = real_fma((real)0.999, v[k], (real)0.001 * g * g);
            weight[k] = real_fma(keep, weight[k],
                                 -(lr * (m[k] * m_scale) / ((real)sqrt(v[k] * v_scale) + EPSILON)));
        }
        break;
    case OPTIM_RMSPROP:
        for (size_t k = 0; k < n; k++) {
            const real g = factor * clipped(gradient[k], limit);
            v[k] = real_fma((real)0.99, v[k], (real)0.01 * g * g);
            weight[k] = real_fma(keep, weight[k], -(lr * g / ((real)sqrt(v[k]) + EPSILON)));
        }
        break;
    case OPTIM_SGD:
        for (size_t k = 0; k < n; k++)
            weight[k] = real_fma(keep, weight[k], -(lr * factor * clipped(gradient[k], limit)));
        break;
    }
}
