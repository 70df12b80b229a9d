#include "blas.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

static int load(struct blas *blas)
{
    blas->library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!blas->library)
        blas->library = dlopen("libopenblas.so", RTLD_NOW | RTLD_LOCAL);
    if (!blas->library)
        return error_set("OpenBLAS, which products are measured against, is not there; install it "
                         "(%s)",
                         dlerror());
    /* A conversion by way of memory: ISO C has none from data to functions. */
    void (*set_num_threads)(int) = NULL;
    char *(*get_corename)(void) = NULL;
    *(void **)&blas->sgemm = dlsym(blas->library, "cblas_sgemm");
    *(void **)&set_num_threads = dlsym(blas->library, "openblas_set_num_threads");
    *(void **)&get_corename = dlsym(blas->library, "openblas_get_corename");
    if (!blas->sgemm || !set_num_threads || !get_corename)
        return error_set("libopenblas lacks what OpenBLAS has; install another");
    set_num_threads(1); /* a build on OpenMP does not look at its own variable */
    blas->core = get_corename();
    return 0;
}

/* A version older than the CPU does not know it and takes slow kernels. Returns the core whose
 * kernels are better than that one's, or NULL. */
static const char *better_core(const char *core)
{
#if defined(__x86_64__)
    static const char *const wide[] = {"SkylakeX", "Cooperlake", "SapphireRapids"},
                             *const narrow[] = {"Haswell", "Zen"};
    const bool has_wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512vl");
    const bool has_narrow = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    for (size_t k = 0; k < sizeof wide / sizeof *wide; k++)
        if (strcmp(core, wide[k]) == 0)
            return NULL;
    if (has_wide)
        return "SKYLAKEX";
    for (size_t k = 0; k < sizeof narrow / sizeof *narrow; k++)
        if (strcmp(core, narrow[k]) == 0)
            return NULL;
    if (has_narrow)
        return "HASWELL";
#else
    (void)core;
#endif
    return NULL;
}

int blas_open(struct blas *blas)
{
    /* OpenBLAS reads these once, when it is loaded. */
    static const char *const threads = "OPENBLAS_NUM_THREADS", *const type = "OPENBLAS_CORETYPE";
    setenv(threads, "1", 1);
    if (load(blas) != 0) {
        blas_close(blas);
        return -1;
    }
    const char *better = getenv(type) ? NULL : better_core(blas->core);
    if (!better)
        return 0;
    blas_close(blas);
    setenv(type, better, 1);
    return blas_open(blas);
}

void blas_close(struct blas *blas)
{
    if (blas->library)
        dlclose(blas->library);
    *blas = (struct blas){0};
}

void blas_product(const struct blas *blas, int M, int N, int K, const float *a, const float *b,
                  float *c)
{
    enum { ROW_MAJOR = 101, AS_IT_IS = 111 };
    blas->sgemm(ROW_MAJOR, AS_IT_IS, AS_IT_IS, M, N, K, 1, a, K, b, N, 0, c, N);
}
