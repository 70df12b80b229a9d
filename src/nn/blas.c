#include "blas.h"

#include <stddef.h>
#include <string.h>

/* A tile must be large enough that packing its operands costs little beside their product, and
 * small enough that there is one for every member. */
#define TILE_M 256
#define TILE_N 512

#ifdef RUNE_DOUBLE

static void tile_product(int M, int N, int K, struct blas_operand A, struct blas_operand B,
                         real beta, real *C, int stride)
{
    for (int m = 0; m < M; m++) {
        for (int n = 0; n < N; n++) {
            real sum = 0;
            for (int k = 0; k < K; k++)
                sum += A.data[A.turned ? (size_t)k * (size_t)A.stride + (size_t)m
                                       : (size_t)m * (size_t)A.stride + (size_t)k] *
                       B.data[B.turned ? (size_t)n * (size_t)B.stride + (size_t)k
                                       : (size_t)k * (size_t)B.stride + (size_t)n];
            real *c = &C[(size_t)m * (size_t)stride + (size_t)n];
            *c = beta == 0 ? sum : sum + beta * *c;
        }
    }
}

void blas_init(void)
{
}

const char *blas_better_core(void)
{
    return NULL;
}

const char *blas_core(void)
{
    return "none";
}

#else

#include <cblas.h>

static void tile_product(int M, int N, int K, struct blas_operand A, struct blas_operand B,
                         real beta, real *C, int stride)
{
    cblas_sgemm(CblasRowMajor, A.turned ? CblasTrans : CblasNoTrans,
                B.turned ? CblasTrans : CblasNoTrans, M, N, K, 1, A.data, A.stride, B.data,
                B.stride, beta, C, stride);
}

void blas_init(void)
{
    openblas_set_num_threads(1);
}

const char *blas_core(void)
{
    return openblas_get_corename();
}

const char *blas_better_core(void)
{
#if defined(__x86_64__)
    const char *core = blas_core();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
        return strcmp(core, "SkylakeX") != 0 && strcmp(core, "Cooperlake") != 0 &&
                       strcmp(core, "SapphireRapids") != 0
                   ? "SKYLAKEX"
                   : NULL;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return strcmp(core, "Haswell") != 0 && strcmp(core, "Zen") != 0 ? "HASWELL" : NULL;
#endif
    return NULL;
}

#endif

static const real *operand_at(struct blas_operand operand, int row, int column)
{
    size_t r = (size_t)(operand.turned ? column : row), c = (size_t)(operand.turned ? row : column);
    return operand.data + r * (size_t)operand.stride + c;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

void blas_gemm(struct member *member, int M, int N, int K, struct blas_operand A,
               struct blas_operand B, real beta, real *C, int stride)
{
    int columns = (N + TILE_N - 1) / TILE_N, rows = (M + TILE_M - 1) / TILE_M, first, last;
    team_share(member, rows * columns, &first, &last);
    for (int tile = first; tile < last; tile++) {
        int m = tile / columns * TILE_M, n = tile % columns * TILE_N;
        tile_product(smaller(TILE_M, M - m), smaller(TILE_N, N - n), K,
                     (struct blas_operand){operand_at(A, m, 0), A.stride, A.turned},
                     (struct blas_operand){operand_at(B, 0, n), B.stride, B.turned}, beta,
                     C + (size_t)m * (size_t)stride + n, stride);
    }
}
