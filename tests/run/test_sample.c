/* Drawing, compared with a naive implementation. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "error.h"
#include "random.h"
#include "sample.h"
#include "stack.h"

#define MOST 300
#define DRAWS 100000

struct candidate {
    double prob;
    int id;
};

static int by_prob(const void *a, const void *b)
{
    const struct candidate *left = a, *right = b;
    return left->prob < right->prob ? 1 : left->prob > right->prob ? -1 : 0;
}

/* The expected distribution, following the definitions of the options: probabilities at the
 * temperature, the k most likely of them, the fewest of those that sum to top_p, and of these the
 * ones not below min_p of the most likely. */
static void distribution(const struct sample_options *options, int V, const real *logits,
                         int banned, double *probs)
{
    struct candidate list[MOST];
    double sum = 0, share = 0;
    int count = 0, kept = 0;
    for (int v = 0; v < V; v++) {
        probs[v] = 0;
        if (v != banned)
            list[count++] = (struct candidate){(double)logits[v] / options->temperature, v};
    }
    qsort(list, (size_t)count, sizeof *list, by_prob);
    const double largest = list[0].prob;
    for (int k = 0; k < count; k++)
        list[k].prob = exp(list[k].prob - largest);
    if (options->top_k > 0 && options->top_k < count)
        count = options->top_k;
    for (int k = 0; k < count; k++)
        sum += list[k].prob;
    while (kept < count && (options->top_p >= 1 || share < options->top_p * sum))
        share += list[kept++].prob;
    sum = 0;
    for (int k = 0; k < kept; k++)
        if (list[k].prob >= options->min_p)
            sum += probs[list[k].id] = list[k].prob;
    for (int v = 0; v < V; v++)
        probs[v] /= sum;
}

/* χ² of the counts, with its degrees of freedom; rare symbols are taken together. */
static double chi_square(int V, const double *probs, const int *counts, int *freedom)
{
    double chi = 0, rare = 0, rare_count = 0;
    *freedom = -1;
    for (int v = 0; v < V; v++) {
        const double expected = DRAWS * probs[v];
        if (expected < 10) {
            rare += expected;
            rare_count += counts[v];
        } else {
            chi += pow(counts[v] - expected, 2) / expected;
            ++*freedom;
        }
    }
    if (rare >= 10) {
        chi += pow(rare_count - rare, 2) / rare;
        ++*freedom;
    }
    return chi;
}

static void check(const struct sample_options *options, int V, int banned, uint64_t seed)
{
    struct random random = {seed, 0};
    real logits[MOST];
    double probs[MOST], weights[MOST];
    int32_t order[MOST];
    int counts[MOST] = {0}, freedom;
    for (int v = 0; v < V; v++)
        logits[v] = (real)random_between(&random, -3, 3);
    distribution(options, V, logits, banned, probs);
    for (int k = 0; k < DRAWS; k++) {
        const int32_t id =
            sample_draw(options, V, logits, banned, random_between(&random, 0, 1), weights, order);
        assert_true(id >= 0 && id < V && id != banned);
        counts[id]++;
        assert_true(probs[id] > 0);
    }
    const double chi = chi_square(V, probs, counts, &freedom);
    if (!(chi <= freedom + 5 * sqrt(2.0 * (freedom + 1)) + 5))
        fail_msg("temperature %g top-k %d top-p %g min-p %g of %d: χ² is %.1f of %d degrees",
                 options->temperature, options->top_k, options->top_p, options->min_p, V, chi,
                 freedom);
}

