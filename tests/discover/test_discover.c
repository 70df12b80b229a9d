#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "discover.h"
#include "excerpt.h"
#include "text.h"

static struct arena memory; /* of all results of a test */

static struct discoveries find(const struct text *text, int threads)
{
    struct discoveries discoveries = {0};
    struct team *team = team_new(threads);
    assert_non_null(team);
    assert_int_equal(discover(&discoveries, &memory, team, &text->trace, &text->labels), 0);
    assert_int_equal(discoveries.num_signals, text->trace.num_signals);
    assert_int_equal(discoveries.num_labels, text->labels.count);
    team_free(team);
    return discoveries;
}

/* The discovery of a signal and a label; NULL if there is none. */
static const struct discovery *found(const struct discoveries *discoveries, size_t signal,
                                     size_t label)
{
    for (size_t d = 0; d < discoveries->count; d++)
        if (discoveries->list[d].signal == signal && discoveries->list[d].label == label)
            return &discoveries->list[d];
    return NULL;
}

static void fill_noise(struct text *text, size_t signal)
{
    for (size_t t = 0; t < text->trace.length; t++)
        text_set(text, signal, t, text_normal(text));
}

/* A signal that copies a label, times `factor`, with noise. */
static void fill_copy(struct text *text, size_t signal, size_t label, double factor, double noise)
{
    for (size_t t = 0; t < text->trace.length; t++)
        text_set(text, signal, t,
                 factor * (double)text->labels.list[label].values[t] + noise * text_normal(text));
}

#define LENGTH 3200
#define HALF (LENGTH / 2)

/* Two labels, and signals 3 and 14 that follow the first, 7 and 8 the second, up and down; the
 * others are noise. */
static void make_example(struct text *text)
{
    text_init(text, LENGTH, 20, 2, 1);
    text_label(text, 0, LABEL_BINARY, 20);
    text_label(text, 1, LABEL_SCALAR, 30);
    for (size_t s = 0; s < 20; s++)
        fill_noise(text, s);
    fill_copy(text, 3, 0, 1, 0.4);
    fill_copy(text, 14, 0, -1, 0.6);
    fill_copy(text, 7, 1, 0.01, 0.2);
    fill_copy(text, 8, 1, -0.1, 1);
}

