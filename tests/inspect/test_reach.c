/* How far the loss reaches back, against differences of the loss that the equations give. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "naive.h"
#include "reach.h"
#include "stack.h"

static struct arena memory; /* of all results of a test */

enum { V = 6, H = 7, MOST = 2000 };

static int32_t ids[MOST];

static void make_text(void)
{
    struct random random = {1, 0};
    for (int t = 0; t < MOST; t++)
        ids[t] = random_below(&random, V);
}

/* A number of the network that is changed at one timestep: of a layer's output or, `layer` −1, of
 * the input vector. */
struct nudge {
    size_t step, now;
    int layer, index;
    double by;
};

static const char *cell; /* of the models; NULL: lstm */

static void touch(void *context, int layer, double *h)
{
    const struct nudge *nudge = context;
    if (nudge->layer == layer && nudge->now == nudge->step)
        h[nudge->index] += nudge->by;
}

/* The loss of x_t, read from the start of the text. */
static double loss_of(const struct model *model, size_t t, struct nudge *nudge)
{
    struct naive naive;
    double x[V], loss = 0;
    naive_init(&naive, model);
    for (size_t step = 0; step <= t; step++) {
        nudge->now = step;
        naive_one_hot(&naive, step > 0 ? ids[step - 1] : VOCAB_NONE, x);
        if (nudge->layer < 0 && nudge->step == step)
            x[nudge->index] += nudge->by;
        loss = naive_step(&naive, x, step == t ? ids[t] : VOCAB_NONE, touch, nudge);
    }
    naive_release(&naive);
    return loss;
}

static double slope(const struct model *model, size_t t, size_t step, int layer, int index)
{
    const double by = 1e-4;
    struct nudge up = {step, 0, layer, index, by}, down = {step, 0, layer, index, -by};
    return (loss_of(model, t, &up) - loss_of(model, t, &down)) / (2 * by);
}

/* Curve `curve` of L + 1, at k steps before x_t. */
static double norm_of(const struct model *model, size_t t, int k, int curve)
{
    const int layer = curve < model->num_layers ? curve : -1;
    double sum = 0;
    for (int index = 0; index < (layer < 0 ? V : H); index++)
        sum += pow(slope(model, t, t - (size_t)k, layer, index), 2);
    return sqrt(sum);
}

static bool near(float value, double expected)
{
    return fabs((double)value - expected) <= 1e-4 * fabs(expected) + 1e-6;
}

