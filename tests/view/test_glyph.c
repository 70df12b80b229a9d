#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "glyph.h"
#include "rng.h"

struct expected {
    struct vocab_symbol symbol;
    const char *shown, *exact;
    int columns;
};

#define SYMBOL(text)                                                                               \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }

static void check(enum vocab_unit unit, const struct expected *rows, int count)
{
    struct vocab_symbol symbols[32];
    struct vocab vocab = {
        .treatment.unit = unit, .size = count, .unknown = VOCAB_NONE, .symbols = symbols};
    for (int i = 0; i < count; i++)
        symbols[i] = rows[i].symbol;
    struct glyph *glyphs = glyphs_new(&vocab);
    assert_non_null(glyphs);
    for (int i = 0; i < count; i++) {
        assert_string_equal(glyphs[i].shown, rows[i].shown);
        assert_string_equal(glyphs[i].exact, rows[i].exact);
        assert_int_equal(glyphs[i].columns, rows[i].columns);
    }
    glyphs_free(glyphs);
}

static void every_code_point_is_visible(void **state)
{
    (void)state;
    static const struct expected rows[] = {
        {SYMBOL("a"), "a", "a", 1},
        {SYMBOL(" "), " ", " ", 1},
        {SYMBOL("\n"), "⏎", "\n", 1},
        {SYMBOL("\t"), "→", "\t", 1},
        {SYMBOL("\r"), "\\r", "\r", 2},
        {SYMBOL("\0"), "\\x00", "\\x00", 4},
        {SYMBOL("\x1B"), "\\x1B", "\x1B", 4},
        {SYMBOL("\x7F"), "\\x7F", "\x7F", 4},
        {SYMBOL("\xC2\x85"), "U+0085", "\xC2\x85", 6},
        {SYMBOL("\xC2\x9B"), "U+009B", "\xC2\x9B", 6},
        {SYMBOL("\u00E9"), "\u00E9", "\u00E9", 1},
        {SYMBOL("\u0301"), "\u25CC\u0301", "\u0301", 1},
        {SYMBOL("\u093F"), "\u25CC\u093F", "\u093F", 1},
        {SYMBOL("\u200B"), "U+200B", "\u200B", 6},
        {SYMBOL("\u200D"), "U+200D", "\u200D", 6},
        {SYMBOL("\u2028"), "U+2028", "\u2028", 6},
        {SYMBOL("\u202E"), "U+202E", "\u202E", 6},
        {SYMBOL("\uFE0F"), "U+FE0F", "\uFE0F", 6},
        {SYMBOL("\uFEFF"), "U+FEFF", "\uFEFF", 6},
        {SYMBOL("\u4E2D"), "\u4E2D", "\u4E2D", 2},
        {SYMBOL("\uFFFD"), "\uFFFD", "\uFFFD", 1},
        {SYMBOL("\U0001F44D"), "\U0001F44D", "\U0001F44D", 2},
        {SYMBOL("\U0010FFFF"), "U+10FFFF", "\U0010FFFF", 8},
    };
    check(VOCAB_CODEPOINT, rows, sizeof rows / sizeof *rows);
}

static void clusters_stay_whole(void **state)
{
    (void)state;
    static const struct expected rows[] = {
        {SYMBOL("e\u0301"), "e\u0301", "e\u0301", 1},
        {SYMBOL("\r\n"), "⏎", "\r\n", 1},
        {SYMBOL("\U0001F469\u200D\U0001F467"), "\U0001F469\u200D\U0001F467",
         "\U0001F469\u200D\U0001F467", 2},
        {SYMBOL("\u263A\uFE0F"), "\u263A\uFE0F", "\u263A\uFE0F", 2},
        {SYMBOL("\U0001F1EB\U0001F1F7"), "\U0001F1EB\U0001F1F7", "\U0001F1EB\U0001F1F7", 2},
        {SYMBOL("\u0301\u0302"), "\u25CC\u0301\u0302", "\u0301\u0302", 1},
        {SYMBOL("\u0600\u0661"), "\u0600\u0661", "\u0600\u0661", 1},
        {SYMBOL("a\x1B[m\n"), "a\\x1B[m\\x0A", "a\x1B[m\n", 11},
    };
    check(VOCAB_GRAPHEME, rows, sizeof rows / sizeof *rows);
}

static void invalid_bytes_are_escaped(void **state)
{
    (void)state;
    static const struct expected rows[] = {
        {SYMBOL("A"), "A", "A", 1},
        {SYMBOL("\xD0"), "\\xD0", "\\xD0", 4},
        {SYMBOL("\x80"), "\\x80", "\\x80", 4},
        {SYMBOL("\n"), "⏎", "\n", 1},
    };
    check(VOCAB_BYTE, rows, sizeof rows / sizeof *rows);
}