static int compare_floats(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The quantile bin of a value, of `most` bins of the first half's values, all different. */
static size_t naive_bin(const float *sorted, size_t most, float value)
{
    size_t bin = 0;
    for (size_t i = 1; i < most; i++)
        bin += value >= sorted[i * HALF / most];
    return bin;
}

/* Information in bits of a signal's sixteen bins and a binary label. */
static double naive_information(const float *x, const float *y)
{
    float sorted[HALF];
    double counts[16][2] = {{0}}, on = 0, sum = 0, used = 0;
    memcpy(sorted, x, sizeof sorted);
    qsort(sorted, HALF, sizeof *sorted, compare_floats);
    for (size_t t = HALF; t < LENGTH; t++) {
        counts[naive_bin(sorted, 16, x[t])][y[t] > 0]++;
        on += (double)y[t];
    }
    for (size_t i = 0; i < 16; i++)
        for (size_t j = 0; j < 2; j++) {
            const double row = counts[i][0] + counts[i][1], column = j ? on : HALF - on;
            used += counts[i][j] > 0;
            if (counts[i][j] > 0)
                sum += counts[i][j] / HALF * log(counts[i][j] * HALF / (row * column));
        }
    return (sum - (used - 16 - 2 + 1) / (2 * HALF)) / log(2);
}

static double naive_auc(const float *x, const float *y, int sign)
{
    double right = 0, all = 0;
    for (size_t i = HALF; i < LENGTH; i++)
        for (size_t k = HALF; k < LENGTH; k++)
            if (y[i] > 0 && y[k] == 0) {
                all++;
                right += (float)sign * x[i] > (float)sign * x[k];
            }
    return right / all;
}

static double naive_average_precision(const float *x, const float *y, int sign)
{
    double sum = 0, on = 0;
    for (size_t i = HALF; i < LENGTH; i++) {
        double hits = 0, taken = 0;
        for (size_t k = HALF; y[i] > 0 && k < LENGTH; k++)
            if ((float)sign * x[k] >= (float)sign * x[i]) {
                taken++;
                hits += (double)y[k];
            }
        sum += y[i] > 0 ? hits / taken : 0;
        on += (double)y[i];
    }
    return sum / on;
}

static double naive_r(const float *x, const float *y)
{
    double mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
    for (size_t t = HALF; t < LENGTH; t++) {
        mx += (double)x[t] / HALF;
        my += (double)y[t] / HALF;
    }
    for (size_t t = HALF; t < LENGTH; t++) {
        xx += ((double)x[t] - mx) * ((double)x[t] - mx);
        yy += ((double)y[t] - my) * ((double)y[t] - my);
        xy += ((double)x[t] - mx) * ((double)y[t] - my);
    }
    return xy / sqrt(xx * yy);
}

static double naive_mean(const float *x, const float *y, float value)
{
    double sum = 0, count = 0;
    for (size_t t = HALF; t < LENGTH; t++)
        if (y[t] == value) {
            sum += (double)x[t];
            count++;
        }
    return sum / count;
}

static void what_copies_a_label_is_found_and_measured(void **state)
{
    (void)state;
    struct text text;
    static float x[LENGTH];
    make_example(&text);
    struct discoveries discoveries = find(&text, 2);
    assert_int_equal(discoveries.count, 4);
    for (size_t d = 0; d < 4; d++) {
        const struct discovery *discovery = &discoveries.list[d];
        const float *y = text.labels.list[discovery->label].values;
        trace_read(&text.trace, discovery->signal, 0, LENGTH, x);
        const double r = naive_r(x, y);
        assert_float_equal(discovery->r, r, 1e-5);
        assert_float_equal(discovery->r2, (float)(r * r), 1e-5);
        assert_true(discovery->p <= 0.01F);
        assert_int_equal(discovery->sign,
                         discovery->signal == 3 || discovery->signal == 7 ? 1 : -1);
        if (discovery->label == 0) {
            const double auc = naive_auc(x, y, discovery->sign);
            assert_true(discovery->signal == 3 || discovery->signal == 14);
            assert_int_equal(discovery->measure, MEASURE_AUC);
            assert_float_equal(discovery->score, auc, 1e-5);
            assert_float_equal(discovery->auc, auc, 1e-5);
            assert_float_equal(discovery->average_precision,
                               naive_average_precision(x, y, discovery->sign), 1e-5);
            assert_float_equal(discovery->information, naive_information(x, y), 1e-5);
            assert_float_equal(discovery->on, naive_mean(x, y, 1), 1e-5);
            assert_float_equal(discovery->off, naive_mean(x, y, 0), 1e-5);
            assert_in_range((int)(1000 * discovery->baseline), 500, 600);
        } else {
            assert_true(discovery->signal == 7 || discovery->signal == 8);
            assert_int_equal(discovery->measure, MEASURE_R);
            assert_float_equal(discovery->score, r, 1e-5);
            assert_true(isnan(discovery->auc) && isnan(discovery->average_precision));
            assert_true(isnan(discovery->on) && isnan(discovery->off));
            assert_true(discovery->baseline < 0.2F);
        }
    }
    arena_release(&memory);
    text_release(&text);
}

static void the_best_come_first_and_units_once(void **state)
{
    (void)state;
    struct text text;
    make_example(&text);
    fill_copy(&text, 13, 0, 1, 0.2); /* the cell of unit 3 */
    fill_copy(&text, 18, 1, 1, 0.1); /* the cell of unit 8 */
    struct discoveries discoveries = find(&text, 1);
    assert_int_equal(discoveries.count, 6);
    for (size_t d = 0; d < 6; d++)
        for (size_t before = 0; before < d; before++) {
            const struct discovery *better = &discoveries.list[before];
            const struct discovery *worse = &discoveries.list[d];
            assert_true(better->label != worse->label ||
                        fabsf(better->score) >= fabsf(worse->score));
        }
    assert_true(discoveries.list[0].signal == 13 || discoveries.list[0].signal == 18);
    assert_int_equal(discoveries.num_units, 4);
    bool seen[20] = {false};
    for (size_t u = 0; u < 4; u++) {
        const size_t signal = discoveries.list[discoveries.units[u]].signal;
        assert_false(seen[signal % 10]); /* h and c of one unit */
        seen[signal % 10] = true;
        assert_true(signal != 3 && signal != 8); /* the cell is better */
        assert_true(u == 0 || discoveries.units[u] > discoveries.units[u - 1]);
    }
    arena_release(&memory);
    text_release(&text);
}

/* Most of what the label is, the symbol tells: signal 0 is the symbol, signal 1 knows the rest. */
static void what_the_symbol_tells_is_not_found(void **state)
{
    (void)state;
    struct text text;
    text_init(&text, 4000, 4, 2, 2);
    text_label(&text, 0, LABEL_BINARY, 15);
    text.labels.list[1].kind = LABEL_SCALAR;
    for (size_t t = 0; t < 4000; t++) {
        const bool vowel = text.trace.ids[t] < 4;
        const float inside = text.labels.list[0].values[t];
        text.labels.list[0].values[t] = inside > 0 && random_below(&text.random, 10) > 0 && vowel;
        text.labels.list[1].values[t] = (float)(3 * vowel + inside);
        text_set(&text, 0, t, vowel + 0.01 * text_normal(&text));
        text_set(&text, 1, t, (double)inside + 0.2 * text_normal(&text) + vowel);
        text_set(&text, 2, t, -vowel);
        text_set(&text, 3, t, text_normal(&text));
    }
    struct discoveries discoveries = find(&text, 2);
    for (size_t label = 0; label < 2; label++) {
        assert_null(found(&discoveries, 0, label));
        assert_null(found(&discoveries, 2, label));
        assert_null(found(&discoveries, 3, label));
    }
    const struct discovery *real = found(&discoveries, 1, 0);
    assert_non_null(real);
    assert_true(real->baseline > 0.8F); /* that of a vowel */
    assert_true(real->score > 0.95F);
    arena_release(&memory);
    text_release(&text);
}

/* The same where symbols are many and rare: signal 0 is the symbol, 1 and 2 know what it does not
 * tell. */
static void what_rare_symbols_tell_is_not_found(void **state)
{
    (void)state;
    static const struct vocab many = {.size = 1600};
    struct text text;
    text_init(&text, 4000, 4, 3, 15);
    text.trace.vocab = &many;
    text_label(&text, 0, LABEL_BINARY, 15);
    text_label(&text, 1, LABEL_SCALAR, 15);
    text.labels.list[2].kind = LABEL_SCALAR;
    for (size_t t = 0; t < 4000; t++) {
        const int32_t id = (int32_t)pow(1600, random_between(&text.random, 0, 1)) - 1;
        text.trace.ids[t] = id;
        text.labels.list[2].values[t] = (float)(id * 7 % 11);
        text_set(&text, 0, t, abs(id * 7 % 11 - 5));
        text_set(&text, 1, t,
                 (double)text.labels.list[0].values[t] + 0.3 * text_normal(&text) + id % 2);
        text_set(&text, 2, t, 0.1 * (double)text.labels.list[1].values[t] + text_normal(&text));
        text_set(&text, 3, t, id * 7 % 11 + text_normal(&text));
    }
    struct discoveries discoveries = find(&text, 2);
    assert_int_equal(discoveries.count, 2);
    assert_non_null(found(&discoveries, 1, 0));
    assert_non_null(found(&discoveries, 2, 1));
    arena_release(&memory);
    text_release(&text);
}

#define SIGNALS 40
#define LABELS 12

/* Signals and labels that are slow, and know nothing of each other. Every fourth signal is a random
 * walk, and every sixth label. One label is the position in the text, one of a fixed period. */
static void make_unrelated(struct text *text, size_t length, uint64_t seed)
{
    static float values[4096];
    const double slowest = (double)length / 50;
    text_init(text, length, SIGNALS, LABELS, seed);
    for (size_t s = 0; s < SIGNALS; s++) {
        const double time = pow(slowest, random_between(&text->random, 0, 1));
        text_wander(text, s % 4 == 0 ? (double)INFINITY : time, values);
        for (size_t t = 0; t < length; t++)
            text_set(text, s, t, s % 3 ? (double)values[t] : tanh(2 * (double)values[t]));
    }
    for (size_t k = 0; k < LABELS; k++) {
        struct label *label = &text->labels.list[k];
        const double time = pow(slowest, random_between(&text->random, 0, 1));
        const double threshold = random_between(&text->random, 0, 1.5);
        text_wander(text, k % 6 == 1 ? (double)INFINITY : time, label->values);
        label->kind = k % 2 ? LABEL_SCALAR : LABEL_BINARY;
        for (size_t t = 0; t < length; t++)
            if (k == 3)
                label->values[t] = (float)(t % 40);
            else if (k == 5)
                label->values[t] = (float)t;
            else if (k % 2 == 0)
                label->values[t] = (double)label->values[t] > threshold;
    }
}

/* Of how many seeds something is found in a text of so many symbols. */
static int count_false_alarms(int symbols)
{
    const struct vocab vocab = {.size = symbols};
    int seeds_with_findings = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct text text;
        make_unrelated(&text, 4096, seed);
        text.trace.vocab = &vocab;
        for (size_t t = 0; t < 4096; t++)
            text.trace.ids[t] = random_below(&text.random, symbols);
        struct discoveries discoveries = find(&text, 2);
        seeds_with_findings += discoveries.count > 0;
        arena_release(&memory);
        text_release(&text);
    }
    return seeds_with_findings;
}

