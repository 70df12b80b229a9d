/* The probe against a model that reads one character after the other. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "evaluate.h"
#include "probe.h"
#include "stack.h"

enum { V = 7, L = 2, H = 11, QUANTITIES = 6, SIGNALS = QUANTITIES * L * H, MOST = 200 };

#define SAME 1e-5 /* of probabilities in float32 */

static int32_t ids[MOST];
static struct trace_signal signals[SIGNALS];
static struct stack naive; /* one stream, one timestep */

static void make(void)
{
    struct random random = {1, 0};
    size_t s = 0;
    for (int k = 0; k < MOST; k++)
        ids[k] = random_below(&random, V);
    for (int q = 0; q < QUANTITIES; q++)
        for (int l = 0; l < L; l++)
            for (int u = 0; u < H; u++)
                signals[s++] = (struct trace_signal){q, l, u};
    for (size_t k = SIGNALS - 1; k > 0; k--) { /* in no order */
        const size_t other = (size_t)random_below(&random, (int)k + 1);
        const struct trace_signal kept = signals[k];
        signals[k] = signals[other];
        signals[other] = kept;
    }
    stack_init(&naive, engine_at(0), (struct shape){L, H, V, 1, 1}, 0, 1);
}

/* Reads one symbol and predicts the next: VOCAB_NONE at the start and at the end. */
static void read_one(int32_t x, int32_t y)
{
    naive.reset[0] = x == VOCAB_NONE;
    naive.x[0] = x;
    naive.y[0] = y;
    stack_forward(&naive);
}

/* After the symbol was read. In the order of the cell's names: h, c, then the gates i, f, g, o. */
static double value_of(const struct trace_signal *signal)
{
    const struct layer *layer = &naive.tape.layers[signal->layer];
    if (signal->quantity < 2)
        return (double)layer->state[signal->quantity][H + signal->unit];
    return (double)layer->gates[(signal->quantity - 2) * H + signal->unit];
}

static void check_guesses(const struct trace_guess *guesses)
{
    const real *logits = naive.tape.logits;
    bool seen[V] = {false};
    double sum = 0, before = 1;
    for (int v = 0; v < V; v++)
        sum += exp((double)logits[v]);
    for (int k = 0; k < TRACE_GUESSES; k++) {
        const struct trace_guess *guess = &guesses[k];
        assert_true(guess->id >= 0 && guess->id < V && !seen[guess->id]);
        seen[guess->id] = true;
        assert_true(fabs((double)guess->prob - exp((double)logits[guess->id]) / sum) < SAME);
        assert_true((double)guess->prob <= before);
        before = (double)guess->prob;
    }
    for (int v = 0; v < V; v++) /* what is not guessed is no likelier */
        assert_true(seen[v] || exp((double)logits[v]) / sum <= before + SAME);
}

static void values_are_those_of_the_model(void **state)
{
    (void)state;
    static const size_t lengths[] = {1, 63, 64, 65, 128, MOST}; /* a chunk has 64 timesteps */
    make();
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        const size_t length = lengths[i];
        struct trace trace = {0};
        assert_int_equal(probe_run(&trace, naive.team, &naive.model, ids, length, signals, SIGNALS,
                                   "model", "text"),
                         0);
        assert_int_equal(trace.length, length);
        assert_memory_equal(trace.ids, ids, length * sizeof *ids);
        assert_string_equal(trace.quantities[0], "h");
        assert_string_equal(trace.quantities[5], "o");
        assert_int_equal(trace.num_quantities, QUANTITIES);
        assert_int_equal(trace.num_layers, L);
        assert_int_equal(trace.hidden_size, H);
        for (size_t k = 0; k <= length; k++) {
            read_one(k == 0 ? VOCAB_NONE : ids[k - 1], k < length ? ids[k] : VOCAB_NONE);
            if (k < length)
                assert_true(trace.losses[k] == naive.tape.losses[0]);
            for (size_t s = 0; k > 0 && s < SIGNALS; s++)
                assert_true(fabs((double)*trace_place(&trace, s, k - 1) - value_of(&signals[s])) <
                            SAME);
            if (k > 0)
                check_guesses(&trace.guesses[(k - 1) * TRACE_GUESSES]);
        }
        trace_release(&trace);
    }
    stack_release(&naive);
}

static void losses_are_those_of_the_evaluator(void **state)
{
    (void)state;
    struct corpus corpus;
    struct evaluator evaluator = {0};
    struct evaluation evaluation;
    struct trace trace = {0};
    make();
    assert_int_equal(corpus_from_ids(&corpus, ids, MOST, V), 0);
    assert_int_equal(
        evaluator_init(&evaluator, naive.team, &naive.model, &corpus, &corpus.training, 1, 0), 0);
    assert_int_equal(evaluate(&evaluator, &evaluation, NULL, NULL), 0);
    assert_int_equal(
        probe_run(&trace, naive.team, &naive.model, ids, MOST, signals, 1, "model", "text"), 0);
    assert_true(fabs(trace_mean_loss(&trace) - evaluation.loss) < SAME);
    trace_release(&trace);
    evaluator_release(&evaluator);
    corpus_release(&corpus);
    stack_release(&naive);
}

/* A vocabulary smaller than the number of guesses. */
static void few_symbols_are_few_guesses(void **state)
{
    (void)state;
    struct trace trace = {0};
    stack_init(&naive, engine_at(0), (struct shape){1, 3, 2, 1, 1}, 0, 1);
    assert_int_equal(probe_run(&trace, naive.team, &naive.model, (int32_t[]){0, 1, 1}, 3, NULL, 0,
                               "model", "text"),
                     0);
    for (int k = 0; k < 3; k++) {
        const struct trace_guess *guesses = &trace.guesses[k * TRACE_GUESSES];
        assert_int_equal(guesses[0].id + guesses[1].id, 1);
        assert_true(fabs((double)guesses[0].prob + (double)guesses[1].prob - 1) < 1e-6);
        for (int g = 2; g < TRACE_GUESSES; g++)
            assert_true(guesses[g].id == VOCAB_NONE && guesses[g].prob == 0);
    }
    trace_release(&trace);
    stack_release(&naive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_those_of_the_model),
        cmocka_unit_test(losses_are_those_of_the_evaluator),
        cmocka_unit_test(few_symbols_are_few_guesses),
    };
    return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
