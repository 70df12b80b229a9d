#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "corpus.h"
#include "encode.h"
#include "made_corpus.h"
#include "made_vocab.h"
#include "opening.h"

#define ROOM ((size_t)4 << 20)

/* The bytes of a break. */
static const char *shown(const struct text_break *found, const struct vocab *vocab)
{
    static char text[64];
    size_t length = 0;
    for (size_t k = 0; k < found->length; k++) {
        const struct vocab_symbol *symbol = &vocab->symbols[found->ids[k]];
        memcpy(text + length, symbol->bytes, symbol->length);
        length += symbol->length;
    }
    text[length] = '\0';
    return text;
}

/* Makes a corpus of `starts` equal pieces of a text. */
static void make(struct corpus *corpus, struct vocab *vocab, enum vocab_unit unit, const char *text,
                 size_t starts)
{
    const struct encode_options options = {ENCODE_ERROR, NULL, NULL};
    int32_t *ids;
    size_t count;
    assert_int_equal(make_vocab(vocab, unit, UTF8_NONE, text, strlen(text), 1), 0);
    assert_int_equal(encode_text(vocab, "a text", (const uint8_t *)text, strlen(text), &options,
                                 &ids, &count, NULL),
                     0);
    corpus_of(corpus, ids, count);
    struct corpus_part *part = &corpus->training;
    part->segments = realloc(part->segments, starts * sizeof *part->segments);
    for (size_t k = 0; k < starts; k++) {
        const uint64_t start = k * count / starts;
        part->segments[k] = (struct corpus_segment){start, (k + 1) * count / starts - start, start};
    }
    part->num_segments = starts;
    free(ids);
}

static struct opening find(enum vocab_unit unit, const char *text, size_t starts,
                           const char *expected)
{
    struct opening opening = {.starts_seen = 7};
    struct corpus corpus;
    struct vocab vocab;
    make(&corpus, &vocab, unit, text, starts);
    assert_int_equal(opening_find(&opening, &corpus, &vocab), 0);
    assert_string_equal(shown(&opening.usual_break, &vocab), expected);
    assert_int_equal(opening.starts_seen, 7);
    corpus_release(&corpus);
    vocab_release(&vocab);
    return opening;
}

/* A part, again and again; the caller frees it. */
static char *repeat(const char *part, size_t times)
{
    const size_t length = strlen(part);
    char *text = malloc(length * times + 1);
    for (size_t k = 0; k < times; k++)
        memcpy(text + k * length, part, length + 1);
    return text;
}

static void check(const char *part, const char *expected)
{
    char *text = repeat(part, 100);
    for (int unit = VOCAB_CODEPOINT; unit <= VOCAB_BYTE; unit++)
        find((enum vocab_unit)unit, text, 1, expected);
    free(text);
}

static void the_strongest_break_is_taken(void **state)
{
    (void)state;
    check("A line. Of two.\n", "\n");
    check("A line. Of two.\r\n", "\r\n");
    check("One\ntwo\n\n", "\n\n");
    check("One\r\ntwo\r\n\r\n", "\r\n\r\n");
    check("def a():\n    b\n\n    c\n\n\n", "\n\n\n");
    check("One\r\ntwo\r\n\r\n\r\n", "\r\n\r\n\r\n");
    check("A sentence. Another one. ", ". ");
    check("1.5,2.5,3.5 ", " ");
    check("从前，山里有一条河。", "。");
    check("गाँव के हर आदमी। ", "। ");
    check("only words and words ", " ");
    check("acgt", "");
    check("a\r\nb\nc\n", "\n"); /* more LF than CR LF */
    check("a\r\nb\r\nc\n", "\r\n");
}

