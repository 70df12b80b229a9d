#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../text/random_text.h"
#include "label_parse.h"
#include "utf8.h"

#define ROOM 1000
#define ON 0x27E6 /* ⟦ and ⟧ stand where a mark begins and ends */
#define OFF 0x27E7

/* The text without ⟦ and ⟧, and what is between them. */
static size_t read_marked(const char *marked, int32_t *points, bool *expected)
{
    bool on = false;
    size_t count = 0;
    for (size_t at = 0, length = strlen(marked); at < length;) {
        int32_t point;
        at += (size_t)utf8_decode((const uint8_t *)marked + at, length - at, &point);
        if (point == ON || point == OFF) {
            on = point == ON;
            continue;
        }
        assert_true(count < ROOM);
        expected[count] = on;
        points[count++] = point;
    }
    return count;
}

static void check_at(int line, uint32_t mark, const char *marked)
{
    int32_t points[ROOM];
    bool expected[ROOM];
    char found[8 * ROOM], *out = found;
    struct label_marks marks = {0};
    size_t length = read_marked(marked, points, expected);
    bool same = true, on = false;
    assert_int_equal(label_parse(&marks, points, length, NULL), 0);
    for (size_t t = 0; t <= length; t++) {
        if (label_has(&marks, t, mark) != on) {
            on = !on;
            out += utf8_encode(on ? ON : OFF, (uint8_t *)out);
        }
        same = same && (t == length || on == expected[t]);
        if (t < length)
            out += utf8_encode(points[t], (uint8_t *)out);
    }
    label_marks_release(&marks);
    if (!same)
        fail_msg("line %d: %.*s", line, (int)(out - found), found);
}
#define CHECK(mark, marked) check_at(__LINE__, mark, marked)

static void check_unsound(uint32_t mark, const char *text, bool unsound)
{
    int32_t points[ROOM];
    bool expected[ROOM];
    struct label_marks marks = {0};
    size_t length = read_marked(text, points, expected);
    assert_int_equal(label_parse(&marks, points, length, NULL), 0);
    assert_int_equal((marks.unsound & mark) != 0, unsound);
    label_marks_release(&marks);
}

static void characters(void **state)
{
    (void)state;
    CHECK(ON_CAPITAL, "a⟦B⟧c ⟦É⟧é⟦Ж⟧ж ß中");
    CHECK(ON_VOWEL, "b⟦a⟧n⟦a⟧n⟦a⟧ Y⟦e⟧s ⟦Œ⟧⟦u⟧vr⟦e⟧ ⟦éàü⟧ 12 ⟦ıø⟧");
    CHECK(ON_VOWEL, "м⟦о⟧й ⟦ё⟧ж, ўж⟦о⟧ ⟦ї⟧ж⟦а⟧");
    CHECK(ON_VOWEL, "⟦ἄ⟧νθρ⟦ω⟧π⟦ο⟧ς ⟦ώ⟧ρ⟦α⟧");
    CHECK(ON_DIGIT, "a⟦1٣⟧² ⟦4⟧");
    CHECK(ON_SPACE, "a⟦ ⟧b⟦\t\u00A0⟧c⟦\r\n⟧");
    CHECK(ON_PUNCTUATION, "a⟦,⟧ b⟦.⟧ ⟦“⟧c⟦”⟧ ⟦、⟧+");
}

static void words(void **state)
{
    (void)state;
    CHECK(ON_WORD, "⟦It's⟧ '⟦so⟧': 12 ⟦a1⟧ ⟦x_2⟧, ⟦l’eau⟧ ⟦dogs⟧' 3⟦d⟧");
    CHECK(ON_FIRST_LETTER, "⟦I⟧t's '⟦s⟧o': 12 ⟦a⟧1 ⟦x⟧_2, ⟦l⟧’eau ⟦d⟧ogs'");
    CHECK(ON_LAST_LETTER, "It'⟦s⟧ 's⟦o⟧': 12 a⟦1⟧ x_⟦2⟧, l’ea⟦u⟧ dog⟦s⟧'");
    CHECK(ON_WORD, "⟦e\u0301a⟧ ⟦привет⟧, ⟦שלום⟧ ⟦한국⟧ ⟦हिन्दी⟧ \u0301");
    CHECK(ON_WORD, "中文 ⟦abc⟧ ไทย"); /* these take a dictionary */
    CHECK(ON_WORD, "⟦می\u200Cخواهم⟧");
    CHECK(ON_LAST_LETTER, "⟦a⟧");
}

