/* The recurrent product: a few rows times a weight matrix that is packed once and used at every
 * timestep. A panel holds PANEL columns of the matrix as [K][PANEL], so that the product reads it
 * end to end; missing columns of the last panel are 0. */
#ifndef RUNE_PANEL_H
#define RUNE_PANEL_H

#include <stddef.h>

#include "vec.h"

#define PANEL (2 * LANES)

#define panel_pack VARIANT(panel_pack)
#define panel_pack_turned VARIANT(panel_pack_turned)
#define panel_product VARIANT(panel_product)

/* panel[k][j] = w[k · stride + j] for k < K, j < n ≤ PANEL, else 0 */
void panel_pack(int K, int n, const real *w, size_t stride, real *panel);

/* panel[k][j] = w[j · stride + k] for k < K, j < n ≤ PANEL, else 0 */
void panel_pack_turned(int K, int n, const real *w, size_t stride, real *panel);

/* c[M][n] += a[M][K] · panel[K][PANEL], the first n columns; rows of a and c are `a_stride` and
 * `c_stride` apart */
void panel_product(int M, int n, int K, const real *a, size_t a_stride, const real *panel, real *c,
                   size_t c_stride);

#endif
