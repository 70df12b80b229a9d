/* Units that are held, against the equations. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "naive.h"
#include "stack.h"

enum { V = 6, B = 5, STEPS = 12 };

/* Clamps of one stream, as naive_step wants them. */
struct held {
    const struct clamp *clamps;
    size_t count;
    int stream;
};

static void touch(void *context, int layer, double *h)
{
    const struct held *held = context;
    for (size_t k = 0; k < held->count; k++) {
        const struct clamp *clamp = &held->clamps[k];
        if (clamp->layer == layer && (clamp->stream == CLAMP_ALL || clamp->stream == held->stream))
            h[clamp->unit] = (double)clamp->value;
    }
}

/* Clamps of all kinds: of one stream and of all, two of the same unit, and several of a layer. */
static size_t draw_clamps(struct random *random, int L, int H, struct clamp *clamps)
{
    const int count = random_below(random, 7);
    for (int k = 0; k < count; k++)
        clamps[k] =
            (struct clamp){random_below(random, L), random_below(random, H),
                           random_below(random, B + 1) - 1, (real)random_between(random, -2, 2)};
    if (count > 2)
        clamps[1].layer = clamps[0].layer, clamps[1].unit = clamps[0].unit;
    return (size_t)count;
}

static void check_logits(const struct stack *stack, const struct naive *naive, int b, double most)
{
    for (int v = 0; v < V; v++)
        assert_true(fabs((double)stack->tape.logits[b * V + v] - naive->logits[v]) < most);
}

static void compare(const struct engine *engine, const char *cell, int L, int H, int threads,
                    struct random *random)
{
    const double most = engine->precision == PRECISION_FP32 ? 1e-5 : 0.2;
    struct clamp clamps[7];
    struct naive naive[B];
    struct stack stack;
    double x[V];
    const size_t count = draw_clamps(random, L, H, clamps);
    stack_init(&stack, engine, (struct shape){L, H, V, B, 1, cell}, 0, threads);
    tape_set_clamps(&stack.tape, clamps, count);
    for (int b = 0; b < B; b++) {
        naive_init(&naive[b], &stack.model);
        for (int l = 0; l < L; l++) /* the state before the first timestep */
            touch(&(struct held){clamps, count, b}, l, naive_state(&naive[b], l, 0));
    }
    for (int step = 0; step < STEPS; step++) {
        stack_draw(&stack, random);
        stack_forward(&stack);
        for (int b = 0; b < B; b++) {
            struct held held = {clamps, count, b};
            naive_one_hot(&naive[b], stack.x[b], x);
            naive_step(&naive[b], x, VOCAB_NONE, touch, &held);
            check_logits(&stack, &naive[b], b, most);
        }
    }
    for (int b = 0; b < B; b++)
        naive_release(&naive[b]);
    stack_release(&stack);
}

static void the_next_timestep_and_the_layers_above_read_what_is_held(void **state)
{
    (void)state;
    static const int widths[] = {3, 40, 131};
    struct random random = {1, 0};
    for (int k = 0; engine_at(k); k++)
        for (int L = 1; L <= 3; L++)
            for (int c = 0; stack_cell(c); c++)
                compare(engine_at(k), stack_cell(c), L, widths[(k + c + L) % 3], 1 + (c + L) % 3,
                        &random);
}

/* To the last bit, in whatever products are made: a unit held at 0 is one that nothing reads. */
static void held_at_0_is_as_without_its_weights(void **state)
{
    (void)state;
    enum { L = 2, H = 20, UNIT = 13 };
    static const struct clamp clamps[] = {{0, UNIT, CLAMP_ALL, 0}, {1, UNIT, CLAMP_ALL, 0}};
    struct random random = {2, 0};
    for (int k = 0; engine_at(k); k++) {
        struct stack held, without;
        stack_init(&held, engine_at(k), (struct shape){L, H, V, B, 1, NULL}, 0, 2);
        stack_init(&without, engine_at(k), (struct shape){L, H, V, B, 1, NULL}, 0, 2);
        tape_set_clamps(&held.tape, clamps, 2);
        for (int p = 0; p < without.model.params.count; p++) {
            const struct param *param = &without.model.params.list[p];
            for (int row = 0; row < param->rows && param->columns == H; row++)
                without.model.weights[param->offset + (size_t)(row * H + UNIT)] = 0;
        }
        for (int step = 0; step < STEPS; step++) {
            stack_draw(&held, &random);
            memcpy(without.x, held.x, B * sizeof *held.x);
            stack_forward(&held);
            stack_forward(&without);
            assert_memory_equal(held.tape.logits, without.tape.logits, B * V * sizeof(real));
        }
        stack_release(&held);
        stack_release(&without);
    }
}

static void read_one(struct member *member, void *tape)
{
    model_forward(member, tape, NULL, 0, 0);
}

/* Weights of 8 bits are for reading alone: held is as where the state is set by hand. */
static void with_weights_of_8_bits(void **state)
{
    (void)state;
    enum { H = 70, UNIT = 33 };
    static const struct clamp clamp = {0, UNIT, CLAMP_ALL, (real)0.75};
    struct team *team = team_new(2);
    for (int k = 0; engine_of(PRECISION_INT8, k); k++) {
        struct model model = {0};
        struct tape held, set;
        model_init(&model, engine_of(PRECISION_INT8, k), "lstm", NULL, 1, H, V, NULL);
        assert_int_equal(model_allocate(&model), 0);
        params_start(&model.params, 1, model.weights);
        model_prepare(team, &model);
        assert_int_equal(tape_init(&held, &model, 1, 1, false, 0), 0);
        assert_int_equal(tape_init(&set, &model, 1, 1, false, 0), 0);
        tape_set_clamps(&held, &clamp, 1);
        for (int32_t id = 0; id < V; id++) {
            tape_set_input(&held, &id);
            tape_set_input(&set, &id);
            tape_state(&set, 0, 0)[UNIT] = clamp.value;
            team_run(team, read_one, &held);
            team_run(team, read_one, &set);
            tape_state(&set, 0, 0)[UNIT] = clamp.value;
            assert_memory_equal(tape_state(&held, 0, 0), tape_state(&set, 0, 0), H * sizeof(real));
        }
        tape_release(&held);
        tape_release(&set);
        model_release(&model);
    }
    team_free(team);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_timestep_and_the_layers_above_read_what_is_held),
        cmocka_unit_test(held_at_0_is_as_without_its_weights),
        cmocka_unit_test(with_weights_of_8_bits),
    };
    return cmocka_run_group_tests_name("clamps", tests, NULL, NULL);
}
