#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cards.h"
#include "text.h"

static struct arena memory; /* of all results of a test */

static struct cards make(const struct text *text, const size_t *signals, size_t count, int threads)
{
    struct cards cards = {0};
    struct team *team = team_new(threads);
    assert_non_null(team);
    assert_int_equal(cards_make(&cards, &memory, team, &text->trace, signals, count), 0);
    team_free(team);
    return cards;
}

#define LENGTH 4000
#define SIGNALS 23
static const size_t every[SIGNALS] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,
                                      12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22};

/* Signal 5 goes up with signal 2, signal 8 down, and 12, of another quantity, is the same; 9 is
 * constant, 6 not a number at times, 7 never one. */
static void make_example(struct text *text)
{
    text_init(text, LENGTH, SIGNALS, 0, 1);
    for (size_t t = 0; t < LENGTH; t++) {
        for (size_t s = 0; s < SIGNALS; s++)
            text_set(text, s, t, text_normal(text));
        const double two = (double)*trace_place(&text->trace, 2, t);
        text_set(text, 5, t, 100 + two + 0.5 * text_normal(text));
        text_set(text, 8, t, -3 * two + 0.5 * text_normal(text));
        text_set(text, 12, t, two);
        text_set(text, 9, t, 0.1);
        text_set(text, 7, t, NAN);
        if (t % 10 == 3)
            text_set(text, 6, t, t % 20 == 3 ? NAN : -INFINITY);
    }
}

static double value(const struct text *text, size_t signal, size_t t)
{
    return (double)*trace_place(&text->trace, signal, t);
}

static void moments_and_quantiles_are_those_of_the_values(void **state)
{
    (void)state;
    struct text text;
    make_example(&text);
    struct cards cards = make(&text, every, SIGNALS, 2);
    assert_int_equal(cards.count, SIGNALS);
    for (size_t s = 0; s < SIGNALS; s++) {
        const struct card *card = &cards.list[s];
        double n = 0, sum = 0, squares = 0, histogram = 0;
        assert_int_equal(card->signal, s);
        for (size_t t = 0; t < LENGTH; t++)
            if (isfinite(value(&text, s, t))) {
                n++;
                sum += value(&text, s, t);
                squares += value(&text, s, t) * value(&text, s, t);
            }
        for (size_t bin = 0; bin < CARD_BINS; bin++)
            histogram += (double)card->histogram[bin];
        assert_float_equal(histogram, n, 0);
        assert_true(card->range == trace_range(&text.trace, s));
        if (n == 0)
            continue;
        assert_float_equal(card->mean, (float)(sum / n), 1e-5);
        assert_float_equal(card->deviation, sqrt(fmax(0, squares / n - sum * sum / n / n)), 1e-4);
        for (size_t q = 0; q < CARD_QUANTILES; q++) {
            double below = 0, equal = 0;
            for (size_t t = 0; t < LENGTH; t++) {
                below +=
                    value(&text, s, t) < (double)card->quantiles[q] && isfinite(value(&text, s, t));
                equal += value(&text, s, t) == (double)card->quantiles[q];
            }
            assert_true(equal > 0);
            assert_true(below <= (double)card_quantiles[q] * (n - 1) + 0.5);
            assert_true(below + equal >= (double)card_quantiles[q] * (n - 1) + 0.5);
        }
    }
    arena_release(&memory);
    text_release(&text);
}

static void zero_has_the_middle_bin(void **state)
{
    (void)state;
    struct text text;
    const size_t signal = 0;
    text_init(&text, 300, 1, 0, 2);
    for (size_t t = 0; t < 300; t++)
        text_set(&text, 0, t, t < 100 ? 0.01 : t < 180 ? -2 : t < 299 ? 2 : 1.9);
    struct cards cards = make(&text, &signal, 1, 1);
    assert_int_equal(cards.list[0].histogram[CARD_BINS / 2], 100);
    assert_int_equal(cards.list[0].histogram[0], 80);
    assert_int_equal(cards.list[0].histogram[CARD_BINS - 1], 119);
    assert_int_equal(cards.list[0].histogram[CARD_BINS - 2], 1);
    arena_release(&memory);
    text_release(&text);
}

static bool are_apart(const size_t *places, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < i; k++)
            if (places[i] < places[k] + 80 && places[k] < places[i] + 80)
                return false;
    return true;
}

static void passages_are_where_they_should_be(void **state)
{
    (void)state;
    struct text text;
    make_example(&text);
    struct cards cards = make(&text, every, SIGNALS, 2);
    const struct card *card = &cards.list[4];
    assert_true(are_apart(card->highest, CARD_ENDS) && are_apart(card->lowest, CARD_ENDS));
    assert_true(are_apart(card->tenths, CARD_TENTHS));
    assert_true(value(&text, 4, card->highest[0]) == (double)card->quantiles[CARD_QUANTILES - 1]);
    assert_true(value(&text, 4, card->lowest[0]) == (double)card->quantiles[0]);
    for (size_t i = 1; i < CARD_ENDS; i++)
        for (size_t t = 0; t < LENGTH; t++) { /* what is higher than a passage is near one before */
            bool near = false;
            for (size_t k = 0; k < i; k++)
                near = near || (t < card->highest[k] + 80 && card->highest[k] < t + 80);
            assert_true(near || value(&text, 4, t) <= value(&text, 4, card->highest[i]));
        }
    for (size_t i = 0; i < CARD_TENTHS; i++) {
        double below = 0;
        for (size_t t = 0; t < LENGTH; t++)
            below += value(&text, 4, t) < value(&text, 4, card->tenths[i]);
        assert_float_equal(below / LENGTH, (double)(i + 1) / 10, 0.051);
    }
    for (size_t i = 0; i < CARD_ENDS; i++) { /* a signal that is never a number has none */
        assert_int_equal(cards.list[7].highest[i], LENGTH);
        assert_int_equal(cards.list[7].lowest[i], LENGTH);
    }
    assert_int_equal(cards.list[7].tenths[0], LENGTH);
    arena_release(&memory);
    text_release(&text);
}