static void nothing_is_found_where_nothing_is(void **state)
{
    (void)state;
    assert_in_range(count_false_alarms(TEXT_SYMBOLS), 0, 1);
    assert_in_range(count_false_alarms(400), 0, 1);
    assert_in_range(count_false_alarms(6000), 0, 1);
}

static void another_shape_is_found_by_information(void **state)
{
    (void)state;
    struct text text;
    text_init(&text, 6000, 3, 2, 4);
    text_wander(&text, 30, text.labels.list[0].values);
    text.labels.list[0].kind = LABEL_SCALAR;
    text_label(&text, 1, LABEL_BINARY, 25);
    for (size_t t = 0; t < 6000; t++) {
        const double y = (double)text.labels.list[0].values[t];
        const bool inside = text.labels.list[1].values[t] > 0;
        const double side = random_below(&text.random, 2) ? 1 : -1;
        text_set(&text, 0, t, y * y + 0.05 * text_normal(&text));
        text_set(&text, 1, t, inside ? side : 0.1 * text_normal(&text));
        text_set(&text, 2, t, text_normal(&text));
    }
    struct discoveries discoveries = find(&text, 2);
    assert_int_equal(discoveries.count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct discovery *shape = found(&discoveries, i, i);
        assert_non_null(shape);
        assert_int_equal(shape->measure, MEASURE_MI);
        assert_int_equal(shape->sign, 0);
        assert_true(shape->score > 0.7F && shape->score <= 1);
        assert_true(fabsf(shape->r) < 0.4F);
    }
    arena_release(&memory);
    text_release(&text);
}

