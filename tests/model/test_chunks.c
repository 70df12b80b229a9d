/* How a text is cut into chunks makes no difference to what is read. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "error.h"
#include "stack.h"

#define LENGTH 60

static const int widths[] = {1, 3, 17, 100, 127};

struct text {
    int B, V;
    int32_t *ids; /* [LENGTH + 1][B]; the first are inputs alone */
};

/* What reading a text leaves: of every timestep the losses, and the states of the lowest layer. */
struct reading {
    size_t num_losses, num_states;
    real *losses, *states; /* [LENGTH][B], [LENGTH][B][H] */
};

static void reading_init(struct reading *reading, int B, int H)
{
    reading->num_losses = (size_t)(LENGTH * B);
    reading->num_states = reading->num_losses * (size_t)H;
    reading->losses = calloc(reading->num_losses, sizeof(real));
    reading->states = calloc(reading->num_states, sizeof(real));
}

static void reading_release(struct reading *reading)
{
    free(reading->losses);
    free(reading->states);
}

/* Reads the text in chunks of T. What is left of the last one has neither input nor target. */
static void read_text(struct reading *reading, const struct text *text, const struct engine *engine,
                      const char *cell, int L, int H, int T)
{
    const size_t B = (size_t)text->B, BH = B * (size_t)H;
    struct stack stack;
    stack_init(&stack, engine, (struct shape){L, H, text->V, text->B, T, cell}, 0, 1);
    for (int start = 0; start < LENGTH; start += T) {
        for (int t = 0; t < T; t++)
            for (size_t b = 0; b < B; b++) {
                const bool in = start + t < LENGTH;
                const int32_t *id = text->ids + (size_t)(start + t) * B + b;
                stack.x[(size_t)t * B + b] = in ? id[0] : VOCAB_NONE;
                stack.y[(size_t)t * B + b] = in ? id[B] : VOCAB_NONE;
            }
        stack_forward(&stack);
        const size_t left = (size_t)(LENGTH - start), rows = left < (size_t)T ? left : (size_t)T;
        memcpy(reading->losses + (size_t)start * B, stack.tape.losses, rows * B * sizeof(real));
        memcpy(reading->states + (size_t)start * BH, stack.tape.layers[0].state[0] + BH,
               rows * BH * sizeof(real));
    }
    stack_release(&stack);
}

/* To the last bit: a row is the same whatever stands beside it. */
static void compare_readings(const struct reading *whole, const struct reading *cut)
{
    assert_memory_equal(whole->states, cut->states, whole->num_states * sizeof(real));
    assert_memory_equal(whole->losses, cut->losses, whole->num_losses * sizeof(real));
}

static void compare_chunks(const struct engine *engine, const char *cell, int L, int B, int H,
                           struct random *random)
{
    static const int lengths[] = {20, 7, 1};
    const size_t numbers = (size_t)((LENGTH + 1) * B);
    struct text text = {B, 30, calloc(numbers, sizeof(int32_t))};
    struct reading whole, cut;
    for (size_t i = 0; i < numbers; i++)
        text.ids[i] = random_below(random, text.V);
    reading_init(&whole, B, H);
    reading_init(&cut, B, H);
    read_text(&whole, &text, engine, cell, L, H, LENGTH);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        read_text(&cut, &text, engine, cell, L, H, lengths[i]);
        compare_readings(&whole, &cut);
    }
    reading_release(&whole);
    reading_release(&cut);
    free(text.ids);
}

static void chunks_make_no_difference(void **state)
{
    (void)state;
    struct random random = {1, 0};
    for (int c = 0; stack_cell(c); c++)
        for (size_t w = 0; w < sizeof widths / sizeof *widths; w++)
            for (int k = 0; engine_at(k); k++)
                compare_chunks(engine_at(k), stack_cell(c), 1 + (int)w % 3, 1 + 3 * (int)(w % 2),
                               widths[w], &random);
}

/* A stream that is reset forgets, and the others do not notice. */
static void a_reset_touches_its_stream_alone(void **state)
{
    (void)state;
    enum { B = 3, T = 4 };
    struct random random = {2, 0};
    struct stack kept, reset, fresh;
    const struct shape shape = {2, 17, 9, B, T, NULL};
    stack_init(&kept, engine_at(0), shape, 0, 1);
    stack_init(&reset, engine_at(0), shape, 0, 1);
    stack_init(&fresh, engine_at(0), shape, 0, 1);
    for (int chunk = 0; chunk < 2; chunk++) {
        stack_draw(&kept, &random);
        memcpy(reset.x, kept.x, sizeof(int32_t[T * B]));
        memcpy(reset.y, kept.y, sizeof(int32_t[T * B]));
        memcpy(fresh.x, kept.x, sizeof(int32_t[T * B]));
        memcpy(fresh.y, kept.y, sizeof(int32_t[T * B]));
        reset.reset[1] = chunk == 1;
        stack_forward(&kept);
        stack_forward(&reset);
    }
    stack_forward(&fresh);
    for (int r = 0; r < T * B; r++) {
        const struct stack *as = r % B == 1 ? &fresh : &kept, *unlike = r % B == 1 ? &kept : &fresh;
        assert_true(reset.tape.log_sum_exps[r] == as->tape.log_sum_exps[r]);
        assert_true(reset.tape.log_sum_exps[r] != unlike->tape.log_sum_exps[r]);
    }
    stack_release(&kept);
    stack_release(&reset);
    stack_release(&fresh);
}

static void chunks_that_cannot_be_counted_are_refused(void **state)
{
    (void)state;
    struct tape tape = {0};
    struct model model = {.training = true};
    assert_int_equal(model_init(&model, engine_at(0), "lstm", NULL, 1, 1, 1, NULL), 0);
    assert_int_equal(model_allocate(&model), 0);
    assert_int_equal(tape_init(&tape, &model, 1 << 16, 1 << 16, true, 0), -1); /* 0 as an int */
    assert_non_null(strstr(error_message(), "--batch-size"));
    assert_int_equal(tape_init(&tape, &model, 1000000, 1000000, true, 0), -1);
    assert_non_null(strstr(error_message(), "--batch-size"));
    assert_true(tape_bytes(&model, 1 << 16, 1 << 16, true, 0) >= SIZE_MAX / 8);
    assert_true(tape_bytes(&model, 1 << 10, 1 << 14, true, 0) < (size_t)1 << 31);
    model_release(&model);
}

static void pack_in_region(struct member *member, void *argument)
{
    model_pack(member, argument);
}

static void preparing_is_packing(void **state)
{
    (void)state;
    struct stack stack;
    stack_init(&stack, engine_at(0), (struct shape){2, 17, 9, 1, 1, NULL}, 0, 2);
    const size_t count = model_bytes(&stack.model) / sizeof(real) - stack.model.params.size;
    real *packed = malloc(count * sizeof *packed);
    team_run(stack.team, pack_in_region, &stack.model);
    memcpy(packed, stack.model.packed, count * sizeof *packed);
    memset(stack.model.packed, 0, count * sizeof *packed);
    model_prepare(stack.team, &stack.model);
    assert_memory_equal(packed, stack.model.packed, count * sizeof *packed);
    free(packed);
    stack_release(&stack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_make_no_difference),
        cmocka_unit_test(a_reset_touches_its_stream_alone),
        cmocka_unit_test(chunks_that_cannot_be_counted_are_refused),
        cmocka_unit_test(preparing_is_packing),
    };
    return cmocka_run_group_tests_name("chunks", tests, NULL, NULL);
}
