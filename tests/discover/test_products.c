#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cblas.h>
#include <cmocka.h>

#include "products.h"
#include "random.h"
#include "team.h"

#define MOST 40 /* rows and columns */
#define DEPTH 1500
#define UNTOUCHED 1234.5F

static float a[MOST * DEPTH], b[MOST * DEPTH];

static void draw(struct random *random)
{
    for (size_t i = 0; i < MOST * DEPTH; i++) {
        a[i] = (float)random_between(random, -1, 1);
        b[i] = (float)random_between(random, -1, 1);
    }
}

static void a_product_is_the_sum_of_products(void **state)
{
    struct random random = {1, 0};
    float c[MOST * MOST];
    (void)state;
    for (int round = 0; round < 100; round++) {
        const size_t M = (size_t)random_below(&random, MOST),
                     N = (size_t)random_below(&random, MOST),
                     K = 1 + (size_t)random_below(&random, DEPTH);
        const bool transposed = round % 2;
        const struct matrix left = {a, DEPTH}, right = {b, transposed ? DEPTH : MOST},
                            out = {c, MOST};
        draw(&random);
        for (size_t i = 0; i < MOST * MOST; i++)
            c[i] = UNTOUCHED;
        products_multiply(M, N, K, left, right, transposed, out);
        for (size_t i = 0; i < MOST * MOST; i++) {
            const size_t row = i / MOST, column = i % MOST;
            double sum = 0;
            for (size_t k = 0; k < K; k++)
                sum += (double)a[row * DEPTH + k] *
                       (double)(transposed ? b[column * DEPTH + k] : b[k * MOST + column]);
            if (row < M && column < N)
                assert_float_equal(c[i], sum, 1e-4);
            else
                assert_true(c[i] == UNTOUCHED);
        }
    }
}

static void multiply_own(struct member *member, void *argument)
{
    float(*out)[MOST * MOST] = argument;
    products_multiply(MOST, MOST, DEPTH, (struct matrix){a, DEPTH}, (struct matrix){b, DEPTH}, true,
                      (struct matrix){out[member->rank], MOST});
}

/* Members multiply side by side, and OpenBLAS adds no threads of its own. */
static void members_get_the_same_bits(void **state)
{
    static float out[3][MOST * MOST];
    struct random random = {2, 0};
    struct team *team = team_new(3);
    (void)state;
    assert_non_null(team);
    draw(&random);
    for (int round = 0; round < 50; round++) {
        team_run(team, multiply_own, out);
        assert_memory_equal(out[0], out[1], sizeof out[0]);
        assert_memory_equal(out[0], out[2], sizeof out[0]);
    }
    assert_int_equal(openblas_get_num_threads(), 1);
    team_free(team);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_product_is_the_sum_of_products),
        cmocka_unit_test(members_get_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
