/* The evaluator against a model that reads one character after the other. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "evaluate.h"
#include "made_corpus.h"
#include "stack.h"

enum { V = 20, N = 6000, CUT = 3437 };

/* What a stream of a short stretch remembers from before its warm-up. */
#define NEARLY_FORGOTTEN 1e-3

/* Relative tolerance for sums in a different order. */
#define SAME 1e-12

/* Influence of the text before a stream's warm-up. */
#define FORGOTTEN 1e-5

struct text {
    int32_t ids[N];
    struct corpus corpus;
    struct corpus_segment segments[2];
    struct corpus_part part; /* two files: the state is zero at the start of each */
    struct stack stack;      /* one stream, one timestep */
};

static void text_init(struct text *text)
{
    struct random random = {1, 0};
    for (int k = 0; k < N; k++)
        text->ids[k] = random_below(&random, V);
    corpus_of(&text->corpus, text->ids, N);
    text->segments[0] = (struct corpus_segment){0, CUT, 0};
    text->segments[1] = (struct corpus_segment){CUT, N - CUT, CUT};
    text->part = (struct corpus_part){text->segments, 2, N};
    stack_init(&text->stack, engine_at(0), (struct shape){2, 24, V, 1, 1, NULL}, 0, 1);
}

static void text_release(struct text *text)
{
    stack_release(&text->stack);
    corpus_release(&text->corpus);
}

/* The loss of every character; the state is fresh at the start of each file, and `window`
 * characters after it was. */
static void read_naively(struct text *text, uint64_t window, double *losses)
{
    struct stack *stack = &text->stack;
    for (int k = 0; k < N; k++) {
        const int start = k < CUT ? 0 : CUT;
        const bool fresh = window ? (uint64_t)(k - start) % window == 0 : k == start;
        stack->reset[0] = fresh;
        stack->x[0] = fresh ? VOCAB_NONE : text->ids[k - 1];
        stack->y[0] = text->ids[k];
        stack_forward(stack);
        losses[k] = (double)stack->tape.losses[0];
    }
}

struct seen {
    int32_t ids[N];
    double losses[N];
    size_t count, stop_at;
};

static int keep(void *context, int32_t id, double loss)
{
    struct seen *seen = context;
    assert_true(seen->count < N);
    seen->ids[seen->count] = id;
    seen->losses[seen->count++] = loss;
    return seen->count == seen->stop_at ? 7 : 0;
}

static struct evaluation run(struct text *text, int streams, uint64_t window, struct seen *seen)
{
    struct evaluator evaluator = {0};
    struct evaluation result;
    seen->count = 0;
    assert_int_equal(evaluator_init(&evaluator, text->stack.team, &text->stack.model, &text->corpus,
                                    &text->part, streams, window),
                     0);
    const int status = evaluate(&evaluator, &result, keep, seen);
    assert_int_equal(status, seen->stop_at ? 7 : 0);
    if (!seen->stop_at)
        assert_int_equal(seen->count, N);
    evaluator_release(&evaluator);
    return result;
}

