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

#define SYMBOL(text) ((struct vocab_symbol){(const uint8_t *)(text), sizeof(text) - 1})
#define COUNT(array) (sizeof(array) / sizeof *(array))

static void check_symbol(const struct vocab *vocab, int id, const char *expected)
{
    assert_in_range(id, 0, vocab->size - 1);
    assert_int_equal(vocab->symbols[id].length, strlen(expected));
    assert_memory_equal(vocab->symbols[id].bytes, expected, strlen(expected));
}

static void test_symbols_are_in_byte_order(void **state)
{
    (void)state;
    struct vocab vocab;
    const char text[] = "cbé\xF0\x9F\x91\xA8"
                        "ca\nbe\xCC\x81"
                        "e";
    assert_int_equal(make_vocab(&vocab, VOCAB_CODEPOINT, UTF8_NONE, text, sizeof text - 1, 1), 0);
    assert_int_equal(vocab.size, 8);
    assert_int_equal(vocab.unknown, VOCAB_NONE);
    const char *const points[] = {"\n", "a", "b", "c", "e", "é", "\xCC\x81", "\xF0\x9F\x91\xA8"};
    for (int id = 0; id < 8; id++)
        check_symbol(&vocab, id, points[id]);
    vocab_release(&vocab);
    assert_int_equal(make_vocab(&vocab, VOCAB_GRAPHEME, UTF8_NONE, text, sizeof text - 1, 1), 0);
    const char *const clusters[] = {"\n", "a", "b", "c", "e", "e\xCC\x81", "é", "\xF0\x9F\x91\xA8"};
    assert_int_equal(vocab.size, 8);
    for (int id = 0; id < 8; id++)
        check_symbol(&vocab, id, clusters[id]);
    vocab_release(&vocab);
    assert_int_equal(make_vocab(&vocab, VOCAB_GRAPHEME, UTF8_NFC, text, sizeof text - 1, 1), 0);
    assert_int_equal(vocab.size, 7);
    vocab_release(&vocab);
    assert_int_equal(make_vocab(&vocab, VOCAB_BYTE, UTF8_NONE, "b\xFF\x00\x80", 4, 1), 0);
    assert_int_equal(vocab.size, 4);
    assert_int_equal(vocab_find(&vocab, (const uint8_t *)"\xFF", 1), 3);
    vocab_release(&vocab);
}

/* Lookup of each symbol gives its id, symbols are distinct, and their order is that of bytes. */
static void check_vocab(const struct vocab *vocab)
{
    for (int id = 0; id < vocab->size; id++) {
        const struct vocab_symbol *symbol = &vocab->symbols[id];
        if (id == vocab->unknown)
            continue;
        assert_int_equal(vocab_find(vocab, symbol->bytes, symbol->length), id);
        if (id == 0)
            continue;
        const struct vocab_symbol *before = symbol - 1;
        size_t shorter = before->length < symbol->length ? before->length : symbol->length;
        int order = memcmp(before->bytes, symbol->bytes, shorter);
        assert_true(order < 0 || (order == 0 && before->length < symbol->length));
    }
}

/* decode(encode(text)) == text, byte for byte. */
static void test_round_trip(void **state)
{
    (void)state;
    struct random random = {4, 0};
    static uint8_t text[4 * 3000];
    for (int round = 0; round < 40; round++)
        for (int unit = VOCAB_CODEPOINT; unit <= VOCAB_BYTE; unit++) {
            struct vocab vocab;
            int32_t *ids;
            size_t count, unknown, at = 0;
            size_t length = random_text(&random, 10 + random_below(&random, 2990), text);
            if (unit == VOCAB_BYTE)
                for (size_t i = 0; i < length; i += 7)
                    text[i] = (uint8_t)random_below(&random, 256);
            assert_int_equal(make_vocab(&vocab, (enum vocab_unit)unit, UTF8_NONE, text, length, 1),
                             0);
            check_vocab(&vocab);
            assert_int_equal(encode_text(&vocab, "a text", text, length,
                                         &(struct encode_options){0}, &ids, &count, &unknown),
                             0);
            assert_int_equal(unknown, 0);
            for (size_t i = 0; i < count; i++) {
                assert_in_range(ids[i], 0, vocab.size - 1);
                const struct vocab_symbol *symbol = &vocab.symbols[ids[i]];
                assert_true(symbol->length <= length - at);
                assert_memory_equal(symbol->bytes, text + at, symbol->length);
                at += symbol->length;
            }
            assert_int_equal(at, length);
            free(ids);
            vocab_release(&vocab);
        }
}