static void draws_have_their_distribution(void **state)
{
    (void)state;
    static const struct sample_options options[] = {
        {.temperature = 1, .top_p = 1},
        {.temperature = 0.5, .top_p = 1},
        {.temperature = 2, .top_p = 1},
        {.temperature = 1, .top_k = 1, .top_p = 1},
        {.temperature = 1, .top_k = 4, .top_p = 1},
        {.temperature = 1, .top_k = 1000, .top_p = 1},
        {.temperature = 1, .top_p = 0.7},
        {.temperature = 2, .top_p = 0.3},
        {.temperature = 1, .top_p = 1, .min_p = 0.2},
        {.temperature = 0.5, .top_p = 1, .min_p = 0.2},
        {.temperature = 1, .top_k = 5, .top_p = 0.8},
        {.temperature = 2, .top_k = 8, .top_p = 0.9, .min_p = 0.3},
        {.temperature = 1, .top_p = 0.9, .min_p = 0.25},
        {.temperature = 1, .top_k = 6, .top_p = 1, .min_p = 0.1},
    };
    for (size_t k = 0; k < sizeof options / sizeof *options; k++) {
        check(&options[k], 14, VOCAB_NONE, k);
        check(&options[k], 14, (int)k, k);
    }
    check(&options[0], 1, VOCAB_NONE, 1);
    check(&options[10], 1, VOCAB_NONE, 1);
    check(&options[0], 2, 1, 1);
    check(&options[11], MOST, 3, 1);
}

/* Which symbols can be drawn at all is what the naive way says, over many random distributions. */
static void the_same_symbols_are_left(void **state)
{
    (void)state;
    struct random random = {2, 0};
    for (int round = 0; round < 3000; round++) {
        const int V = 1 + random_below(&random, 40);
        const int banned = V > 1 ? random_below(&random, V + 1) - 1 : VOCAB_NONE;
        const struct sample_options options = {
            .temperature = exp(random_between(&random, -3, 3)),
            .top_k = random_below(&random, 2) ? random_below(&random, 45) : 0,
            .top_p = random_below(&random, 2) ? random_between(&random, 0.01, 1) : 1,
            .min_p = random_below(&random, 2) ? random_between(&random, 0, 1) : 0,
        };
        real logits[40];
        double probs[40], weights[40], before = 0;
        int32_t order[40];
        for (int v = 0; v < V; v++)
            logits[v] = (real)random_between(&random, -4, 4);
        distribution(&options, V, logits, banned, probs);
        for (int v = 0; v < V; v++) {
            /* A number in the middle of its interval of [0, 1) draws a symbol. */
            if (probs[v] > 1e-9)
                assert_int_equal(
                    sample_draw(&options, V, logits, banned, before + probs[v] / 2, weights, order),
                    v);
            before += probs[v];
        }
        const int32_t last = sample_draw(&options, V, logits, banned, 1 - 0x1p-53, weights, order);
        assert_true(last >= 0 && last < V && probs[last] > 0);
    }
}

static void extreme_temperatures(void **state)
{
    (void)state;
    static const double cold[] = {0, 1e-300, 1e-310, 1e-20};
    const real logits[5] = {-10000, 3, 10000, (real)9999.5, 10000}; /* two are the most likely */
    double weights[5];
    int32_t order[5];
    int counts[5] = {0};
    struct random random = {3, 0};
    for (size_t k = 0; k < sizeof cold / sizeof *cold; k++)
        for (int draw = 0; draw < 100; draw++) {
            const struct sample_options options = {.temperature = cold[k], .top_p = 1};
            const int32_t id = sample_draw(&options, 5, logits, VOCAB_NONE,
                                           random_between(&random, 0, 1), weights, order);
            assert_true(id == 2 || (id == 4 && cold[k] > 0));
            assert_int_equal(sample_draw(&options, 5, logits + 0, 2, 0.5, weights, order), 4);
        }
    for (int draw = 0; draw < 10000; draw++) {
        const struct sample_options options = {.temperature = 1e300, .top_p = 1};
        counts[sample_draw(&options, 5, logits, VOCAB_NONE, random_between(&random, 0, 1), weights,
                           order)]++;
    }
    for (int v = 0; v < 5; v++) /* all alike */
        assert_true(abs(counts[v] - 2000) < 5 * 40);
}

