/* What the files that are compiled once for each instruction set keep to themselves. */
#ifndef RUNE_TEST_KERNELS_H
#define RUNE_TEST_KERNELS_H

#include <stddef.h>

#include "real.h"

struct kernels {
    const char *name;
    int panel; /* columns of a panel */
    void (*pack)(int K, int n, const real *w, size_t stride, real *panel);
    void (*pack_turned)(int K, int n, const real *w, size_t stride, real *panel);
    void (*product)(int M, int n, int K, const real *a, size_t a_stride, const real *panel, real *c,
                    size_t c_stride);
    /* of n numbers */
    void (*exp)(size_t n, const real *x, real *y);
    void (*sigmoid)(size_t n, const real *x, real *y);
    void (*tanh)(size_t n, const real *x, real *y);
};

/* Those of engine_at(k); NULL behind the last. */
const struct kernels *kernels_at(int k);

#endif
