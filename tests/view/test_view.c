#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "error.h"
#include "example.h"
#include "writers.h"

static void every_format_is_found(void **state)
{
    (void)state;
    static const char *const formats[] = {"page", "npy", "csv", "png", "svg", "pdf"};
    for (size_t i = 0; i < 6; i++) {
        const struct view *view = view_find(formats[i]);
        assert_non_null(view);
        assert_string_equal(view->format, formats[i]);
        assert_ptr_equal(view, views[i]);
    }
    assert_null(views[6]);
}

static void an_unknown_format_is_named(void **state)
{
    (void)state;
    assert_null(view_find("gif"));
    assert_string_equal(error_message(),
                        "there is no format 'gif'; the formats are page, npy, csv, png, svg, pdf");
}

static void an_empty_trace_can_be_written(void **state)
{
    (void)state;
    static const char *const symbols[] = {"a", "b"};
    struct example example;
    example_init(&example, VOCAB_CODEPOINT, symbols, 2, 0);
    for (size_t i = 0; views[i]; i++)
        assert_int_equal(views[i]->write(&example.inspection, &example.options, example.directory),
                         0);
    example_release(&example);
}

struct told {
    const char *directory;
    int files;
};

static void count_file(void *context, const char *path)
{
    struct told *told = context;
    assert_memory_equal(path, told->directory, strlen(told->directory));
    assert_int_equal(access(path, F_OK), 0);
    told->files++;
}

static void files_are_reported_when_complete(void **state)
{
    (void)state;
    static const char *const symbols[] = {"a", "b"};
    struct example example;
    example_init(&example, VOCAB_CODEPOINT, symbols, 2, 5);
    struct told told = {example.directory, 0};
    example.options.wrote = count_file;
    example.options.context = &told;
    for (size_t i = 0; views[i]; i++)
        assert_int_equal(views[i]->write(&example.inspection, &example.options, example.directory),
                         0);
    assert_int_equal(told.files, 7); /* npy has two */
    assert_int_equal(csv_view.write(&example.inspection, &example.options, "/nonexistent"), -1);
    assert_int_equal(told.files, 7);
    example_release(&example);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_is_found),
        cmocka_unit_test(an_unknown_format_is_named),
        cmocka_unit_test(an_empty_trace_can_be_written),
        cmocka_unit_test(files_are_reported_when_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