static int64_t naive_count(const uint8_t *text, size_t length, uint8_t byte)
{
    int64_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += text[i] == byte;
    return count;
}

/* With min_count, rarer symbols become the unknown symbol. */
static void test_min_count(void **state)
{
    (void)state;
    struct random random = {5, 0};
    uint8_t text[400];
    for (int round = 0; round < 300; round++) {
        struct vocab vocab;
        int64_t min_count = 2 + random_below(&random, 4);
        for (size_t i = 0; i < sizeof text; i++)
            text[i] = (uint8_t)(random_below(&random, 2) ? 'a' : random_below(&random, 128));
        assert_int_equal(make_vocab(&vocab, round % 2 ? VOCAB_GRAPHEME : VOCAB_BYTE, UTF8_NONE,
                                    text, sizeof text, (uint64_t)min_count),
                         0);
        check_vocab(&vocab);
        assert_int_equal(vocab.unknown, vocab.size - 1);
        check_symbol(&vocab, vocab.unknown, "\xEF\xBF\xBD");
        size_t missing = 0;
        if (vocab.treatment.unit == VOCAB_BYTE) {
            for (int byte = 0; byte < 256; byte++) {
                uint8_t bytes[1] = {(uint8_t)byte};
                int64_t seen = naive_count(text, sizeof text, bytes[0]);
                assert_int_equal(vocab_find(&vocab, bytes, 1) != VOCAB_NONE, seen >= min_count);
                missing += seen < min_count ? (size_t)seen : 0;
            }
            int32_t *ids;
            size_t count, unknown;
            assert_int_equal(encode_text(&vocab, "a text", text, sizeof text,
                                         &(struct encode_options){0}, &ids, &count, &unknown),
                             0);
            assert_int_equal(count, sizeof text);
            assert_int_equal(unknown, missing);
            for (size_t i = 0; i < count; i++) {
                int32_t id = vocab_find(&vocab, text + i, 1);
                assert_int_equal(ids[i], id == VOCAB_NONE ? vocab.unknown : id);
            }
            free(ids);
        }
        vocab_release(&vocab);
    }
}

static void test_replacement_characters_are_not_unknown(void **state)
{
    (void)state;
    struct vocab vocab;
    const char text[] = "a\xEF\xBF\xBD"
                        "b\xEF\xBF\xBD"
                        "aq";
    int32_t *ids;
    size_t count, unknown;
    make_vocab(&vocab, VOCAB_CODEPOINT, UTF8_NONE, text, sizeof text - 1, 2);
    assert_int_equal(vocab.size, 3); /* a, U+FFFD, unknown */
    assert_int_equal(vocab_find(&vocab, (const uint8_t *)"\xEF\xBF\xBD", 3), 1);
    encode_text(&vocab, "a text", (const uint8_t *)text, sizeof text - 1,
                &(struct encode_options){0}, &ids, &count, &unknown);
    const int32_t expected[] = {0, 1, 2, 1, 0, 2};
    assert_int_equal(count, 6);
    assert_memory_equal(ids, expected, sizeof expected);
    assert_int_equal(unknown, 2);
    free(ids);
    vocab_release(&vocab);
    make_vocab(&vocab, VOCAB_CODEPOINT, UTF8_NONE, "aab", 3, 2);
    assert_int_equal(vocab_find(&vocab, (const uint8_t *)"\xEF\xBF\xBD", 3), VOCAB_NONE);
    vocab_release(&vocab);
}

