/* The number of threads does not change a bit of what is trained. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "blas.h"
#include "stack.h"

/* Weights after five updates, in memory of malloc's. */
static real *train(const struct engine *engine, struct shape shape, double dropout, int threads,
                   size_t *size)
{
    struct random random = {3, 0};
    struct stack stack;
    stack_init(&stack, engine, shape, dropout, threads);
    for (; stack.step < 5; stack.step++) {
        stack_draw(&stack, &random);
        stack_train(&stack);
    }
    *size = stack.model.params.size * sizeof(real);
    real *weights = malloc(*size);
    memcpy(weights, stack.model.weights, *size);
    stack_release(&stack);
    return weights;
}

static void compare(const struct engine *engine, struct shape shape, double dropout, int threads)
{
    size_t size;
    real *alone = train(engine, shape, dropout, 1, &size);
    real *together = train(engine, shape, dropout, threads, &size);
    if (memcmp(alone, together, size) != 0)
        fail_msg("%s, L %d H %d dropout %g: %d threads do not give what one gives", engine->name,
                 shape.L, shape.H, dropout, threads);
    free(together);
    free(alone);
}

static void threads_make_no_difference(void **state)
{
    (void)state;
    static const int widths[] = {1, 3, 17, 100, 127}, threads[] = {2, 3, 5};
    int round = 0;
    for (int k = 0; engine_at(k); k++)
        for (int L = 1; L <= 3; L++)
            for (int w = 0; w < 5; w++)
                for (int drops = 0; drops < 2; drops++, round++)
                    compare(engine_at(k), (struct shape){L, widths[w], 40, 5, 4}, drops ? 0.3 : 0,
                            threads[round % 3]);
}

/* A shape whose products have several tiles, for all to share. */
static void tiles_make_no_difference(void **state)
{
    (void)state;
    for (int k = 0; engine_at(k); k++)
        for (int threads = 2; threads <= 5; threads++)
            compare(engine_at(k), (struct shape){2, 140, 530, 20, 14}, 0.3, threads);
}

int main(void)
{
    blas_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_make_no_difference),
        cmocka_unit_test(tiles_make_no_difference),
    };
    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
