#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "error.h"
#include "scratch.h"
#include "sources.h"

static void write_text(const char *path, const char *text)
{
    scratch_write(path, text, strlen(text));
}

/* Makes a folder of its own for a test, and goes there. */
static void go_to(const char *name)
{
    assert_int_equal(chdir(scratch_directory), 0);
    assert_int_equal(mkdir(name, 0777), 0);
    assert_int_equal(chdir(name), 0);
}

static void check(const struct sources_options *options, const char *const *expected,
                  const char *description)
{
    struct sources sources = {0};
    char text[600];
    size_t count = 0;
    if (sources_gather(&sources, options) != 0)
        fail_msg("%s", error_message());
    for (; expected[count]; count++) {
        assert_true(count < sources.count);
        assert_string_equal(sources.files[count], expected[count]);
    }
    assert_int_equal(sources.count, count);
    assert_string_equal(sources_describe(&sources, text, sizeof text), description);
    sources_release(&sources);
    sources_release(&sources); /* safe on zeroed ones */
}

static void check_refused(const struct sources_options *options, const char *message)
{
    struct sources sources = {0};
    error_set("none");
    assert_int_equal(sources_gather(&sources, options), -1);
    assert_string_equal(error_message(), message);
    assert_null(sources.files);
}

#define NAMES(...)                                                                                 \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }
#define OPTIONS(...)                                                                               \
    &(struct sources_options)                                                                      \
    {                                                                                              \
        .names = (const char *const[]){__VA_ARGS__},                                               \
        .num_names = sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *),                  \
        .run_file = "last.safetensors"                                                             \
    }

static void test_named_files(void **state)
{
    (void)state;
    go_to("named");
    write_text("a", "text");
    write_text(".hidden", "text");
    write_text("binary", "\x89PNG");
    write_text("empty", "");
    write_text("none", "");
    check(OPTIONS("a"), NAMES("a"), "");
    /* what is named is read, whatever it is and however often */
    check(OPTIONS("binary", "-", ".hidden", "a", "a"), NAMES("binary", "-", ".hidden", "a", "a"),
          "");
    check(OPTIONS("empty", "a"), NAMES("a"), "1 file is read; left out: 1 empty file (empty)");
    check(OPTIONS("none", "a", "empty", "a"), NAMES("a", "a"),
          "2 files are read; left out: 2 empty files (such as empty)");
    check_refused(OPTIONS("empty"), "empty: is empty");
    check_refused(OPTIONS("none", "empty"), "all 2 files are empty, such as empty");
    check_refused(OPTIONS("a", "missing"), "missing: No such file or directory");
}

/* In byte order of whole paths: '-' and '.' are before '/', '0' behind it. */
static void test_directories_are_sorted(void **state)
{
    (void)state;
    go_to("sorted");
    mkdir("d", 0777), mkdir("d/a", 0777), mkdir("d/a/b", 0777);
    write_text("d/a0", "x"), write_text("d/a/b/z", "x"), write_text("d/a-b", "x");
    write_text("d/a.txt", "x"), write_text("d/Z", "x"), write_text("d/a/c", "x");
    write_text("d/\xC3\xA9", "x");
    check(OPTIONS("d"), NAMES("d/Z", "d/a-b", "d/a.txt", "d/a/b/z", "d/a/c", "d/a0", "d/\xC3\xA9"),
          "7 files are read");
    check(OPTIONS("d/a/", "d/Z"), NAMES("d/a/b/z", "d/a/c", "d/Z"), "3 files are read");
}

