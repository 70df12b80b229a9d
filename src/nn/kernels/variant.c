/* Compiled once for each instruction set, like the files whose functions it lists. */
#include "engine.h"
#include "optim_loops.h"
#include "softmax.h"
#include "vec.h"

#define STRING_EXPAND(name) #name
#define STRING(name) STRING_EXPAND(name)

extern const struct layer_kind VARIANT(rnn_cell), VARIANT(gru_cell), VARIANT(lstm_cell),
    VARIANT(linear_layer), VARIANT(dropout_layer);

static const struct layer_kind *const cells[] = {
    &VARIANT(lstm_cell),
    &VARIANT(gru_cell),
    &VARIANT(rnn_cell),
    NULL,
};

extern const struct engine VARIANT(engine);
const struct engine VARIANT(engine) = {
    .name = STRING(RUNE_ISA),
#if defined(RUNE_BF16)
    .precision = PRECISION_BF16,
#elif defined(RUNE_INT8)
    .precision = PRECISION_INT8,
#else
    .precision = PRECISION_FP32,
#endif
    .cells = cells,
    .linear = &VARIANT(linear_layer),
    .dropout = &VARIANT(dropout_layer),
    .softmax = {softmax_loss, softmax_backward},
    .optim = {optim_square_sum, optim_update},
};
