#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(RUNE_X86)
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "error.h"

const char *const optim_names[] = {
    [OPTIM_ADAM] = "adam", [OPTIM_RMSPROP] = "rmsprop", [OPTIM_SGD] = "sgd", NULL};

const char *const precision_names[] = {
    [PRECISION_FP32] = "fp32", [PRECISION_BF16] = "bf16", [PRECISION_INT8] = "int8", NULL};

/* --- what the machine has --------------------------------------------------------------------- */

static bool always(void)
{
    return true;
}

#if defined(RUNE_X86)

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

static bool has_avx512_bf16(void)
{
    return has_avx512() && __builtin_cpu_supports("avx512bf16");
}

/* Tiles are 8 kB of state in every thread, and Linux wants to be asked for them. */
static bool has_amx_bf16(void)
{
    enum { AMX_BF16 = 1 << 22, AMX_TILE = 1 << 24, REQUEST = 0x1023, TILE_DATA = 18 };
    unsigned a, b, c, d;
    if (!has_avx512_bf16() || !__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d & AMX_BF16) ||
        !(d & AMX_TILE))
        return false;
#if defined(__linux__)
    return syscall(SYS_arch_prctl, REQUEST, TILE_DATA) == 0;
#else
    return false;
#endif
}

extern const struct engine engine_avx2, engine_avx512, engine_avx512_bf16, engine_amx_bf16,
    engine_avx512_int8, engine_avx2_int8;
#endif
extern const struct engine engine_baseline;

/* Of each precision the best first. */
static const struct {
    const struct engine *engine;
    bool (*runs_here)(void);
} engines[] = {
#if defined(RUNE_X86)
    {&engine_avx512, has_avx512},      {&engine_avx2, has_avx2},
#endif
    {&engine_baseline, always},
#if defined(RUNE_X86)
    {&engine_amx_bf16, has_amx_bf16},  {&engine_avx512_bf16, has_avx512_bf16},
    {&engine_avx512_int8, has_avx512}, {&engine_avx2_int8, has_avx2},
#endif
};

#define NUM_ENGINES (sizeof engines / sizeof *engines)

/* --- the choice ------------------------------------------------------------------------------- */

const struct engine *engine_of(enum precision precision, int k)
{
    for (size_t i = 0; i < NUM_ENGINES; i++)
        if (engines[i].engine->precision == precision && engines[i].runs_here() && k-- == 0)
            return engines[i].engine;
    return NULL;
}

const struct engine *engine_at(int k)
{
    int count = 0;
    while (engine_of(PRECISION_FP32, count))
        count++;
    return k < count ? engine_of(PRECISION_FP32, k) : engine_of(PRECISION_BF16, k - count);
}

/* Takes the named engine, or tells what is in the way. */
static const struct engine *named(const char *name, enum precision precision)
{
    char known[128] = "";
    for (size_t i = 0; i < NUM_ENGINES; i++) {
        const struct engine *engine = engines[i].engine;
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i ? ", " : "",
                 engine->name);
        if (strcmp(engine->name, name) != 0)
            continue;
        if (!engines[i].runs_here())
            error_set("this machine lacks the instructions of \"%s\"; unset RUNE_ISA to take what "
                      "it has",
                      name);
        else if (engine->precision != PRECISION_FP32 && engine->precision != precision)
            error_set("RUNE_ISA=%s computes in %s, which was not asked for: unset it", name,
                      precision_names[engine->precision]);
        else
            return engine;
        return NULL;
    }
    error_set("there is no instruction set \"%s\"; RUNE_ISA may be %s", name, known);
    return NULL;
}

const struct engine *engine_find(enum precision precision)
{
    const char *wanted = getenv("RUNE_ISA");
    if (wanted && *wanted)
        return named(wanted, precision);
    const struct engine *best = engine_of(precision, 0);
    return best ? best : engine_of(PRECISION_FP32, 0);
}

const struct layer_kind *engine_cell(const struct engine *engine, const char *name)
{
    char known[256] = "";
    for (int i = 0; engine->cells[i]; i++) {
        if (strcmp(engine->cells[i]->name, name) == 0)
            return engine->cells[i];
        strncat(known, i ? ", " : "", sizeof known - strlen(known) - 1);
        strncat(known, engine->cells[i]->name, sizeof known - strlen(known) - 1);
    }
    error_set("there is no cell \"%s\"; the cells are %s", name, known);
    return NULL;
}
