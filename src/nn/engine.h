/* The numbers of one instruction set. The files listed in variant.c are compiled once for each, and
 * the best one that the machine has is chosen when the program runs. */
#ifndef RUNE_ENGINE_H
#define RUNE_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include "cell.h"
#include "optim.h"
#include "rng.h"

struct engine {
    const char *name;                /* "baseline", "avx2", "avx512" */
    const struct cell *const *cells; /* NULL at the end */
    /* See linear.h, softmax.h, dropout.h, optim_loops.h. */
    struct {
        void (*forward)(struct member *, int R, int D, int N, const real *x, const real *weight,
                        const real *bias, real *y);
        void (*backward)(struct member *, int R, int D, int N, const real *x, const real *weight,
                         const real *dy, real *dweight, real *dbias, real *dx);
    } linear;
    struct {
        void (*loss)(int R, int V, const real *logits, const int32_t *targets, real *losses,
                     real *normalisers);
        void (*backward)(int R, int V, const int32_t *targets, const real *normalisers, real scale,
                         real *logits);
    } softmax;
    struct {
        void (*forward)(int n, real p, const struct rng *, const uint32_t counter[4], const real *x,
                        real *y, uint8_t *keep);
        void (*backward)(int n, real p, const uint8_t *keep, real *dy);
    } dropout;
    struct {
        double (*square_sum)(const struct optim *, size_t n, const real *gradient);
        void (*update)(const struct optim *, size_t n, long step, double rate, double scale,
                       const real *gradient, real *weight, real *m, real *v);
    } optim;
};

/* The engine of that name, or, where name is NULL, the one in the environment's RUNE_ISA, or else
 * the best that this machine can run. NULL and a message if there is none of that name or the
 * machine lacks its instructions. */
const struct engine *engine_find(const char *name);

/* The k-th engine that this machine can run, best first; NULL behind the last. */
const struct engine *engine_at(int k);

/* The engine's cell of that name; NULL and a message that lists them if there is none. */
const struct cell *engine_cell(const struct engine *engine, const char *name);

#endif
