#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../scratch.h"
#include "../text/random_text.h"
#include "error.h"
#include "file.h"
#include "labels.h"

static int add(struct labels *labels, const void *text, size_t length)
{
    const char *path = scratch_path("labels.csv");
    scratch_write(path, text, length);
    return labels_add_file(labels, path, labels->length);
}

static void check_values(const struct label *label, const char *name, enum label_kind kind,
                         const float values[3])
{
    assert_string_equal(label->name, name);
    assert_int_equal(label->kind, kind);
    assert_true(label->own);
    for (size_t t = 0; t < 3; t++)
        assert_true(label->values[t] == values[t]);
}

static void columns_are_labels(void **state)
{
    (void)state;
    static const char text[] =
        "\xEF\xBB\xBFposition,character,on,\"how, \"\"much\"\"\",\"deep\nown\"\r\n"
        "0,\"\n\",0,-1.5,1\r\n"
        "1,\",\",1, 2e3 ,\"2\"\n"
        "2,\"\"\"\",0,+.5,0x10";
    struct labels labels = {.length = 3};
    /* a name with a line end is none */
    assert_int_equal(add(&labels, text, strlen(text)), -1);
    assert_non_null(strstr(error_message(), "printable"));
    labels_release(&labels);

    char *flat = strdup(text);
    *strstr(flat, "deep\n") = 'D';
    strstr(flat, "Deep\n")[4] = ' ';
    labels.length = 3;
    assert_int_equal(add(&labels, flat, strlen(flat)), 0);
    free(flat);
    assert_int_equal(labels.count, 3);
    check_values(&labels.list[0], "on", LABEL_BINARY, (const float[3]){0, 1, 0});
    check_values(&labels.list[1], "how, \"much\"", LABEL_SCALAR,
                 (const float[3]){-1.5F, 2000, 0.5F});
    check_values(&labels.list[2], "Deep own", LABEL_SCALAR, (const float[3]){1, 2, 16});
    assert_string_equal(labels.list[0].place, "at “on”");
    assert_null(labels.list[2].place);
    assert_string_equal(labels.list[2].rising, "rises with “Deep own”");
    assert_string_equal(labels.list[2].falling, "falls as “Deep own” rises");

    assert_int_equal(add(&labels, "new\n1\n1\n1\n", 10), 0); /* more are added */
    assert_int_equal(labels.count, 4);
    labels_release(&labels);
}

static void check_error(const char *text, const char *first, const char *second)
{
    struct labels labels = {.length = 3};
    assert_int_equal(add(&labels, "old\n0\n1\n0\n", 10), 0);
    assert_int_equal(add(&labels, text, strlen(text)), -1);
    if (!strstr(error_message(), "labels.csv: ") || !strstr(error_message(), first) ||
        !strstr(error_message(), second))
        fail_msg("'%s' lacks '%s' or '%s'", error_message(), first, second);
    labels_release(&labels);
}

static void errors_name_the_line(void **state)
{
    (void)state;
    check_error("", "line 1", "name");
    check_error("a\n1\n2\n", "line 4", "2 characters, but the text has 3");
    check_error("a\n1\n2\n3\n4\n", "line 5", "3 characters");
    check_error("a\n1\n2\n3\n\n", "line 5", "3 characters");
    check_error("a,b\n1,1\n2\n3,3\n", "line 3", "fewer fields than the 2");
    check_error("a,b\n1,1\n2,2,2\n3,3\n", "line 3", "more fields");
    check_error("character,a\n\"\n\n\",1\nb,x\nc,3\n", "line 5", "a: 'x' is not a number");
    check_error("a\n1\n\n3\n", "line 3", "'' is not a number");
    check_error("a\n1\n1e\n3\n", "line 3", "'1e' is not a number");
    check_error("a\n1\n2 3\n3\n", "line 3", "not a number");
    check_error("a\n1\nnan\n3\n", "line 3", "not finite");
    check_error("a\n1\n1e39\n3\n", "line 3", "not finite");
    check_error("a,a\n1,1\n2,2\n3,3\n", "line 1", "'a' already");
    check_error("old\n1\n2\n3\n", "line 1", "'old' already");
    check_error("inside a word\n1\n2\n3\n", "line 1", "'inside a word' is a label that rune has");
    check_error("a,\n1,1\n2,2\n3,3\n", "line 1", "1 to 100 bytes");
    check_error("position,character\n1,a\n2,b\n3,c\n", "line 1", "names no label");
    check_error("a\n\"1\n2\n3\n", "line 2", "not closed");
    check_error("a\n\"1\"2\n2\n3\n", "line 2", "closing quote");
}

