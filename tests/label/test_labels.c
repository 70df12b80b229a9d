#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../text/random_text.h"
#include "labels.h"
#include "passage.h"

static const struct label *find(const struct labels *labels, const char *name)
{
    for (size_t k = 0; k < labels->count; k++)
        if (strcmp(labels->list[k].name, name) == 0)
            return &labels->list[k];
    return NULL;
}

static struct labels labels_of(const struct passage *passage)
{
    struct labels labels = {0};
    assert_int_equal(labels_make(&labels, &passage->vocab, passage->ids, passage->length), 0);
    assert_int_equal(labels.length, passage->length);
    return labels;
}

/* --- values ----------------------------------------------------------------------------------- */

#define VERSE "The sea (so {grey [and (old)]}) is\n\t  wide,\nand I am here.\n\n"
#define TIMES 200 /* that it is there, so that its patterns are no chance */

/* One digit a character: 0 as '.', 10 as 'a'. */
static const struct {
    const char *name;
    enum label_kind kind;
    const char *values;
} expected[] = {
    /* "The sea (so {grey [and (old)]}) is/>  wide,/and I am here.//" */
    {"inside ( )", LABEL_BINARY, "........1111111111111111111111.............................."},
    {"inside [ ]", LABEL_BINARY, "..................1111111111................................"},
    {"inside { }", LABEL_BINARY, "............11111111111111111..............................."},
    {"bracket depth", LABEL_SCALAR, "........1111222222333334444321.............................."},
    {"depth of ( )", LABEL_SCALAR, "........1111111111111112222111.............................."},
    {"position in line", LABEL_SCALAR,
     "123456789abcdefghijklmnopqrstuvwxy.12345678.123456789abcde.."},
    {"left in line", LABEL_SCALAR, "xwvutsrqponmlkjihgfedcba987654321.87654321.edcba987654321..y"},
    {"line length", LABEL_SCALAR, "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy888888888eeeeeeeeeeeeeee.y"},
    {"indentation", LABEL_SCALAR, "...................................89aaaaaa................."},
    {"inside the indentation", LABEL_BINARY,
     "...................................111......................"},
    {"repeated line", LABEL_BINARY, "1111111111111111111111111111111111111111111111111111111111.1"},
    {"first line of a paragraph", LABEL_BINARY,
     "1111111111111111111111111111111111.........................1"},
    {"first word of a sentence", LABEL_BINARY,
     "111........................................................."},
    {"inside a word", LABEL_BINARY, "111.111..11..1111..111..111.....11....1111..111.1.11.1111..."},
    {"first letter", LABEL_BINARY, "1...1....1...1.....1....1.......1.....1.....1...1.1..1......"},
    {"last letter", LABEL_BINARY, "..1...1...1.....1....1....1......1.......1....1.1..1....1..."},
    {"position in word", LABEL_SCALAR,
     "123.123..12..1234..123..123.....12....1234..123.1.12.1234..."},
    {"word length", LABEL_SCALAR, "333.333..22..4444..333..333.....22....4444..333.1.22.4444..."},
    {"capital", LABEL_BINARY, "1...............................................1..........."},
    {"vowel", LABEL_BINARY, "..1..11...1....1...1....1.......1......1.1..1...1.1...1.1..."},
    {"whitespace", LABEL_BINARY, "...1...1...1.....1....1........1..1111.....1...1.1..1.....11"},
    {"punctuation", LABEL_BINARY, "........1...1.....1....1...1111...........1..............1.."},
};

static struct passage verses(enum vocab_unit unit)
{
    const size_t length = strlen(VERSE);
    char *text = malloc(TIMES * length);
    for (size_t i = 0; i < TIMES; i++)
        memcpy(text + i * length, VERSE, length);
    struct passage passage = passage_new(unit, text, TIMES * length);
    free(text);
    return passage;
}

