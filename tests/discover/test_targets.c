#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "targets.h"
#include "text.h"

static struct arena memory; /* of all results of a test */

static const struct vocab many = {.size = 1600};

/* As in a text of ideograms: symbols by Zipf's law, or all as frequent. */
static void draw_symbols(struct text *text, bool zipf)
{
    text->trace.vocab = &many;
    for (size_t t = 0; t < text->trace.length; t++) {
        const double u = random_between(&text->random, 0, 1);
        text->trace.ids[t] = (int32_t)(zipf ? pow(1600, u) - 1 : 1600 * u);
    }
}

static struct targets targets_of(const struct text *text)
{
    struct targets targets = {0};
    struct team *team = team_new(2);
    assert_non_null(team);
    assert_int_equal(targets_make(&targets, &memory, team, &text->trace, &text->labels), 0);
    team_free(team);
    return targets;
}

/* Labels 0 and 1 are functions of the symbol, and 4 is one that rises and falls with it; 2 and 3
 * have nothing to do with it. */
static void make_example(struct text *text, size_t length, bool zipf)
{
    text_init(text, length, 0, 5, length);
    draw_symbols(text, zipf);
    text_label(text, 2, LABEL_BINARY, 20);
    text_label(text, 3, LABEL_SCALAR, 30);
    text->labels.list[0].kind = LABEL_BINARY;
    text->labels.list[1].kind = text->labels.list[4].kind = LABEL_SCALAR;
    for (size_t t = 0; t < length; t++) {
        const int32_t id = text->trace.ids[t];
        text->labels.list[0].values[t] = id * 7 % 5 < 2;
        text->labels.list[1].values[t] = (float)(id * 7 % 11);
        text->labels.list[4].values[t] = (float)abs(id * 7 % 11 - 5);
    }
}

static void check_baseline(const struct target *target, const struct target_half *half,
                           size_t length)
{
    if (target->label != 2 && target->label != 3) {
        assert_true(half->baseline > 0.99);
        assert_true(half->baseline_mi > (length < 2000 ? 0.8 : 0.9));
    } else {
        assert_true(half->baseline < (target->kind == LABEL_BINARY ? 0.6 : 0.1));
        assert_true(length < 1000 || half->baseline_mi < 0.25); /* before, it is chance */
    }
}

static void what_the_symbol_tells_is_known_however_rare_it_is(void **state)
{
    (void)state;
    for (size_t length = 500; length <= 12000; length *= 2)
        for (int zipf = 0; zipf < 2; zipf++) {
            struct text text;
            make_example(&text, length, zipf);
            struct targets targets = targets_of(&text);
            assert_int_equal(targets.count, 5);
            for (size_t i = 0; i < targets.count; i++)
                for (enum half half = FIRST_HALF; half < HALVES; half++)
                    check_baseline(&targets.list[i], &targets.list[i].halves[half], length);
            arena_release(&memory);
            text_release(&text);
        }
}

/* A label that is constant over the known characters counts as predicted by them. */
static void what_is_constant_where_known_counts_as_predicted(void **state)
{
    (void)state;
    struct text text;
    text_init(&text, 2000, 0, 1, 3);
    text.trace.vocab = &many;
    text.labels.list[0].kind = LABEL_BINARY;
    for (size_t t = 0; t < 2000; t++) {
        text.labels.list[0].values[t] = t % 3 == 0;
        text.trace.ids[t] = t % 3 ? 0 : t < 1000 ? 1 : 2;
    }
    struct targets targets = targets_of(&text);
    assert_int_equal(targets.count, 1);
    assert_float_equal(targets.list[0].halves[SECOND_HALF].baseline, 1, 0);
    assert_float_equal(targets.list[0].halves[SECOND_HALF].baseline_mi, 1, 0);
    arena_release(&memory);
    text_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_constant_where_known_counts_as_predicted),
        cmocka_unit_test(what_the_symbol_tells_is_known_however_rare_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
