/* The numbers of one instruction set. The files listed in variant.c are compiled once for each, and
 * the best one that the machine has is chosen when the program runs. */
#ifndef RUNE_ENGINE_H
#define RUNE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cell.h"
#include "optim.h"
#include "rng.h"

/* What products are made in; all else is in float32. */
enum precision {
    PRECISION_FP32,
    PRECISION_BF16,
    PRECISION_INT8, /* weights alone, each stretch of 64 with a scale; not to train */
};

/* "fp32", "bf16", "int8"; NULL at the end. */
extern const char *const precision_names[];

struct engine {
    const char *name; /* "baseline", "avx2", "avx512"; "avx512_bf16", "amx_bf16";
                         "avx512_int8", … */
    enum precision precision;
    const struct cell *const *cells; /* NULL at the end */
    /* See linear.h, softmax.h, dropout.h, optim_loops.h. */
    struct {
        size_t (*packed_size)(int D, int N, bool training);
        size_t (*scratch_size)(int R, int D, int N, bool training);
        void (*pack)(struct member *, int D, int N, const real *weight, bool training,
                     real *packed);
        void (*forward)(struct member *, int R, int D, int N, const real *x, const real *packed,
                        const real *bias, real *y, real *scratch);
        void (*backward)(struct member *, int R, int D, int N, const real *x, const real *packed,
                         const real *dy, real *dweight, real *dbias, real *dx, real *scratch);
    } linear;
    struct {
        void (*loss)(int R, int V, real *logits, const int32_t *targets, real *losses,
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
        double (*square_sum)(double clip_value, size_t n, const real *gradient);
        void (*update)(const struct optim *, size_t n, long step, double rate, double scale,
                       const real *gradient, real *weight, real *m, real *v);
    } optim;
};

/* The engine that the environment's RUNE_ISA names, or else the best of that precision that this
 * machine can run; where it can run none, the best in float32. NULL and a message if there is none
 * of that name, the machine lacks its instructions, or it is neither of that precision nor in
 * float32.
 */
const struct engine *engine_find(enum precision precision);

/* The k-th engine of a precision that this machine can run, best first; NULL behind the last. */
const struct engine *engine_of(enum precision precision, int k);

/* The k-th of all that this machine can run and that can train: in float32, then in bf16. */
const struct engine *engine_at(int k);

/* The engine's cell of that name; NULL and a message that lists them if there is none. */
const struct cell *engine_cell(const struct engine *engine, const char *name);

#endif
