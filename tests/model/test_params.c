/* The table of parameters, where they start, and how the optimizer walks them. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stack.h"

/* Parameters lie one behind the other, each on a cache line, and are counted without the gaps. */
static void parameters_do_not_overlap(void **state)
{
    (void)state;
    for (int L = 1; L <= 4; L++)
        for (int H = 1; H <= 40; H += 13) {
            struct model model = {0};
            size_t end = 0, total = 0;
            assert_int_equal(model_init(&model, engine_at(0), "lstm", NULL, L, H, 7, NULL), 0);
            const struct params *params = &model.params;
            assert_int_equal(params->count, 3 * L + 2);
            for (int p = 0; p < params->count; p++) {
                const struct param *param = &params->list[p];
                assert_true(param->offset >= end);
                assert_int_equal(param->offset * sizeof(float) % 64, 0);
                end = param->offset + (size_t)param->rows * (size_t)param->columns;
                total += end - param->offset;
                assert_int_equal(param->transposed,
                                 p == 0); /* what a one-hot input picks rows of */
                for (int other = 0; other < p; other++)
                    assert_string_not_equal(param->name, params->list[other].name);
            }
            assert_true(params->size >= end);
            assert_int_equal(params->total, total);
            const size_t h = (size_t)H, hidden = 4 * h * h + 4 * h;
            assert_int_equal(total, 4 * h * 7 + hidden + (size_t)(L - 1) * (4 * h * h + hidden) +
                                        7 * h + 7);
            model_release(&model);
        }
}

static void the_start_has_its_distribution(void **state)
{
    (void)state;
    enum { H = 50, V = 30 };
    struct model model = {0};
    assert_int_equal(model_init(&model, engine_at(0), "lstm", NULL, 2, H, V, NULL), 0);
    real *first = calloc(model.params.size, sizeof *first),
         *other = calloc(model.params.size, sizeof *other);
    params_start(&model.params, 1, first);
    params_start(&model.params, 1, other);
    assert_memory_equal(first, other, model.params.size * sizeof *first);
    params_start(&model.params, 2, other);
    for (int p = 0; p < model.params.count; p++) {
        const struct param *param = &model.params.list[p];
        const real *weights = first + param->offset;
        const int n = param->rows * param->columns;
        double sum = 0, squares = 0;
        for (int k = 0; k < n; k++) {
            sum += (double)weights[k];
            squares += (double)weights[k] * (double)weights[k];
            if (param->vector) /* all biases are 0, but the forget gates' */
                assert_true(weights[k] == (strncmp(param->name, "rnn", 3) == 0 && k / H == 1));
        }
        if (param->vector)
            continue;
        /* The variance of a weight is 1 over the numbers that meet in a sum: of a one-hot input,
         * one. A uniform square's own variance is 4/5 of its mean squared. */
        const double variance = 1.0 / (p == 0 ? 1 : H);
        assert_true(fabs(sum / n) < 5 * sqrt(variance / n));
        assert_true(fabs(squares / n - variance) < 5 * variance * sqrt(0.8 / n));
        assert_memory_not_equal(weights, other + param->offset, (size_t)n * sizeof *weights);
    }
    free(first);
    free(other);
    model_release(&model);
}

static void optimize(struct member *member, void *argument)
{
    struct stack *stack = argument;
    optimizer_step(member, &stack->optimizer, &stack->model, &stack->tape, 1, 0.5);
}