static void a_banned_symbol_is_never_drawn(void **state)
{
    (void)state;
    struct random random = {4, 0};
    for (int round = 0; round < 20000; round++) {
        const int V = 2 + random_below(&random, 8), banned = random_below(&random, V);
        const struct sample_options options = {
            .temperature = random_below(&random, 3) ? exp(random_between(&random, -8, 8)) : 0,
            .top_k = random_below(&random, 3),
            .top_p = random_between(&random, 0, 1),
            .min_p = random_between(&random, 0, 1),
        };
        real logits[10];
        double weights[10];
        int32_t order[10];
        for (int v = 0; v < V; v++)
            logits[v] = (real)(random_between(&random, -1, 1) * (round % 2 ? 1e4 : 1));
        logits[banned] = 10000; /* it would be the first choice */
        const int32_t id =
            sample_draw(&options, V, logits, banned, random_between(&random, 0, 1), weights, order);
        assert_true(id >= 0 && id < V && id != banned);
    }
}

/* --- samples from a model --- */

#define LENGTH 60

static void sample(struct stack *stack, int count, uint64_t seed, const int32_t *prompt,
                   size_t prompt_length, int32_t ids[][LENGTH])
{
    struct sampler sampler = {0};
    const struct sample_options options = {.temperature = 1, .top_p = 1, .seed = seed};
    assert_int_equal(sampler_init(&sampler, stack->team, &stack->model, count, &options), 0);
    sampler_prompt(&sampler, prompt, prompt_length);
    for (int k = 0; k < LENGTH; k++) {
        assert_int_equal(sampler_next(&sampler), 0);
        for (int b = 0; b < count; b++)
            ids[b][k] = sampler.ids[b];
    }
    sampler_release(&sampler);
}

static void samples_repeat(void **state)
{
    (void)state;
    static int32_t first[4][LENGTH], second[4][LENGTH];
    struct stack stack;
    stack_init(&stack, engine_at(0), (struct shape){2, 10, 12, 1, 1, NULL}, 0, 2);
    sample(&stack, 4, 1, NULL, 0, first);
    sample(&stack, 4, 1, NULL, 0, second);
    assert_memory_equal(first, second, sizeof first);
    for (int a = 0; a < 4; a++)
        for (int b = 0; b < a; b++)
            assert_memory_not_equal(first[a], first[b], sizeof first[a]);
    sample(&stack, 4, 2, NULL, 0, second);
    for (int b = 0; b < 4; b++)
        assert_memory_not_equal(first[b], second[b], sizeof first[b]);
    sample(&stack, 1, 1, NULL, 0, second); /* the first does not depend on the others */
    assert_memory_equal(first[0], second[0], sizeof first[0]);
    stack_release(&stack);
}

/* The state after a prompt is the one that reading it leaves: the next symbols have the
 * probabilities that the model gives there. */
static void a_prompt_is_read(void **state)
{
    (void)state;
    enum { V = 6, N = 4000 };
    static const int32_t prompt[] = {3, 1, 4, 1, 5};
    struct stack stack, naive;
    struct sampler sampler = {0};
    const struct sample_options options = {.temperature = 1, .top_p = 1, .seed = 5};
    int counts[V] = {0};
    double probs[V];
    stack_init(&stack, engine_at(0), (struct shape){1, 8, V, 1, 1, NULL}, 0, 1);
    stack_init(&naive, engine_at(0), (struct shape){1, 8, V, 1, 1, NULL}, 0, 1);
    for (int k = 0; k <= 5; k++) {
        naive.x[0] = k == 0 ? VOCAB_NONE : prompt[k - 1];
        stack_forward(&naive);
    }
    distribution(&options, V, naive.tape.logits, VOCAB_NONE, probs);
    assert_int_equal(sampler_init(&sampler, stack.team, &stack.model, N, &options), 0);
    sampler_prompt(&sampler, prompt, 5);
    assert_int_equal(sampler_next(&sampler), 0);
    for (int b = 0; b < N; b++)
        counts[sampler.ids[b]]++;
    for (int v = 0; v < V; v++)
        assert_true(fabs(counts[v] - N * probs[v]) < 5 * sqrt(N * probs[v] * (1 - probs[v])) + 1);
    sampler_release(&sampler);
    stack_release(&stack);
    stack_release(&naive);
}

