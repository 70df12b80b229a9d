/* The linear layer against naive sums in double precision. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "arrays.h"
#include "engines.h"
#include "kernels.h"
#include "linear.h"

struct product {
    const struct engine *engine;
    const struct kernels *kernels;
    int R, D, N;
    real *x, *weight, *bias, *y, *dy, *dweight, *dbias, *dx, *packed, *scratch;
};

static void run(struct member *member, void *argument)
{
    const struct product *p = argument;
    p->kernels->linear.pack(member, p->D, p->N, p->weight, engine_trains(p->engine), p->packed);
    team_barrier(member);
    p->kernels->linear.forward(member, p->R, p->D, p->N, p->x, p->packed, p->bias, p->y,
                               p->scratch);
    team_barrier(member);
    if (!engine_trains(p->engine))
        return;
    const struct weight_gradient gradient = {0, p->N, p->D, p->x, p->dweight, p->dbias};
    p->kernels->linear.backward(member, p->R, p->D, p->N, p->packed, p->dy, p->dx, p->scratch);
    team_barrier(member);
    p->kernels->linear.gradients(member, p->R, p->N, p->dy, (size_t)p->N, 1, &gradient, p->scratch);
}

/* Element (row, column) of A · B + c, each with its own strides: a sum of K products in any order
 * is within K + 1 roundings of the sum of their magnitudes, and one more where weights are scaled.
 */
static void near_sum(const struct engine *engine, real got, int K, const real *a, size_t a_step,
                     const real *b, size_t b_step, real c)
{
    const bool bf16 = engine->precision == PRECISION_BF16;
    const double roundings = K + 1 + (engine->precision == PRECISION_INT8);
    double sum = (double)c, size = fabs(sum);
    for (size_t k = 0; k < (size_t)K; k++) {
        const double product = b ? array_operand((double)a[k * a_step], bf16) *
                                       array_operand((double)b[k * b_step], bf16)
                                 : (double)a[k * a_step];
        sum += product;
        size += fabs(product);
    }
    if (!(fabs((double)got - sum) <= roundings * (double)UNIT * size))
        fail_msg("%.9g where %.9g is right, of %d products", (double)got, sum, K);
}

static void compare(const struct product *p)
{
    const size_t R = (size_t)p->R, D = (size_t)p->D, N = (size_t)p->N;
    for (size_t r = 0; r < R; r++)
        for (size_t n = 0; n < N; n++)
            near_sum(p->engine, p->y[r * N + n], p->D, p->x + r * D, 1, p->weight + n * D, 1,
                     p->bias[n]);
    if (!engine_trains(p->engine))
        return;
    for (size_t n = 0; n < N; n++)
        for (size_t d = 0; d < D; d++)
            near_sum(p->engine, p->dweight[n * D + d], p->R, p->dy + n, N, p->x + d, D, 0);
    for (size_t n = 0; n < N; n++)
        near_sum(p->engine, p->dbias[n], p->R, p->dy + n, N, NULL, 0, 0);
    for (size_t r = 0; r < R; r++)
        for (size_t d = 0; d < D; d++)
            near_sum(p->engine, p->dx[r * D + d], p->N, p->dy + r * N, 1, p->weight + d, D, 0);
}

/* The same numbers for the same shape, computed by engine k with so many threads. */
static void product_init(struct product *p, int k, int R, int D, int N, int threads)
{
    struct random random = {(uint64_t)(R * 1000 + D), 0};
    const size_t r = (size_t)R, d = (size_t)D, n = (size_t)N;
    const bool training = engine_trains(engines_at(k));
    *p = (struct product){
        .engine = engines_at(k),
        .kernels = kernels_at(k),
        .R = R,
        .D = D,
        .N = N,
        .x = array_random(&random, r * d, 1),
        .weight = array_weights(&random, n, d, 1),
        .bias = array_random(&random, n, 1),
        .y = array_new(r * n),
        .dy = array_random(&random, r * n, 1),
        .dweight = array_new(n * d),
        .dbias = array_new(n),
        .dx = array_new(r * d),
        .packed = array_new(kernels_at(k)->linear.packed_size(D, N, training)),
        .scratch = array_new(kernels_at(k)->linear.scratch_size(R, D, N, training)),
    };
    struct team *team = team_new(threads);
    team_run(team, run, p);
    team_free(team);
}

static void product_release(struct product *p)
{
    real *const arrays[] = {p->x,       p->weight, p->bias, p->y,      p->dy,
                            p->dweight, p->dbias,  p->dx,   p->packed, p->scratch};
    for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++)
        array_free(arrays[k]);
}

static void check(int R, int D, int N, int threads)
{
    for (int k = 0; engines_at(k); k++) {
        struct product product;
        product_init(&product, k, R, D, N, threads);
        compare(&product);
        product_release(&product);
    }
}

static void random_shapes(void **state)
{
    (void)state;
    static const int rows[] = {1, 7, 50, 64}, widths[] = {1, 3, 17, 100, 127},
                     symbols[] = {1, 2, 65, 300};
    struct random random = {1, 0};
    for (int round = 0; round < 24; round++)
        check(rows[random_below(&random, 4)], widths[random_below(&random, 5)],
              symbols[random_below(&random, 4)], 1 + random_below(&random, 3));
}

/* More rows and columns than a tile of the product has, so that tiles meet. */
static void several_tiles(void **state)
{
    (void)state;
    check(300, 5, 530, 3);
    check(530, 300, 2, 2);
    check(257, 17, 513, 1);
    check(1281, 33, 7, 2);
    check(3, 2100, 5, 2);
    check(1, 9, 300, 4);
}

/* Few panels and many rows, and the other way round: the team is cut into groups differently. */
static void threads_make_no_difference(void **state)
{
    (void)state;
    static const int shapes[][3] = {{1, 130, 300}, {7, 33, 65}, {64, 17, 20}, {200, 100, 130}},
                     threads[] = {2, 3, 4, 6};
    for (int i = 0; i < 16; i++)
        for (int k = 0; engines_at(k); k++) {
            const int R = shapes[i / 4][0], D = shapes[i / 4][1], N = shapes[i / 4][2];
            const size_t r = (size_t)R, d = (size_t)D, n = (size_t)N;
            struct product alone, together;
            product_init(&alone, k, R, D, N, 1);
            product_init(&together, k, R, D, N, threads[i % 4]);
            assert_memory_equal(together.y, alone.y, r * n * sizeof(real));
            assert_memory_equal(together.dweight, alone.dweight, n * d * sizeof(real));
            assert_memory_equal(together.dbias, alone.dbias, n * sizeof(real));
            assert_memory_equal(together.dx, alone.dx, r * d * sizeof(real));
            product_release(&alone);
            product_release(&together);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_shapes),
        cmocka_unit_test(several_tiles),
        cmocka_unit_test(threads_make_no_difference),
    };
    return cmocka_run_group_tests_name("linear", tests, NULL, NULL);
}