/* As of line lengths: a few are so large that r is low, though each rises with the other. */
static void what_rises_with_a_heavy_tail_is_found(void **state)
{
    (void)state;
    struct text text;
    text_init(&text, 6000, 3, 1, 13);
    struct label *label = &text.labels.list[0];
    label->kind = LABEL_SCALAR;
    text_wander(&text, 20, label->values);
    for (size_t t = 0; t < 6000; t++) {
        const double x = (double)label->values[t];
        label->values[t] = (float)exp(3 * x);
        for (size_t s = 0; s < 2; s++)
            text_set(&text, s, t, (s ? -1 : 1) * tanh(x + 0.4 * text_normal(&text)));
        text_set(&text, 2, t, text_normal(&text));
    }
    struct discoveries discoveries = find(&text, 2);
    assert_int_equal(discoveries.count, 2);
    for (size_t s = 0; s < 2; s++) {
        const struct discovery *rises = found(&discoveries, s, 0);
        assert_non_null(rises);
        assert_int_equal(rises->measure, MEASURE_MI);
        assert_int_equal(rises->sign, s ? -1 : 1);
        assert_true(fabsf(rises->r) < 0.4F);
    }
    arena_release(&memory);
    text_release(&text);
}

static void a_linear_relation_comes_before_a_nonlinear_one(void **state)
{
    (void)state;
    struct text text;
    text_init(&text, 6000, 2, 1, 11);
    text.labels.list[0].kind = LABEL_SCALAR;
    for (size_t t = 0; t < 6000; t++) {
        const double y = (double)(t % 60) / 60; /* lines of one width */
        text.labels.list[0].values[t] = (float)y;
        text_set(&text, 0, t, cos(6 * y) + 0.02 * text_normal(&text));
        text_set(&text, 1, t, -y + 0.15 * text_normal(&text));
    }
    struct discoveries discoveries = find(&text, 2);
    assert_int_equal(discoveries.count, 2);
    assert_int_equal(discoveries.list[0].measure, MEASURE_R);
    assert_int_equal(discoveries.list[1].measure, MEASURE_MI);
    assert_true(fabsf(discoveries.list[0].score) < discoveries.list[1].score);
    arena_release(&memory);
    text_release(&text);
}

