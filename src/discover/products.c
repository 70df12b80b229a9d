#include "products.h"

#include <cblas.h>
#include <pthread.h>

/* OpenBLAS may be built with threads of its own, which would compete with the team. */
__attribute__((constructor)) static void use_one_thread(void)
{
    openblas_set_num_threads(1);
}

/* Builds of OpenBLAS without threads share their buffers between callers. */
static pthread_mutex_t one_caller = PTHREAD_MUTEX_INITIALIZER;

/* OpenBLAS multiplies up to that many pairs by kernels that do not look whether their memory could
 * be allocated. */
#define SMALL 1e6

static void multiply_small(size_t M, size_t N, size_t K, struct matrix a, struct matrix b,
                           bool transposed, struct matrix c)
{
    const size_t along = transposed ? 1 : b.stride, across = transposed ? b.stride : 1;
    for (size_t i = 0; i < M; i++)
        for (size_t j = 0; j < N; j++) {
            const float *x = a.values + i * a.stride, *y = b.values + j * across;
            double sum = 0;
            for (size_t k = 0; k < K; k++)
                sum += (double)x[k] * (double)y[k * along];
            c.values[i * c.stride + j] = (float)sum;
        }
}

void products_multiply(size_t M, size_t N, size_t K, struct matrix a, struct matrix b,
                       bool transposed, struct matrix c)
{
    if (M == 0 || N == 0)
        return;
    if ((double)M * (double)N * (double)K <= SMALL) {
        multiply_small(M, N, K, a, b, transposed, c);
        return;
    }
    pthread_mutex_lock(&one_caller);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, transposed ? CblasTrans : CblasNoTrans, (blasint)M,
                (blasint)N, (blasint)K, 1, a.values, (blasint)a.stride, b.values, (blasint)b.stride,
                0, c.values, (blasint)c.stride);
    pthread_mutex_unlock(&one_caller);
}