/* A break that is rarer than one in 2,000 symbols is not usual. */
static void a_rare_break_is_not_usual(void **state)
{
    (void)state;
    char *words = repeat("words and ", 190), *lines = repeat("a line\n", 300);
    char *text = malloc(ROOM);
    for (int rare = 0; rare < 2; rare++) {
        *text = '\0';
        for (int k = 0; k < 20; k++) {
            strcat(text, words);
            strcat(text, rare ? words : "");
            strcat(text, "\n");
        }
        find(VOCAB_CODEPOINT, text, 1, rare ? " " : "\n");
    }
    strcpy(text, lines);
    strcat(text, "\n");
    strcat(text, lines);
    find(VOCAB_CODEPOINT, text, 1, "\n");
    free(text);
    free(lines);
    free(words);
}

/* What ends a text is no example of what comes after it. */
static void the_end_of_a_text_is_no_break(void **state)
{
    (void)state;
    find(VOCAB_CODEPOINT, "One line of text.\n", 1, " ");
    find(VOCAB_CODEPOINT, "One.Line.\n", 1, "");
    find(VOCAB_CODEPOINT, "One.\nTwo.\n", 1, "\n");
    char *lines = repeat("A line.\n", 50);
    find(VOCAB_CODEPOINT, lines, 50, "");
    find(VOCAB_CODEPOINT, lines, 10, "\n");
    free(lines);
}

/* Breaks are looked for in all parts of a text. */
static void a_long_text_is_read_here_and_there(void **state)
{
    (void)state;
    char *start = repeat("no lines here ", ROOM / 2 / 14), *end = repeat("a line\n", ROOM / 3 / 7);
    char *text = malloc(ROOM);
    strcpy(text, start);
    strcat(text, end);
    find(VOCAB_BYTE, text, 1, "\n");
    free(text);
    free(end);
    free(start);
}

static void starts_with_a_mark_do_not_count(void **state)
{
    (void)state;
    char *plain = repeat("Text.", 30), *marked = repeat("\xEF\xBB\xBF"
                                                        "Text.",
                                                        30);
    for (int unit = VOCAB_CODEPOINT; unit <= VOCAB_BYTE; unit++) {
        assert_int_equal(find((enum vocab_unit)unit, plain, 30, "").starts, 30);
        assert_int_equal(find((enum vocab_unit)unit, plain, 1, "").starts, 1);
        assert_int_equal(find((enum vocab_unit)unit, marked, 30, "").starts, 0);
    }
    free(marked);
    free(plain);
}

static void starts_count_a_limited_number_of_times(void **state)
{
    (void)state;
    struct opening opening = {.starts = 3};
    opening_count(&opening, 1.5);
    assert_int_equal(opening.starts_seen, 4);
    opening_count(&opening, 1e9);
    assert_int_equal(opening.starts_seen, 3 * OPENING_PASSES);
}

static void a_guess_is_made_from_a_vocabulary(void **state)
{
    (void)state;
    static const struct {
        enum vocab_unit unit;
        const char *text, *expected;
    } cases[] = {
        {VOCAB_CODEPOINT, "a b\n", "\n"},
        {VOCAB_CODEPOINT, "a b\r\n", "\n"},
        {VOCAB_GRAPHEME, "a b\r\n", "\r\n"},
        {VOCAB_BYTE, "a b", " "},
        {VOCAB_BYTE, "ab", ""},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct vocab vocab;
        assert_int_equal(
            make_vocab(&vocab, cases[k].unit, UTF8_NONE, cases[k].text, strlen(cases[k].text), 1),
            0);
        const struct opening opening = opening_guess(&vocab);
        assert_string_equal(shown(&opening.usual_break, &vocab), cases[k].expected);
        assert_int_equal(opening.starts_seen, 0);
        vocab_release(&vocab);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_strongest_break_is_taken),
        cmocka_unit_test(a_rare_break_is_not_usual),
        cmocka_unit_test(the_end_of_a_text_is_no_break),
        cmocka_unit_test(a_long_text_is_read_here_and_there),
        cmocka_unit_test(starts_with_a_mark_do_not_count),
        cmocka_unit_test(starts_count_a_limited_number_of_times),
        cmocka_unit_test(a_guess_is_made_from_a_vocabulary),
    };
    return cmocka_run_group_tests_name("opening", tests, NULL, NULL);
}
