/* The numbers of one instruction set. The files in `variant_files` are compiled once for each, and
 * the best one that the machine has is chosen when the program runs. */
#ifndef RUNE_ENGINE_H
#define RUNE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layer.h"
#include "optim.h"

/* What products are made in; all else is in float32. */
enum precision {
    PRECISION_FP32,
    PRECISION_BF16,
    PRECISION_INT8, /* weights alone, each 64 with a scale; not to train */
};

/* "fp32", "bf16", "int8"; NULL at the end. */
extern const char *const precision_names[];

struct engine {
    const char *name; /* "baseline", "avx2", "avx512"; "avx512_bf16", "amx_bf16";
                         "avx512_int8", … */
    enum precision precision;
    const struct layer_kind *const *cells; /* recurrent layers; NULL at the end */
    const struct layer_kind *linear, *dropout;
    /* See softmax.h, optim_loops.h. */
    struct {
        void (*loss)(int R, int V, real *logits, const int32_t *targets, real *losses,
                     real *log_sum_exps);
        void (*backward)(int R, int V, const int32_t *targets, const real *log_sum_exps, real scale,
                         real *logits);
    } softmax;
    struct {
        double (*square_sum)(double clip_value, size_t n, const real *gradient);
        void (*update)(const struct optim *, size_t n, uint64_t step, double rate, double scale,
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
const struct layer_kind *engine_cell(const struct engine *engine, const char *name);

#endif
