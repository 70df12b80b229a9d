#include "softmax.h"

static real row_max(int V, const real *logits)
{
    vec max = vec_of(-INFINITY);
    real rest = -INFINITY;
    int v = 0;
    for (; v + LANES <= V; v += LANES)
        max = vec_max(vec_load(logits + v), max);
    for (; v < V; v++)
        rest = logits[v] > rest ? logits[v] : rest;
    const real lanes = vec_max_lanes(max);
    return lanes > rest ? lanes : rest;
}

/* Above this, a float is rounded by a thousandth or more. */
#define LARGE 16384

/* Subtracts the maximum from a row where it is large, which leaves the softmax as it is. Returns
 * the maximum that the row then has. */
static real limit_row(int V, real *logits)
{
    const real max = row_max(V, logits);
    if (max >= -LARGE && max <= LARGE)
        return max;
    for (int v = 0; v < V; v++)
        logits[v] -= max;
    return 0;
}

/* log Σ e^logit = max + log Σ e^(logit − max) */
static real row_log_sum_exp(int V, const real *logits, real max)
{
    vec sum = {0};
    for (int v = 0; v < V; v += LANES) {
        const int n = V - v < LANES ? V - v : LANES;
        vec e = vec_exp(vec_load_part(logits + v, n) - max);
        for (int lane = n; lane < LANES; lane++)
            e[lane] = 0;
        sum += e;
    }
    return max + (real)log((double)vec_sum_lanes(sum));
}

void softmax_loss(int R, int V, real *logits, const int32_t *targets, real *losses,
                  real *log_sum_exps)
{
    for (int r = 0; r < R; r++, logits += V) {
        const real max = limit_row(V, logits);
        log_sum_exps[r] = row_log_sum_exp(V, logits, max);
        losses[r] = targets[r] < 0 ? 0 : log_sum_exps[r] - logits[targets[r]];
    }
}

void softmax_backward(int R, int V, const int32_t *targets, const real *log_sum_exps, real scale,
                      real *logits)
{
    for (int r = 0; r < R; r++, logits += V) {
        if (targets[r] < 0) {
            memset(logits, 0, (size_t)V * sizeof(real));
            continue;
        }
        for (int v = 0; v < V; v += LANES) {
            const int n = V - v < LANES ? V - v : LANES;
            vec_store_part(logits + v,
                           scale * vec_exp(vec_load_part(logits + v, n) - log_sum_exps[r]), n);
        }
        logits[targets[r]] -= scale;
    }
}