/* Lines of one width: the label is the same again one line further on, and that is no chance. */
static void a_label_of_a_fixed_period_is_found(void **state)
{
    (void)state;
    struct text text;
    text_init(&text, 6000, 6, 2, 5);
    text.labels.list[0].kind = LABEL_SCALAR;
    text.labels.list[1].kind = LABEL_BINARY;
    for (size_t t = 0; t < 6000; t++) {
        text.labels.list[0].values[t] = (float)(t % 41);
        text.labels.list[1].values[t] = t % 41 > 35;
        text_set(&text, 0, t, -0.1 * (double)(t % 41) + 0.5 * text_normal(&text));
        text_set(&text, 1, t, (t % 41 > 35) + 0.3 * text_normal(&text));
        for (size_t s = 2; s < 6; s++)
            text_set(&text, s, t, text_normal(&text));
    }
    struct discoveries discoveries = find(&text, 1);
    assert_non_null(found(&discoveries, 0, 0));
    assert_non_null(found(&discoveries, 1, 1));
    assert_true(found(&discoveries, 0, 0)->score < -0.8F);
    for (size_t d = 0; d < discoveries.count; d++)
        assert_true(discoveries.list[d].signal < 2);
    arena_release(&memory);
    text_release(&text);
}

static void what_cannot_be_scored_is_not(void **state)
{
    (void)state;
    struct text text;
    text_init(&text, LENGTH, 6, 4, 6);
    for (size_t k = 0; k < 4; k++)
        text_label(&text, k, k < 2 ? LABEL_BINARY : LABEL_SCALAR, 20);
    for (size_t t = 0; t < LENGTH; t++) {
        if (t < HALF)
            text.labels.list[1].values[t] = 1; /* constant in the first half */
        else
            text.labels.list[2].values[t] = 5; /* in the second */
    }
    fill_copy(&text, 0, 0, 1, 0.1);
    fill_copy(&text, 1, 0, 1, 0.1);
    fill_copy(&text, 2, 0, 1, 0.1);
    text_set(&text, 1, 77, NAN);
    text_set(&text, 2, LENGTH - 1, INFINITY);
    for (size_t t = 0; t < LENGTH; t++) {
        text_set(&text, 3, t, 0.25);
        text_set(&text, 4, t, text.labels.list[0].values[t] > 0 ? 1 : -1); /* two values */
        text_set(&text, 5, t, (double)text.labels.list[1].values[t]);
    }
    struct discoveries discoveries = find(&text, 2);
    assert_int_equal(discoveries.count, 2);
    assert_non_null(found(&discoveries, 0, 0));
    const struct discovery *exact = found(&discoveries, 4, 0);
    assert_non_null(exact);
    assert_float_equal(exact->score, 1, 1e-6);
    assert_float_equal(exact->average_precision, 1, 1e-6);
    assert_float_equal(exact->r, 1, 1e-6);
    arena_release(&memory);
    text_release(&text);
}

/* What goes together in the first half alone is chance, and so is what then changes its sign. */
static void a_finding_holds_on_the_second_half(void **state)
{
    (void)state;
    struct text text;
    text_init(&text, LENGTH, 3, 1, 7);
    text_label(&text, 0, LABEL_BINARY, 20);
    fill_copy(&text, 0, 0, 1, 0.3);
    fill_copy(&text, 1, 0, 1, 0.3);
    fill_copy(&text, 2, 0, 1, 0.3);
    for (size_t t = HALF; t < LENGTH; t++) {
        text_set(&text, 0, t, text_normal(&text));
        text_set(&text, 1, t, -(double)text.labels.list[0].values[t]);
    }
    struct discoveries discoveries = find(&text, 1);
    assert_int_equal(discoveries.count, 1);
    assert_int_equal(discoveries.list[0].signal, 2);
    arena_release(&memory);
    text_release(&text);
}

/* What follows a label late is as good under small shifts, so that its p is larger than that of
 * what follows at once; it is a finding beside it if its p is small enough, not only if it is as
 * small. */
static void what_follows_late_is_found_as_well(void **state)
{
    (void)state;
    int late = 0;
    for (uint64_t seed = 0; seed < 10; seed++) {
        struct text text;
        text_init(&text, LENGTH, 2, 1, 100 + seed);
        text_label(&text, 0, LABEL_BINARY, 30);
        fill_copy(&text, 0, 0, 1, 0.1);
        for (size_t t = 0; t < LENGTH; t++)
            text_set(&text, 1, t,
                     (double)text.labels.list[0].values[t < 2 ? 0 : t - 2] +
                         0.4 * text_normal(&text));
        struct discoveries discoveries = find(&text, 1);
        const struct discovery *at_once = found(&discoveries, 0, 0);
        const struct discovery *later = found(&discoveries, 1, 0);
        assert_non_null(at_once);
        late += later && later->p > at_once->p;
        arena_release(&memory);
        text_release(&text);
    }
    assert_true(late > 5);
}

