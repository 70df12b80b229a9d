/* Compiled once for each instruction set. */
#include "kernels.h"

#include "dropout.h"
#include "linear.h"
#include "panel.h"

#define STRING_EXPAND(name) #name
#define STRING(name) STRING_EXPAND(name)

#define OVER_AN_ARRAY(function)                                                                    \
    static void each_##function(size_t n, const real *x, real *y)                                  \
    {                                                                                              \
        for (size_t k = 0; k < n; k += (size_t)LANES) {                                            \
            const int part = n - k < (size_t)LANES ? (int)(n - k) : LANES;                         \
            vec_store_part(y + k, vec_##function(vec_load_part(x + k, part)), part);               \
        }                                                                                          \
    }

OVER_AN_ARRAY(exp)
OVER_AN_ARRAY(sigmoid)
OVER_AN_ARRAY(tanh)

static void pack(int K, int n, const real *w, size_t stride, real *panel)
{
    panels_pack(0, (int)words(K), K, n, w, stride, panel, panel_size(K));
}

extern const struct kernels VARIANT(kernels);
const struct kernels VARIANT(kernels) = {
    .name = STRING(RUNE_ISA),
#ifdef RUNE_BF16
    .bf16 = true,
#endif
#ifdef RUNE_INT8
    .int8 = true,
#endif
    .panel = NR,
    .word = WORD,
    .words = words,
    .size = panel_size,
    .pack = pack,
    .pack_transposed = panel_pack_transposed,
    .pack_row = row_pack,
    .pack_rows_transposed = rows_pack_transposed,
    .product = panel_product,
    .linear = {linear_packed_size, linear_scratch_size, linear_pack, linear_forward,
               linear_backward, weight_gradients},
    .dropout = {dropout_forward, dropout_backward},
    .exp = each_exp,
    .sigmoid = each_sigmoid,
    .tanh = each_tanh,
};
