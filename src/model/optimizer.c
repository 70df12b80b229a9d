#include "optimizer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

/* Numbers that a member takes at once: whole lines of the cache. */
#define CHUNK ((size_t)1024)

int optimizer_init(struct optimizer *optimizer, const struct optim *optim,
                   const struct model *model)
{
    optimizer->optim = *optim;
    optimizer->size = model->params.size;
    optimizer->m = mem_new(optimizer->size, sizeof(real));
    optimizer->v = mem_new(optimizer->size, sizeof(real));
    if (optimizer->m && optimizer->v)
        return 0;
    optimizer_release(optimizer);
    return -1;
}

void optimizer_reset(struct optimizer *optimizer)
{
    memset(optimizer->m, 0, optimizer->size * sizeof(real));
    memset(optimizer->v, 0, optimizer->size * sizeof(real));
}

void optimizer_release(struct optimizer *optimizer)
{
    free(optimizer->m);
    free(optimizer->v);
    *optimizer = (struct optimizer){0};
}

size_t optimizer_bytes(const struct model *model)
{
    return 2 * model->params.size * sizeof(real);
}

void optimizer_step(struct member *member, struct optimizer *optimizer, struct model *model,
                    const struct tape *tape, uint64_t step, double rate)
{
    const struct optim *optim = &optimizer->optim;
    double sum = 0;
    for (size_t k = 0; k < tape->num_squares; k++)
        sum += tape->squares[k];
    const double norm = sqrt(sum);
    const double scale =
        optim->clip_norm > 0 && norm > optim->clip_norm ? optim->clip_norm / norm : 1;
    if (member->rank == 0)
        optimizer->grad_norm = norm;
    int first, last;
    team_share(member, (int)((optimizer->size + CHUNK - 1) / CHUNK), &first, &last);
    const size_t at = (size_t)first * CHUNK;
    const size_t end =
        (size_t)last * CHUNK < optimizer->size ? (size_t)last * CHUNK : optimizer->size;
    if (isfinite(norm) && at < end)
        model->engine->optim.update(optim, end - at, (long)step, rate, scale, tape->gradients + at,
                                    model->weights + at, optimizer->m + at, optimizer->v + at);
    team_barrier(member);
}