static void what_only_drifts_comes_last(void **state)
{
    (void)state;
    struct text text;
    text_init(&text, LENGTH, 3, 2, 16);
    text_label(&text, 0, LABEL_BINARY, 20);
    text.labels.list[1].kind = LABEL_SCALAR;
    for (size_t t = 0; t < LENGTH; t++) /* in both halves nearly all at the end */
        text.labels.list[1].values[t] =
            t < HALF ? expf((float)t / 40) : expf(HALF / 40.0F) + expf((float)(t - HALF) / 40);
    fill_noise(&text, 0);
    fill_copy(&text, 1, 1, 1, 0);
    fill_copy(&text, 2, 0, 1, 0.8);
    struct discoveries discoveries = find(&text, 1);
    assert_int_equal(discoveries.count, 2);
    assert_int_equal(discoveries.list[0].label, 0);
    assert_int_equal(discoveries.list[1].label, 1);
    assert_true(discoveries.list[1].score > 0.99F && discoveries.list[0].score < 0.9F);
    arena_release(&memory);
    text_release(&text);
}

static size_t count_of_label(const struct discoveries *discoveries, size_t label)
{
    size_t count = 0;
    for (size_t d = 0; d < discoveries->count; d++)
        count += discoveries->list[d].label == label;
    return count;
}

/* Also of labels that nothing is found of, what was tried is known. */
static void every_label_has_its_best_attempt(void **state)
{
    (void)state;
    struct text text;
    text_init(&text, LENGTH, 3, 3, 17);
    text_label(&text, 0, LABEL_BINARY, 20);
    text_label(&text, 1, LABEL_SCALAR, 20);
    text.labels.list[2].kind = LABEL_BINARY; /* never on */
    fill_noise(&text, 0);
    fill_copy(&text, 1, 0, -1, 0.2);
    fill_copy(&text, 2, 1, -0.01, 1);
    struct discoveries discoveries = find(&text, 1);
    const struct attempt *attempts = discoveries.attempts;
    assert_int_equal(count_of_label(&discoveries, 0), 1);
    assert_true(attempts[0].signal == 1 && attempts[0].score > 0.95F &&
                attempts[0].baseline < 0.6F);
    assert_int_equal(count_of_label(&discoveries, 1), 0);
    assert_true(attempts[1].signal == 2);
    assert_true(attempts[1].score > 0.1F && attempts[1].score < 0.4F &&
                attempts[1].baseline < 0.1F);
    assert_int_equal(count_of_label(&discoveries, 2), 0);
    assert_true(isnan(attempts[2].score) && isnan(attempts[2].baseline));
    arena_release(&memory);
    text_release(&text);
}

#define WEAK 9

/* Labels that hold in both halves, but for the first `weak` of them too little in the second. */
static size_t count_with_weak(size_t weak)
{
    struct text text;
    const size_t length = 1000;
    text_init(&text, length, WEAK + 1, WEAK + 1, 14);
    for (size_t k = 0; k <= WEAK; k++) {
        text_label(&text, k, LABEL_BINARY, 6);
        fill_copy(&text, k, k, 1, 0.4);
        for (size_t t = length / 2; k < weak && t < length; t++)
            if (random_below(&text.random, 4) > 0)
                text_set(&text, k, t, text_normal(&text));
    }
    struct discoveries discoveries = find(&text, 1);
    const size_t count = discoveries.count;
    arena_release(&memory);
    text_release(&text);
    return count;
}

/* Ten tests of which one succeeds need a p that this text is too short for. */
static void what_is_no_finding_does_not_help_another(void **state)
{
    (void)state;
    assert_int_equal(count_with_weak(0), WEAK + 1);
    assert_int_equal(count_with_weak(WEAK), 0);
}

/* In nanoseconds or in years, near the ends of what a float holds: the same is found. */
static void a_labels_unit_does_not_matter(void **state)
{
    const float units[] = {1e-36F, 1e17F, 1e35F};
    struct text text;
    (void)state;
    make_example(&text);
    struct discoveries expected = find(&text, 1);
    assert_non_null(found(&expected, 7, 1));
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        struct text scaled;
        make_example(&scaled);
        for (size_t t = 0; t < LENGTH; t++)
            scaled.labels.list[1].values[t] *= units[i];
        struct discoveries discoveries = find(&scaled, 1);
        assert_int_equal(discoveries.count, expected.count);
        for (size_t d = 0; d < expected.count; d++) {
            assert_int_equal(discoveries.list[d].signal, expected.list[d].signal);
            assert_float_equal(discoveries.list[d].score, expected.list[d].score, 1e-5);
            assert_float_equal(discoveries.list[d].p, expected.list[d].p, 1e-3);
        }
        text_release(&scaled);
    }
    arena_release(&memory);
    text_release(&text);
}