/* One step down the gradient g, of all parameters, with a limit to their norm. */
static void check_norm(double clip_norm, double clip_value)
{
    struct random random = {1, 0};
    for (int k = 0; engine_at(k); k++) {
        struct stack stack; /* of more numbers than the optimizer takes at once */
        stack_init(&stack, engine_at(k), (struct shape){1, 60, 30, 1, 1, NULL}, 0, 3);
        const size_t size = stack.model.params.size;
        stack.optimizer.optim =
            (struct optim){.kind = OPTIM_SGD, .clip_norm = clip_norm, .clip_value = clip_value};
        double *right = calloc(size, sizeof *right), squares = 0;
        for (size_t i = 0; i < size; i++) {
            const real g = stack.tape.gradients[i] = (real)random_between(&random, -1, 1);
            right[i] = clip_value > 0 ? fmax(-clip_value, fmin(clip_value, (double)g)) : (double)g;
            squares += right[i] * right[i];
        }
        const double norm = sqrt(squares), scale = clip_norm > 0 ? fmin(1, clip_norm / norm) : 1;
        for (size_t i = 0; i < size; i++)
            right[i] = (double)stack.model.weights[i] - 0.5 * scale * right[i];
        team_run(stack.team, optimize, &stack);
        assert_true(fabs(stack.optimizer.grad_norm - norm) < 1e-12 * norm);
        for (size_t i = 0; i < size; i++)
            assert_true(fabs((double)stack.model.weights[i] - right[i]) <= 2 * (double)FLT_EPSILON);
        free(right);
        stack_release(&stack);
    }
}

static void the_norm_is_clipped(void **state)
{
    (void)state;
    check_norm(0, 0);
    check_norm(5, 0);
    check_norm(1e6, 0);
    check_norm(5, 0.25);
}

/* Of every kind of optimizer: not even decay moves them. */
static void what_is_fixed_stays(void **state)
{
    (void)state;
    struct random random = {3, 0};
    for (enum optim_kind kind = OPTIM_ADAM; kind <= OPTIM_SGD; kind++)
        for (int fixed = 0; fixed < 5; fixed++) {
            struct stack stack;
            stack_init(&stack, engine_at(0), (struct shape){1, 60, 30, 1, 1, NULL}, 0, 3);
            const struct params *params = &stack.model.params;
            const size_t size = params->size;
            real *before = malloc(size * sizeof *before);
            memcpy(before, stack.model.weights, size * sizeof *before);
            stack.optimizer.optim = (struct optim){.kind = kind, .weight_decay = 0.1};
            for (size_t i = 0; i < size; i++)
                stack.tape.gradients[i] = (real)random_between(&random, -1, 1);
            params->list[fixed].fixed = params->list[(fixed + 3) % 5].fixed = true;
            team_run(stack.team, optimize, &stack);
            for (int p = 0; p < params->count; p++) {
                const struct param *param = &params->list[p];
                const bool same =
                    memcmp(before + param->offset, stack.model.weights + param->offset,
                           (size_t)param->rows * (size_t)param->columns * sizeof *before) == 0;
                assert_int_equal(same, param->fixed);
            }
            free(before);
            stack_release(&stack);
        }
}

/* A gradient that is not finite moves nothing: neither weights nor moments. */
static void a_bad_gradient_is_left_out(void **state)
{
    (void)state;
    struct stack stack;
    stack_init(&stack, engine_at(0), (struct shape){1, 20, 9, 1, 1, NULL}, 0, 2);
    const size_t size = stack.model.params.size;
    real *before = malloc(size * sizeof *before);
    memcpy(before, stack.model.weights, size * sizeof *before);
    for (size_t k = 0; k < size; k += size / 3) {
        memset(stack.tape.gradients, 0, size * sizeof(real));
        stack.tape.gradients[k] = k ? (real)NAN : (real)INFINITY;
        team_run(stack.team, optimize, &stack);
        assert_true(!isfinite(stack.optimizer.grad_norm));
        assert_memory_equal(before, stack.model.weights, size * sizeof *before);
        for (size_t i = 0; i < size; i++)
            assert_true(stack.optimizer.m[i] == 0 && stack.optimizer.v[i] == 0);
    }
    free(before);
    stack_release(&stack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_do_not_overlap),
        cmocka_unit_test(the_start_has_its_distribution),
        cmocka_unit_test(the_norm_is_clipped),
        cmocka_unit_test(what_is_fixed_stays),
        cmocka_unit_test(a_bad_gradient_is_left_out),
    };
    return cmocka_run_group_tests_name("params", tests, NULL, NULL);
}
