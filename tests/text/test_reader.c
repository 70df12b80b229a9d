#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "error.h"
#include "mem.h"
#include "reader.h"
#include "scratch.h"

struct text {
    uint8_t *bytes;
    size_t length, capacity;
    uint64_t raw; /* bytes of the blocks */
};

static int append(void *context, const struct segmenter_run *run)
{
    struct text *text = context;
    for (size_t i = 0; i < run->count; i++) {
        uint8_t room[4];
        const struct vocab_symbol symbol = segmenter_symbol(run, i, room);
        assert_int_equal(mem_grow(&text->bytes, &text->capacity, text->length + symbol.length, 1),
                         0);
        memcpy(text->bytes + text->length, symbol.bytes, symbol.length);
        text->length += symbol.length;
    }
    return 0;
}

static int count_block(void *context, const uint8_t *block, size_t length)
{
    (void)block;
    struct text *text = context;
    text->raw += length;
    return 0;
}

static int read_as(const struct text_treatment *treatment, const char *path, const char *name,
                   struct text *text, struct text_notes *notes)
{
    struct reader *reader = reader_new(treatment, "; do something");
    *text = (struct text){0};
    assert_non_null(reader);
    const int result = reader_read(reader, path, name, append, count_block, text, notes);
    reader_free(reader);
    return result;
}

/* Overwrites the start of an array with a text, without its NUL. */
static void put(uint8_t *at, const char *text)
{
    while (*text)
        *at++ = (uint8_t)*text++;
}

/* What is in pieces of a block: CR LF, a character and a surrogate pair lie across its end. */
static void test_treatment_across_blocks(void **state)
{
    (void)state;
    const size_t block = 1 << 20;
    const char *const path = scratch_path("text");
    uint8_t *utf8 = malloc(block + 10), *utf16 = malloc(2 * block + 20);
    struct text text;
    struct text_notes notes;
    memset(utf8, 'a', block + 10);
    put(utf8, "\xEF\xBB\xBF");
    put(utf8 + block - 1, "\r\n\xD0\xB1z");
    scratch_write(path, utf8, block + 4);
    const struct text_treatment clean = {.newlines = VOCAB_LF, .strip_bom = true};
    assert_int_equal(read_as(&clean, path, path, &text, &notes), 0);
    assert_int_equal(text.raw, block + 4);
    assert_int_equal(text.length, block);
    assert_memory_equal(text.bytes + block - 4, "\n\xD0\xB1z", 4);
    assert_int_equal(notes.bytes, block + 4);
    assert_true(notes.byte_order_mark);
    free(text.bytes);

    for (size_t i = 0; i < block + 10; i++)
        memcpy(utf16 + 2 * i, "a", 2);
    put(utf16, "\xFF\xFE");
    put(utf16 + block - 2, "\x3D\xD8");
    utf16[block] = 0;
    utf16[block + 1] = 0xDE; /* U+1F600 */
    scratch_write(path, utf16, block + 10);
    const struct text_treatment wide = {.encoding = "UTF-16"};
    assert_int_equal(read_as(&wide, path, path, &text, &notes), 0);
    assert_int_equal(text.raw, block + 10);
    assert_int_equal(text.length, block / 2 - 2 + 4 + 4);
    assert_memory_equal(text.bytes + block / 2 - 3,
                        "a\xF0\x9F\x98\x80"
                        "aaaa",
                        9);
    assert_int_equal(notes.bytes, text.length);
    assert_int_equal(notes.nul_bytes, 0);
    free(text.bytes);
    free(utf8);
    free(utf16);
}

/* The same bytes in a file, and as stdin. */
static void check_guess(const void *bytes, size_t length, const char *from_file,
                        const char *from_stdin)
{
    struct text text;
    struct text_notes notes;
    char expected[600];
    const struct text_treatment treatment = {0};
    assert_int_equal(chdir(scratch_directory), 0);
    scratch_write("a book.txt", bytes, length);
    for (int piped = 0; piped < 2; piped++) {
        error_set("none");
        const char *name = piped ? "standard input" : "a book.txt";
        assert_int_equal(read_as(&treatment, "a book.txt", name, &text, &notes), -1);
        snprintf(expected, sizeof expected, "%s", piped ? from_stdin : from_file);
        assert_true(strncmp(error_message(), name, strlen(name)) == 0);
        if (!strstr(error_message(), expected))
            fail_msg("'%s' is not in: %s", expected, error_message());
        free(text.bytes);
    }
}

#define CHECK_GUESS(bytes, from_file, from_stdin)                                                  \
    check_guess(bytes, sizeof(bytes) - 1, from_file, from_stdin)

