/* OpenBLAS, which our products are measured against. It is loaded when it is asked for and not with
 * the program: as it is loaded it starts threads, which spin for a while. */
#ifndef RUNE_BLAS_H
#define RUNE_BLAS_H

struct blas {
    void *library;
    /* cblas_sgemm */
    void (*sgemm)(int order, int turn_a, int turn_b, int M, int N, int K, float alpha,
                  const float *a, int a_stride, const float *b, int b_stride, float beta, float *c,
                  int c_stride);
    const char *core; /* whose kernels it takes: "SkylakeX", "Haswell", … */
};

/* Loads OpenBLAS, with the kernels that suit this CPU and no threads of its own. Sets variables of
 * the environment, so no thread may run yet. Fills a zeroed struct; returns 0, or −1 and a message.
 */
int blas_open(struct blas *blas);

/* Safe on a zeroed one. */
void blas_close(struct blas *blas);

/* c[M][N] = a[M][K] · b[K][N], by the thread that calls it. */
void blas_product(const struct blas *blas, int M, int N, int K, const float *a, const float *b,
                  float *c);

#endif
