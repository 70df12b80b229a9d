/* The probe against a model that reads one character after the other. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "evaluate.h"
#include "made_corpus.h"
#include "probe.h"
#include "stack.h"

static struct arena memory; /* of all results of a test */

#define MAPPING(...) (&(struct temp_mapping){.bytes = (void *)(__VA_ARGS__)})

enum { V = 7, L = 2, H = 19, QUANTITIES = 6, SIGNALS = QUANTITIES * L * H, GATES = 4 };

#define SAME 1e-5  /* of probabilities in float32 */
#define MOST 20000 /* symbols: of 9 parts, the last shorter than the others */
#define SHORT 4096 /* of 2 */

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
    stack_init(&naive, engine_at(0), (struct shape){L, H, V, 1, 1, NULL}, 0, 1);
}

/* Of all signals. */
static const struct probe_options options = {
    .signals = signals, .num_signals = SIGNALS, .model = "model", .text = "text"};

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
    const struct layer *layer = tape_layer(&naive.tape, signal->layer);
    if (signal->quantity < 2)
        return (double)layer->state[signal->quantity][H + signal->unit];
    return (double)layer->values[(signal->quantity - 2) * H + signal->unit];
}

static void check_guesses(const struct trace_guess *guesses, double near)
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
        assert_true(fabs((double)guess->prob - exp((double)logits[guess->id]) / sum) <= near);
        assert_true((double)guess->prob <= before);
        before = (double)guess->prob;
    }
    for (int v = 0; v < V; v++) /* what is not guessed is no likelier */
        assert_true(seen[v] || exp((double)logits[v]) / sum <= before + near);
}

/* What one by one gives. */
struct expected {
    double values[SIGNALS];
    double low[GATES][L][H], high[GATES][L][H], sum[GATES][L][H];
};

static void count_gates(struct expected *expected)
{
    for (int g = 0; g < GATES; g++)
        for (int l = 0; l < L; l++)
            for (int u = 0; u < H; u++) {
                const float gate = tape_layer(&naive.tape, l)->values[g * H + u];
                const float open = g == 2 ? (gate + 1) / 2 : gate;
                expected->low[g][l][u] += open < 0.1F;
                expected->high[g][l][u] += open > 0.9F;
                expected->sum[g][l][u] += (double)open;
            }
}

/* `near` is by how much the states may be off; a value at the border of 0.1 may then be on either
 * side of it. */
static void check_gates(const struct gates *gates, const struct expected *expected, size_t length,
                        double near)
{
    const double count = (double)length, some = near > SAME ? 20 / count : 1e-6;
    assert_int_equal(gates->count, GATES);
    assert_int_equal(gates->forget, 1);
    assert_string_equal(gates->names[0], "i");
    assert_string_equal(gates->names[3], "o");
    for (int g = 0; g < GATES; g++)
        for (int l = 0; l < L; l++)
            for (int u = 0; u < H; u++) {
                const int k = (g * L + l) * H + u;
                assert_true(fabs((double)gates->low[k] - expected->low[g][l][u] / count) <= some);
                assert_true(fabs((double)gates->high[k] - expected->high[g][l][u] / count) <= some);
                assert_true(fabs((double)gates->mean[k] - expected->sum[g][l][u] / count) < near);
            }
}

static int32_t rank_of(int32_t id)
{
    int32_t rank = 1;
    for (int v = 0; v < V; v++)
        rank += naive.tape.logits[v] > naive.tape.logits[id];
    return rank;
}

/* Reads the symbols with the probe and one by one; every number must be within `near` of its own
 * magnitude, or of 1. Returns at how many symbols the rank is another. */
static int compare_with_one_by_one(size_t length, double near)
{
    static struct expected expected;
    struct trace trace = {0};
    struct gates gates = {0};
    int other_ranks = 0;
    memset(&expected, 0, sizeof expected);
    assert_int_equal(probe_run(&trace, &gates, &memory, naive.team, &naive.model, MAPPING(ids),
                               length, &options),
                     0);
    assert_int_equal(trace.length, length);
    assert_memory_equal(trace.ids, ids, length * sizeof *ids);
    for (size_t k = 0; k <= length; k++) {
        read_one(k == 0 ? VOCAB_NONE : ids[k - 1], k < length ? ids[k] : VOCAB_NONE);
        if (k < length) {
            assert_true(fabs((double)(trace.losses[k] - naive.tape.losses[0])) <= near);
            other_ranks += trace.ranks[k] != rank_of(ids[k]);
        }
        if (k == 0)
            continue;
        for (size_t s = 0; s < SIGNALS; s++) {
            const double value = value_of(&signals[s]);
            assert_true(fabs((double)*trace_place(&trace, s, k - 1) - value) <=
                        near * fmax(1, fabs(value)));
        }
        check_guesses(&trace.guesses[(k - 1) * TRACE_GUESSES], near);
        count_gates(&expected);
    }
    check_gates(&gates, &expected, length, near);
    trace_release(&trace);
    arena_release(&memory);
    return other_ranks;
}

