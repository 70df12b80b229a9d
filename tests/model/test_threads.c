/* The number of threads does not change a bit of what is trained. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stack.h"

#define STEPS 5

/* What training leaves: the weights, in memory of malloc's, and the loss of each step. */
struct trained {
    real *weights;
    size_t size;
    double losses[STEPS];
};

static struct trained train(const struct engine *engine, struct shape shape, double dropout,
                            int threads)
{
    struct random random = {3, 0};
    struct stack stack;
    struct trained trained;
    stack_init(&stack, engine, shape, dropout, threads);
    for (; stack.step < STEPS; stack.step++) {
        stack_draw(&stack, &random);
        stack_train(&stack);
        trained.losses[stack.step] = stack.tape.loss;
    }
    trained.size = stack.model.params.size * sizeof(real);
    trained.weights = malloc(trained.size);
    memcpy(trained.weights, stack.model.weights, trained.size);
    stack_release(&stack);
    return trained;
}

static void compare(const struct engine *engine, struct shape shape, double dropout, int threads)
{
    const struct trained alone = train(engine, shape, dropout, 1),
                         together = train(engine, shape, dropout, threads);
    if (memcmp(alone.losses, together.losses, sizeof alone.losses) != 0 ||
        memcmp(alone.weights, together.weights, alone.size) != 0)
        fail_msg("%s, %s, L %d H %d dropout %g: %d threads do not give what one gives",
                 engine->name, shape.cell, shape.L, shape.H, dropout, threads);
    free(together.weights);
    free(alone.weights);
}

static void threads_make_no_difference(void **state)
{
    (void)state;
    static const int widths[] = {1, 3, 17, 100, 127}, threads[] = {2, 3, 5};
    int round = 0;
    for (int k = 0; engine_at(k); k++)
        for (int L = 1; L <= 3; L++)
            for (int w = 0; w < 5; w++)
                for (int c = 0; stack_cell(c); c++, round++)
                    compare(engine_at(k), (struct shape){L, widths[w], 40, 5, 4, stack_cell(c)},
                            round % 2 ? 0.3 : 0, threads[round % 3]);
}

/* A shape whose products have several tiles, for all to share. */
static void tiles_make_no_difference(void **state)
{
    (void)state;
    for (int k = 0; engine_at(k); k++)
        for (int c = 0, threads = 2; stack_cell(c); c++, threads += threads < 5)
            compare(engine_at(k), (struct shape){2, 140, 530, 20, 14, stack_cell(c)}, 0.3, threads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_make_no_difference),
        cmocka_unit_test(tiles_make_no_difference),
    };
    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