/* Labels may be of a text's first characters; the file is of all of them. */
static void what_is_behind_the_labels_is_only_checked(void **state)
{
    (void)state;
    static const char text[] = "a\n1\n0\n1\n7\n8\n";
    const char *path = scratch_path("labels.csv");
    struct labels labels = {.length = 3};
    scratch_write(path, text, strlen(text));
    assert_int_equal(labels_add_file(&labels, path, 5), 0);
    check_values(&labels.list[0], "a", LABEL_BINARY, (const float[3]){1, 0, 1});
    labels_release(&labels);
    labels.length = 3;
    for (size_t length = 4; length <= 6; length += 2) {
        assert_int_equal(labels_add_file(&labels, path, length), -1);
        assert_non_null(strstr(error_message(), length == 4 ? "more lines than the 4 characters"
                                                            : "but the text has 6"));
    }
    scratch_write(path, "a\n1\n0\n1\nx\n", 10);
    assert_int_equal(labels_add_file(&labels, path, 4), -1);
    assert_non_null(strstr(error_message(), "line 5: a: 'x'"));
    labels_release(&labels);
}

static void files_that_are_no_tables_are_refused(void **state)
{
    (void)state;
    struct labels labels = {.length = 3};
    char *text = malloc(100000);
    memset(text, 'a', 100000);
    assert_int_equal(add(&labels, text, 100000), -1);
    assert_non_null(strstr(error_message(), "64 kB"));
    for (size_t i = 0; i + 9 <= 100000; i += 9)
        memcpy(text + i, "position,", 9);
    assert_int_equal(add(&labels, text, 90000), -1);
    assert_non_null(strstr(error_message(), "1000 columns"));
    assert_int_equal(add(&labels, "a\0b\n1\n2\n3\n", 10), -1);
    assert_non_null(strstr(error_message(), "NUL"));
    assert_int_equal(labels_add_file(&labels, scratch_path("missing"), 3), -1);
    assert_non_null(strstr(error_message(), "missing"));
    labels_release(&labels);
    free(text);
}

/* Any bytes are labels or an error, and labels are finite. */
static void random_bytes_are_read_safely(void **state)
{
    (void)state;
    struct random random = {9, 0};
    size_t accepted = 0;
    for (int round = 0; round < 3000; round++) {
        static const char pieces[] = ",,,\n\n\n\"\"\r019.-e ab\0\xC3";
        char text[60];
        size_t length = random_below(&random, sizeof text);
        struct labels labels = {.length = random_below(&random, 4)};
        for (size_t i = 0; i < length; i++)
            text[i] = pieces[random_below(&random, sizeof pieces - 1)];
        if (round % 3 == 0 && length > 2)
            memcpy(text, "a\n", 2);
        if (add(&labels, text, length) == 0) {
            accepted++;
            for (size_t k = 0; k < labels.count; k++)
                for (size_t t = 0; t < labels.length; t++)
                    assert_true(isfinite(labels.list[k].values[t]));
        }
        labels_release(&labels);
    }
    assert_in_range(accepted, 10, 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_labels),
        cmocka_unit_test(errors_name_the_line),
        cmocka_unit_test(what_is_behind_the_labels_is_only_checked),
        cmocka_unit_test(files_that_are_no_tables_are_refused),
        cmocka_unit_test(random_bytes_are_read_safely),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
