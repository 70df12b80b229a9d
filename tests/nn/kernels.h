/* What the files that are compiled once for each instruction set keep to themselves. */
#ifndef RUNE_TEST_KERNELS_H
#define RUNE_TEST_KERNELS_H

#include <stdbool.h>
#include <stddef.h>

#include <stdint.h>

#include "real.h"
#include "rng.h"
#include "team.h"

struct rows;
struct weight_gradient;

struct kernels {
    const char *name;
    bool bf16, int8;
    int panel, word; /* columns of a panel, numbers in a word */
    size_t (*words)(int K);
    size_t (*size)(int K); /* words of a panel */
    void (*pack)(int K, int n, const real *w, size_t stride, real *panel);
    void (*pack_transposed)(int K, int n, const real *w, size_t stride, real *panel);
    void (*pack_row)(int K, const real *x, real *to);
    void (*pack_rows_transposed)(int M, int K, const real *x, size_t stride, real *to,
                                 size_t to_stride, real *sums);
    void (*product)(int M, int n, size_t K, struct rows a, const real *panel, real *c,
                    size_t c_stride);
    struct {
        size_t (*packed_size)(int D, int N, bool training);
        size_t (*scratch_size)(int R, int D, int N, bool training);
        void (*pack)(struct member *member, int D, int N, const real *weight, bool training,
                     real *packed);
        void (*forward)(struct member *member, int R, int D, int N, const real *x,
                        const real *packed, const real *bias, real *y, real *scratch);
        void (*backward)(struct member *member, int R, int D, int N, const real *packed,
                         const real *dy, real *dx, real *scratch);
        void (*gradients)(struct member *member, int R, int N, const real *dy, size_t stride,
                          int count, const struct weight_gradient *gradients, real *scratch);
    } linear;
    struct {
        void (*forward)(int n, real p, const struct rng *rng, const uint32_t counter[4],
                        const real *x, real *y, uint8_t *keep);
        void (*backward)(int n, real p, const uint8_t *keep, real *dy);
    } dropout;
    /* of n numbers */
    void (*exp)(size_t n, const real *x, real *y);
    void (*sigmoid)(size_t n, const real *x, real *y);
    void (*tanh)(size_t n, const real *x, real *y);
};

/* Those of engines_at(k); NULL behind the last. */
const struct kernels *kernels_at(int k);

#endif