static void the_trace_says_what_it_is_of(void **state)
{
    (void)state;
    struct trace trace = {0};
    make();
    assert_int_equal(
        probe_run(&trace, NULL, &memory, naive.team, &naive.model, MAPPING(ids), 3, &options), 0);
    assert_string_equal(trace.quantities[0], "h");
    assert_string_equal(trace.quantities[5], "o");
    assert_int_equal(trace.num_quantities, QUANTITIES);
    assert_int_equal(trace.num_layers, L);
    assert_int_equal(trace.hidden_size, H);
    assert_string_equal(trace.model, "model");
    assert_string_equal(trace.text, "text");
    assert_string_equal(trace.cell, "lstm");
    assert_ptr_equal(trace.vocab, &naive.model.vocab);
    trace_release(&trace);
    stack_release(&naive);
}

static void a_short_text_is_read_exactly(void **state)
{
    (void)state;
    static const size_t lengths[] = {1, 15, 16, 17, 255, 256, 257, SHORT - 1}; /* a chunk has 16 */
    make();
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        assert_int_equal(compare_with_one_by_one(lengths[i], SAME), 0);
    stack_release(&naive);
}

/* The states where parts meet differ by PROBE_SAME at most; this network forgets, so that the
 * difference does not grow. */
static void a_long_text_is_read_as_closely_as_promised(void **state)
{
    (void)state;
    make();
    assert_true(compare_with_one_by_one(SHORT, 2 * PROBE_SAME) < SHORT / 100);
    assert_true(compare_with_one_by_one(MOST, 2 * PROBE_SAME) < MOST / 100);
    stack_release(&naive);
}

/* All quantities of every cell are those of the model that reads one character after the other. */
static void every_cell_is_read(void **state)
{
    (void)state;
    enum { LENGTH = 300 };
    static int32_t text[LENGTH];
    struct random random = {9, 0};
    for (int t = 0; t < LENGTH; t++)
        text[t] = random_below(&random, V);
    for (int c = 0; stack_cell(c); c++) {
        struct trace_signal all[LAYER_QUANTITIES * L * H];
        struct trace trace = {0};
        size_t count = 0;
        stack_init(&naive, engine_at(0), (struct shape){L, H, V, 1, 1, stack_cell(c)}, 0, 1);
        const struct layer_kind *cell = naive.model.cell;
        for (int k = 0; k < (cell->num_states + cell->num_gates) * L * H; k++)
            all[count++] = (struct trace_signal){k / (L * H), k / H % L, k % H};
        const struct probe_options of_all = {
            .signals = all, .num_signals = count, .model = "model", .text = "text"};
        assert_int_equal(probe_run(&trace, NULL, &memory, naive.team, &naive.model, MAPPING(text),
                                   LENGTH, &of_all),
                         0);
        assert_string_equal(trace.descriptions[0], "hidden state");
        read_one(VOCAB_NONE, text[0]);
        for (size_t t = 0; t < LENGTH; t++) {
            read_one(text[t], VOCAB_NONE);
            for (size_t s = 0; s < count; s++) {
                const struct layer *layer = tape_layer(&naive.tape, all[s].layer);
                const float value = (float)layer_series(layer, all[s].quantity, 0).at[all[s].unit];
                assert_true(fabs((double)(trace_place(&trace, s, t)[0] - value)) < 1e-5);
            }
        }
        trace_release(&trace);
        stack_release(&naive);
    }
}

/* Its state is always 0, as are states that nobody has noted yet. */
static void a_model_without_weights_is_read_to_the_end(void **state)
{
    (void)state;
    make();
    memset(naive.model.weights, 0, naive.model.params.size * sizeof(real));
    assert_int_equal(compare_with_one_by_one(SHORT, SAME), 0);
    stack_release(&naive);
}

/* The weights of a unit of the first layer: a gate's argument where symbol v is read. */
static void set_gate(int unit, int gate, const real arguments[V])
{
    const struct model *model = &naive.model;
    const struct param *input = params_at(&model->params, 0, 0);
    const struct param *hidden = params_at(&model->params, 0, 1);
    const struct param *bias = params_at(&model->params, 0, 2);
    const size_t row = (size_t)(gate * H + unit);
    for (size_t v = 0; v < V; v++) /* [V][4H] in memory */
        model->weights[input->offset + v * GATES * H + row] = arguments[v];
    memset(model->weights + hidden->offset + row * H, 0, H * sizeof(real));
    model->weights[bias->offset + row] = 0;
}

