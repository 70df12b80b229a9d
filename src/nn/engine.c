#include "engine.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

const char *const optim_names[] = {
    [OPTIM_ADAM] = "adam", [OPTIM_RMSPROP] = "rmsprop", [OPTIM_SGD] = "sgd", NULL};

extern const struct engine engine_baseline;
#if defined(RUNE_X86)
extern const struct engine engine_avx2, engine_avx512;
#endif

/* Best first. */
static const struct engine *const engines[] = {
#if defined(RUNE_X86)
    &engine_avx512,
    &engine_avx2,
#endif
    &engine_baseline,
    NULL,
};

static bool runs_here(const struct engine *engine)
{
#if defined(RUNE_X86)
    if (engine == &engine_avx512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    if (engine == &engine_avx2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return engine == &engine_baseline;
}

const struct engine *engine_at(int k)
{
    for (int i = 0; engines[i]; i++)
        if (runs_here(engines[i]) && k-- == 0)
            return engines[i];
    return NULL;
}

const struct engine *engine_find(const char *name)
{
    const char *wanted = name ? name : getenv("RUNE_ISA");
    if (!wanted || !*wanted)
        return engine_at(0);
    for (int i = 0; engines[i]; i++) {
        if (strcmp(engines[i]->name, wanted) != 0)
            continue;
        if (runs_here(engines[i]))
            return engines[i];
        error_set(
            "this machine lacks the instructions of \"%s\"; unset RUNE_ISA to take what it has",
            wanted);
        return NULL;
    }
    error_set("there is no instruction set \"%s\"; RUNE_ISA may be avx512, avx2 or baseline",
              wanted);
    return NULL;
}

const struct cell *engine_cell(const struct engine *engine, const char *name)
{
    char known[256] = "";
    for (int i = 0; engine->cells[i]; i++) {
        if (strcmp(engine->cells[i]->name, name) == 0)
            return engine->cells[i];
        strncat(known, i ? ", " : "", sizeof known - strlen(known) - 1);
        strncat(known, engine->cells[i]->name, sizeof known - strlen(known) - 1);
    }
    error_set("there is no cell \"%s\"; known: %s", name, known);
    return NULL;
}
