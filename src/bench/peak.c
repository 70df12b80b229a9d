#include "peak.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "clock.h"
#include "mem.h"
#include "rng.h"
#include "team.h"

/* --- products --------------------------------------------------------------------------------- */

#define WIDTH 2048
#define ROWS 512 /* of each member */

struct product {
    const struct blas *blas;
    float *a, *b, *c; /* [threads][ROWS][WIDTH], [WIDTH][WIDTH], [threads][ROWS][WIDTH] */
};

static void multiply(struct member *member, void *argument)
{
    const struct product *product = argument;
    const size_t at = (size_t)member->rank * ROWS * WIDTH;
    blas_product(product->blas, ROWS, WIDTH, WIDTH, product->a + at, product->b, product->c + at);
}

/* A processor does nothing faster than zeros. */
static void fill(float *numbers, size_t count, uint64_t seed)
{
    const struct rng rng = {seed, RNG_DATA};
    for (uint64_t k = 0; k < count; k += 4) {
        const uint32_t counter[4] = {(uint32_t)k, (uint32_t)(k >> 32), 0, 0};
        uint32_t block[4];
        rng_block(&rng, counter, block);
        for (uint64_t i = 0; i < 4 && k + i < count; i++)
            numbers[k + i] = (float)block[i] * 0x1p-31F - 1;
    }
}

int peak_sgemm(const struct blas *blas, int threads, double seconds, double *gflops)
{
    const size_t rows = (size_t)threads * ROWS;
    struct team *team = team_new(threads);
    struct product product = {.blas = blas,
                              .a = mem_new(rows * WIDTH, sizeof *product.a),
                              .b = mem_new((size_t)WIDTH * WIDTH, sizeof *product.b),
                              .c = mem_new(rows * WIDTH, sizeof *product.c)};
    const int result = team && product.a && product.b && product.c ? 0 : -1;
    if (result == 0) {
        double best = INFINITY;
        fill(product.a, rows * WIDTH, 1);
        fill(product.b, (size_t)WIDTH * WIDTH, 2);
        const double start = clock_seconds();
        for (int turn = 0; turn < 2 || clock_seconds() - start < seconds; turn++) {
            const double began = clock_seconds();
            team_run(team, multiply, &product);
            best = fmin(best, clock_seconds() - began);
        }
        *gflops = 2e-9 * (double)rows * WIDTH * WIDTH / best;
    }
    team_free(team);
    free(product.a);
    free(product.b);
    free(product.c);
    return result;
}

/* --- reading ---------------------------------------------------------------------------------- */

#define BLOCK 64      /* words that are summed side by side */
#define STRETCH 0.125 /* share of the time that a stretch must take to be a measure */

struct reading {
    const uint32_t *words; /* [blocks][BLOCK] */
    int blocks;
    uint64_t passes; /* in a stretch */
    double seconds;  /* that the stretch took */
    uint32_t *sums;  /* [threads] */
};

/* With the widest registers that there are; the others read less from the caches. The function that
 * chooses them runs before the thread sanitizer is ready. */
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__SANITIZE_THREAD__)
__attribute__((target_clones("default", "avx2", "avx512f")))
#endif
static uint32_t
sum(const uint32_t *words, int blocks)
{
    uint32_t lanes[BLOCK] = {0}, total = 0;
    for (int k = 0; k < blocks; k++)
        for (int lane = 0; lane < BLOCK; lane++)
            lanes[lane] += words[(size_t)k * BLOCK + (size_t)lane];
    for (int lane = 0; lane < BLOCK; lane++)
        total += lanes[lane];
    return total;
}

static void read_over(struct member *member, void *argument)
{
    struct reading *reading = argument;
    int first, last;
    uint32_t total = 0;
    team_share(member, reading->blocks, &first, &last);
    team_barrier(member);
    const double start = clock_seconds();
    for (uint64_t pass = 0; pass < reading->passes; pass++) {
        total += sum(reading->words + (size_t)first * BLOCK, last - first);
        __asm__ volatile("" ::: "memory"); /* for all the compiler knows, they change */
    }
    reading->sums[member->rank] = total;
    team_barrier(member);
    if (member->rank == 0)
        reading->seconds = clock_seconds() - start;
}

/* The best of the stretches; the number of passes grows until they are long enough. */
static double read_speed(struct team *team, struct reading *reading, double seconds)
{
    double best = 0;
    const double bytes = (double)reading->blocks * BLOCK * sizeof *reading->words;
    for (const double start = clock_seconds(); best == 0 || clock_seconds() - start < seconds;) {
        team_run(team, read_over, reading);
        if (reading->seconds < STRETCH * seconds)
            reading->passes *= 2;
        else
            best = fmax(best, 1e-9 * bytes * (double)reading->passes / reading->seconds);
    }
    return best;
}

int peak_read(int threads, size_t bytes, double seconds, double *gbytes)
{
    const size_t blocks = bytes / (BLOCK * sizeof(uint32_t)) + 1;
    uint32_t *words = mem_new(blocks * BLOCK, sizeof *words);
    uint32_t *sums = mem_new((size_t)threads, sizeof *sums);
    struct team *team = team_new(threads);
    const int result = words && sums && team ? 0 : -1;
    struct reading reading = {.words = words, .blocks = (int)blocks, .passes = 1, .sums = sums};
    if (result == 0)
        *gbytes = read_speed(team, &reading, seconds);
    team_free(team);
    free(sums);
    free(words);
    return result;
}
