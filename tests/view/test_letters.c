/* test_letters PDFTOTEXT: whether pdftotext finds the text of figures in PDF.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "findings.h"
#include "writers.h"

static const char *program;

/* The text of directory/name.pdf, with a form feed after each page; to free(). */
static char *read_letters(const struct example *example, const char *name)
{
    char command[512];
    size_t length;
    snprintf(command, sizeof command, "%s -layout %s/%s.pdf %s/text", program, example->directory,
             name, example->directory);
    assert_int_equal(system(command), 0);
    return example_read(example, "text", &length);
}

static void letters_of_a_pdf_are_text(void **state)
{
    (void)state;
    static const char *const expected[][5] = {
        {"activations", "genesis.txt, read by runs/bible", "c 1:0",
         "counts down to the end of the line", "And God called the light Day,"},
        {"gates", "layer 1", "share of time under 0.1", "over 0.9", "read by runs/bible"},
        {"reach", "64 predictions", "input", "characters back", "10⁻¹"},
        {"neuron_1_0", "values over the text", "time constant", "inside quotes", "at the deciles"},
        {"neuron_0_1", "is on inside quotes", "mean after each", "highest", "c 0:0"},
    };
    struct example example;
    findings_init(&example);
    assert_int_equal(pdf_view.write(&example.inspection, &example.options, example.directory), 0);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        char *text = read_letters(&example, expected[i][0]);
        for (int k = 1; k < 5; k++)
            if (!strstr(text, expected[i][k]))
                fail_msg("%s.pdf has no \"%s\":\n%s", expected[i][0], expected[i][k], text);
        free(text);
    }
    example_release(&example);
}

/* The first passage is longer than a page. */
static void every_page_says_which_signal(void **state)
{
    (void)state;
    struct example example;
    int pages = 0;
    findings_init(&example);
    example.options.columns = 20;
    example.options.num_chosen = 1;
    assert_int_equal(pdf_view.write(&example.inspection, &example.options, example.directory), 0);
    char *text = read_letters(&example, "activations"), *page = text, *end;
    for (; (end = strchr(page, '\f')); page = end + 1, pages++) {
        *end = '\0';
        assert_non_null(strstr(page, "c 1:0"));
        assert_non_null(strstr(page, "counts down to the end of the line"));
    }
    assert_true(pages > 1);
    free(text);
    example_release(&example);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_of_a_pdf_are_text),
        cmocka_unit_test(every_page_says_which_signal),
    };
    if (argc < 2) { /* in TAP; cmocka's own would count as failed */
        puts("1..0 # SKIP pdftotext is not there");
        return 0;
    }
    program = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