/* A unit that adds what i lets in of g, 1, as long as f is open. */
static void make_counter(int unit, const real in[V], const real keep[V])
{
    set_gate(unit, 0, in);
    set_gate(unit, 1, keep);
    set_gate(unit, 2, (real[V]){30, 30, 30, 30, 30, 30, 30});
}

#define OPEN 40
#define SHUT (-40)

/* One unit counts all symbols, and one those of a kind: no part can be read without those before
 * it. */
static void a_model_that_never_forgets_is_read_to_the_end(void **state)
{
    (void)state;
    const real all[V] = {OPEN, OPEN, OPEN, OPEN, OPEN, OPEN, OPEN};
    const real some[V] = {SHUT, SHUT, OPEN, SHUT, SHUT, SHUT, SHUT};
    make();
    make_counter(3, all, all);
    make_counter(17, some, all);
    assert_int_equal(compare_with_one_by_one(MOST, SAME), 0);
    stack_release(&naive);
}

/* A unit counts from the last 0 on, and of those there are few: some parts have none, and hand on
 * what the ones before them counted. */
static void a_model_that_forgets_now_and_then_is_read_as_far_as_need_be(void **state)
{
    (void)state;
    const real all[V] = {OPEN, OPEN, OPEN, OPEN, OPEN, OPEN, OPEN};
    const real others[V] = {SHUT, OPEN, OPEN, OPEN, OPEN, OPEN, OPEN};
    static const int zeros[] = {100, 3000, 3100, 11000, 13332, 13333, 19990};
    make();
    for (int k = 0; k < MOST; k++)
        ids[k] = ids[k] == 0 ? 1 : ids[k];
    for (size_t k = 0; k < sizeof zeros / sizeof *zeros; k++)
        ids[zeros[k]] = 0;
    make_counter(5, all, others);
    assert_true(compare_with_one_by_one(MOST, 2 * PROBE_SAME) < MOST / 100);
    stack_release(&naive);
}

/* The index of one of the trace's signals. */
static size_t find_signal(const struct trace *trace, const struct trace_signal *signal)
{
    size_t s = 0;
    while (memcmp(&trace->signals[s], signal, sizeof *signal) != 0)
        s++;
    return s;
}

static bool same_traces(const struct trace *a, const struct trace *b)
{
    bool same = a->length == b->length &&
                memcmp(a->losses, b->losses, a->length * sizeof *a->losses) == 0 &&
                memcmp(a->ranks, b->ranks, a->length * sizeof *a->ranks) == 0 &&
                memcmp(a->guesses, b->guesses, a->length * TRACE_GUESSES * sizeof *a->guesses) == 0;
    float *left = malloc(a->length * sizeof *left), *right = malloc(a->length * sizeof *right);
    for (size_t s = 0; s < a->num_signals; s++) {
        trace_read(a, s, 0, a->length, left);
        trace_read(b, find_signal(b, &a->signals[s]), 0, a->length, right);
        same = same && memcmp(left, right, a->length * sizeof *left) == 0;
    }
    free(left);
    free(right);
    return same;
}

static bool same_gates(const struct gates *a, const struct gates *b)
{
    const size_t size = sizeof(float) * GATES * L * H;
    return memcmp(a->low, b->low, size) == 0 && memcmp(a->high, b->high, size) == 0 &&
           memcmp(a->mean, b->mean, size) == 0;
}

static void threads_do_not_change_a_bit(void **state)
{
    (void)state;
    struct trace traces[2] = {0};
    struct gates gates[2] = {0};
    make();
    assert_int_equal(probe_run(&traces[0], &gates[0], &memory, naive.team, &naive.model,
                               MAPPING(ids), MOST, &options),
                     0);
    for (int threads = 2; threads <= 3; threads++) {
        struct team *team = team_new(threads);
        assert_int_equal(probe_run(&traces[1], &gates[1], &memory, team, &naive.model, MAPPING(ids),
                                   MOST, &options),
                         0);
        assert_true(same_traces(&traces[0], &traces[1]));
        assert_true(same_gates(&gates[0], &gates[1]));
        trace_release(&traces[1]);
        gates[1] = (struct gates){0};
        team_free(team);
    }
    trace_release(&traces[0]);
    arena_release(&memory);
    stack_release(&naive);
}

/* The most kilobytes of this process that were in memory since the last call; 0 if not known. */
static long resident_peak(void)
{
    long peak = 0;
    char line[128];
    FILE *status = fopen("/proc/self/status", "r"), *reset = fopen("/proc/self/clear_refs", "w");
    while (status && peak == 0 && fgets(line, sizeof line, status))
        sscanf(line, "VmHWM: %ld", &peak);
    if (status)
        fclose(status);
    if (reset) {
        fputs("5", reset);
        fclose(reset);
    }
    return reset ? peak : 0;
}