static bool same_bits(const struct discoveries *a, const struct discoveries *b)
{
    bool same = a->count == b->count && a->num_units == b->num_units;
    for (size_t d = 0; same && d < a->count; d++) {
        const struct discovery *x = &a->list[d], *y = &b->list[d];
        same = x->signal == y->signal && x->label == y->label && x->measure == y->measure &&
               x->sign == y->sign && memcmp(&x->score, &y->score, sizeof x->score) == 0 &&
               memcmp(&x->baseline, &y->baseline, sizeof x->baseline) == 0 &&
               memcmp(&x->auc, &y->auc, sizeof x->auc) == 0 &&
               memcmp(&x->r, &y->r, sizeof x->r) == 0 &&
               memcmp(&x->information, &y->information, sizeof x->information) == 0 &&
               memcmp(&x->p, &y->p, sizeof x->p) == 0;
    }
    return same;
}

static void threads_change_no_bit(void **state)
{
    (void)state;
    struct text text;
    text_init(&text, 5000, 37, 5, 8);
    for (size_t k = 0; k < 5; k++)
        text_label(&text, k, k % 2 ? LABEL_SCALAR : LABEL_BINARY, 10 + 10 * (double)k);
    for (size_t s = 0; s < 37; s++)
        fill_copy(&text, s, s % 5, s % 5 % 2 ? 0.05 : 1, 0.2 + 0.02 * (double)s);
    struct discoveries one = find(&text, 1), three = find(&text, 3);
    assert_true(one.count > 20);
    assert_true(same_bits(&one, &three));
    arena_release(&memory);
    text_release(&text);
}

static void short_texts_have_none(void **state)
{
    (void)state;
    const size_t lengths[] = {0, 1, 2, 326, 327, 5000};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct text text;
        text_init(&text, lengths[i], 3, 1, 9);
        text_label(&text, 0, LABEL_BINARY, 4);
        for (size_t s = 0; s < 3; s++)
            fill_noise(&text, s);
        fill_copy(&text, 1, 0, 1, 0.1);
        struct discoveries discoveries = find(&text, 2);
        assert_int_equal(discoveries.count, lengths[i] >= 327);
        arena_release(&memory);
        text_release(&text);
    }
    struct text empty;
    text_init(&empty, 500, 0, 0, 9);
    struct discoveries none = find(&empty, 2);
    assert_int_equal(none.count, 0);
    arena_release(&memory);
    text_release(&empty);
}

static void an_excerpt_is_whole_blocks_from_end_to_end(void **state)
{
    (void)state;
    const size_t most = 8 * TRACE_BLOCK;
    for (size_t length = 0; length < 6000; length += 97) {
        const struct excerpt excerpt = excerpt_of(length, most);
        assert_int_equal(excerpt.count, length < most ? length : most);
        for (size_t t = 0; t < excerpt.count; t++) {
            const size_t position = excerpt_position(&excerpt, t);
            assert_in_range(position, t, length - 1);
            assert_true(length > most || position == t);
            assert_true(t % TRACE_BLOCK == 0 || position == excerpt_position(&excerpt, t - 1) + 1);
            assert_true(t == 0 || position > excerpt_position(&excerpt, t - 1));
        }
        if (length > most) /* it comes near the end */
            assert_true(excerpt_position(&excerpt, most - 1) + length / 8 + 2 * TRACE_BLOCK >=
                        length);
    }
}

/* So long that neither the screening nor the shifts take all of it. */
static void a_long_text_is_searched_too(void **state)
{
    (void)state;
    struct text text;
    const size_t length = 280001;
    text_init(&text, length, 2, 1, 12);
    text_label(&text, 0, LABEL_BINARY, 300);
    for (size_t t = 0; t < length; t++) {
        const double noise = random_below(&text.random, 2);
        text_set(&text, 0, t, noise);
        text_set(&text, 1, t, (double)text.labels.list[0].values[t] + 0.4 * noise);
    }
    struct discoveries discoveries = find(&text, 2);
    assert_int_equal(discoveries.count, 1);
    assert_int_equal(discoveries.list[0].signal, 1);
    assert_float_equal(discoveries.list[0].score, 1, 0);
    assert_true(discoveries.list[0].p < 0.003F);
    arena_release(&memory);
    text_release(&text);
}

