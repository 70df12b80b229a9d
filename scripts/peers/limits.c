/* Measures what this machine can do at most, and prints one JSON object.
 *
 * `sgemm` is large products of float32 matrices by OpenBLAS: each thread makes its own, with
 * OpenBLAS's own threads switched off. `read` is reading as many bytes over and over, each thread
 * its share; where they fit into a cache, they are read from there. Both give the best of what was
 * measured. A version of OpenBLAS that is older than the CPU takes slow kernels unless
 * OPENBLAS_CORETYPE names better ones; OpenBLAS reads it before main. */
#include <cblas.h>
#include <math.h>
#include <omp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SGEMM_SECONDS 0.5 /* at most */
#define READ_SECONDS 0.2

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Pages are touched here, so that no measurement waits for them. */
static void *allocate(size_t bytes)
{
    void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!memory) {
        fprintf(stderr, "limits: no memory for %zu bytes\n", bytes);
        exit(1);
    }
    return memset(memory, 0, bytes);
}

/* --- products --------------------------------------------------------------------------------- */

#define WIDTH 2048
#define ROWS 512 /* of each thread */

/* Random numbers of [-1, 1): zeros would be faster than what programs multiply. */
static float *random_matrix(size_t rows)
{
    float *numbers = allocate(rows * WIDTH * sizeof *numbers);
    for (size_t i = 0; i < rows * WIDTH; i++)
        numbers[i] = 2 * (float)rand() / ((float)RAND_MAX + 1) - 1;
    return numbers;
}

/* GFLOP/s. */
static double sgemm_speed(int threads, double seconds)
{
    const size_t rows = (size_t)threads * ROWS;
    const float *a = random_matrix(rows), *b = random_matrix(WIDTH); /* [rows][K], [K][N] */
    float *c = allocate(rows * WIDTH * sizeof *c);                   /* [rows][N] */
    double best = INFINITY;
    openblas_set_num_threads(1);
    const double start = now();
    for (int product = 0; product < 2 || now() - start < seconds; product++) {
        const double began = now();
#pragma omp parallel num_threads(threads)
        {
            const size_t at = (size_t)omp_get_thread_num() * ROWS * WIDTH;
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, ROWS, WIDTH, WIDTH, 1, a + at,
                        WIDTH, b, WIDTH, 0, c + at, WIDTH);
        }
        best = fmin(best, now() - began);
    }
    return 2e-9 * (double)rows * WIDTH * WIDTH / best;
}

/* --- reading ---------------------------------------------------------------------------------- */

#define BLOCK 64       /* words that are summed side by side */
#define SHORTEST 0.125 /* share of the time; a shorter measurement is not counted */

/* With the widest registers that there are; narrower ones read less from the caches. */
#if defined(__x86_64__) && defined(__GLIBC__)
__attribute__((target_clones("default", "avx2", "avx512f")))
#endif
static uint32_t
sum(const uint32_t *words, size_t blocks)
{
    uint32_t lanes[BLOCK] = {0}, total = 0;
    for (size_t k = 0; k < blocks; k++)
        for (int lane = 0; lane < BLOCK; lane++)
            lanes[lane] += words[k * BLOCK + (size_t)lane];
    for (int lane = 0; lane < BLOCK; lane++)
        total += lanes[lane];
    return total;
}

/* Seconds that all threads take to read their shares that often. */
static double read_passes(const uint32_t *words, size_t blocks, uint64_t passes, int threads)
{
    static volatile uint32_t sums; /* keeps the compiler from leaving the sums out */
    double start = 0;
#pragma omp parallel num_threads(threads)
    {
        const size_t rank = (size_t)omp_get_thread_num(), count = (size_t)threads;
        const size_t first = blocks * rank / count, last = blocks * (rank + 1) / count;
        uint32_t total = 0;
#pragma omp barrier
#pragma omp master
        start = now();
        for (uint64_t pass = 0; pass < passes; pass++) {
            total += sum(words + first * BLOCK, last - first);
            __asm__ volatile("" ::: "memory"); /* the compiler must read the words again */
        }
#pragma omp atomic
        sums += total;
    }
    return now() - start;
}

/* GB/s. The number of passes doubles until a measurement is long enough. */
static double read_speed(size_t bytes, int threads, double seconds)
{
    const size_t blocks = bytes / (BLOCK * sizeof(uint32_t)) + 1;
    const uint32_t *words = allocate(blocks * BLOCK * sizeof *words);
    double best = 0;
    uint64_t passes = 1;
    for (const double start = now(); best == 0 || now() - start < seconds;) {
        const double took = read_passes(words, blocks, passes, threads);
        if (took < SHORTEST * seconds)
            passes *= 2;
        else
            best = fmax(best, 1e-9 * (double)(blocks * BLOCK * sizeof *words * passes) / took);
    }
    return best;
}

int main(int argc, char **argv)
{
    const int sgemm = argc == 4 && strcmp(argv[1], "sgemm") == 0;
    const int threads = argc > 3 ? atoi(argv[2]) : 0;
    const double seconds = argc > 3 ? atof(argv[3]) : 0;
    const long long bytes = argc > 4 ? atoll(argv[4]) : 0;
    if (threads < 1 || !(seconds > 0) ||
        (!sgemm && (argc != 5 || strcmp(argv[1], "read") != 0 || bytes < 1))) {
        fprintf(stderr, "Usage: limits sgemm threads seconds\n"
                        "       limits read threads seconds bytes\n");
        return 2;
    }
    printf("{\"work\": \"%s\", \"threads\": %d, \"precision\": \"fp32\", ", argv[1], threads);
    if (sgemm)
        printf("\"core\": \"%s\", \"gflops\": %.2f}\n", openblas_get_corename(),
               sgemm_speed(threads, fmin(seconds, SGEMM_SECONDS)));
    else
        printf("\"bytes\": %lld, \"gbytes_per_second\": %.2f}\n", bytes,
               read_speed((size_t)bytes, threads, fmin(seconds, READ_SECONDS)));
    return 0;
}
