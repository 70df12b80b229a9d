#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "caption.h"
#include "error.h"
#include "example.h"
#include "findings.h"
#include "glyph.h"

static char *write_text(const struct example *example)
{
    char *text;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    assert_int_equal(terminal_write(&example->inspection, &example->options, out), 0);
    fclose(out);
    return text;
}

static void a_small_text_is_printed(void **state)
{
    (void)state;
    static const char *const symbols[] = {"a", "b", "\t", "\n"};
    static const float values[] = {1, 1, 0, -1};
    struct example example;
    example_init(&example, VOCAB_CODEPOINT, symbols, 4, 1);
    example.options.num_chosen = 1;
    for (size_t t = 0; t < 4; t++)
        *trace_place(&example.inspection.trace, 0, t) = values[t];
    char *text = write_text(&example);
    const char *heading = "no unit was found to go with any known property of this text\n"
                          "\nh 0:0  range ±1  −\033[38;2;0;0;0;48;2;67;153;218m \033[";
    assert_memory_equal(text, heading, strlen(heading));
    assert_string_equal(strstr(text, "\033[0m+\n"), "\033[0m+\n"
                                                    "\033[38;2;0;0;0;48;2;233;132;34mab"
                                                    "\033[38;2;0;0;0;48;2;255;255;255m→"
                                                    "\033[38;2;0;0;0;48;2;67;153;218m⏎\033[0m\n");
    free(text);
    example_release(&example);
}

/* Removes the escape sequences of colours, but no others. */
static void strip_colours(char *text)
{
    char *to = text;
    for (char *from = text; *from;) {
        size_t digits = from[0] == '\033' && from[1] == '[' ? strspn(from + 2, "0123456789;") : 0;
        if (digits > 0 && from[2 + digits] == 'm')
            from += 3 + digits;
        else
            *to++ = *from++;
    }
    *to = '\0';
}

static void no_control_character_gets_through(void **state)
{
    (void)state;
    struct example example;
    example_awkward(&example, 5);
    char *text = write_text(&example);
    strip_colours(text);
    for (const char *byte = text; *byte; byte++) {
        assert_true(*byte == '\n' || (unsigned char)*byte >= 0x20);
        assert_int_not_equal(*byte, 0x7F);
    }
    assert_null(strstr(text, "\xC2\x85"));
    assert_null(strstr(text, "\u202E"));
    assert_non_null(strstr(text, "\\x07\\x7F"));
    free(text);
    example_release(&example);
}

static void there_is_a_block_for_each_chosen_signal(void **state)
{
    (void)state;
    struct example example;
    static const size_t chosen[] = {2, 9};
    example_awkward(&example, 2);
    example.options = (struct view_options){.shown = chosen,
                                            .num_shown = 2,
                                            .chosen = chosen,
                                            .num_chosen = 2,
                                            .length = example.inspection.trace.length,
                                            .columns = 40};
    char *text = write_text(&example);
    assert_non_null(strstr(text, "h 0:2  range ±"));
    assert_non_null(strstr(text, "\n\nc 1:0  range ±7.5"));
    assert_null(strstr(text, "h 0:0"));
    free(text);
    example_release(&example);
}

static void only_the_passage_is_drawn(void **state)
{
    (void)state;
    static const char *const symbols[] = {"a", "b", "c", "d", "e", "f"};
    struct example example;
    example_init(&example, VOCAB_CODEPOINT, symbols, 6, 1);
    example.options.num_chosen = 1;
    example.options.start = 2;
    example.options.length = 3;
    char *text = write_text(&example);
    strip_colours(text);
    assert_string_equal(strchr(text, '+'), "+\ncde\n");
    free(text);
    example_release(&example);
}

static void sentences_come_first(void **state)
{
    (void)state;
    struct example example;
    char sentence[DISCOVERY_ROOM], *shown;
    findings_init(&example);
    struct inspection *inspection = &example.inspection;
    char *text = write_text(&example), *line = text;
    for (size_t i = 0; i < inspection->discoveries.num_units; i++) {
        discovery_describe(&inspection->discoveries.list[inspection->discoveries.units[i]],
                           &inspection->trace, &inspection->labels, sentence);
        shown = glyph_shown(sentence, strlen(sentence));
        assert_memory_equal(line, shown, strlen(shown));
        line += strlen(shown);
        assert_int_equal(*line++, '\n');
        free(shown);
    }
    assert_memory_equal(line, "\nc 1:0  range", 13);
    free(text);
    example_release(&example);
}

/* Twelve labels, the first with three units, the others with one. */
static void the_ten_best_labels_are_printed(void **state)
{
    (void)state;
    enum { LABELS = 12, UNITS = LABELS + 2 };
    struct example example;
    size_t units[UNITS];
    struct label list[LABELS];
    struct discovery found[UNITS];
    int lines = 0;
    findings_init(&example);
    struct inspection *inspection = &example.inspection;
    for (size_t k = 0; k < UNITS; k++) {
        found[k] = inspection->discoveries.list[0];
        found[k].label = k < LABELS ? k : 0;
        units[k] = k;
    }
    for (size_t k = 0; k < LABELS; k++)
        list[k] = inspection->labels.list[0];
    inspection->labels = (struct labels){.list = list, .count = LABELS};
    inspection->discoveries.list = found;
    inspection->discoveries.units = units;
    inspection->discoveries.count = inspection->discoveries.num_units = UNITS;
    char *text = write_text(&example);
    for (char *line = text; *line != '\n'; line = strchr(line, '\n') + 1)
        lines++;
    assert_int_equal(lines, 11);
    assert_non_null(strstr(text, "), and 2 more units\n"));
    assert_ptr_equal(strstr(text, ", and 2"), strstr(text, ", and ")); /* in the first line alone */
    assert_non_null(strstr(text, "\nand 2 units with something else\n\n"));
    free(text);
    example_release(&example);
}

/* Its best discovery if it is not among the first ten, or that there is none. */
static void a_label_of_the_users_gets_a_sentence(void **state)
{
    (void)state;
    struct example example;
    findings_init(&example);
    struct discoveries *discoveries = &example.inspection.discoveries;
    struct labels *labels = &example.inspection.labels;
    discoveries->num_units = 0;
    for (size_t k = 0; k < labels->count; k++)
        labels->list[k].own = k == discoveries->list[0].label;
    char *text = write_text(&example), *best = caption_of_discovery(&example.inspection, 0);
    assert_non_null(strstr(text, best));
    free(best);
    free(text);
    discoveries->count = 0;
    text = write_text(&example);
    assert_non_null(strstr(text, "\nno unit was found to go with “"));
    assert_non_null(strstr(text, ": the text is too short\n"));
    free(text);
    example_release(&example);
}

static void failing_to_write_is_an_error(void **state)
{
    (void)state;
    struct example example;
    example_awkward(&example, 1);
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    assert_int_equal(terminal_write(&example.inspection, &example.options, full), -1);
    assert_non_null(strstr(error_message(), "cannot be written"));
    fclose(full);
    example_release(&example);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_text_is_printed),
        cmocka_unit_test(no_control_character_gets_through),
        cmocka_unit_test(there_is_a_block_for_each_chosen_signal),
        cmocka_unit_test(only_the_passage_is_drawn),
        cmocka_unit_test(sentences_come_first),
        cmocka_unit_test(the_ten_best_labels_are_printed),
        cmocka_unit_test(a_label_of_the_users_gets_a_sentence),
        cmocka_unit_test(failing_to_write_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
