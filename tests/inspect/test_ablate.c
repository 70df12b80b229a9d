/* Ablation against the equations, one unit and one character at a time. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ablate.h"
#include "naive.h"
#include "stack.h"

static struct arena memory; /* of all results of a test */

enum { V = 7, H = 11, MOST = 150, UNITS = 3 * H, K = 5 };

static int32_t ids[MOST];
static float values[K][MOST];
static struct label list[K] = {
    {.name = "often", .kind = LABEL_BINARY, .values = values[0]},
    {.name = "never", .kind = LABEL_BINARY, .values = values[1]},
    {.name = "number", .kind = LABEL_SCALAR, .values = values[2]},
    {.name = "once", .kind = LABEL_BINARY, .values = values[3]},
    {.name = "start", .kind = LABEL_BINARY, .values = values[4]}, /* of as many as are needed */
};
static const struct labels labels = {.length = MOST, .count = K, .list = list}, no_labels;

static void make_text(void)
{
    struct random random = {1, 0};
    for (int t = 0; t < MOST; t++) {
        ids[t] = random_below(&random, V);
        values[0][t] = (float)random_below(&random, 2);
        values[2][t] = (float)random_between(&random, 0, 9);
    }
    values[3][0] = 1;
    for (int t = 0; t < ABLATION_LEAST; t++)
        values[4][t] = 1;
}

/* The units of L layers in no order, one of them twice. */
static size_t shuffled_units(int L, struct random *random, struct trace_signal *units)
{
    const int count = L * H;
    for (int k = 0; k < count; k++)
        units[k] = (struct trace_signal){0, k / H, k % H};
    for (int k = count - 1; k > 0; k--) {
        const int other = random_below(random, k + 1);
        const struct trace_signal kept = units[k];
        units[k] = units[other];
        units[other] = kept;
    }
    units[0] = units[count - 1];
    return (size_t)count;
}

struct clamped {
    const struct trace_signal *unit; /* NULL: none */
    double value;
    double sums[3 * H]; /* of all layers' outputs, over the text */
};

static void touch(void *context, int layer, double *h)
{
    struct clamped *clamped = context;
    if (clamped->unit && clamped->unit->layer == layer)
        h[clamped->unit->unit] = clamped->value;
    for (int u = 0; u < H; u++)
        clamped->sums[layer * H + u] += h[u];
}

/* The losses of the text with a unit clamped. */
static void read_text(const struct model *model, size_t length, struct clamped *clamped,
                      double *losses)
{
    struct naive naive;
    double x[V];
    naive_init(&naive, model);
    for (int l = 0; l < naive.L; l++)
        touch(clamped, l, naive_state(&naive, l, 0));
    for (size_t t = 0; t < length; t++) {
        naive_one_hot(&naive, t > 0 ? ids[t - 1] : VOCAB_NONE, x);
        losses[t] = naive_step(&naive, x, ids[t], touch, clamped);
    }
    naive_release(&naive);
}

/* The mean of a difference over the characters where a label is on; NAN if they are few. */
static double mean_change(const double *losses, const double *whole, size_t length,
                          const float *label)
{
    double sum = 0;
    int count = 0;
    for (size_t t = 0; t < length; t++)
        if (!label || label[t] > 0.5f) {
            sum += losses[t] - whole[t];
            count++;
        }
    return label && count < ABLATION_LEAST ? NAN : sum / count;
}

static bool near(float value, double expected, double most)
{
    return isnan(expected) ? isnan(value) : fabs((double)value - expected) < most;
}

static void compare(const struct engine *engine, const char *cell, int L, size_t length,
                    enum ablation_kind kind, int threads, struct random *random)
{
    const double most = engine->precision == PRECISION_FP32 ? 2e-6 : 0.05;
    double whole[MOST], losses[MOST];
    struct trace_signal units[UNITS];
    struct stack stack;
    struct ablation ablation = {0};
    struct clamped none = {0};
    stack_init(&stack, engine, (struct shape){L, H, V, 1, 1, cell}, 0, threads);
    const size_t count = shuffled_units(L, random, units);
    assert_int_equal(ablate(&ablation, &memory, stack.team, &stack.model, ids, length, kind, units,
                            count, &labels),
                     0);
    read_text(&stack.model, length, &none, whole);
    assert_true(ablation.kind == kind && ablation.length == length && ablation.count == count);
    assert_memory_equal(ablation.units, units, count * sizeof *units);
    assert_int_equal(ablation.counts[1], 0);
    assert_int_equal(ablation.counts[3], 1);
    assert_int_equal(ablation.counts[4], length < ABLATION_LEAST ? length : ABLATION_LEAST);
    assert_true(
        near(ablation.loss + 1, 1 + mean_change(whole, (double[MOST]){0}, length, NULL), most));
    for (size_t k = 0; k < count; k++) {
        const double mean = none.sums[units[k].layer * H + units[k].unit] / (double)length;
        struct clamped clamped = {&units[k], kind == ABLATION_MEAN ? mean : 0, {0}};
        read_text(&stack.model, length, &clamped, losses);
        assert_true(near(ablation.change[k], mean_change(losses, whole, length, NULL), most));
        for (int l = 0; l < K; l++)
            assert_true(near(ablation.by_label[k * K + (size_t)l],
                             l == 2 ? NAN : mean_change(losses, whole, length, values[l]), most));
    }
    arena_release(&memory);
    stack_release(&stack);
}