static void test_what_a_file_seems_to_be(void **state)
{
    (void)state;
    CHECK_GUESS(
        "caf\xE9 au lait",
        "byte 0xE9 at offset 3 is not UTF-8; it seems to be text in an 8-bit encoding, such "
        "as Windows-1252 (Western Europe): read it with --encoding WINDOWS-1252, or convert "
        "it with iconv -f WINDOWS-1252 -t UTF-8 'a book.txt' > 'a book-utf8.txt'; do "
        "something",
        "or pipe it through iconv -f WINDOWS-1252 -t UTF-8; do something");
    CHECK_GUESS("caf\x82 t\x82l\x82phone", "--encoding CP850", "--encoding CP850");
    CHECK_GUESS("\xF7\xCF\xCA\xCE\xC1 \xC9 \xCD\xC9\xD2", "--encoding NAME, or convert", "KOI8-R");
    CHECK_GUESS("\xFF\xFEh\0i\0", "iconv -f UTF-16 -t UTF-8 'a book.txt'", "--encoding UTF-16");
    CHECK_GUESS("\xFF\xFE\0\0h\0\0\0", "--encoding UTF-32", "--encoding UTF-32");
    CHECK_GUESS("\xE9\0t\0\xE9\0 \0d\0", "--encoding UTF-16LE", "--encoding UTF-16LE");
    CHECK_GUESS("\0\xE9\0t\0\xE9\0 \0d", "--encoding UTF-16BE", "--encoding UTF-16BE");
    CHECK_GUESS("\xD0\x92\xD0\xBE\xD0\xB9\xFF\xD0\xBD\xD0\xB0",
                "mend it with iconv -c -f UTF-8 -t UTF-8 'a book.txt' > 'a book-utf8.txt'",
                "pipe it through iconv -c -f UTF-8 -t UTF-8");
    CHECK_GUESS("\x1F\x8B\x08\0", "gzip data: get its text with zcat 'a book.txt' > 'a book.txt'",
                "gzip data: pipe it through zcat");
    CHECK_GUESS("\xFD"
                "7zXZ\0\xFF",
                "xzcat", "xzcat");
    CHECK_GUESS("BZh9\xFF", "bzcat", "bzcat");
    CHECK_GUESS("\x28\xB5\x2F\xFD", "zstdcat", "zstdcat");
    CHECK_GUESS("PK\3\4\xFF", "unzip -p 'a book.txt' > ", "a zip archive, not a text");
    CHECK_GUESS("%PDF-1.4\xFF", "pdftotext 'a book.txt' - > ", "pipe it through pdftotext - -");
    CHECK_GUESS("\x89PNG\r\n", "a picture, not a text", "a picture, not a text");
    CHECK_GUESS("\x01\x02\x03\xFF\x04\x05\0\x06\x07\x0E", "binary data, not a text", "binary data");
}

static void test_quoting_of_names(void **state)
{
    (void)state;
    static const struct {
        const char *name, *quoted;
    } cases[] = {{"book.old.txt", " book.old.txt > book.old-utf8.txt"},
                 {"it's", " 'it'\\''s' > 'it'\\''s-utf8'"},
                 {"-x.txt", " ./'-x.txt' > ./'-x-utf8.txt'"},
                 {".txt", " .txt > .txt-utf8"},
                 {"книга.txt", " книга.txt > книга-utf8.txt"}};
    struct text text;
    struct text_notes notes;
    const struct text_treatment treatment = {0};
    assert_int_equal(chdir(scratch_directory), 0);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        scratch_write(cases[k].name, "caf\xE9", 4);
        assert_int_equal(read_as(&treatment, cases[k].name, cases[k].name, &text, &notes), -1);
        if (!strstr(error_message(), cases[k].quoted))
            fail_msg("'%s' is not in: %s", cases[k].quoted, error_message());
        free(text.bytes);
    }
}

/* One reader reads any number of files, also after those that it refuses. */
static void test_several_files(void **state)
{
    (void)state;
    const struct text_treatment treatment = {.newlines = VOCAB_LF, .strip_bom = true};
    struct reader *reader = reader_new(&treatment, NULL);
    const char *const path = scratch_path("text");
    struct text_notes notes;
    static const struct {
        const char *text, *expected;
        bool binary;
    } cases[] = {{"\xEF\xBB\xBF"
                  "a\r",
                  "a\n", false},
                 {"\nb", "\nb", false},
                 {"c\xE9", NULL, false},
                 {"\xEF\xBB\xBF", "", false},
                 {"\x89PNG", NULL, true},
                 {"\xD0\xB1", "\xD0\xB1", false}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct text text = {0};
        scratch_write(path, cases[k].text, strlen(cases[k].text));
        const int result = reader_read(reader, path, path, append, NULL, &text, &notes);
        assert_int_equal(result, cases[k].expected ? 0 : -1);
        assert_int_equal(reader_found_no_text(reader), !cases[k].expected);
        assert_int_equal(reader_found_binary(reader), cases[k].binary);
        if (cases[k].expected) {
            assert_int_equal(text.length, strlen(cases[k].expected));
            assert_true(text.length == 0 ||
                        memcmp(text.bytes, cases[k].expected, text.length) == 0);
        }
        free(text.bytes);
    }
    assert_int_equal(
        reader_read(reader, scratch_path("no file"), "no file", append, NULL, NULL, &notes), -1);
    assert_false(reader_found_no_text(reader));
    reader_free(reader);
}

static void test_names_of_utf8(void **state)
{
    (void)state;
    assert_true(reader_is_utf8(NULL) && reader_is_utf8("utf-8") && reader_is_utf8("UTF8"));
    assert_false(reader_is_utf8("UTF-16") || reader_is_utf8(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_treatment_across_blocks),
        cmocka_unit_test(test_what_a_file_seems_to_be),
        cmocka_unit_test(test_quoting_of_names),
        cmocka_unit_test(test_several_files),
        cmocka_unit_test(test_names_of_utf8),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