static void one_stream_is_exact(void **state)
{
    (void)state;
    static const uint64_t windows[] = {0, 1, 7, 50, 51, 1000, 100000};
    static struct text text;
    static double losses[N];
    static struct seen seen;
    text_init(&text);
    for (size_t w = 0; w < sizeof windows / sizeof *windows; w++) {
        double sum = 0;
        read_naively(&text, windows[w], losses);
        const struct evaluation result = run(&text, 1, windows[w], &seen);
        assert_memory_equal(seen.ids, text.ids, sizeof text.ids);
        for (int k = 0; k < N; k++) {
            assert_true(seen.losses[k] == losses[k]);
            sum += losses[k];
        }
        assert_int_equal(result.characters, N);
        assert_true(fabs(result.loss - sum / N) < SAME);
    }
    text_release(&text);
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Windows are the same in any number of streams: the same losses, in another order. */
static void windows_are_exact_in_many_streams(void **state)
{
    (void)state;
    static const uint64_t windows[] = {1, 7, 50, 51, 1000, 3000, 100000};
    static struct text text;
    static double losses[N];
    static struct seen seen;
    text_init(&text);
    for (size_t w = 0; w < sizeof windows / sizeof *windows; w++) {
        double sum = 0;
        read_naively(&text, windows[w], losses);
        for (int k = 0; k < N; k++)
            sum += losses[k];
        qsort(losses, N, sizeof *losses, by_size);
        for (int streams = 2; streams <= 64; streams *= 2) {
            const struct evaluation result = run(&text, streams, windows[w], &seen);
            assert_int_equal(result.characters, N);
            assert_true(fabs(result.loss - sum / N) < SAME);
            qsort(seen.losses, N, sizeof *seen.losses, by_size);
            for (int k = 0; k < N; k++)
                assert_true(seen.losses[k] == losses[k]);
        }
    }
    text_release(&text);
}

/* Streams are warmed up on the thousand characters before them, which is more than this model
 * remembers: the same losses, in another order. */
static void streams_read_the_same(void **state)
{
    (void)state;
    static struct text text;
    static struct seen one, several;
    text_init(&text);
    const struct evaluation alone = run(&text, 1, 0, &one);
    qsort(one.losses, N, sizeof *one.losses, by_size);
    for (int streams = 2; streams <= 6; streams++) {
        const struct evaluation together = run(&text, streams, 0, &several);
        int counts[V] = {0};
        assert_int_equal(together.characters, N);
        assert_true(fabs(together.loss - alone.loss) < FORGOTTEN);
        qsort(several.losses, N, sizeof *several.losses, by_size);
        for (int k = 0; k < N; k++)
            assert_true(fabs(several.losses[k] - one.losses[k]) < FORGOTTEN);
        for (int k = 0; k < N; k++) /* each character once, whatever the order */
            counts[one.ids[k]]++, counts[several.ids[k]]--;
        for (int v = 0; v < V; v++)
            assert_int_equal(counts[v], 0);
    }
    text_release(&text);
}

static void evaluating_again_gives_the_same(void **state)
{
    (void)state;
    static struct text text;
    struct evaluator evaluator = {0};
    struct evaluation first, second;
    text_init(&text);
    assert_int_equal(evaluator_init(&evaluator, text.stack.team, &text.stack.model, &text.corpus,
                                    &text.part, 3, 0),
                     0);
    assert_int_equal(evaluate(&evaluator, &first, NULL, NULL), 0);
    assert_int_equal(evaluate(&evaluator, &second, NULL, NULL), 0);
    assert_true(first.loss == second.loss && first.characters == second.characters);
    for (size_t k = 0; k < text.stack.model.params.size; k++)
        text.stack.model.weights[k] = 0; /* weights as they are: all symbols are now alike */
    assert_int_equal(evaluate(&evaluator, &second, NULL, NULL), 0);
    assert_true(fabs(second.loss - log(V)) < 1e-6);
    evaluator_release(&evaluator);
    text_release(&text);
}

/* Stretches of a part: the same characters, from the start of each stream's share, in each
 * evaluation. */
static void stretches_are_always_the_same(void **state)
{
    (void)state;
    enum { STREAMS = 4, STRETCH = 150 };
    static struct text text;
    static double losses[N];
    struct evaluator evaluator = {0};
    struct evaluation first, again, whole;
    double sum = 0;
    text_init(&text);
    read_naively(&text, 0, losses);
    for (int b = 0; b < STREAMS; b++)
        for (int k = 0; k < STRETCH; k++)
            sum += losses[N * b / STREAMS + k];
    assert_int_equal(evaluator_init(&evaluator, text.stack.team, &text.stack.model, &text.corpus,
                                    &text.part, STREAMS, 0),
                     0);
    evaluator_limit(&evaluator, STREAMS * STRETCH - 1); /* each stream reads the same number */
    assert_int_equal(evaluate(&evaluator, &first, NULL, NULL), 0);
    assert_int_equal(evaluate(&evaluator, &again, NULL, NULL), 0);
    assert_int_equal(first.characters, STREAMS * STRETCH);
    assert_true(fabs(first.loss - sum / (STREAMS * STRETCH)) < NEARLY_FORGOTTEN);
    assert_memory_equal(&first, &again, sizeof first);
    evaluator_limit(&evaluator, N);
    assert_int_equal(evaluate(&evaluator, &whole, NULL, NULL), 0);
    assert_int_equal(whole.characters, N);
    evaluator_limit(&evaluator, 1); /* a character of each stream */
    assert_int_equal(evaluate(&evaluator, &first, NULL, NULL), 0);
    assert_int_equal(first.characters, STREAMS);
    evaluator_release(&evaluator);
    text_release(&text);
}

static void short_texts_have_fewer_streams(void **state)
{
    (void)state;
    static struct text text;
    text_init(&text);
    for (uint64_t length = 1; length < 4000; length += 499) {
        struct evaluator evaluator = {0};
        struct evaluation result;
        struct corpus_segment segment = {0, length, 0};
        const struct corpus_part part = {&segment, 1, length};
        assert_int_equal(evaluator_init(&evaluator, text.stack.team, &text.stack.model,
                                        &text.corpus, &part, 50, 0),
                         0);
        const int streams = evaluator.tape.B;
        assert_true(streams == 1 || length / (uint64_t)streams >= EVALUATE_WARMUP);
        assert_int_equal(streams, evaluator_streams(&part, 50));
        assert_int_equal(streams, length < 2000 ? 1 : length / 1000);
        assert_int_equal(evaluate(&evaluator, &result, NULL, NULL), 0);
        assert_int_equal(result.characters, length);
        evaluator_release(&evaluator);
    }
    text_release(&text);
}

static void it_stops_when_it_is_told(void **state)
{
    (void)state;
    static struct text text;
    static struct seen seen;
    text_init(&text);
    seen.stop_at = 123;
    run(&text, 1, 0, &seen);
    assert_int_equal(seen.count, 123);
    text_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_stream_is_exact),
        cmocka_unit_test(windows_are_exact_in_many_streams),
        cmocka_unit_test(streams_read_the_same),
        cmocka_unit_test(evaluating_again_gives_the_same),
        cmocka_unit_test(stretches_are_always_the_same),
        cmocka_unit_test(short_texts_have_fewer_streams),
        cmocka_unit_test(it_stops_when_it_is_told),
    };
    return cmocka_run_group_tests_name("evaluate", tests, NULL, NULL);
}
