#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "encode.h"
#include "error.h"
#include "made_vocab.h"
#include "random_text.h"
#include "scratch.h"

static void check_encoding(const struct vocab *vocab, const char *text,
                           enum encode_unknown on_unknown, const char *expected, size_t missing)
{
    int32_t *ids = NULL;
    size_t count = 0, unknown = 0, length = 0;
    char decoded[64] = "";
    assert_int_equal(encode_text(vocab, "a text", (const uint8_t *)text, strlen(text),
                                 &(struct encode_options){on_unknown, NULL, NULL}, &ids, &count,
                                 &unknown),
                     0);
    for (size_t i = 0; i < count; i++) {
        const struct vocab_symbol *symbol = &vocab->symbols[ids[i]];
        memcpy(decoded + length, symbol->bytes, symbol->length);
        length += symbol->length;
    }
    decoded[length] = '\0';
    assert_string_equal(decoded, expected);
    assert_int_equal(unknown, missing);
    free(ids);
}

static void test_on_unknown(void **state)
{
    (void)state;
    struct vocab vocab;
    int32_t *ids;
    size_t count;
    make_vocab(&vocab, VOCAB_CODEPOINT, UTF8_NONE, "abE ?", 5, 1);
    check_encoding(&vocab, "ab", ENCODE_ERROR, "ab", 0);
    check_encoding(&vocab, "xaéy", ENCODE_SKIP, "a", 3);
    check_encoding(&vocab, "AeéÉàx\xF0\x9F\x91\xA8", ENCODE_REPLACE, "aEEEa??", 7);
    assert_int_equal(encode_text(&vocab, "the prompt", (const uint8_t *)"b?a\xC3\xA9z", 6,
                                 &(struct encode_options){ENCODE_ERROR, "--on-unknown skip", NULL},
                                 &ids, &count, NULL),
                     -1);
    assert_non_null(strstr(error_message(), "the prompt: 'é' at offset 3"));
    assert_non_null(strstr(error_message(), "--on-unknown skip"));
    vocab_release(&vocab);
    make_vocab(&vocab, VOCAB_CODEPOINT, UTF8_NONE, "ab ", 3, 1);
    check_encoding(&vocab, "Axb", ENCODE_REPLACE, "a b", 2);
    vocab_release(&vocab);
    make_vocab(&vocab, VOCAB_CODEPOINT, UTF8_NONE, "ab", 2, 1);
    check_encoding(&vocab, "Axb", ENCODE_REPLACE, "ab", 2);
    vocab_release(&vocab);
    make_vocab(&vocab, VOCAB_CODEPOINT, UTF8_NONE, "aabbc", 5,
               2); /* encoded as the unknown symbol */
    check_encoding(&vocab, "aAc", ENCODE_REPLACE, "a\xEF\xBF\xBD\xEF\xBF\xBD", 2);
    check_encoding(&vocab, "aAc", ENCODE_SKIP, "a\xEF\xBF\xBD\xEF\xBF\xBD", 2);
    vocab_release(&vocab);
    make_vocab(&vocab, VOCAB_GRAPHEME, UTF8_NONE, "e?", 2, 1);
    check_encoding(&vocab, "e\xCC\x81\r\n", ENCODE_REPLACE, "e?", 2);
    vocab_release(&vocab);
    make_vocab(&vocab, VOCAB_BYTE, UTF8_NONE, "e?", 2, 1);
    check_encoding(&vocab, "E\xC3\xA9", ENCODE_REPLACE, "e??", 3);
    vocab_release(&vocab);
}