static void values_are_as_said(void **state)
{
    (void)state;
    const size_t length = strlen(VERSE), rows = sizeof expected / sizeof *expected;
    struct passage passage = verses(VOCAB_CODEPOINT);
    struct labels labels = labels_of(&passage);
    assert_int_equal(labels.count, rows + 1); /* and the position in the text */
    for (size_t i = 0; i < rows; i++) {
        const struct label *label = find(&labels, expected[i].name);
        char found[sizeof VERSE] = "";
        if (!label)
            fail_msg("no label '%s'", expected[i].name);
        assert_int_equal(label->kind, expected[i].kind);
        assert_false(label->own);
        for (size_t t = 0; t < length; t++) {
            int value = (int)label->values[5 * length + t];
            found[t] = (char)(value == 0 ? '.' : value < 10 ? '0' + value : 'a' + value - 10);
        }
        assert_string_equal(found, expected[i].values);
    }
    labels_release(&labels);
    assert_null(labels.list);
    labels_release(&labels);
    passage_release(&passage);
}

static void positions_go_from_0_to_1(void **state)
{
    (void)state;
    struct passage passage = verses(VOCAB_CODEPOINT);
    struct labels labels = labels_of(&passage);
    const struct label *position = find(&labels, "position in text");
    assert_non_null(position);
    assert_true(position->values[0] == 0 && position->values[labels.length - 1] == 1);
    for (size_t t = 1; t < labels.length; t++)
        assert_true(position->values[t] > position->values[t - 1]);
    labels_release(&labels);
    passage_release(&passage);
}

/* Whatever the labels before it are there. */
static void the_position_begins_with_0(void **state)
{
    static const char *const starts[] = {".", "a", "7", " ", "\"A\"", "X", "(", "\n"};
    static char text[TIMES * sizeof VERSE];
    (void)state;
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        size_t length = (size_t)sprintf(text, "%s", starts[i]);
        for (int k = 0; k < TIMES / 2; k++)
            length += (size_t)sprintf(text + length, "%s", VERSE);
        struct passage passage = passage_new(VOCAB_CODEPOINT, text, length);
        struct labels labels = labels_of(&passage);
        const struct label *position = find(&labels, "position in text");
        assert_non_null(position);
        assert_true(position->values[0] == 0);
        labels_release(&labels);
        passage_release(&passage);
    }
}

static void phrases_name_the_direction(void **state)
{
    (void)state;
    struct passage passage = verses(VOCAB_CODEPOINT);
    struct labels labels = labels_of(&passage);
    const struct label *brackets = find(&labels, "inside ( )"),
                       *left = find(&labels, "left in line");
    assert_string_equal(brackets->place, "inside ( )");
    assert_true(!brackets->rising && !left->place);
    assert_string_equal(left->rising, "counts down to the end of the line");
    labels_release(&labels);
    passage_release(&passage);
}

/* --- units ------------------------------------------------------------------------------------ */

/* Names of the labels of both are the same, but of those that only few characters decide. */
static void check_units(enum vocab_unit unit, const char *line, const char *symbols)
{
    const size_t length = strlen(line);
    char *text = malloc(TIMES * length);
    for (size_t i = 0; i < TIMES; i++)
        memcpy(text + i * length, line, length);
    struct passage passage = passage_new(unit, text, TIMES * length);
    struct labels labels = labels_of(&passage);
    const struct label *quotes = find(&labels, "inside quotes"),
                       *word = find(&labels, "inside a word");
    const struct label *position = find(&labels, "position in line");
    assert_true(quotes && word && position);
    assert_int_equal(passage.length, TIMES * strlen(symbols));
    for (size_t i = 0; i < strlen(symbols); i++) {
        size_t t = 7 * strlen(symbols) + i;
        char found = quotes->values[t] > 0 ? 'q' : word->values[t] > 0 ? 'w' : '.';
        assert_int_equal(found, symbols[i]);
    }
    assert_true(position->values[7 * strlen(symbols) - 1] == 0); /* behind the line end */
    assert_true(position->values[8 * strlen(symbols) - 1] == 0);
    labels_release(&labels);
    passage_release(&passage);
    free(text);
}

static void all_units_are_read_alike(void **state)
{
    (void)state;
    static const char line[] = "Она “де\u0301” 5\u00A0м.\r\nи\r\n";
    check_units(VOCAB_CODEPOINT, line, "www.qqqq....w...w..");
    check_units(VOCAB_GRAPHEME, line, "www.qqq....w..w.");
    check_units(VOCAB_BYTE, line, "wwwwww.qqqqqqqqq.......ww...ww..");
}

