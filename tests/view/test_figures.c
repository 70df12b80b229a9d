#include <cairo.h>
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "file.h"
#include "findings.h"
#include "writers.h"

static const char *const figures[] = {"activations", "gates", "reach", "neuron_1_0", "neuron_0_1"};
#define NUM_FIGURES 5

static void draw(const struct example *example, const struct view *view)
{
    assert_int_equal(view->write(&example->inspection, &example->options, example->directory), 0);
}

static int count_files(const struct example *example)
{
    int count = 0;
    DIR *directory = opendir(example->directory);
    for (struct dirent *entry; (entry = readdir(directory));)
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

static char *read_figure(const struct example *example, const char *figure, const char *extension)
{
    char name[64];
    size_t length;
    snprintf(name, sizeof name, "%s.%s", figure, extension);
    char *file = example_read(example, name, &length);
    assert_true(length > 1000);
    return file;
}

static int count(const char *text, const char *what)
{
    int found = 0;
    for (; (text = strstr(text, what)); text++)
        found++;
    return found;
}

/* Two of the three chosen signals are of the same unit. */
static void every_format_has_every_figure(void **state)
{
    (void)state;
    struct example example;
    findings_init(&example);
    draw(&example, &png_view);
    draw(&example, &svg_view);
    draw(&example, &pdf_view);
    assert_int_equal(count_files(&example), 3 * NUM_FIGURES);
    for (int i = 0; i < NUM_FIGURES; i++) {
        free(read_figure(&example, figures[i], "png"));
        free(read_figure(&example, figures[i], "svg"));
        free(read_figure(&example, figures[i], "pdf"));
    }
    example_release(&example);
}

/* In any order of a unit's signals. */
static void a_card_is_of_the_best_discovery(void **state)
{
    (void)state;
    static const size_t orders[2][2] = {{9, 3}, {3, 9}}; /* c and h of 1:0; of c more was found */
    char *cards[2], *drawn[2];
    for (int i = 0; i < 2; i++) {
        struct example example;
        findings_init(&example);
        example.options.chosen = orders[i];
        example.options.num_chosen = 2;
        draw(&example, &svg_view);
        cards[i] = read_figure(&example, "neuron_1_0", "svg");
        example_release(&example);
        drawn[i] = strchr(strstr(cards[i], "<g id=\"surface"), '\n'); /* its number differs */
    }
    assert_string_equal(drawn[0], drawn[1]);
    free(cards[0]);
    free(cards[1]);
}

static void absent_parts_are_not_drawn(void **state)
{
    (void)state;
    struct example example;
    findings_init(&example);
    struct inspection *inspection = &example.inspection;
    inspection->gates = (struct gates){0};
    inspection->reach = (struct reach){0};
    inspection->ablation = (struct ablation){0};
    inspection->output_weights = NULL;
    draw(&example, &svg_view);
    assert_int_equal(count_files(&example), 3); /* activations and two cards */
    example_release(&example);
    findings_init(&example);
    inspection->cards = (struct cards){0};
    draw(&example, &svg_view);
    assert_int_equal(count_files(&example), NUM_FIGURES);
    example_release(&example);
    example_awkward(&example, 1);
    draw(&example, &svg_view);
    assert_int_equal(count_files(&example), 1); /* activations */
    example_release(&example);
}

static void make_nan(float *values, size_t length)
{
    for (size_t i = 0; i < length; i++)
        values[i] = i % 3 == 0 ? NAN : i % 3 == 1 ? INFINITY : 0;
}

static void nan_and_infinity_are_left_out(void **state)
{
    (void)state;
    struct example example;
    findings_init(&example);
    struct inspection *inspection = &example.inspection;
    const size_t gates = 4 * 2 * FINDINGS_HIDDEN, V = (size_t)example.vocab.size;
    make_nan(inspection->gates.low, gates);
    make_nan(inspection->gates.high, gates);
    make_nan(inspection->gates.mean, gates);
    make_nan(inspection->reach.median, 2 * FINDINGS_STEPS); /* one curve is left */
    make_nan(inspection->reach.low, 3 * FINDINGS_STEPS);
    make_nan(inspection->ablation.change, inspection->ablation.count);
    make_nan(inspection->ablation.by_label, inspection->ablation.count * FINDINGS_LABELS);
    make_nan(inspection->output_weights, V * FINDINGS_HIDDEN);
    for (size_t i = 0; i < inspection->cards.count; i++) {
        struct card *card = &inspection->cards.list[i];
        make_nan(card->by_symbol, V);
        make_nan(card->quantiles, CARD_QUANTILES);
        memset(card->histogram, 0, sizeof card->histogram);
        card->mean = NAN;
        card->highest[0] = card->lowest[4] = card->tenths[3] = inspection->trace.length;
        card->alike[0].r = NAN;
    }
    *trace_place(&inspection->trace, 9, 150) = NAN;
    draw(&example, &svg_view);
    for (int i = 0; i < NUM_FIGURES; i++) {
        char *svg = read_figure(&example, figures[i], "svg");
        assert_null(strstr(svg, "nan"));
        assert_null(strstr(svg, "inf"));
        free(svg);
    }
    example_release(&example);
}

static void reach_without_gradients_is_not_drawn(void **state)
{
    (void)state;
    struct example example;
    findings_init(&example);
    struct reach *reach = &example.inspection.reach;
    make_nan(reach->median, 3 * FINDINGS_STEPS);
    make_nan(reach->low, 3 * FINDINGS_STEPS);
    make_nan(reach->high, 3 * FINDINGS_STEPS);
    draw(&example, &svg_view);
    assert_int_equal(count_files(&example), NUM_FIGURES - 1);
    example_release(&example);
}

static void awkward_text_has_cards(void **state)
{
    (void)state;
    struct example example;
    example_awkward(&example, 3);
    findings_add(&example);
    draw(&example, &svg_view);
    free(read_figure(&example, "neuron_0_0", "svg"));
    draw(&example, &pdf_view);
    example_release(&example);
}

static void one_character_has_a_card(void **state)
{
    (void)state;
    static const char *const symbols[] = {"a"};
    struct example example;
    example_init(&example, VOCAB_CODEPOINT, symbols, 1, 1);
    findings_add(&example);
    draw(&example, &svg_view);
    example_release(&example);
}

/* A glyph for each character that has ink, in the picture. */
static void letters_are_drawn_as_curves(void **state)
{
    (void)state;
    struct example example;
    int ink = 0;
    findings_init(&example);
    example.options.start = 20;
    example.options.length = 200;
    example.options.num_chosen = 1;
    for (size_t t = 20; t < 220; t++)
        ink += example.vocab.symbols[example.inspection.trace.ids[t]].bytes[0] != ' ';
    draw(&example, &svg_view);
    char *svg = read_figure(&example, "activations", "svg");
    assert_in_range(count(svg, "<use "), ink + 40, ink + 200); /* and title, heading, sentence */
    assert_int_equal(count(svg, "<image"), 0);
    free(svg);
    example_release(&example);
}

/* Markers alone are half transparent; two are in the legend. */
static void every_unit_has_its_marker(void **state)
{
    (void)state;
    struct example example;
    findings_init(&example);
    draw(&example, &svg_view);
    char *svg = read_figure(&example, "gates", "svg");
    assert_int_equal(count(svg, "fill-opacity:0.45"), 4 * 2 * FINDINGS_HIDDEN + 2);
    free(svg);
    example_release(&example);
}

static int width_of(const struct example *example, const char *name)
{
    char *path = file_join(example->directory, name);
    cairo_surface_t *surface = cairo_image_surface_create_from_png(path);
    assert_int_equal(cairo_surface_status(surface), CAIRO_STATUS_SUCCESS);
    int width = cairo_image_surface_get_width(surface);
    cairo_surface_destroy(surface);
    free(path);
    return width;
}

static void long_titles_are_not_cut_off(void **state)
{
    (void)state;
    static const char long_name[] = "an/unusually/long/way/to/a/model/that/somebody/has/put/"
                                    "into/many/folders/one/within/the/other/best.safetensors";
    struct example example;
    findings_init(&example);
    example.options.length = 30;
    example.inspection.trace.model = long_name;
    draw(&example, &png_view);
    assert_true(width_of(&example, "activations.png") > 2 * 100 * 6);
    example_release(&example);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_has_every_figure),
        cmocka_unit_test(a_card_is_of_the_best_discovery),
        cmocka_unit_test(absent_parts_are_not_drawn),
        cmocka_unit_test(nan_and_infinity_are_left_out),
        cmocka_unit_test(reach_without_gradients_is_not_drawn),
        cmocka_unit_test(awkward_text_has_cards),
        cmocka_unit_test(one_character_has_a_card),
        cmocka_unit_test(letters_are_drawn_as_curves),
        cmocka_unit_test(every_unit_has_its_marker),
        cmocka_unit_test(long_titles_are_not_cut_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
