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

void products_multiply(size_t M, size_t N, size_t K, struct matrix a, struct matrix b,
                       bool transposed, struct matrix c)
{
    if (M == 0 || N == 0)
        return;
    pthread_mutex_lock(&one_caller);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, transposed ? CblasTrans : CblasNoTrans, (blasint)M,
                (blasint)N, (blasint)K, 1, a.values, (blasint)a.stride, b.values, (blasint)b.stride,
                0, c.values, (blasint)c.stride);
    pthread_mutex_unlock(&one_caller);
}
