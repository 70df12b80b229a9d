#include "params.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "error.h"
#include "mem.h"
#include "rng.h"

/* Parameters begin on a cache line. */
#define ALIGN_REALS ((size_t)16)

/* Bytes of several blocks can still be added up. */
#define MOST (SIZE_MAX / 64)

static int add(struct params *params, struct param param)
{
    size_t numbers;
    if (__builtin_mul_overflow((size_t)param.rows, (size_t)param.columns, &numbers) ||
        numbers > MOST - params->size)
        return error_set("%s: %d x %d numbers are more than memory can address", param.name,
                         param.rows, param.columns);
    param.offset = params->size;
    params->list[params->count++] = param;
    params->size += (numbers + ALIGN_REALS - 1) / ALIGN_REALS * ALIGN_REALS;
    params->total += numbers;
    return 0;
}

static int add_cell_param(struct params *params, const struct cell_param *of, int layer, int H,
                          int D)
{
    struct param param = {
        .rows = of->gates * H,
        .columns = of->columns == CELL_INPUT    ? D
                   : of->columns == CELL_HIDDEN ? H
                                                : 1,
        .vector = of->columns == CELL_VECTOR,
        .turned =
            of->columns == CELL_INPUT && layer == 0, /* a one-hot input picks one of its rows */
        .starts = of->start,
        .num_starts = of->start ? of->gates : 0,
    };
    snprintf(param.name, sizeof param.name, "rnn.%s_l%d", of->name, layer);
    if (of->twin)
        snprintf(param.twin, sizeof param.twin, "rnn.%s_l%d", of->twin, layer);
    return add(params, param);
}

int params_init(struct params *params, const struct cell *cell, int L, int H, int V)
{
    params->list = mem_new((size_t)L * (size_t)cell->num_params + 2, sizeof *params->list);
    if (!params->list)
        return -1;
    for (int layer = 0; layer < L; layer++)
        for (int k = 0; k < cell->num_params; k++)
            if (add_cell_param(params, &cell->params[k], layer, H, layer == 0 ? V : H) != 0)
                return -1;
    if (add(params, (struct param){.name = "linear.weight", .rows = V, .columns = H}) != 0 ||
        add(params,
            (struct param){.name = "linear.bias", .rows = V, .columns = 1, .vector = true}) != 0)
        return -1;
    return 0;
}

void params_release(struct params *params)
{
    free(params->list);
    *params = (struct params){0};
}

const struct param *params_at(const struct params *params, const struct cell *cell, int layer,
                              int k)
{
    return &params->list[layer * cell->num_params + k];
}

/* Uniform with a variance of 1/fan-in (LeCun et al. 1998), so that sums of inputs of unit size have
 * unit size. Of a one-hot input only one weight is ever in a sum: its fan-in is 1. */
static double start_bound(const struct param *param)
{
    return sqrt(3 / (param->turned ? 1 : (double)param->columns));
}

void params_start(const struct params *params, uint64_t seed, real *weights)
{
    const struct rng rng = {seed, RNG_INIT};
    for (int p = 0; p < params->count; p++) {
        const struct param *param = &params->list[p];
        const size_t numbers = (size_t)param->rows * (size_t)param->columns;
        const double bound = param->vector ? 0 : start_bound(param);
        for (uint64_t k = 0; k < numbers; k++) {
            const uint32_t counter[4] = {(uint32_t)k, (uint32_t)(k >> 32), (uint32_t)p, 0};
            weights[param->offset + k] =
                param->starts ? param->starts[k / (size_t)(param->rows / param->num_starts)]
                              : (real)(bound * (2 * rng_uniform(&rng, counter) - 1));
        }
    }
}