static void sentences(void **state)
{
    (void)state;
    CHECK(ON_SENTENCE, "⟦He⟧ ran. “⟦Why⟧?” (⟦Nobody⟧... knows 3.5, e.g. this!) ⟦It’s⟧.No");
    CHECK(ON_SENTENCE, "a small start. ⟦It’s⟧ e.g., John\n\nthen\n\n⟦Then⟧.\n⟦Now⟧ U");
    CHECK(ON_SENTENCE, "⟦我⟧们来了。⟦他⟧说：“好！”⟦那⟧");
    CHECK(ON_SENTENCE, "⟦Да⟧. нет? ⟦Да⟧… 7 шагов. 7 ⟦Шагов⟧");
    CHECK(ON_SENTENCE, "⟦यह⟧ है। ⟦वह⟧ है");
}

static void lines(void **state)
{
    (void)state;
    CHECK(ON_INDENTATION, "⟦  ⟧a b\n⟦\t⟧c\n\n⟦ ⟧d");
    /* behind a line end one is in the next line */
    CHECK(ON_PARAGRAPH, "⟦ab⟧\ncd\n \t⟦\nef⟧\ngh\n");
    CHECK(ON_PARAGRAPH, "\r\n\r⟦\nef\r⟧\ngh\r\n\r⟦\nij⟧");
    CHECK(ON_REPEAT, "ab\nabc⟦\nab⟧\n\n\n ab⟦\nabc⟧\n}⟦\n}⟧");
    CHECK(ON_REPEAT, "ab\r\nabc\r⟦\nab\r⟧\n\u2028a⟦\u2029ab⟧");
    CHECK(ON_REPEAT, "ab⟦\rab⟧\r");
}

static void double_quotes(void **state)
{
    (void)state;
    CHECK(ON_QUOTES, "He said ⟦\"no⟧\", then (⟦\"yes⟧\")—⟦\"maybe⟧\"—and x=⟦\"1⟧\".");
    CHECK(ON_QUOTES, "a ⟦“b ‘c’⟧” d ⟦„e⟧“ f ⟦”g⟧” ⟦„h⟧”");
    CHECK(ON_QUOTES, "⟦« a ⟧» b ⟦«c⟧».");
    CHECK(ON_QUOTES, "⟦»a⟧« b ⟦»c⟧«.");
    CHECK(ON_QUOTES, "他说⟦「好『好』⟧」，⟦『是⟧』");
    CHECK(ON_QUOTES, "5\" and ⟦\"so⟧\"");          /* closes nothing */
    CHECK(ON_QUOTES, "\"a \"b ⟦\"c⟧\" d");         /* opens twice and thrice */
    CHECK(ON_QUOTES, "\"a\n\nb\" ⟦\"c\nd⟧\" \"e"); /* not over a paragraph */
    CHECK(ON_QUOTES, "⟦“a b⟧\n\n⟦“c⟧” d “e\n\nf"); /* unless it goes on there */
    CHECK(ON_QUOTES, "⟦\"'a' 'b \"c\" d \"e\"' f⟧\" g ⟦\"'tis so⟧\" h 'i ⟦\"j⟧\"");
    CHECK(ON_QUOTES, "a 'b ⟦\"c⟧\" d ⟦\"e 'f'⟧\"' g ⟦\"h⟧\"");
    check_unsound(ON_QUOTES, "\"a\" \"b\" \"c\" \"d\" \"e", false);
    check_unsound(ON_QUOTES, "\"a\" \"b\" \"c", false);
    check_unsound(ON_QUOTES, "\"a\" \"b", true);
    check_unsound(ON_QUOTES, "no marks", false);
}