static void a_short_text_has_few_passages(void **state)
{
    (void)state;
    const size_t signal = 1, lengths[] = {0, 1, 100};
    for (size_t i = 0; i < 3; i++) {
        struct text text;
        text_init(&text, lengths[i], 2, 0, 3);
        for (size_t t = 0; t < lengths[i]; t++)
            text_set(&text, 1, t, (double)t);
        struct cards cards = make(&text, &signal, 1, 2);
        const struct card *card = &cards.list[0];
        assert_int_equal(card->highest[0], lengths[i] ? lengths[i] - 1 : 0);
        assert_int_equal(card->highest[1], lengths[i] == 100 ? 19 : lengths[i]);
        assert_int_equal(card->highest[2], lengths[i]);
        arena_release(&memory);
        text_release(&text);
    }
}

static void means_by_symbol_are_means(void **state)
{
    (void)state;
    struct text text;
    make_example(&text);
    for (size_t t = 0; t < LENGTH; t++)
        if (text.trace.ids[t] == 5)
            text.trace.ids[t] = 4; /* there is no 5 */
    struct cards cards = make(&text, every, SIGNALS, 2);
    for (int32_t v = 0; v < TEXT_SYMBOLS; v++) {
        double sum = 0, n = 0;
        for (size_t t = 0; t < LENGTH; t++)
            if (text.trace.ids[t] == v && isfinite(value(&text, 6, t))) {
                sum += value(&text, 6, t);
                n++;
            }
        if (v == 5)
            assert_true(isnan(cards.list[6].by_symbol[v]));
        else
            assert_float_equal(cards.list[6].by_symbol[v], (float)(sum / n), 1e-5);
    }
    arena_release(&memory);
    text_release(&text);
}

static double naive_r(const struct text *text, size_t a, size_t b)
{
    double x = 0, y = 0, xx = 0, yy = 0, xy = 0;
    for (size_t t = 0; t < LENGTH; t++) {
        x += value(text, a, t) / LENGTH;
        y += value(text, b, t) / LENGTH;
    }
    for (size_t t = 0; t < LENGTH; t++) {
        const double dx = value(text, a, t) - x, dy = value(text, b, t) - y;
        xx += dx * dx;
        yy += dy * dy;
        xy += dx * dy;
    }
    return xy / sqrt(xx * yy);
}

static void related_signals_are_the_most_correlated(void **state)
{
    (void)state;
    struct text text;
    make_example(&text);
    const size_t signals[] = {2, 17, 9, 22};
    struct cards cards = make(&text, signals, 4, 2);
    const struct card *card = &cards.list[0];
    assert_int_equal(card->alike[0].signal, 5);
    assert_int_equal(card->opposed[0].signal, 8);
    for (size_t i = 0; i < 2; i++) {
        const struct card *of = &cards.list[i];
        for (size_t k = 0; k < CARD_RELATED; k++) {
            const struct card_related *alike = &of->alike[k], *opposed = &of->opposed[k];
            if (alike->signal < SIGNALS) {
                assert_int_equal(text.trace.signals[alike->signal].quantity, (int)i);
                assert_float_equal(alike->r, naive_r(&text, of->signal, alike->signal), 1e-5);
                assert_true(alike->r > 0 && (k == 0 || alike->r <= alike[-1].r));
            }
            if (opposed->signal < SIGNALS) {
                assert_float_equal(opposed->r, naive_r(&text, of->signal, opposed->signal), 1e-5);
                assert_true(opposed->r < 0 && (k == 0 || opposed->r >= opposed[-1].r));
            }
        }
    }
    assert_int_equal(cards.list[2].alike[0].signal, SIGNALS); /* nothing goes with a constant */
    assert_int_equal(cards.list[3].alike[2].signal, SIGNALS); /* there are two others of its kind */
    assert_ptr_equal(cards_find(&cards, 22), &cards.list[3]);
    assert_null(cards_find(&cards, 0));
    arena_release(&memory);
    assert_null(cards_find(&cards, 22));
    arena_release(&memory);
    text_release(&text);
}

static void threads_change_no_bit(void **state)
{
    (void)state;
    struct text text;
    make_example(&text);
    struct cards one = make(&text, every, SIGNALS, 1), three = make(&text, every, SIGNALS, 3);
    for (size_t s = 0; s < SIGNALS; s++) {
        struct card a = one.list[s], b = three.list[s];
        assert_memory_equal(a.by_symbol, b.by_symbol, TEXT_SYMBOLS * sizeof(float));
        a.by_symbol = b.by_symbol = NULL;
        assert_memory_equal(&a, &b, sizeof a);
    }
    arena_release(&memory);
    text_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_and_quantiles_are_those_of_the_values),
        cmocka_unit_test(zero_has_the_middle_bin),
        cmocka_unit_test(passages_are_where_they_should_be),
        cmocka_unit_test(a_short_text_has_few_passages),
        cmocka_unit_test(means_by_symbol_are_means),
        cmocka_unit_test(related_signals_are_the_most_correlated),
        cmocka_unit_test(threads_change_no_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