static void test_texts_without_a_vocabulary(void **state)
{
    (void)state;
    struct vocab vocab;
    assert_int_equal(make_vocab(&vocab, VOCAB_CODEPOINT, UTF8_NONE, "\n\n\n", 3, 1), -1);
    assert_non_null(strstr(error_message(), "'\\n' (U+000A)"));
    assert_int_equal(make_vocab(&vocab, VOCAB_CODEPOINT, UTF8_NONE, "aaa", 3, 2), -1);
    assert_non_null(strstr(error_message(), "'a'"));
    assert_int_equal(make_vocab(&vocab, VOCAB_GRAPHEME, UTF8_NONE, "abc", 3, 2), -1);
    assert_non_null(strstr(error_message(), "--min-count"));
    assert_int_equal(make_vocab(&vocab, VOCAB_BYTE, UTF8_NONE, "", 0, 1), -1);
}

static void check_from_symbols(enum vocab_unit unit, const struct vocab_symbol *symbols, int count,
                               int unknown, const char *complaint)
{
    struct vocab vocab = {0};
    int result =
        vocab_from_symbols(&vocab, &(struct text_treatment){.unit = unit}, symbols, count, unknown);
    assert_int_equal(result, complaint ? -1 : 0);
    if (complaint && !strstr(error_message(), complaint))
        fail_msg("'%s' is not in: %s", complaint, error_message());
    vocab_release(&vocab);
}

static void test_given_symbols(void **state)
{
    (void)state;
    struct vocab_symbol good[] = {SYMBOL("b"), SYMBOL("a"), SYMBOL("\xEF\xBF\xBD"), SYMBOL("é")};
    struct vocab vocab = {0};
    assert_int_equal(
        vocab_from_symbols(&vocab, &(struct text_treatment){.form = UTF8_NFC}, good, 4, 2), 0);
    assert_int_equal(vocab.treatment.form, UTF8_NFC);
    check_symbol(&vocab, 0, "b"); /* ids are in the given order */
    assert_int_equal(vocab_find(&vocab, (const uint8_t *)"a", 1), 1);
    assert_int_equal(vocab_find(&vocab, (const uint8_t *)"z", 1), VOCAB_NONE);
    assert_int_equal(vocab_find(&vocab, (const uint8_t *)"\xEF\xBF\xBD", 3), VOCAB_NONE);
    vocab_release(&vocab);

    struct vocab_symbol twice[] = {SYMBOL("a"), SYMBOL("b"), SYMBOL("a")};
    check_from_symbols(VOCAB_CODEPOINT, twice, 3, VOCAB_NONE, "0 and 2");
    check_from_symbols(VOCAB_CODEPOINT, twice, 3, 0, NULL);
    struct vocab_symbol clusters[] = {SYMBOL("ab"), SYMBOL("e\xCC\x81"), SYMBOL("ab")};
    check_from_symbols(VOCAB_CODEPOINT, clusters, 2, VOCAB_NONE, "symbol 0");
    check_from_symbols(VOCAB_GRAPHEME, clusters, 2, VOCAB_NONE, NULL);
    check_from_symbols(VOCAB_GRAPHEME, clusters, 3, VOCAB_NONE, "0 and 2");
    check_from_symbols(VOCAB_BYTE, clusters, 2, VOCAB_NONE, "symbol 0");
    struct vocab_symbol empty[] = {SYMBOL("a"), SYMBOL("")};
    for (int unit = VOCAB_CODEPOINT; unit <= VOCAB_BYTE; unit++)
        check_from_symbols((enum vocab_unit)unit, empty, 2, VOCAB_NONE, "empty");
    struct vocab_symbol bad[] = {SYMBOL("a"), SYMBOL("\xFF")};
    check_from_symbols(VOCAB_CODEPOINT, bad, 2, VOCAB_NONE, "symbol 1");
    check_from_symbols(VOCAB_GRAPHEME, bad, 2, VOCAB_NONE, "symbol 1");
    check_from_symbols(VOCAB_BYTE, bad, 2, VOCAB_NONE, NULL);
    check_from_symbols(VOCAB_BYTE, bad, 2, 2, "unknown");
    check_from_symbols(VOCAB_BYTE, bad, 2, -2, "unknown");
    check_from_symbols(VOCAB_BYTE, bad, 0, VOCAB_NONE, "empty");
}

