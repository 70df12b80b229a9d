/* Dropout in the stack. With one timestep of one stream, dropping units is the same as changing the
 * weights that read them; so a model without dropout tells what logits and gradients must be. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stack.h"

#define P 0.4

static const struct shape shape = {3, 24, 10, 1, 1, NULL};

/* [T][B][H] what is kept of a recurrent layer's outputs: the dropout layer stands behind it. */
static const uint8_t *dropped_mask(const struct stack *stack, int l)
{
    return (const uint8_t *)stack->tape.layers[model_layer_index(&stack->model, l) + 1].values;
}

/* 0 or 1 / (1 − P): what becomes of unit u of a layer. */
static double factor(const struct stack *dropping, int layer, int u)
{
    return dropped_mask(dropping, layer)[u] / (1 - P);
}

/* The parameter that reads the outputs of a layer: [rows][H] of the one above. */
static const struct param *reader(const struct stack *stack, int layer)
{
    return params_at(&stack->model.params, model_layer_index(&stack->model, layer) + 2, 0);
}

/* Calls for every weight that reads a layer's output: its index and that output's factor. */
static void scale_readers(const struct stack *dropping, real *numbers)
{
    for (int layer = 0; layer < shape.L; layer++) {
        const struct param *param = reader(dropping, layer);
        for (int row = 0; row < param->rows; row++)
            for (int u = 0; u < shape.H; u++)
                numbers[param->offset + (size_t)(row * shape.H + u)] *= factor(dropping, layer, u);
    }
}

static void near(const real *got, const real *right, size_t n)
{
    for (size_t k = 0; k < n; k++)
        assert_true(fabs(got[k] - right[k]) <= 1e-13);
}

static void dropping_is_rescaling_weights(void **state)
{
    (void)state;
    struct random random = {1, 0};
    struct stack dropping, plain;
    int dropped = 0;
    stack_init(&dropping, engine_at(0), shape, P, 2);
    stack_init(&plain, engine_at(0), shape, 0, 1);
    const size_t size = plain.model.params.size, V = (size_t)shape.V;
    for (dropping.step = 0; dropping.step < 20; dropping.step++) {
        dropping.reset[0] = plain.reset[0] = true;
        stack_draw(&dropping, &random);
        dropping.y[0] = random_below(&random, shape.V);
        plain.x[0] = dropping.x[0];
        plain.y[0] = dropping.y[0];
        stack_backward(&dropping);
        memcpy(plain.model.weights, dropping.model.weights, size * sizeof(real));
        scale_readers(&dropping, plain.model.weights);
        stack_backward(&plain);
        near(&dropping.tape.losses[0], &plain.tape.losses[0], 1);
        near(dropping.tape.logits, plain.tape.logits, V);
        scale_readers(&dropping, plain.tape.gradients);
        near(dropping.tape.gradients, plain.tape.gradients, size);
        for (int k = 0; k < shape.L * shape.H; k++)
            dropped += !dropped_mask(&dropping, k / shape.H)[k % shape.H];
    }
    const double number = 20.0 * shape.L * shape.H;
    assert_true(fabs(dropped - P * number) < 5 * sqrt(P * (1 - P) * number));
    stack_release(&dropping);
    stack_release(&plain);
}

/* Each layer, timestep, stream and step has a mask of its own; a step's mask is always the same. */
static void masks_differ(void **state)
{
    (void)state;
    enum { ROWS = 2 * 5 * 4, H = 64 };
    uint8_t seen[2][ROWS][H];
    struct stack stack;
    stack_init(&stack, engine_at(0), (struct shape){2, H, 10, 5, 4, NULL}, P, 1);
    for (stack.step = 0; stack.step < 2; stack.step++) {
        stack_forward(&stack);
        for (int l = 0; l < 2; l++)
            memcpy(seen[stack.step][l * ROWS / 2], dropped_mask(&stack, l), sizeof seen[0] / 2);
    }
    for (int a = 0; a < 2 * ROWS; a++)
        for (int b = 0; b < a; b++)
            assert_memory_not_equal(seen[a / ROWS][a % ROWS], seen[b / ROWS][b % ROWS], H);
    stack.step = 1;
    stack_forward(&stack);
    for (int l = 0; l < 2; l++)
        assert_memory_equal(seen[1][l * ROWS / 2], dropped_mask(&stack, l), sizeof seen[1] / 2);
    stack_release(&stack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dropping_is_rescaling_weights),
        cmocka_unit_test(masks_differ),
    };
    return cmocka_run_group_tests_name("dropout", tests, NULL, NULL);
}