/* --- leads --- */

enum { STREAMS = 20, STEPS = LEAD_MAX + 20 };

struct drawn {
    int32_t ids[STREAMS][STEPS];
    bool silent[STREAMS][STEPS];
    int leads[STREAMS]; /* lengths */
};

/* Draws from a model of 12 symbols, of which 5 is the unknown one, that is never drawn. */
static void draw(const struct opening *opening, bool start, int prompt, struct drawn *drawn)
{
    const struct sample_options options = {.temperature = 1, .top_p = 1, .seed = 3};
    static const int32_t ids[] = {1, 2};
    struct sampler sampler = {0};
    struct stack stack;
    stack_init(&stack, engine_at(0), (struct shape){1, 8, 12, 1, 1, NULL}, 0, 1);
    stack.model.vocab.unknown = 5;
    stack.model.opening = *opening;
    assert_int_equal(sampler_init(&sampler, stack.team, &stack.model, STREAMS, &options), 0);
    if (start)
        sampler_start(&sampler);
    sampler_prompt(&sampler, ids, (size_t)prompt);
    memset(drawn->leads, 0, sizeof drawn->leads);
    for (int k = 0; k < STEPS; k++) {
        assert_int_equal(sampler_next(&sampler), 0);
        for (int b = 0; b < STREAMS; b++) {
            drawn->ids[b][k] = sampler.ids[b];
            drawn->silent[b][k] = sampler.leads[b].silent;
            if (sampler.leads[b].silent)
                assert_int_equal(drawn->leads[b]++, k); /* nothing of the sample is before it */
        }
    }
    sampler_release(&sampler);
    stack_release(&stack);
}

static void a_lead_ends_with_a_break(void **state)
{
    (void)state;
    static struct drawn with, without;
    const struct opening opening = {.usual_break = {.length = 2, .ids = {3, 4}}};
    int differ = 0;
    draw(&opening, true, 0, &with);
    draw(&opening, false, 0, &without);
    assert_memory_equal(with.ids, without.ids, sizeof with.ids); /* no break was put there */
    for (int b = 0; b < STREAMS; b++) {
        const int32_t *ids = with.ids[b];
        const int lead = with.leads[b];
        assert_in_range(lead, LEAD_MIN, LEAD_MAX);
        assert_int_equal(without.leads[b], 0);
        for (int k = LEAD_MIN - 1; k < lead; k++)
            assert_int_equal(ids[k - 1] == 3 && ids[k] == 4, k == lead - 1);
        differ += lead != with.leads[0];
    }
    assert_true(differ > 0);
}

static void a_lead_without_a_break_gets_one(void **state)
{
    (void)state;
    static struct drawn drawn;
    const struct opening opening = {.usual_break = {.length = 3, .ids = {5, 5, 5}}};
    draw(&opening, true, 0, &drawn);
    for (int b = 0; b < STREAMS; b++) {
        assert_int_equal(drawn.leads[b], LEAD_MAX);
        for (int k = 0; k < STEPS; k++)
            assert_int_equal(drawn.ids[b][k] == 5, k >= LEAD_MAX - 3 && k < LEAD_MAX);
    }
}

static void other_samples_have_no_lead(void **state)
{
    (void)state;
    static struct drawn drawn;
    struct opening opening = {.starts_seen = OPENING_LEARNED};
    draw(&opening, true, 0, &drawn);
    for (int b = 0; b < STREAMS; b++)
        assert_int_equal(drawn.leads[b], 0);
    opening.starts_seen--;
    draw(&opening, true, 0, &drawn);
    for (int b = 0; b < STREAMS; b++)
        assert_int_equal(drawn.leads[b], LEAD_MIN); /* the text has no breaks */
    draw(&opening, true, 2, &drawn);
    for (int b = 0; b < STREAMS; b++)
        assert_int_equal(drawn.leads[b], 0);
}