static void single_quotes(void **state)
{
    (void)state;
    CHECK(ON_SINGLE_QUOTES, "He's ⟦'in⟧' o'clock (⟦'so it's⟧').");
    CHECK(ON_SINGLE_QUOTES, "\"⟦'a⟧' ⟦'b \"c\" d \"e\"⟧' f\" g");
    CHECK(ON_SINGLE_QUOTES, "⟦‘It’s⟧’ dogs’ ⟦‚so⟧‘ ⟦‹ja⟧›");
    CHECK(ON_SINGLE_QUOTES, "the dogs' 'tis '90s 'em ⟦'a⟧'");
    check_unsound(ON_SINGLE_QUOTES, "'tis the dogs' o' 'em 'a' dogs'", true);
    check_unsound(ON_SINGLE_QUOTES, "it's the dogs’ l’eau", false);
}

static void brackets(void **state)
{
    (void)state;
    CHECK(ON_ROUND, "a ⟦(b [c] (d) e⟧) f (g");
    CHECK(ON_SQUARE, "a (b ⟦[c⟧] (d) e) 】⟦【f⟧】");
    CHECK(ON_CURLY, "if ⟦{ a; { b }\n\n⟧} c }");
    CHECK(ON_ANGLE, "⟦<a <b>⟧> x <= y << z < ⟦《b⟧》 p->q");
    CHECK(ON_ROUND, "(⟦(a⟧) b\n\nc) ⟦(d⟧)");       /* not over a paragraph, */
    CHECK(ON_ROUND, "⟦(a {\n\n(b) }⟧)");           /* but over one in { } */
    CHECK(ON_ROUND, "⟦(a [ b⟧) c ] :) ⟦(a < b⟧)"); /* a stray one inside is passed over */
    CHECK(ON_SQUARE, "⟦[a ( b⟧] c )");
    CHECK(ON_CURLY, "⟦{ ( [ < ⟧} ) ] >");
    CHECK(ON_SQUARE, "[ { ] }"); /* { is stronger */
    check_unsound(ON_ROUND, "(a) (b) (c", false);
    check_unsound(ON_ROUND, "(a) (b", true);
    check_unsound(ON_ANGLE, "<a> b>c", true);
    check_unsound(ON_ANGLE, "<a> b->c", false);
}

static void comments(void **state)
{
    (void)state;
    CHECK(ON_COMMENT, "a /⟦* \"b /* *⟧/ c */ d /* e");
    CHECK(ON_COMMENT, "f(x) = 1; /⟦/ one⟧\r\ng(http://x); \"//\" /⟦/ {⟧");
    CHECK(ON_COMMENT, "See //not in prose, where hardly any signs of programs are found");
    CHECK(ON_COMMENT,
          "⟦# one⟧\nx = f(1)\n  ⟦# two⟧\ny = {} # three\n#include\n⟦#!/four⟧\nz = []\n");
    CHECK(ON_COMMENT, "# Title (of a text)\n\nx = [a](b) {c}\n\n## Another <d>\n\n");
    CHECK(ON_COMMENT, "<!-⟦- a > b --⟧> c <!-- d");
}

static void strings(void **state)
{
    (void)state;
    CHECK(ON_STRING, "f(⟦\"a\\\"b⟧\", ⟦'c\"⟧', \"\n) = {⟦\"⟧\", ⟦'\\'⟧'} // \"d\" don't");
    CHECK(ON_STRING, "f = ⟦\"\"\"a\n\"b\" c\"\"⟧\" + ⟦'''d''⟧'\n(\"\"\" {} <>");
    CHECK(ON_STRING, "\\\" = ⟦\"a⟧\";");
    CHECK(ON_STRING, "In prose, \"quotes\" are not strings, are they?");
}

