/* Compiled once for each instruction set, like the files whose functions it lists. */
#include "dropout.h"
#include "engine.h"
#include "linear.h"
#include "optim_loops.h"
#include "softmax.h"

#define STRING_EXPAND(name) #name
#define STRING(name) STRING_EXPAND(name)

extern const struct cell VARIANT(lstm_cell);

static const struct cell *const cells[] = {
    &VARIANT(lstm_cell),
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
    .linear = {linear_packed_size, linear_scratch_size, linear_pack, linear_forward,
               linear_backward},
    .softmax = {softmax_loss, softmax_backward},
    .dropout = {dropout_forward, dropout_backward},
    .optim = {optim_square_sum, optim_update},
};
