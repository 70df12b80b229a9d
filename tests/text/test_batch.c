#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "batch.h"
#include "error.h"
#include "made_corpus.h"
#include "random_text.h"

#define MAX_LENGTH 400

/* A corpus of random segments, some far shorter than a chunk; all ids differ, so that each
 * determines its position. */
static void make_corpus(struct corpus *corpus, struct random *random, uint64_t length)
{
    int32_t ids[MAX_LENGTH];
    for (int32_t i = 0; i < MAX_LENGTH; i++)
        ids[i] = i;
    corpus_of(corpus, ids, (size_t)length);
    struct corpus_part *part = &corpus->training;
    part->segments = realloc(part->segments, (size_t)(length + 1) * sizeof *part->segments);
    part->num_segments = 0;
    uint64_t longest = 1 + random_below(random, 60);
    for (uint64_t start = 0, n; start < length; start += n) {
        n = 1 + random_below(random, (uint32_t)longest);
        n = n < length - start ? n : length - start;
        part->segments[part->num_segments++] = (struct corpus_segment){start, n, start};
    }
}

static bool starts_segment(const struct corpus_part *part, uint64_t position)
{
    for (size_t i = 0; i < part->num_segments; i++)
        if (part->segments[i].position == position)
            return true;
    return false;
}

/* The expected next chunk of a stream, character by character. Advances *position. */
struct expected {
    int32_t x[64], y[64];
    bool reset;
};

static void naive_chunk(struct expected *expected, const struct corpus_part *part,
                        uint64_t *position, uint64_t end, uint64_t scored, bool ring, bool first,
                        int T)
{
    bool open = true;
    expected->reset = first;
    for (int t = 0; t < T; t++) {
        bool starts = starts_segment(part, *position);
        if (*position >= end || (starts && t > 0))
            open = false;
        expected->x[t] = expected->y[t] = VOCAB_NONE;
        if (!open)
            continue;
        expected->reset |= starts;
        expected->x[t] = starts ? VOCAB_NONE : (int32_t)(*position - 1);
        expected->y[t] = *position < scored ? VOCAB_NONE : (int32_t)*position;
        ++*position;
        if (ring && *position == part->length)
            *position = 0;
    }
}

static void check_chunk(const struct batch *batch, int b, const struct expected *expected)
{
    for (int t = 0; t < batch->T; t++) {
        assert_int_equal(batch->x[t * batch->B + b], expected->x[t]);
        assert_int_equal(batch->y[t * batch->B + b], expected->y[t]);
    }
    assert_int_equal(batch->reset[b], expected->reset);
}

static size_t count_targets(const struct batch *batch)
{
    size_t count = 0;
    for (int i = 0; i < batch->B * batch->T; i++)
        count += batch->y[i] != VOCAB_NONE;
    return count;
}

static void test_ring(void **state)
{
    (void)state;
    struct random random = {8, 0};
    for (int round = 0; round < 200; round++) {
        struct corpus corpus;
        struct batch batch;
        uint64_t length = 1 + random_below(&random, MAX_LENGTH), position[16];
        int B = 1 + (int)random_below(&random, 16), T = 1 + (int)random_below(&random, 64);
        B = (uint64_t)B < length ? B : (int)length;
        make_corpus(&corpus, &random, length);
        assert_int_equal(batch_ring(&batch, &corpus, &corpus.training, B, T), 0);
        int seen[16][MAX_LENGTH] = {{0}};
        for (int b = 0; b < B; b++)
            position[b] = (uint64_t)b * length / (uint64_t)B;
        for (int chunk = 0; chunk < 40; chunk++) {
            assert_int_equal(batch_next(&batch), 1);
            assert_int_equal(batch.num_targets, count_targets(&batch));
            for (int b = 0; b < B; b++) {
                struct expected expected;
                naive_chunk(&expected, &corpus.training, &position[b], UINT64_MAX, 0, true, false,
                            T);
                check_chunk(&batch, b, &expected);
                assert_int_equal(batch.position[b], position[b]);
                for (int t = 0; t < T; t++)
                    if (expected.y[t] != VOCAB_NONE)
                        seen[b][expected.y[t]]++;
            }
        }
        for (int b = 0; b < B;
             b++) /* round and round: no position is ever ahead by more than one */
            for (uint64_t p = 1; p < length; p++)
                assert_in_range(seen[b][p] - seen[b][0] + 1, 0, 2);
        batch_release(&batch);
        corpus_release(&corpus);
    }
}

