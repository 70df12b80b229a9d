/* Products of dense matrices, by OpenBLAS. */
#ifndef RUNE_PRODUCTS_H
#define RUNE_PRODUCTS_H

#include <stdbool.h>
#include <stddef.h>

/* A matrix of floats, row by row; rows are `stride` floats apart. */
struct matrix {
    float *values;
    size_t stride;
};

/* c[M][N] = a[M][K] · b[K][N], or a · bᵀ with b[N][K]. Members of a team may call it at the same
 * time: they take turns. All sizes are under 2³¹. */
void products_multiply(size_t M, size_t N, size_t K, struct matrix a, struct matrix b,
                       bool transposed, struct matrix c);

#endif
