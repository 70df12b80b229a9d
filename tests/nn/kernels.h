/* What the files that are compiled once for each instruction set keep to themselves. */
#ifndef RUNE_TEST_KERNELS_H
#define RUNE_TEST_KERNELS_H

#include <stdbool.h>
#include <stddef.h>

#include "real.h"

struct rows;

struct kernels {
    const char *name;
    bool bf16, int8;
    int panel, word; /* columns of a panel, numbers in a word */
    size_t (*words)(int K);
    size_t (*size)(int K); /* words of a panel */
    void (*pack)(int K, int n, const real *w, size_t stride, real *panel);
    void (*pack_turned)(int K, int n, const real *w, size_t stride, real *panel);
    void (*pack_row)(int K, const real *x, real *to);
    void (*pack_rows_turned)(int M, int K, const real *x, size_t stride, real *to, size_t to_stride,
                             real *sums);
    void (*product)(int M, int n, size_t K, struct rows a, const real *panel, real *c,
                    size_t c_stride);
    /* of n numbers */
    void (*exp)(size_t n, const real *x, real *y);
    void (*sigmoid)(size_t n, const real *x, real *y);
    void (*tanh)(size_t n, const real *x, real *y);
};

/* Those of engines_at(k); NULL behind the last. */
const struct kernels *kernels_at(int k);

#endif