/* A new batch with the positions of an old one continues where that was. */
static void test_ring_resumes(void **state)
{
    (void)state;
    struct random random = {9, 0};
    for (int round = 0; round < 100; round++) {
        struct corpus corpus;
        struct batch a, b;
        make_corpus(&corpus, &random, 300);
        int B = 1 + (int)random_below(&random, 8), T = 1 + (int)random_below(&random, 50);
        assert_int_equal(batch_ring(&a, &corpus, &corpus.training, B, T), 0);
        for (uint32_t n = random_below(&random, 30); n > 0; n--)
            batch_next(&a);
        assert_int_equal(batch_ring(&b, &corpus, &corpus.training, B, T), 0);
        memcpy(b.position, a.position, (size_t)B * sizeof *b.position);
        for (int chunk = 0; chunk < 20; chunk++) {
            assert_int_equal(batch_next(&a), 1);
            assert_int_equal(batch_next(&b), 1);
            assert_memory_equal(a.x, b.x, (size_t)(B * T) * sizeof *a.x);
            assert_memory_equal(a.y, b.y, (size_t)(B * T) * sizeof *a.y);
            assert_memory_equal(a.reset, b.reset, (size_t)B);
            assert_int_equal(a.num_targets, b.num_targets);
        }
        batch_release(&a);
        batch_release(&b);
        corpus_release(&corpus);
    }
}

/* Where stream b of B begins: without warm-up at the start of a segment, or at the end. */
static uint64_t naive_beginning(const struct corpus_part *part, int b, int B, uint64_t warmup)
{
    uint64_t position = (uint64_t)b * part->length / (uint64_t)B;
    while (warmup == 0 && position < part->length && !starts_segment(part, position))
        position++;
    return position;
}

static void test_once(void **state)
{
    (void)state;
    struct random random = {10, 0};
    for (int round = 0; round < 400; round++) {
        struct corpus corpus;
        struct batch batch;
        struct expected expected;
        uint64_t length = 1 + random_below(&random, MAX_LENGTH), position[16], end[16], first[16];
        uint64_t warmup = round % 2 ? random_below(&random, 50) : 0;
        int B = 1 + (int)random_below(&random, 16), T = 1 + (int)random_below(&random, 64), result;
        make_corpus(&corpus, &random, length);
        assert_int_equal(batch_once(&batch, &corpus, &corpus.training, B, T, warmup), 0);
        for (int b = 0; b < B; b++) {
            first[b] = position[b] = naive_beginning(&corpus.training, b, B, warmup);
            end[b] = naive_beginning(&corpus.training, b + 1, B, warmup);
            for (uint64_t n = 0; n < warmup && first[b] < end[b]; n++)
                position[b] -= !starts_segment(&corpus.training, position[b]);
        }
        int seen[MAX_LENGTH] = {0};
        size_t targets = 0, chunks = 0;
        while ((result = batch_next(&batch)) == 1) {
            for (int b = 0; b < B; b++) {
                naive_chunk(&expected, &corpus.training, &position[b], end[b], first[b], false,
                            chunks == 0, T);
                check_chunk(&batch, b, &expected);
                for (int t = 0; t < T; t++)
                    if (expected.y[t] != VOCAB_NONE)
                        seen[expected.y[t]]++;
            }
            assert_int_equal(batch.num_targets, count_targets(&batch));
            targets += batch.num_targets;
            chunks++;
        }
        assert_int_equal(result, 0);
        assert_int_equal(targets, length);
        for (uint64_t p = 0; p < length; p++)
            assert_int_equal(seen[p], 1);
        for (int b = 0; b < B; b++)
            assert_int_equal(position[b], end[b]);
        batch_release(&batch);
        corpus_release(&corpus);
    }
}

static void test_edges(void **state)
{
    (void)state;
    struct random random = {11, 0};
    struct corpus corpus;
    struct batch batch = {0};
    batch_release(&batch);
    make_corpus(&corpus, &random, 3);
    assert_int_equal(batch_ring(&batch, &corpus, &corpus.training, 4, 5), -1);
    assert_non_null(strstr(error_message(), "3 characters"));
    assert_non_null(strstr(error_message(), "--batch-size"));
    assert_int_equal(batch_once(&batch, &corpus, &corpus.validation, 2, 5, 0), 0); /* empty */
    assert_int_equal(batch_next(&batch), 0);
    batch_release(&batch);
    corpus_release(&corpus);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ring),
        cmocka_unit_test(test_ring_resumes),
        cmocka_unit_test(test_once),
        cmocka_unit_test(test_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
