/* Large matrix products: OpenBLAS, one thread inside each of ours. All matrices are row-major. */
#ifndef RUNE_BLAS_H
#define RUNE_BLAS_H

#include <stdbool.h>

#include "real.h"
#include "team.h"

/* A matrix as an operand; `turned` takes its transpose. */
struct blas_operand {
    const real *data;
    int stride; /* between rows in memory */
    bool turned;
};

/* C[M][N] = A[M][K] · B[K][N] + beta · C, with C's rows `stride` apart. Every member calls it; the
 * tiles depend on the shape alone and members share them out. No barrier: callers place it. */
void blas_gemm(struct member *member, int M, int N, int K, struct blas_operand A,
               struct blas_operand B, real beta, real *C, int stride);

/* One thread inside OpenBLAS; to be called before the first product. */
void blas_init(void);

/* OpenBLAS reads OPENBLAS_CORETYPE only when it is loaded, and a version older than the CPU takes
 * slow kernels. Returns the core type to set before the program starts itself again, or NULL if
 * OpenBLAS chose well. */
const char *blas_better_core(void);

/* What OpenBLAS chose: "SkylakeX", "Haswell", … */
const char *blas_core(void);

#endif