static void bytes_that_are_no_text_are_symbols(void **state)
{
    (void)state;
    char text[3000];
    for (size_t i = 0; i < sizeof text; i += 6)
        memcpy(text + i, "ab\xFF\xE2\x82 ", 6);
    struct passage passage = passage_new(VOCAB_BYTE, text, sizeof text);
    struct labels labels = labels_of(&passage);
    const struct label *word = find(&labels, "inside a word");
    assert_non_null(word);
    for (size_t t = 0; t < labels.length; t++)
        assert_true(word->values[t] == (t % 6 < 2));
    labels_release(&labels);
    passage_release(&passage);
}

/* --- any text --------------------------------------------------------------------------------- */

static void check_soundness(const struct labels *labels)
{
    for (size_t k = 0; k < labels->count; k++) {
        const struct label *label = &labels->list[k];
        bool constant = true;
        assert_ptr_equal(find(labels, label->name), label);
        for (size_t t = 0; t < labels->length; t++) {
            assert_true(isfinite(label->values[t]));
            assert_true(label->kind == LABEL_SCALAR || label->values[t] == 0 ||
                        label->values[t] == 1);
            constant = constant && label->values[t] == label->values[0];
        }
        assert_false(constant);
        for (size_t other = 0; other < k; other++)
            assert_memory_not_equal(labels->list[other].values, label->values,
                                    labels->length * sizeof *label->values);
    }
}

static void random_texts_have_sound_labels(void **state)
{
    (void)state;
    struct random random = {5, 0};
    uint8_t text[4 * 2000];
    for (int round = 0; round < 60; round++) {
        size_t length = random_text(&random, random_below(&random, 2000), text);
        for (size_t half = length / 2; half > 0 && round % 2;) { /* with order: twice the same */
            memcpy(text + half, text, half);
            length = 2 * half;
            break;
        }
        enum vocab_unit unit = (enum vocab_unit)(round % 3);
        size_t end = unit == VOCAB_BYTE ? length : 0;
        while (unit != VOCAB_BYTE && end < length) { /* as far as it is UTF-8 */
            int32_t point;
            int step = utf8_decode(text + end, length - end, &point);
            if (step <= 0)
                break;
            end += (size_t)step;
        }
        struct passage passage = passage_new(unit, text, end);
        struct labels labels = labels_of(&passage);
        check_soundness(&labels);
        labels_release(&labels);
        passage_release(&passage);
    }
}

static void short_texts_have_none(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "a", "\n", "(", "\xFF"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct passage passage = passage_new(VOCAB_BYTE, texts[i], strlen(texts[i]));
        struct labels labels = labels_of(&passage);
        assert_int_equal(labels.count, 0);
        labels_release(&labels);
        passage_release(&passage);
    }
}

/* --- order ------------------------------------------------------------------------------------ */

struct writer {
    struct random random;
    char text[14000];
    size_t length, column;
};

static void write_text(struct writer *writer, const char *text)
{
    size_t length = strlen(text);
    assert_true(writer->length + length < sizeof writer->text);
    memcpy(writer->text + writer->length, text, length);
    writer->length += length;
    writer->column = text[length - 1] == '\n' ? 0 : writer->column + length;
}

static void write_word(struct writer *writer)
{
    static const char *const syllables[] = {"ba", "to", "ri", "men", "sul", "ka", "ve", "ost"};
    for (uint32_t n = 1 + random_below(&writer->random, 4); n > 0; n--)
        write_text(writer, syllables[random_below(&writer->random, 8)]);
}

static void write_words(struct writer *writer, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            write_text(writer, writer->column > 50 ? "\n" : " ");
        write_word(writer);
    }
}

