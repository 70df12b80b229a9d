#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "error.h"
#include "labels.h"
#include "passage.h"

static struct passage passage_of(enum vocab_unit unit, const char *text)
{
    return passage_new(unit, text, strlen(text));
}

static int add(struct labels *labels, const struct passage *passage, const char *name,
               const char *regex)
{
    const struct label_pattern pattern = {name, regex};
    labels->length = passage->length;
    return labels_add_patterns(labels, &passage->vocab, passage->ids, &pattern, 1);
}

/* One '^' for each symbol that is on. */
static void check(enum vocab_unit unit, const char *text, const char *regex, const char *expected)
{
    struct passage passage = passage_of(unit, text);
    struct labels labels = {0};
    char found[100] = "";
    if (add(&labels, &passage, "it", regex) != 0)
        fail_msg("%s", error_message());
    assert_int_equal(labels.count, 1);
    assert_int_equal(labels.list[0].kind, LABEL_BINARY);
    assert_true(labels.list[0].own);
    for (size_t t = 0; t < passage.length; t++)
        found[t] = labels.list[0].values[t] > 0 ? '^' : ' ';
    assert_string_equal(found, expected);
    labels_release(&labels);
    passage_release(&passage);
}

/* The message has all of these words. */
static void check_error_of(enum vocab_unit unit, const char *text, const char *name,
                           const char *regex, const char *words[3])
{
    struct passage passage = passage_of(unit, text);
    struct labels labels = {0};
    assert_int_equal(add(&labels, &passage, name, regex), -1);
    for (int i = 0; i < 3 && words[i]; i++)
        if (!strstr(error_message(), words[i]))
            fail_msg("'%s' lacks '%s'", error_message(), words[i]);
    assert_int_equal(labels.count, 0);
    labels_release(&labels);
    passage_release(&passage);
}

static void check_error(const char *text, const char *name, const char *regex, const char *words[3])
{
    check_error_of(VOCAB_CODEPOINT, text, name, regex, words);
}

static void what_matches_is_on(void **state)
{
    (void)state;
    check(VOCAB_CODEPOINT, "one two one", "one", "^^^     ^^^");
    check(VOCAB_CODEPOINT, "aaab", "a", "^^^ ");
    check(VOCAB_CODEPOINT, "дом и том", "\\w+м\\b", "^^^   ^^^"); /* Unicode */
    check(VOCAB_CODEPOINT, "Ж ж 1٣", "(?i)ж|\\d", "^ ^ ^^");
    check(VOCAB_CODEPOINT, "ab\nab\r\nab", "^a|b$",
          "^^ ^^  ^^"); /* lines, whatever they end with */
    check(VOCAB_CODEPOINT, "xaybxazb", "(?<=x)a\\K.", "  ^   ^ ");
    check(VOCAB_CODEPOINT, "abcab", "(?=c)|x*|a\\b|(?<=c)a", "   ^ "); /* nothing is not marked */
}

static void symbols_of_any_unit_are_found(void **state)
{
    (void)state;
    check(VOCAB_GRAPHEME, "e\u0301e e\u0301", "\u0301", "^  ^"); /* a part stands for the whole */
    check(VOCAB_GRAPHEME, "a\r\nb", "\\n", " ^ ");
    check(VOCAB_BYTE, "дaд", "д", "^^ ^^");
    check(VOCAB_BYTE, "дaд", "^.", "^^   ");
    check(VOCAB_BYTE, "a\xFF\xFE\xD0", "\\xFE.", "  ^^"); /* not UTF-8: byte by byte */
    check(VOCAB_BYTE, "a\xFF\xFE\xD0", "[^a]", " ^^^");
}

static void many_patterns_are_labels_with_phrases(void **state)
{
    (void)state;
    struct passage passage = passage_of(VOCAB_CODEPOINT, "one two");
    const struct label_pattern patterns[] = {{"a one", "one"}, {"a gap", " "}, {"a one", "two"}};
    struct labels labels = {.length = passage.length};
    assert_int_equal(labels_add_patterns(&labels, &passage.vocab, passage.ids, patterns, 2), 0);
    assert_int_equal(labels.count, 2);
    assert_string_equal(labels.list[0].name, "a one");
    assert_string_equal(labels.list[0].place, "at “a one”");
    assert_null(labels.list[1].rising);
    assert_int_equal(labels_add_patterns(&labels, &passage.vocab, passage.ids, patterns + 2, 1),
                     -1);
    assert_non_null(strstr(error_message(), "'a one' already"));
    assert_int_equal(labels.count, 2);
    labels_release(&labels);
    passage_release(&passage);
}

static void errors_say_what_is_wrong(void **state)
{
    (void)state;
    check_error("abc", "mine", "d", (const char *[3]){"'mine'", "'d'", "nothing"});
    check_error("abc", "mine", "x*", (const char *[3]){"'mine'", "'x*'", "nothing"});
    check_error("", "mine", ".", (const char *[3]){"'mine'", "nothing"});
    check_error("abc", "mine", "ab(c", (const char *[3]){"'mine'", "byte 4", "parenthesis"});
    check_error("abc", "mine", "\xFF", (const char *[3]){"'mine'", "UTF-8"});
    check_error("abc", "", "a", (const char *[3]){"name"});
    check_error("abc", "a\nb", "a", (const char *[3]){"printable"});
    check_error("abc", "a\xFF", "a", (const char *[3]){"printable"});
    check_error_of(VOCAB_BYTE, "a\xFF\xE0", "mine", "(*UTF).", (const char *[3]){"'mine'", "UTF"});
    char longest[200];
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    check_error("abc", longest, "a", (const char *[3]){"199"});
}

/* Without a limit the first would take longer than there are stars. */
static void endless_searches_end(void **state)
{
    (void)state;
    char *text = malloc(20001);
    memset(text, 'a', 20000);
    text[20000] = '\0';
    check_error(text, "mine", "(a+)+b|(a|aa)+$(?<=c)", (const char *[3]){"'mine'", "too long"});
    check_error(text, "mine", "(?:(?:a*)*)*c(*SKIP)x|(a|a)*b", (const char *[3]){"'mine'"});
    free(text);
}

/* Stretches of the search have no seams: against a search with the eyes. */
static void long_texts_are_searched_to_the_end(void **state)
{
    (void)state;
    const size_t length = 30000;
    char *text = malloc(length + 1);
    struct labels labels = {0};
    for (size_t i = 0; i < length; i++)
        text[i] = i % 7001 == 7000 || i % 1024 == 0 || i + 1 == length ? 'x' : 'a';
    text[length] = '\0';
    struct passage passage = passage_of(VOCAB_CODEPOINT, text);
    assert_int_equal(add(&labels, &passage, "it", "x"), 0);
    for (size_t t = 0; t < length; t++)
        assert_true((labels.list[0].values[t] > 0) == (text[t] == 'x'));
    labels_release(&labels);
    passage_release(&passage);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_matches_is_on),
        cmocka_unit_test(symbols_of_any_unit_are_found),
        cmocka_unit_test(many_patterns_are_labels_with_phrases),
        cmocka_unit_test(errors_say_what_is_wrong),
        cmocka_unit_test(endless_searches_end),
        cmocka_unit_test(long_texts_are_searched_to_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
