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

static int add_param_of(struct params *params, const struct layer *layer,
                        const struct layer_param *of)
{
    const struct layer_kind *kind = layer->kind;
    char number[16] = "";
    struct param param = {
        .rows = of->blocks * layer->N,
        .columns = of->columns == LAYER_INPUT    ? layer->D
                   : of->columns == LAYER_OUTPUT ? layer->N
                                                 : 1,
        .vector = of->columns == LAYER_VECTOR,
        /* A one-hot input picks one of its rows. */
        .transposed = of->columns == LAYER_INPUT && layer->onehot,
        .fixed = of->fixed,
        .init = of->init,
        .num_blocks = of->blocks,
    };
    if (kind->numbered)
        snprintf(number, sizeof number, "_l%d", layer->number);
    snprintf(param.name, sizeof param.name, "%s.%s%s", kind->prefix, of->name, number);
    if (of->zero_bias)
        snprintf(param.zero_bias, sizeof param.zero_bias, "%s.%s%s", kind->prefix, of->zero_bias,
                 number);
    return add(params, param);
}

int params_init(struct params *params, const struct layer *layers, int depth)
{
    size_t count = 0;
    for (int l = 0; l < depth; l++)
        count += (size_t)layers[l].kind->num_params;
    params->list = mem_new(count, sizeof *params->list);
    params->first = mem_new((size_t)depth + 1, sizeof *params->first);
    if (!params->list || !params->first)
        return -1;
    for (int l = 0; l < depth; l++) {
        params->first[l] = params->count;
        for (int k = 0; k < layers[l].kind->num_params; k++)
            if (add_param_of(params, &layers[l], &layers[l].kind->params[k]) != 0)
                return -1;
    }
    params->first[depth] = params->count;
    return 0;
}

void params_release(struct params *params)
{
    free(params->list);
    free(params->first);
    *params = (struct params){0};
}

/* Uniform with a variance of 1/fan-in (LeCun et al. 1998), so that sums of inputs of unit size have
 * unit size. Of a one-hot input only one weight is ever in a sum: its fan-in is 1. */
static double init_bound(const struct param *param)
{
    return sqrt(3 / (param->transposed ? 1 : (double)param->columns));
}

void params_start(const struct params *params, uint64_t seed, real *weights)
{
    const struct rng rng = {seed, RNG_INIT};
    for (int p = 0; p < params->count; p++) {
        const struct param *param = &params->list[p];
        const size_t numbers = (size_t)param->rows * (size_t)param->columns;
        const double bound = param->vector ? 0 : init_bound(param);
        for (uint64_t k = 0; k < numbers; k++) {
            const uint32_t counter[4] = {(uint32_t)k, (uint32_t)(k >> 32), (uint32_t)p, 0};
            weights[param->offset + k] =
                param->init ? param->init[k / (numbers / (size_t)param->num_blocks)]
                            : (real)(bound * (2 * rng_uniform(&rng, counter) - 1));
        }
    }
}