/* Sentences with quotes and brackets, in lines of about the same length; or a program. */
static void write_structure(struct writer *writer, bool program)
{
    static const char *const opens[2][4] = {{"\"", "(", "", "["},
                                            {"\tf(", "/* ", "\tx = \"", "if {\n\tg("}};
    static const char *const closes[2][4] = {{".\"", ")", "", "]"}, {"); ", " */", "\";", ")\n}"}};
    while (writer->length < 12000) {
        uint32_t kind = random_below(&writer->random, 4);
        if (!program)
            write_text(writer, random_below(&writer->random, 2) ? "Ka " : "So ");
        write_text(writer, opens[program][kind][0] ? opens[program][kind] : "a ");
        write_words(writer, 2 + random_below(&writer->random, program ? 2 : 6));
        write_text(writer, closes[program][kind][0] ? closes[program][kind] : " e");
        write_text(writer, program ? "\n" : random_below(&writer->random, 6) == 0 ? ".\n\n" : ". ");
    }
}

static void shuffle(struct random *random, char *text, size_t length)
{
    for (size_t i = length; i > 1; i--) {
        size_t other = random_below(random, (uint32_t)i);
        char c = text[other];
        text[other] = text[i - 1];
        text[i - 1] = c;
    }
}

/* What a text of either kind shows. */
static const char *const ordered[2][12] = {
    {"inside quotes", "inside ( )", "inside [ ]", "bracket depth", "position in line",
     "left in line", "line length", "first word of a sentence", "first line of a paragraph",
     "inside a word", "first letter", "word length"},
    {"inside a comment", "inside quotes", "inside ( )", "inside { }", "bracket depth",
     "position in line", "left in line", "indentation", "inside the indentation", "inside a word",
     "last letter", "position in word"},
};

static void a_shuffled_text_has_no_words(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        const bool program = seed % 2;
        struct writer writer = {.random = {seed, 0}};
        write_structure(&writer, program);
        struct passage passage = passage_new(VOCAB_CODEPOINT, writer.text, writer.length);
        struct labels labels = labels_of(&passage);
        for (size_t i = 0; i < 12; i++)
            if (!find(&labels, ordered[program][i]))
                fail_msg("seed %d: no '%s'", (int)seed, ordered[program][i]);
        labels_release(&labels);
        passage_release(&passage);

        shuffle(&writer.random, writer.text, writer.length);
        passage = passage_new(VOCAB_CODEPOINT, writer.text, writer.length);
        labels = labels_of(&passage);
        for (size_t k = 0; k < labels.count; k++)
            if (strcmp(labels.list[k].name, "position in text") != 0)
                fail_msg("seed %d: '%s' in random order", (int)seed, labels.list[k].name);
        labels_release(&labels);
        passage_release(&passage);
    }
}

/* Random brackets nest, too: each copy in its own way. */
static void shuffled_brackets_have_no_depth(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct random random = {seed, 0};
        char text[4000], closing[8];
        size_t depth = 0;
        for (size_t i = 0; i < sizeof text; i++) {
            const char *kind = &"(){}"[2 * random_below(&random, 2)];
            if (depth > 0 && (depth == sizeof closing || random_below(&random, 2))) {
                text[i] = closing[--depth];
                continue;
            }
            text[i] = depth == 0 && random_below(&random, 3) == 0 ? '\n' : kind[0];
            if (text[i] != '\n')
                closing[depth++] = kind[1];
        }
        struct passage passage = passage_new(VOCAB_CODEPOINT, text, sizeof text);
        struct labels labels = labels_of(&passage);
        assert_true(find(&labels, "inside { }") && find(&labels, "bracket depth"));
        labels_release(&labels);
        passage_release(&passage);

        shuffle(&random, text, sizeof text);
        passage = passage_new(VOCAB_CODEPOINT, text, sizeof text);
        labels = labels_of(&passage);
        assert_false(find(&labels, "inside { }") || find(&labels, "inside ( )") ||
                     find(&labels, "depth of { }") || find(&labels, "bracket depth"));
        labels_release(&labels);
        passage_release(&passage);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_as_said),
        cmocka_unit_test(positions_go_from_0_to_1),
        cmocka_unit_test(the_position_begins_with_0),
        cmocka_unit_test(phrases_name_the_direction),
        cmocka_unit_test(all_units_are_read_alike),
        cmocka_unit_test(bytes_that_are_no_text_are_symbols),
        cmocka_unit_test(random_texts_have_sound_labels),
        cmocka_unit_test(short_texts_have_none),
        cmocka_unit_test(a_shuffled_text_has_no_words),
        cmocka_unit_test(shuffled_brackets_have_no_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