/* Many clusters, so that the hash table grows and collides. */
static void test_many_clusters(void **state)
{
    (void)state;
    static uint8_t text[26 * 300 * 4];
    size_t length = 0;
    for (int round = 0; round < 300; round++)
        for (int letter = 'a'; letter <= 'z'; letter++) {
            text[length++] = (uint8_t)letter;
            length += (size_t)utf8_encode(0x300 + round % 80, text + length);
        }
    struct vocab vocab;
    assert_int_equal(make_vocab(&vocab, VOCAB_GRAPHEME, UTF8_NONE, text, length, 1), 0);
    check_vocab(&vocab);
    assert_int_equal(vocab.size, 26 * 80);
    vocab_release(&vocab);
}

static void check_description(enum vocab_unit unit, const char *symbol, size_t room,
                              const char *expected)
{
    char out[128];
    memset(out, '#', sizeof out);
    assert_ptr_equal(vocab_describe(unit, (const uint8_t *)symbol, strlen(symbol), out, room), out);
    assert_string_equal(out, expected);
    assert_int_equal(out[room], '#');
}

static void test_descriptions(void **state)
{
    (void)state;
    check_description(VOCAB_CODEPOINT, "a", 64, "'a'");
    check_description(VOCAB_CODEPOINT, "é", 64, "'é'");
    check_description(VOCAB_CODEPOINT, "\n", 64, "'\\n' (U+000A)");
    check_description(VOCAB_CODEPOINT, "\xCC\x81", 64, "U+0301");
    check_description(VOCAB_CODEPOINT, "\x01", 64, "U+0001");
    check_description(VOCAB_BYTE, "\xD0", 64, "byte D0");
    check_description(VOCAB_BYTE, "a", 64, "byte 61");
    check_description(VOCAB_GRAPHEME, "e\xCC\x81", 64, "'e\xCC\x81' (U+0065 U+0301)");
    check_description(VOCAB_GRAPHEME, "\r\n", 64, "U+000D U+000A");
    check_description(VOCAB_CODEPOINT, "é", 3, "'"); /* never part of a character */
    check_description(VOCAB_CODEPOINT, "é", 4, "'é");
    check_description(VOCAB_CODEPOINT, "é", 1, "");
    char long_cluster[200] = "e";
    for (int i = 0; i < 60; i++)
        strcat(long_cluster, "\xCC\x81");
    check_description(VOCAB_GRAPHEME, long_cluster, 100,
                      "U+0065 U+0301 U+0301 U+0301 U+0301 U+0301 U+0301 U+0301 …");
    char out[8];
    vocab_describe(VOCAB_CODEPOINT, (const uint8_t *)"\0", 1, out, sizeof out);
    assert_string_equal(out, "U+0000");
}

static void test_names(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(vocab_unit_parse(vocab_unit_names[i]), i);
        assert_int_equal(vocab_form_parse(vocab_form_names[i]), i);
    }
    assert_int_equal(vocab_unit_parse("letter"), -1);
    assert_non_null(strstr(error_message(), "codepoint, grapheme or byte, not 'letter'"));
    assert_string_equal(vocab_unit_names[VOCAB_BYTE], "byte");
    assert_string_equal(vocab_form_names[UTF8_NFKC], "nfkc");
    assert_null(vocab_unit_names[3]);
    assert_null(vocab_form_names[3]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_symbols_are_in_byte_order),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_min_count),
        cmocka_unit_test(test_replacement_characters_are_not_unknown),
        cmocka_unit_test(test_texts_without_a_vocabulary),
        cmocka_unit_test(test_given_symbols),
        cmocka_unit_test(test_many_clusters),
        cmocka_unit_test(test_descriptions),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