static void test_what_directories_leave_out(void **state)
{
    (void)state;
    go_to("left");
    mkdir("d", 0777), mkdir("d/.git", 0777), mkdir("d/runs", 0777), mkdir("d/runs/x", 0777);
    write_text("d/.git/config", "x"), write_text("d/.env", "x"), write_text("d/empty", "");
    write_text("d/latin", "caf\xE9"), write_text("d/packed.gz", "\x1F\x8B\x08");
    scratch_write("d/late", "text\0text", 9);
    write_text("d/runs/x/last.safetensors", "x"), write_text("d/runs/x/log.csv", "x");
    write_text("d/good", "x");
    assert_int_equal(symlink("..", "d/up"), 0);
    assert_int_equal(mkfifo("d/pipe", 0666), 0);
    write_text("d/large", "x");
    assert_int_equal(truncate("d/large", SOURCES_MAX_BYTES + 1), 0);
    write_text("d/bad\xFF", "x");
    check(
        OPTIONS("d"), NAMES("d/good"),
        "1 file is read; left out: 1 empty file (d/empty), 2 hidden (such as d/.env), 2 binary "
        "files (such as d/late), 1 in another encoding (d/latin), 1 over 100 MB (d/large), 1 "
        "symbolic link (d/up), 1 pipe, socket or device (d/pipe), 1 with a name that is not UTF-8 "
        "(d/bad\xFF), 1 directory of a run (d/runs/x)");
    unlink("d/good"), unlink("d/large"), unlink("d/pipe");
    check_refused(OPTIONS("d/.git/../runs"),
                  "d/.git/../runs: has no text to read; left out: 1 directory of a run "
                  "(d/.git/../runs/x)");
    /* a link, a hidden directory and a run are read where they are named */
    assert_int_equal(symlink("d/.git", "link"), 0);
    check(OPTIONS("link", "d/.git", "d/runs/x"),
          NAMES("link/config", "d/.git/config", "d/runs/x/last.safetensors", "d/runs/x/log.csv"),
          "4 files are read");
}

/* What is text depends on the encoding, and with bytes as symbols only NULs are none. */
static void test_text_of_the_encoding(void **state)
{
    (void)state;
    go_to("encoded");
    mkdir("d", 0777);
    write_text("d/latin", "caf\xE9");
    write_text("d/utf8", "caf\xC3\xA9");
    scratch_write("d/wide", "\xFF\xFEx\0y\0", 6);
    struct sources_options options = *OPTIONS("d");
    check(&options, NAMES("d/utf8"),
          "1 file is read; left out: 2 in other encodings (such as d/latin)");
    options.treatment.encoding = "UTF-16";
    check(&options, NAMES("d/latin", "d/wide"),
          "2 files are read; left out: 1 in another encoding "
          "(d/utf8)");
    options.treatment = (struct text_treatment){.unit = VOCAB_BYTE};
    check(&options, NAMES("d/latin", "d/utf8"),
          "2 files are read; left out: 1 binary file (d/wide)");
}

static void test_lists(void **state)
{
    (void)state;
    go_to("lists");
    mkdir("d", 0777);
    write_text("a", "x"), write_text("b b", "x"), write_text("d/c\nd", "x"), write_text("-", "x");
    write_text("empty", "");
    write_text("lines", "b b\n\na\r\n-\nd\nempty\na");
    scratch_write("nuls", "d/c\nd\0a\0", 8);
    struct sources_options options = {.list = "lines"};
    check(&options, NAMES("b b", "a", "./-", "a"),
          "4 files are read; left out: 1 empty file (empty), 1 directory of the list (d)");
    options.names = NAMES("b b");
    options.num_names = 1;
    options.list = "nuls";
    check(&options, NAMES("b b", "d/c\nd", "a"), "3 files are read");
    write_text("wrong", "a\nmissing\n");
    options.list = "wrong";
    check_refused(&options, "missing: No such file or directory; it is named in wrong");
    options.list = "missing";
    check_refused(&options, "missing: No such file or directory");
    options = (struct sources_options){.list = "empty"};
    check_refused(&options, "empty: has no text to read");
    options = (struct sources_options){.names = NAMES("-"), .num_names = 1, .list = "-"};
    check_refused(&options, "standard input cannot be both a text and the list of --files-from");
}

/* Deeper than there are file descriptors. */
static void test_deep_directories(void **state)
{
    (void)state;
    char path[3000] = "d";
    go_to("deep");
    mkdir(path, 0777);
    for (int k = 0; k < 1100; k++) {
        strcat(path, "/d");
        assert_int_equal(mkdir(path, 0777), 0);
    }
    strcat(path, "/text");
    write_text(path, "x");
    check(OPTIONS("d"), NAMES(path), "1 file is read");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_named_files),
        cmocka_unit_test(test_directories_are_sorted),
        cmocka_unit_test(test_what_directories_leave_out),
        cmocka_unit_test(test_text_of_the_encoding),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_deep_directories),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