static void names_become_text(void **state)
{
    (void)state;
    char *text = glyph_text("a\xFF/\u4E2D\xE4\xB8", 8);
    assert_string_equal(text, "a\\xFF/\u4E2D\\xE4\\xB8");
    free(text);
}

static void lines_have_no_control_characters(void **state)
{
    (void)state;
    char *text = glyph_shown("a\x1B[m\n\u202E\xFF", 9);
    assert_string_equal(text, "a\\x1B[m\\x0AU+202E\\xFF");
    free(text);
    text = glyph_shown("", 0);
    assert_string_equal(text, "");
    free(text);
}

/* Only control characters are escaped, not marks, joiners or unassigned code points. */
static void check_safe(const char *text, const char *expected)
{
    char all[256] = "", shown[GLYPH_SAFE_ROOM];
    for (size_t at = 0; at < strlen(text);) {
        at += glyph_safe(text + at, strlen(text) - at, shown);
        strncat(all, shown, sizeof all - strlen(all) - 1);
    }
    assert_string_equal(all, expected);
}

static void terminals_get_no_control_characters(void **state)
{
    (void)state;
    char shown[GLYPH_SAFE_ROOM];
    check_safe("a\x1B[m\n\t\r\x7F", "a\\x1B[m\\x0A\\x09\\r\\x7F");
    check_safe("\xC2\x80\xC2\x9B\xC2\x9F\u00A0", "U+0080U+009BU+009F\u00A0");
    check_safe("\u061C\u200E\u200F\u2028\u2029", "U+061CU+200EU+200FU+2028U+2029");
    check_safe("\u202A\u202E\u2066\u2069", "U+202AU+202EU+2066U+2069");
    check_safe("\xFF\xE2\x80z\xED\xA0\x80\xC0\x80\xE2\x80",
               "\\xFF\\xE2\\x80z\\xED\\xA0\\x80\\xC0\\x80\\xE2\\x80");
    static const char *const harmless[] = {"e\u0301",
                                           "\u0915\u094D\u200D\u0937",
                                           "\u0646\u200C\u0627",
                                           "\U0001F469\u200D\U0001F467\uFE0F",
                                           "\uFEFF\u200B\u00AD",
                                           "\u05E9\u05DC",
                                           "\U0010FFFF\u0378"};
    for (size_t k = 0; k < sizeof harmless / sizeof *harmless; k++)
        check_safe(harmless[k], harmless[k]);
    assert_int_equal(glyph_safe("\0b", 2, shown), 1);
    assert_string_equal(shown, "\\x00");
}

/* Rows of random text: together they are the text. No row is too long or has room for the next
 * word; only newlines end one early. */
static void rows_are_full_and_whole(void **state)
{
    (void)state;
    static const char *const texts[] = {"a", "b", " ", "\n", "\u4E2D", "\t", "\u200B"};
    enum { COUNT = 7, LENGTH = 3000, COLUMNS = 20 };
    struct vocab_symbol symbols[COUNT];
    struct vocab vocab = {.size = COUNT, .unknown = VOCAB_NONE, .symbols = symbols};
    int32_t ids[LENGTH];
    const struct rng rng = {3, RNG_TEST};
    for (int i = 0; i < COUNT; i++)
        symbols[i] = (struct vocab_symbol){(const uint8_t *)texts[i], strlen(texts[i])};
    for (uint32_t t = 0; t < LENGTH; t++)
        ids[t] = (int32_t)(rng_uniform(&rng, (uint32_t[4]){t}) * 40) % COUNT * (t % 3 != 0);
    struct glyph *glyphs = glyphs_new(&vocab);
    assert_non_null(glyphs);
    for (size_t start = 0, end; start < LENGTH; start = end) {
        int used = 0;
        end = glyph_row_end(glyphs, ids, LENGTH, start, COLUMNS);
        assert_true(end > start && end <= LENGTH);
        for (size_t t = start; t < end; t++) {
            used += glyphs[ids[t]].columns;
            assert_true(t + 1 == end || glyphs[ids[t]].ends != GLYPH_MUST_BREAK);
        }
        assert_true(used <= COLUMNS);
        enum glyph_break last = glyphs[ids[end - 1]].ends;
        if (end == LENGTH || last == GLYPH_MUST_BREAK)
            continue;
        if (last == GLYPH_KEEP || used <= COLUMNS / 2)
            assert_true(used + glyphs[ids[end]].columns > COLUMNS);
    }
    assert_int_equal(glyph_row_end(glyphs, (const int32_t[]){6, 6}, 2, 0, 1), 1); /* too wide */
    glyphs_free(glyphs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_is_visible),
        cmocka_unit_test(clusters_stay_whole),
        cmocka_unit_test(invalid_bytes_are_escaped),
        cmocka_unit_test(names_become_text),
        cmocka_unit_test(lines_have_no_control_characters),
        cmocka_unit_test(terminals_get_no_control_characters),
        cmocka_unit_test(rows_are_full_and_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