static void markup(void **state)
{
    (void)state;
    CHECK(ON_TAG,
          "⟦<p class=\"a\"⟧>1 < 2 > ⟦<br/⟧>3⟦</p⟧> ⟦<!x⟧> <!-- <c> --> <!-- c > --> <d\n\n>");
    CHECK(ON_TAG, "#include <a.h>");
    CHECK(ON_COMMAND, "⟦\\begin⟧{a} ⟦\\b⟧1 ⟦\\\\⟧ ⟦\\%⟧ ⟦\\⟧ c");
    CHECK(ON_COMMAND, "printf(\"\\n\")");
    CHECK(ON_BACKTICKS, "a ⟦`b⟧` c ⟦``d ` e`⟧` `f\n\n⟦```\ng\n\n`h\n``⟧`");
    CHECK(ON_URL, "see ⟦https://a.b/c?d=e⟧, (⟦www.f.org⟧) <⟦ftp://g⟧> :// x://y ⟦ssh://h⟧");
    check_unsound(ON_BACKTICKS, "`a` `b", true);
}

/* Strays, deep nests, openings without an end: the time stays in proportion to the length. */
static void long_texts_of_one_kind(void **state)
{
    (void)state;
    static const char *const kinds[] = {
        "(",       "([",       "<{",       ")",      "\"",       "'",     "\"\"\" ", "''' = ",
        "/*",      "<!--",     "`",        "` ``",   "<a",       "://a.", "www.",    "\\",
        "\\\"{",   "= \"\\",   "= '",      "{\n\n",  "«",        "\r",    "# \n",    "a",
        "",        "。",       "{([",      "]) }",   "({[[]}",   "=//",   "“",       "\"\n\"\n",
        " \"a 'b", "= \"\\\n", "\\begin{", "[{(((]", "=\"'\\\"",
    };
    const size_t length = 200000;
    int32_t *points = malloc(length * sizeof *points);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct label_marks marks = {0};
        int32_t unit[16];
        size_t used;
        size_t count =
            utf8_decode_all((const uint8_t *)kinds[k], strlen(kinds[k]), unit, 16, &used);
        for (size_t t = 0; t < length; t++)
            points[t] = count > 0 ? unit[t % count] : -1;
        assert_int_equal(label_parse(&marks, points, length, NULL), 0);
        label_marks_release(&marks);
    }
    free(points);
}

/* Lines cover the text once, and brackets close what they open. */
static void random_texts(void **state)
{
    (void)state;
    struct random random = {11, 0};
    int32_t points[300];
    for (int round = 0; round < 2000; round++) {
        struct label_marks marks = {0};
        size_t length = random_below(&random, 300), covered = 0;
        int depth = 0;
        random_points(&random, points, length);
        for (size_t t = 0; t < length; t++)
            if (random_below(&random, 3) == 0)
                points[t] =
                    RANDOM_OF(&random, '"', '\'', '(', ')', '[', ']', '{', '}', '<', '>', '/', '*',
                              '\\', '`', '#', '\n', '\n', ' ', '=', '.', 0x201C, -1);
        assert_int_equal(label_parse(&marks, points, length, NULL), 0);
        for (size_t i = 0; i < marks.num_lines; i++) {
            const struct label_line *line = &marks.lines[i];
            assert_int_equal(line->from, covered);
            assert_true(line->start <= line->text && line->text <= line->end);
            assert_true(line->from <= line->to && line->end <= length);
            covered = line->to;
        }
        assert_int_equal(covered, length);
        for (size_t t = 0; t < length; t++) {
            depth += marks.steps[t];
            assert_true(depth >= 0);
            assert_int_equal(label_has(&marks, t, ON_ROUND | ON_SQUARE | ON_CURLY | ON_ANGLE),
                             depth > 0);
        }
        assert_int_equal(depth, 0);
        label_marks_release(&marks);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters),
        cmocka_unit_test(words),
        cmocka_unit_test(sentences),
        cmocka_unit_test(lines),
        cmocka_unit_test(double_quotes),
        cmocka_unit_test(single_quotes),
        cmocka_unit_test(brackets),
        cmocka_unit_test(comments),
        cmocka_unit_test(strings),
        cmocka_unit_test(markup),
        cmocka_unit_test(long_texts_of_one_kind),
        cmocka_unit_test(random_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
