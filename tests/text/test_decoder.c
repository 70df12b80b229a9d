#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <iconv.h>

#include "decoder.h"
#include "error.h"
#include "mem.h"
#include "random_text.h"

struct text {
    uint8_t *bytes;
    size_t length, capacity;
};

static int append(void *context, const uint8_t *bytes, size_t length)
{
    struct text *text = context;
    assert_int_equal(mem_grow(&text->bytes, &text->capacity, text->length + length, 1), 0);
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    return 0;
}

/* Decodes a text in pieces of copies that end at the two places, so that sanitizers notice a read
 * beyond them. */
static int decode(struct text *out, const char *encoding, const uint8_t *in, size_t length,
                  size_t first, size_t second)
{
    const size_t ends[] = {first, second, length};
    struct decoder *decoder = decoder_new(encoding, "a text");
    int result = 0;
    *out = (struct text){0};
    assert_non_null(decoder);
    for (size_t i = 0, at = 0; i < 3 && result == 0; at = ends[i++]) {
        uint8_t *piece = (uint8_t *)mem_copy(in + at, ends[i] - at);
        result = decoder_feed(decoder, piece, ends[i] - at, i == 2, append, out);
        free(piece);
    }
    assert_int_equal(decoder_refused(decoder), result != 0);
    decoder_free(decoder);
    return result;
}

/* A text in an encoding. */
static size_t encode(const char *encoding, const char *text, size_t length, uint8_t *out,
                     size_t room)
{
    char *in = (char *)text, *to = (char *)out;
    iconv_t to_encoding = iconv_open(encoding, "UTF-8");
    size_t left = room;
    assert_true((intptr_t)to_encoding != -1);
    assert_true(iconv(to_encoding, &in, &length, &to, &left) != (size_t)-1);
    assert_true(iconv(to_encoding, NULL, NULL, &to, &left) != (size_t)-1);
    iconv_close(to_encoding);
    return room - left;
}

/* Of one byte, two, four, with and without a mark, with escapes, with surrogates. */
static void test_every_place_to_cut(void **state)
{
    (void)state;
    static const struct {
        const char *encoding, *text;
    } cases[] = {
        {"WINDOWS-1252", "café – “naïve”\r\n"},
        {"ISO-8859-1", "café\n"},
        {"KOI8-R", "Война и мир\r\n"},
        {"UTF-16", "Война 戦争 😀 and é\r\n"},
        {"UTF-16LE", "Война 戦争 😀 and é\r\n"},
        {"UTF-16BE", "Война 戦争 😀 and é\r\n"},
        {"UTF-32", "Война 戦争 😀\n"},
        {"SHIFT_JIS", "戦争と平和、かな\n"},
        {"GB18030", "战争与和平 😀 é\n"},
        {"ISO-2022-JP", "abc 戦争 def かな\n"},
        {"UTF-7", "Война + 戦争\n"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        uint8_t in[256];
        const char *expected = cases[k].text;
        const size_t length = encode(cases[k].encoding, expected, strlen(expected), in, sizeof in);
        assert_int_equal(decoder_check(cases[k].encoding), 0);
        for (size_t second = 0; second <= length; second++)
            for (size_t first = 0; first <= second; first++) {
                struct text out;
                if (decode(&out, cases[k].encoding, in, length, first, second) != 0)
                    fail_msg("%s", error_message());
                assert_int_equal(out.length, strlen(expected));
                assert_memory_equal(out.bytes, expected, out.length);
                free(out.bytes);
            }
    }
}

/* Longer than what is decoded at once. */
static void test_long_text(void **state)
{
    (void)state;
    struct random random = {5, 0};
    uint8_t *text = malloc(4 * 100000), *in = malloc(5 * 100000);
    const size_t length = random_text(&random, 100000, text);
    const size_t size = encode("UTF-16", (char *)text, length, in, 5 * 100000);
    struct text out;
    assert_int_equal(decode(&out, "UTF-16", in, size, 3, size - 7), 0);
    assert_int_equal(out.length, length);
    assert_memory_equal(out.bytes, text, length);
    free(out.bytes);
    free(text);
    free(in);
}

static void check_refused(const char *encoding, const void *in, size_t length, const char *message)
{
    for (size_t end = 0; end <= length; end++) {
        struct text out;
        assert_int_equal(decode(&out, encoding, in, length, end / 2, end), -1);
        assert_string_equal(error_message(), message);
        free(out.bytes);
    }
}

static void test_bytes_of_another_encoding(void **state)
{
    (void)state;
    check_refused("WINDOWS-1252", "ab\x81z", 4,
                  "a text: byte 0x81 at offset 2 is not WINDOWS-1252: the file has another "
                  "encoding, or is damaged there");
    check_refused("UTF-16LE",
                  "a\0\0\xDC"
                  "b\0",
                  6,
                  "a text: byte 0x00 at offset 2 is not UTF-16LE: the file has another encoding, "
                  "or is damaged there");
    check_refused("UTF-16LE", "a\0b", 3,
                  "a text: the last character, from byte 0x62 at offset 2 on, is not whole "
                  "UTF-16LE: the text ends within it");
}

static void test_unknown_encodings(void **state)
{
    (void)state;
    static const char *const names[] = {"NOWHERE-1", "", "UTF-16//IGNORE", "ASCII//TRANSLIT"};
    for (size_t k = 0; k < 4; k++) {
        error_set("none");
        assert_int_equal(decoder_check(names[k]), -1);
        assert_non_null(strstr(error_message(), "iconv -l"));
        assert_non_null(strstr(error_message(), names[k]));
        assert_null(decoder_new(names[k], "a text"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_place_to_cut),
        cmocka_unit_test(test_long_text),
        cmocka_unit_test(test_bytes_of_another_encoding),
        cmocka_unit_test(test_unknown_encodings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
