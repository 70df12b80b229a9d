#include <string.h>

#include "engines.h"
#include "kernels.h"

extern const struct kernels kernels_baseline;
#if defined(RUNE_X86)
extern const struct kernels kernels_avx2, kernels_avx512, kernels_avx512_bf16, kernels_amx_bf16,
    kernels_avx512_int8, kernels_avx2_int8;
#endif

static const struct kernels *const all[] = {
#if defined(RUNE_X86)
    &kernels_avx512,   &kernels_avx512_bf16, &kernels_amx_bf16,
    &kernels_avx2,     &kernels_avx512_int8, &kernels_avx2_int8,
#endif
    &kernels_baseline,
};

const struct kernels *kernels_at(int k)
{
    const struct engine *engine = engines_at(k);
    for (size_t i = 0; engine && i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i]->name, engine->name) == 0)
            return all[i];
    return NULL;
}
