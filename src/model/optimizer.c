#include "optimizer.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Numbers that a member takes at once: whole lines of the cache. */
#define CHUNK ((size_t)1024)

/* Numbers whose squares make one sum, in full precision. No piece has parameters of two layers. */
#define PIECE ((size_t)8192)

static int num_pieces(const struct model *model, int layer)
{
    const size_t size =
        params_offset(&model->params, layer + 1) - params_offset(&model->params, layer);
    return (int)((size + PIECE - 1) / PIECE);
}

int optimizer_init(struct optimizer *optimizer, const struct optim *optim,
                   const struct model *model)
{
    optimizer->optim = *optim;
    optimizer->size = model->params.size;
    for (int l = 0; l < model->depth; l++)
        optimizer->num_squares += (size_t)num_pieces(model, l);
    optimizer->m = arena_take(&optimizer->memory, optimizer->size, sizeof(real));
    optimizer->v = arena_take(&optimizer->memory, optimizer->size, sizeof(real));
    optimizer->squares = arena_take(&optimizer->memory, optimizer->num_squares, sizeof(double));
    if (!optimizer->memory.failed)
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
    arena_release(&optimizer->memory);
    *optimizer = (struct optimizer){0};
}

size_t optimizer_bytes(const struct model *model)
{
    return 2 * model->params.size * sizeof(real);
}

/* The norm of the gradient, each element clipped. The sums do not depend on the team. */
static double gradient_norm(struct member *member, struct optimizer *optimizer,
                            const struct model *model, const real *gradients)
{
    double *squares = optimizer->squares, sum = 0;
    for (int l = 0; l < model->depth; l++) {
        const size_t start = params_offset(&model->params, l),
                     end = params_offset(&model->params, l + 1);
        int first, last;
        team_share(member, num_pieces(model, l), &first, &last);
        for (int k = first; k < last; k++) {
            const size_t at = start + (size_t)k * PIECE;
            squares[k] = model->engine->optim.square_sum(
                optimizer->optim.clip_value, end - at < PIECE ? end - at : PIECE, gradients + at);
        }
        squares += num_pieces(model, l);
    }
    team_barrier(member);
    for (size_t k = 0; k < optimizer->num_squares; k++)
        sum += optimizer->squares[k];
    return sqrt(sum);
}

/* The next parameters from index `*param` on that are trained and lie side by side: a span of the
 * block. False if there are none. */
static bool next_span(const struct params *params, int *param, size_t *start, size_t *end)
{
    while (*param < params->count && params->list[*param].fixed)
        (*param)++;
    if (*param == params->count)
        return false;
    *start = params->list[*param].offset;
    while (*param < params->count && !params->list[*param].fixed)
        (*param)++;
    *end = *param < params->count ? params->list[*param].offset : params->size;
    return true;
}

void optimizer_step(struct member *member, struct optimizer *optimizer, struct model *model,
                    const struct tape *tape, uint64_t step, double rate)
{
    const struct optim *optim = &optimizer->optim;
    const double norm = gradient_norm(member, optimizer, model, tape->gradients);
    const double scale =
        optim->clip_norm > 0 && norm > optim->clip_norm ? optim->clip_norm / norm : 1;
    if (member->rank == 0)
        optimizer->grad_norm = norm;
    size_t start, end;
    for (int param = 0; isfinite(norm) && next_span(&model->params, &param, &start, &end);) {
        int first, last;
        team_share(member, (int)((end - start + CHUNK - 1) / CHUNK), &first, &last);
        const size_t at = start + (size_t)first * CHUNK;
        const size_t to = start + (size_t)last * CHUNK < end ? start + (size_t)last * CHUNK : end;
        if (at < to)
            model->engine->optim.update(optim, to - at, step, rate, scale, tape->gradients + at,
                                        model->weights + at, optimizer->m + at, optimizer->v + at);
    }
    team_barrier(member);
}