/* The model's own probability, whatever the options. */
static void symbols_have_log_probabilities(void **state)
{
    (void)state;
    enum { V = 6, N = 3 };
    const struct sample_options plain = {.temperature = 1, .top_p = 1};
    const struct sample_options options = {.temperature = 0.3, .top_k = 3, .top_p = 1, .seed = 5};
    struct stack stack, naive;
    struct sampler sampler = {0};
    double probs[V];
    stack_init(&stack, engine_at(0), (struct shape){1, 8, V, 1, 1, NULL}, 0, 1);
    stack_init(&naive, engine_at(0), (struct shape){1, 8, V, N, 1, NULL}, 0, 1);
    assert_int_equal(sampler_init(&sampler, stack.team, &stack.model, N, &options), 0);
    for (int b = 0; b < N; b++)
        naive.x[b] = VOCAB_NONE;
    for (int k = 0; k < 10; k++) {
        stack_forward(&naive);
        assert_int_equal(sampler_next(&sampler), 0);
        for (int b = 0; b < N; b++) {
            const int32_t id = naive.x[b] = sampler.ids[b];
            distribution(&plain, V, naive.tape.logits + b * V, VOCAB_NONE, probs);
            assert_true(fabs(sampler_log_prob(&sampler, b) - log(probs[id])) < 1e-5);
        }
    }
    sampler_release(&sampler);
    stack_release(&stack);
    stack_release(&naive);
}

/* Whatever the temperature, and whether or not the symbol could be drawn. */
static void what_is_not_finite_is_not_drawn(void **state)
{
    (void)state;
    static const real wrong[] = {(real)NAN, (real)INFINITY, (real)-INFINITY};
    double weights[5];
    int32_t order[5];
    for (int k = 0; k < 3; k++)
        for (int at = 0; at < 5; at++)
            for (int cold = 0; cold < 2; cold++) {
                const struct sample_options options = {.temperature = cold ? 0 : 1, .top_p = 1};
                real logits[5] = {1, 2, 3, 4, 5};
                assert_true(sample_draw(&options, 5, logits, 2, 0.5, weights, order) >= 0);
                logits[at] = wrong[k];
                assert_int_equal(sample_draw(&options, 5, logits, 2, 0.5, weights, order),
                                 VOCAB_NONE);
            }
}

/* All its weights are finite, and one of its logits is not. */
static void an_unsound_model_writes_nothing(void **state)
{
    (void)state;
    for (int cold = 0; cold < 2; cold++) {
        const struct sample_options options = {.temperature = cold ? 0 : 1, .top_p = 1};
        static const int32_t prompt[] = {3, 1};
        struct sampler sampler = {0};
        struct stack stack;
        stack_init(&stack, engine_at(0), (struct shape){1, 8, 6, 1, 1, NULL}, 0, 1);
        for (size_t k = 0; k < stack.model.params.size; k++)
            stack.model.weights[k] = (real)3e38; /* each unit's output is near 1 */
        assert_int_equal(sampler_init(&sampler, stack.team, &stack.model, 3, &options), 0);
        sampler_prompt(&sampler, prompt, 2);
        assert_int_equal(sampler_next(&sampler), -1);
        assert_non_null(strstr(error_message(), "not finite"));
        sampler_release(&sampler);
        stack_release(&stack);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_have_their_distribution),
        cmocka_unit_test(the_same_symbols_are_left),
        cmocka_unit_test(extreme_temperatures),
        cmocka_unit_test(a_banned_symbol_is_never_drawn),
        cmocka_unit_test(samples_repeat),
        cmocka_unit_test(a_prompt_is_read),
        cmocka_unit_test(a_lead_ends_with_a_break),
        cmocka_unit_test(a_lead_without_a_break_gets_one),
        cmocka_unit_test(other_samples_have_no_lead),
        cmocka_unit_test(symbols_have_log_probabilities),
        cmocka_unit_test(what_is_not_finite_is_not_drawn),
        cmocka_unit_test(an_unsound_model_writes_nothing),
    };
    return cmocka_run_group_tests_name("sample", tests, NULL, NULL);
}