static int by_value(const void *a, const void *b)
{
    const double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* The middles of `positions` stretches of what has K steps before it, and quartiles of five. */
static void check_reach(int L, size_t length, int positions, int K, int threads)
{
    struct stack stack;
    struct reach reach = {0};
    stack_init_attributes(&stack, engine_at(0), (struct shape){L, H, V, 1, 1, cell}, threads);
    assert_int_equal(
        reach_measure(&reach, &memory, stack.team, &stack.model, ids, length, positions, K), 0);
    const int steps = length < (size_t)K ? (int)length : K;
    const int whole = (int)length - steps + 1, count = whole < positions ? whole : positions;
    assert_true(reach.steps == steps && reach.positions == count && reach.curves == L + 1);
    for (int curve = 0; curve <= L; curve++)
        for (int k = 0; k < steps; k++) {
            double norms[5] = {0};
            const int at = curve * steps + k;
            for (int p = 0; p < count; p++)
                norms[p] =
                    norm_of(&stack.model, (size_t)(steps - 1 + (2 * p + 1) * whole / (2 * count)),
                            k, curve);
            qsort(norms, (size_t)count, sizeof *norms, by_value);
            if (count == 1) {
                assert_true(near(reach.low[at], norms[0]));
                assert_true(near(reach.high[at], norms[0]));
            }
            if (count == 5) {
                assert_true(near(reach.low[at], norms[1]));
                assert_true(near(reach.high[at], norms[3]));
            }
            assert_true(near(reach.median[at], norms[(count - 1) / 2]));
        }
    arena_release(&memory);
    stack_release(&stack);
}

static void reach_is_what_the_equations_give(void **state)
{
    (void)state;
    make_text();
    for (int c = 0; (cell = stack_cell(c)); c++)
        for (int L = 1; L <= 4; L++) {
            check_reach(L, 23, 1, 6, L);
            check_reach(L, 31, 5, 4, 3);
        }
    check_reach(2, 5, 3, 9, 1); /* a text shorter than K */
    check_reach(2, 1, 3, 9, 1);
    check_reach(2, 10, 100, 10, 1);
}

static void measure_attributions(struct attributions *attributions, int L, size_t length,
                                 size_t start, size_t count, int K, int threads)
{
    struct stack stack;
    stack_init_attributes(&stack, engine_at(0), (struct shape){L, H, V, 1, 1, cell}, threads);
    *attributions = (struct attributions){0};
    assert_int_equal(attributions_measure(attributions, &memory, stack.team, &stack.model, ids,
                                          length, start, count, K),
                     0);
    assert_true(attributions->count == count && attributions->steps == (size_t)K);
    for (size_t p = 0; p < count; p++)
        assert_int_equal(attributions->positions[p], start + p);
    stack_release(&stack);
}

static void check_attributions(int L, size_t length, size_t start, size_t count, int K)
{
    struct stack stack;
    struct attributions attributions;
    stack_init_attributes(&stack, engine_at(0), (struct shape){L, H, V, 1, 1, cell}, 1);
    measure_attributions(&attributions, L, length, start, count, K, 1 + L % 3);
    for (size_t p = 0; p < count; p++)
        for (size_t k = 0; k < (size_t)K; k++) {
            const size_t t = start + p;
            const double expected = k < t ? slope(&stack.model, t, t - k, -1, ids[t - k - 1]) : 0;
            const float weight = attributions.weights[p * (size_t)K + k];
            assert_true(k < t ? near(weight, expected) : weight == 0);
        }
    arena_release(&memory);
    stack_release(&stack);
}

static void attributions_are_what_the_equations_give(void **state)
{
    (void)state;
    make_text();
    for (int c = 0; (cell = stack_cell(c)); c++)
        for (int L = 1; L <= 3; L++) {
            check_attributions(L, 20, 0, 9, 5); /* some have no K symbols before them */
            check_attributions(L, 20, 15, 5, 3);
        }
    check_attributions(2, 4, 1, 2, 12); /* K longer than all of the text */
    check_attributions(1, 1, 0, 1, 1);
}

/* Far from the start of the text, where only what is near is read. */
static void the_text_is_read_from_near(void **state)
{
    (void)state;
    make_text();
    check_attributions(2, MOST, MOST - 3, 3, 4);
    check_reach(1, MOST, 1, 2, 1);
}

/* Several batches, and several streams that find the states before them. */
static void a_prediction_does_not_depend_on_those_beside_it(void **state)
{
    (void)state;
    enum { COUNT = 300, K = 50 };
    struct attributions all;
    make_text();
    measure_attributions(&all, 2, MOST, 0, COUNT, K, 2);
    for (size_t p = 0; p < COUNT; p += 23) {
        struct attributions alone;
        measure_attributions(&alone, 2, MOST, p, 1, K, 1);
        for (size_t k = 0; k < K; k++)
            assert_true(near(all.weights[p * K + k], (double)alone.weights[k]));
    }
    arena_release(&memory);
}

static void threads_make_no_difference(void **state)
{
    (void)state;
    enum { LENGTH = 900, K = 20 };
    make_text();
    for (int k = 0; engine_at(k); k++) {
        struct reach reach[2] = {0};
        struct attributions attributions[2] = {0};
        for (int run = 0; run < 2; run++) {
            struct stack stack;
            stack_init_attributes(&stack, engine_at(k), (struct shape){3, 40, V, 1, 1, NULL},
                                  1 + 2 * run);
            assert_int_equal(
                reach_measure(&reach[run], &memory, stack.team, &stack.model, ids, LENGTH, 7, K),
                0);
            assert_int_equal(attributions_measure(&attributions[run], &memory, stack.team,
                                                  &stack.model, ids, LENGTH, LENGTH - 9, 9, K),
                             0);
            stack_release(&stack);
        }
        assert_memory_equal(reach[0].median, reach[1].median, 4 * K * sizeof(float));
        assert_memory_equal(reach[0].low, reach[1].low, 4 * K * sizeof(float));
        assert_memory_equal(reach[0].high, reach[1].high, 4 * K * sizeof(float));
        assert_memory_equal(attributions[0].weights, attributions[1].weights,
                            9 * K * sizeof(float));
        for (int run = 0; run < 2; run++) {
            arena_release(&memory);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reach_is_what_the_equations_give),
        cmocka_unit_test(attributions_are_what_the_equations_give),
        cmocka_unit_test(the_text_is_read_from_near),
        cmocka_unit_test(a_prediction_does_not_depend_on_those_beside_it),
        cmocka_unit_test(threads_make_no_difference),
    };
    return cmocka_run_group_tests_name("reach", tests, NULL, NULL);
}