static void a_discovery_is_a_sentence(void **state)
{
    (void)state;
    struct text text;
    char out[DISCOVERY_ROOM];
    text_init(&text, 10, 40, 2, 10);
    text.labels.list[1].kind = LABEL_SCALAR;
    struct discovery discovery = {
        .signal = 7, .label = 1, .measure = MEASURE_R, .score = -0.934F, .sign = -1};
    assert_string_equal(discovery_describe(&discovery, &text.trace, &text.labels, out),
                        "layer 1 unit 2: counts down to the end of the line (r = −0.93)");
    discovery = (struct discovery){
        .signal = 30, .label = 1, .measure = MEASURE_MI, .sign = 1, .information = 0.61F};
    assert_string_equal(discovery_describe(&discovery, &text.trace, &text.labels, out),
                        "layer 0 unit 0, forget gate f: counts up along the line, though not "
                        "linearly (mutual information "
                        "0.61 bits)");
    discovery.sign = 0;
    assert_string_equal(discovery_describe(&discovery, &text.trace, &text.labels, out),
                        "layer 0 unit 0, forget gate f: depends on “left in line”, but neither "
                        "rises nor falls with it "
                        "(mutual information 0.61 bits)");
    text_release(&text);
}

static void what_is_said_of_a_place_is_true_of_the_values(void **state)
{
    (void)state;
    static const struct {
        float on, off;
        const char *says;
    } cases[] = {
        {0.8F, 0.1F, "is on inside quotes"},
        {0.8F, -0.3F, "is on inside quotes"},
        {-0.9F, 0.1F, "is on inside quotes"}, /* far from 0, below it */
        {-0.01F, -0.9F, "is off inside quotes"},
        {0.1F, 0.9F, "is off inside quotes"},
        {0.8F, -0.7F, "is positive inside quotes and negative elsewhere"},
        {-0.5F, 0.9F, "is negative inside quotes and positive elsewhere"},
        {0.9F, 0.6F, "is higher inside quotes than elsewhere"},
        {-0.9F, -0.6F, "is lower inside quotes than elsewhere"},
    };
    struct text text;
    char out[DISCOVERY_ROOM], expected[200];
    text_init(&text, 10, 40, 1, 10);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct discovery discovery = {.signal = 13,
                                      .measure = MEASURE_AUC,
                                      .score = 0.974F,
                                      .sign = cases[i].on > cases[i].off ? 1 : -1,
                                      .on = cases[i].on,
                                      .off = cases[i].off};
        snprintf(expected, sizeof expected, "layer 0 unit 3, cell state c: %s (AUC 0.97)",
                 cases[i].says);
        assert_string_equal(discovery_describe(&discovery, &text.trace, &text.labels, out),
                            expected);
    }
    struct discovery nonlinear = {.measure = MEASURE_MI, .information = 0.5F, .sign = 1};
    assert_string_equal(
        discovery_describe(&nonlinear, &text.trace, &text.labels, out),
        "layer 0 unit 0: behaves differently inside quotes (mutual information 0.50 bits)");
    text_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_copies_a_label_is_found_and_measured),
        cmocka_unit_test(the_best_come_first_and_units_once),
        cmocka_unit_test(what_the_symbol_tells_is_not_found),
        cmocka_unit_test(what_rare_symbols_tell_is_not_found),
        cmocka_unit_test(nothing_is_found_where_nothing_is),
        cmocka_unit_test(another_shape_is_found_by_information),
        cmocka_unit_test(what_rises_with_a_heavy_tail_is_found),
        cmocka_unit_test(a_linear_relation_comes_before_a_nonlinear_one),
        cmocka_unit_test(a_label_of_a_fixed_period_is_found),
        cmocka_unit_test(what_cannot_be_scored_is_not),
        cmocka_unit_test(a_finding_holds_on_the_second_half),
        cmocka_unit_test(what_is_no_finding_does_not_help_another),
        cmocka_unit_test(what_follows_late_is_found_as_well),
        cmocka_unit_test(what_only_drifts_comes_last),
        cmocka_unit_test(every_label_has_its_best_attempt),
        cmocka_unit_test(a_labels_unit_does_not_matter),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(short_texts_have_none),
        cmocka_unit_test(an_excerpt_is_whole_blocks_from_end_to_end),
        cmocka_unit_test(a_long_text_is_searched_too),
        cmocka_unit_test(a_discovery_is_a_sentence),
        cmocka_unit_test(what_is_said_of_a_place_is_true_of_the_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
