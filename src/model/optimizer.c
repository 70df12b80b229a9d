#include "optimizer.h"

#include <math.h>
#include <stdlib.h>

#include "mem.h"

/* Chunks of the blocks: their sums are added in order, whoever made them. */
#define CHUNK ((size_t)8192)

static int num_chunks(size_t size)
{
    return (int)((size + CHUNK - 1) / CHUNK);
}

static size_t chunk_length(size_t size, int chunk)
{
    size_t left = size - (size_t)chunk * CHUNK;
    return left < CHUNK ? left : CHUNK;
}

int optimizer_init(struct optimizer *optimizer, const struct optim *optim,
                   const struct model *model)
{
    optimizer->optim = *optim;
    optimizer->size = model->params.size;
    optimizer->m = mem_new(optimizer->size, sizeof(real));
    optimizer->v = mem_new(optimizer->size, sizeof(real));
    optimizer->sums = mem_new((size_t)num_chunks(optimizer->size), sizeof *optimizer->sums);
    if (optimizer->m && optimizer->v && optimizer->sums)
        return 0;
    optimizer_release(optimizer);
    return -1;
}

void optimizer_release(struct optimizer *optimizer)
{
    free(optimizer->m);
    free(optimizer->v);
    free(optimizer->sums);
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
    const int chunks = num_chunks(optimizer->size);
    int first, last;
    team_share(member, chunks, &first, &last);
    for (int chunk = first; chunk < last; chunk++)
        optimizer->sums[chunk] = model->engine->optim.square_sum(
            optim, chunk_length(optimizer->size, chunk), tape->gradients + (size_t)chunk * CHUNK);
    team_barrier(member);
    double sum = 0;
    for (int chunk = 0; chunk < chunks; chunk++)
        sum += optimizer->sums[chunk];
    const double norm = sqrt(sum);
    const double scale =
        optim->clip_norm > 0 && norm > optim->clip_norm ? optim->clip_norm / norm : 1;
    if (member->rank == 0)
        optimizer->grad_norm = norm;
    for (int chunk = first; chunk < last && isfinite(norm); chunk++) {
        const size_t at = (size_t)chunk * CHUNK;
        model->engine->optim.update(optim, chunk_length(optimizer->size, chunk), (long)step, rate,
                                    scale, tape->gradients + at, model->weights + at,
                                    optimizer->m + at, optimizer->v + at);
    }
    team_barrier(member);
}