static void changes_are_those_of_the_equations(void **state)
{
    (void)state;
    static const size_t lengths[] = {1, 63, 64, MOST};
    struct random random = {2, 0};
    int cells = 0;
    while (stack_cell(cells))
        cells++;
    make_text();
    for (int L = 1; L <= 3; L++)
        for (int k = 0; k < 4; k++)
            for (enum ablation_kind kind = ABLATION_ZERO; kind <= ABLATION_MEAN; kind++)
                compare(engine_at(0), stack_cell((L + k) % cells), L, lengths[k], kind, 1 + k % 3,
                        &random);
    for (int c = 0; c < cells; c++)
        for (int k = 0; engine_at(k); k++)
            compare(engine_at(k), stack_cell(c), 2, MOST, ABLATION_MEAN, 2, &random);
}

/* Ablates `count` units of a model of L layers of `width` units. */
static void ablate_units(struct ablation *ablation, int L, int width,
                         const struct trace_signal *units, size_t count, size_t length, int threads)
{
    struct stack stack;
    *ablation = (struct ablation){0};
    stack_init(&stack, engine_at(0), (struct shape){L, width, V, 1, 1, NULL}, 0, threads);
    assert_int_equal(ablate(ablation, &memory, stack.team, &stack.model, ids, length, ABLATION_MEAN,
                            units, count, &labels),
                     0);
    stack_release(&stack);
}

static void threads_make_no_difference(void **state)
{
    (void)state;
    enum { WIDTH = 40, COUNT = 2 * WIDTH };
    struct trace_signal units[COUNT];
    struct ablation alone, together;
    make_text();
    for (int k = 0; k < COUNT; k++)
        units[k] = (struct trace_signal){0, k / WIDTH, k % WIDTH};
    ablate_units(&alone, 2, WIDTH, units, COUNT, MOST, 1);
    ablate_units(&together, 2, WIDTH, units, COUNT, MOST, 3);
    assert_memory_equal(alone.change, together.change, COUNT * sizeof(float));
    for (int k = 0; k < COUNT; k++) /* the label that is on often */
        assert_memory_equal(alone.by_label + k * K, together.by_label + k * K, sizeof(float));
    arena_release(&memory);
}

/* More units than are clamped side by side: those around the cut, and what is found of them alone.
 */
static void units_beside_make_no_difference(void **state)
{
    (void)state;
    enum { MANY = 520, FIRST = 510, SOME = 5, LENGTH = 4 };
    static struct trace_signal units[MANY];
    struct ablation all, some;
    make_text();
    for (int k = 0; k < MANY; k++)
        units[k] = (struct trace_signal){0, 0, k};
    ablate_units(&all, 1, MANY, units, MANY, LENGTH, 2);
    ablate_units(&some, 1, MANY, units + FIRST, SOME, LENGTH, 2);
    assert_memory_equal(all.change + FIRST, some.change, SOME * sizeof(float));
    arena_release(&memory);
}

/* Exactly: it is compared with a stream that is computed in the same way. */
static void a_unit_that_nothing_reads_changes_nothing(void **state)
{
    (void)state;
    const struct trace_signal unit = {0, 0, 3};
    make_text();
    for (int k = 0; engine_at(k); k++) {
        struct ablation ablation = {0};
        struct stack stack;
        stack_init(&stack, engine_at(k), (struct shape){2, H, V, 1, 1, NULL}, 0, 1);
        for (int p = 0; p < stack.model.params.count; p++) {
            const struct param *param = &stack.model.params.list[p];
            for (int row = 0; row < param->rows && param->columns == H; row++)
                stack.model.weights[param->offset + (size_t)(row * H + unit.unit)] = 0;
        }
        assert_int_equal(ablate(&ablation, &memory, stack.team, &stack.model, ids, MOST,
                                ABLATION_MEAN, &unit, 1, &no_labels),
                         0);
        assert_true(ablation.change[0] == 0 && !ablation.by_label);
        arena_release(&memory);
        stack_release(&stack);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_are_those_of_the_equations),
        cmocka_unit_test(threads_make_no_difference),
        cmocka_unit_test(units_beside_make_no_difference),
        cmocka_unit_test(a_unit_that_nothing_reads_changes_nothing),
    };
    return cmocka_run_group_tests_name("ablate", tests, NULL, NULL);
}