/* An offset beyond the first run includes the bytes of earlier runs. */
static void test_offset_of_unknown_symbol(void **state)
{
    (void)state;
    static uint8_t text[2 * 10000 + 1];
    struct vocab vocab;
    int32_t *ids;
    size_t count, length = 0;
    for (int i = 0; i < 10000; i++)
        length += (size_t)utf8_encode(i % 2 ? 0x431 : 0x432, text + length);
    make_vocab(&vocab, VOCAB_CODEPOINT, UTF8_NONE, text, length, 1);
    text[length++] = 'x';
    assert_int_equal(encode_text(&vocab, "a text", text, length, &(struct encode_options){0}, &ids,
                                 &count, NULL),
                     -1);
    assert_non_null(strstr(error_message(), "'x' at offset 20000 "));
    assert_int_equal(encode_text(&vocab, "the prompt", (const uint8_t *)"\xD0\xB1\xFF", 3,
                                 &(struct encode_options){0}, &ids, &count, NULL),
                     -1);
    assert_string_equal(error_message(), /* no advice: the model determines the unit */
                        "the prompt: byte 0xFF at offset 2 is not UTF-8");
    vocab_release(&vocab);
}

/* Of several blocks, each of which may end within a symbol. */
static void test_file_is_encoded_as_its_text_is(void **state)
{
    (void)state;
    enum { POINTS = 1500000 };
    struct random random = {7, 0};
    uint8_t *text = malloc(4 * (size_t)POINTS);
    const size_t length = random_text(&random, POINTS, text);
    const char *const path = scratch_path("text");
    scratch_write(path, text, length);
    for (int unit = VOCAB_CODEPOINT; unit <= VOCAB_BYTE; unit++) {
        struct vocab vocab;
        int32_t *expected;
        size_t wanted, missing;
        assert_int_equal(make_vocab(&vocab, (enum vocab_unit)unit, UTF8_NONE, text, length, 2), 0);
        assert_int_equal(encode_text(&vocab, "a text", text, length, &(struct encode_options){0},
                                     &expected, &wanted, &missing),
                         0);
        for (int in_file = 0; in_file < 2; in_file++) {
            struct temp_mapping ids;
            size_t count, unknown;
            assert_int_equal(temp_mapping_init(&ids, 0, in_file ? 100000 : SIZE_MAX, path), 0);
            assert_int_equal(
                encode_file(&vocab, path, &(struct encode_options){0}, &ids, &count, &unknown), 0);
            assert_int_equal(unknown, missing);
            assert_int_equal(ids.in_file, in_file);
            assert_int_equal(count, wanted);
            assert_memory_equal(ids.bytes, expected, count * sizeof *expected);
            temp_mapping_release(&ids);
        }
        free(expected);
        vocab_release(&vocab);
    }
    free(text);
}

static void test_files_that_cannot_be_encoded(void **state)
{
    (void)state;
    struct vocab vocab;
    struct temp_mapping ids = {0};
    size_t count;
    make_vocab(&vocab, VOCAB_CODEPOINT, UTF8_NONE, "ab", 2, 1);
    assert_int_equal(
        encode_file(&vocab, "/nowhere/at/all", &(struct encode_options){0}, &ids, &count, NULL),
        -1);
    assert_non_null(strstr(error_message(), "/nowhere/at/all: "));
    scratch_write(scratch_path("text"), "abc", 3);
    assert_int_equal(
        encode_file(&vocab, scratch_path("text"), &(struct encode_options){0}, &ids, &count, NULL),
        -1);
    assert_non_null(strstr(error_message(), "'c' at offset 2 "));
    scratch_write(scratch_path("text"), "", 0);
    assert_int_equal(
        encode_file(&vocab, scratch_path("text"), &(struct encode_options){0}, &ids, &count, NULL),
        0);
    assert_int_equal(count, 0);
    temp_mapping_release(&ids);
    vocab_release(&vocab);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(encode_unknown_names[ENCODE_REPLACE], "replace");
    assert_null(encode_unknown_names[3]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_on_unknown),
        cmocka_unit_test(test_offset_of_unknown_symbol),
        cmocka_unit_test(test_file_is_encoded_as_its_text_is),
        cmocka_unit_test(test_files_that_cannot_be_encoded),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