/* The same, and some signals in another order, whether in memory or in a file. */
static void a_file_holds_what_memory_would(void **state)
{
    (void)state;
    enum { COPIES = 4 };
    static struct trace_signal many[COPIES * SIGNALS];
    const struct probe_options large = {
        .signals = many, .num_signals = COPIES * SIGNALS, .temp_path = "/tmp/rune-test-probe"};
    struct trace in_memory = {0}, in_file = {0};
    make();
    for (size_t k = 0; k < COPIES * SIGNALS; k++)
        many[k] = signals[(k * 5 + 3) % SIGNALS];
    assert_int_equal(probe_run(&in_memory, NULL, &memory, naive.team, &naive.model, MAPPING(ids),
                               MOST, &options),
                     0);
    resident_peak();
    const long before = resident_peak();
    assert_int_equal(
        probe_run(&in_file, NULL, &memory, naive.team, &naive.model, MAPPING(ids), MOST, &large),
        0);
    assert_true(before == 0 || resident_peak() - before < (long)(in_file.mapping.size / 1024 / 2));
    assert_false(in_memory.mapping.in_file);
    assert_true(in_file.mapping.in_file);
    assert_true(same_traces(&in_memory, &in_file));
    assert_true(same_traces(&in_file, &in_memory));
    trace_release(&in_memory);
    trace_release(&in_file);
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
    corpus_of(&corpus, ids, SHORT);
    assert_int_equal(
        evaluator_init(&evaluator, naive.team, &naive.model, &corpus, &corpus.training, 1, 0), 0);
    assert_int_equal(evaluate(&evaluator, &evaluation, NULL, NULL), 0);
    assert_int_equal(
        probe_run(&trace, NULL, &memory, naive.team, &naive.model, MAPPING(ids), SHORT, &options),
        0);
    assert_true(fabs(trace_mean_loss(&trace) - evaluation.loss) < PROBE_SAME);
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
    stack_init(&naive, engine_at(0), (struct shape){1, 3, 2, 1, 1, NULL}, 0, 1);
    assert_int_equal(probe_run(&trace, NULL, &memory, naive.team, &naive.model,
                               MAPPING((int32_t[]){0, 1, 1}), 3, &(struct probe_options){0}),
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

/* Against a search of all, with many equal logits. */
static void the_likeliest_of_many_symbols_are_found(void **state)
{
    (void)state;
    enum { SYMBOLS = 1003 };
    struct trace trace = {0};
    struct random random = {5, 0};
    stack_init(&naive, engine_at(0), (struct shape){1, 3, SYMBOLS, 1, 1, NULL}, 0, 1);
    const struct param *linear = params_at(&naive.model.params, naive.model.depth - 1, 0);
    real *weights = naive.model.weights + linear[0].offset;
    memset(weights, 0, 3 * SYMBOLS * sizeof *weights);
    real *bias = naive.model.weights + linear[1].offset;
    for (int v = 0; v < SYMBOLS; v++)
        bias[v] = (real)random_below(&random, 50);
    for (int32_t id = 0; id < SYMBOLS; id += 77) {
        int32_t rank = 1;
        for (int v = 0; v < SYMBOLS; v++)
            rank += bias[v] > bias[id];
        assert_int_equal(probe_run(&trace, NULL, &memory, naive.team, &naive.model, MAPPING(&id), 1,
                                   &(struct probe_options){0}),
                         0);
        assert_int_equal(trace.ranks[0], rank);
        int32_t before = -1;
        for (int k = 0; k < TRACE_GUESSES; k++) { /* of equals the first one first */
            int32_t best = before;
            for (int32_t v = 0; v < SYMBOLS; v++)
                if ((before < 0 || bias[v] < bias[before] ||
                     (bias[v] == bias[before] && v > before)) &&
                    (best == before || bias[v] > bias[best]))
                    best = v;
            assert_int_equal(trace.guesses[k].id, best);
            before = best;
        }
        trace_release(&trace);
    }
    stack_release(&naive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_trace_says_what_it_is_of),
        cmocka_unit_test(a_short_text_is_read_exactly),
        cmocka_unit_test(a_long_text_is_read_as_closely_as_promised),
        cmocka_unit_test(every_cell_is_read),
        cmocka_unit_test(a_model_without_weights_is_read_to_the_end),
        cmocka_unit_test(a_model_that_never_forgets_is_read_to_the_end),
        cmocka_unit_test(a_model_that_forgets_now_and_then_is_read_as_far_as_need_be),
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(a_file_holds_what_memory_would),
        cmocka_unit_test(losses_are_those_of_the_evaluator),
        cmocka_unit_test(few_symbols_are_few_guesses),
        cmocka_unit_test(the_likeliest_of_many_symbols_are_found),
    };
    return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
