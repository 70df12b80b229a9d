#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "error.h"
#include "mem.h"
#include "random_text.h"
#include "segmenter.h"

/* The concatenated symbols of a text, and where each of them ends. */
struct cut {
    uint8_t *bytes;
    size_t *ends;
    size_t num_bytes, count, bytes_capacity, ends_capacity;
    struct text_notes notes;
};

static int collect(void *context, const struct segmenter_run *run)
{
    struct cut *cut = context;
    assert_in_range(run->count, 1, SEGMENTER_RUN_MAX);
    for (size_t i = 0; i < run->count; i++) {
        uint8_t room[4];
        struct vocab_symbol symbol = segmenter_symbol(run, i, room);
        mem_grow(&cut->bytes, &cut->bytes_capacity, cut->num_bytes + symbol.length, 1);
        mem_grow(&cut->ends, &cut->ends_capacity, cut->count + 1, sizeof *cut->ends);
        memcpy(cut->bytes + cut->num_bytes, symbol.bytes, symbol.length);
        cut->num_bytes += symbol.length;
        cut->ends[cut->count++] = cut->num_bytes;
    }
    return 0;
}

/* Segments a text in pieces that end at ends[0..num_ends) and at its end. */
static int cut_treated(struct cut *cut, const struct text_treatment *treatment, const uint8_t *text,
                       size_t length, const size_t *ends, size_t num_ends)
{
    *cut = (struct cut){0};
    struct segmenter *segmenter = segmenter_new(treatment, "a text");
    assert_non_null(segmenter);
    int result = 0;
    size_t at = 0;
    for (size_t i = 0; i <= num_ends && result == 0; i++) {
        size_t end = i < num_ends ? ends[i] : length;
        /* a separate copy, so that sanitizers notice a read beyond it */
        uint8_t *piece = (uint8_t *)mem_copy(text + at, end - at);
        result = segmenter_feed(segmenter, piece, end - at, i == num_ends, collect, cut);
        free(piece);
        at = end;
    }
    cut->notes = *segmenter_notes(segmenter);
    segmenter_free(segmenter);
    return result;
}

static int cut_pieces(struct cut *cut, enum vocab_unit unit, enum utf8_form form,
                      const uint8_t *text, size_t length, const size_t *ends, size_t num_ends)
{
    return cut_treated(cut, &(struct text_treatment){.unit = unit, .form = form}, text, length,
                       ends, num_ends);
}

static void cut_release(struct cut *cut)
{
    free(cut->bytes);
    free(cut->ends);
}

static void check_same(const struct cut *a, const struct cut *b)
{
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->num_bytes, b->num_bytes);
    if (a->count == 0)
        return;
    assert_memory_equal(a->ends, b->ends, a->count * sizeof *a->ends);
    assert_memory_equal(a->bytes, b->bytes, a->num_bytes);
    assert_memory_equal(&a->notes, &b->notes, sizeof a->notes);
}

static size_t to_points(const uint8_t *text, size_t length, int32_t *points)
{
    size_t count = 0;
    for (size_t at = 0; at < length; count++)
        at += (size_t)utf8_decode(text + at, length - at, &points[count]);
    return count;
}

/* The symbols by definition, from the whole text. */
static void naive_cut(struct cut *cut, enum vocab_unit unit, enum utf8_form form,
                      const uint8_t *text, size_t length)
{
    int32_t *points = malloc((length + 1) * sizeof *points), *normal = points, state = 0;
    size_t count = unit == VOCAB_BYTE ? length : to_points(text, length, points), capacity = 0;
    *cut = (struct cut){0};
    if (form != UTF8_NONE) {
        normal = NULL;
        assert_int_equal(utf8_normalize(points, count, form, &normal, &capacity, &count), 0);
    }
    cut->bytes = malloc(4 * count + 1);
    cut->ends = malloc((count + 1) * sizeof *cut->ends);
    for (size_t i = 0; i < count; i++) {
        if (unit == VOCAB_BYTE)
            cut->bytes[cut->num_bytes++] = text[i];
        else
            cut->num_bytes += (size_t)utf8_encode(normal[i], cut->bytes + cut->num_bytes);
        if (unit != VOCAB_GRAPHEME || i + 1 == count ||
            utf8_cluster_break(normal[i], normal[i + 1], &state))
            cut->ends[cut->count++] = cut->num_bytes;
    }
    cut->notes.bytes = length;
    cut->notes.symbols = cut->count;
    for (size_t i = 0; i < length; i++) {
        cut->notes.nul_bytes += text[i] == 0;
        cut->notes.carriage_returns += text[i] == 0x0D;
        cut->notes.line_feeds += text[i] == 0x0A;
    }
    cut->notes.byte_order_mark = length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0;
    if (normal != points)
        free(normal);
    free(points);
}

static const struct {
    enum vocab_unit unit;
    enum utf8_form form;
} KINDS[] = {{VOCAB_CODEPOINT, UTF8_NONE}, {VOCAB_CODEPOINT, UTF8_NFC},
             {VOCAB_CODEPOINT, UTF8_NFKC}, {VOCAB_GRAPHEME, UTF8_NONE},
             {VOCAB_GRAPHEME, UTF8_NFC},   {VOCAB_GRAPHEME, UTF8_NFKC},
             {VOCAB_BYTE, UTF8_NONE}};
#define NUM_KINDS (sizeof KINDS / sizeof *KINDS)

/* Symbols are those of the definition. Without a normal form, together they are the text. */
static void test_symbols_of_random_text(void **state)
{
    (void)state;
    struct random random = {1, 0};
    uint8_t text[4 * 200];
    for (int round = 0; round < 1500; round++) {
        size_t length = random_text(&random, random_below(&random, 200), text);
        for (size_t k = 0; k < NUM_KINDS; k++) {
            struct cut cut, naive;
            naive_cut(&naive, KINDS[k].unit, KINDS[k].form, text, length);
            assert_int_equal(cut_pieces(&cut, KINDS[k].unit, KINDS[k].form, text, length, NULL, 0),
                             0);
            check_same(&cut, &naive);
            if (KINDS[k].form == UTF8_NONE) {
                assert_int_equal(cut.num_bytes, length);
                assert_true(length == 0 || memcmp(cut.bytes, text, length) == 0);
            }
            cut_release(&cut);
            cut_release(&naive);
        }
    }
}

static void test_pieces_make_no_difference(void **state)
{
    (void)state;
    struct random random = {2, 0};
    uint8_t text[4 * 30];
    for (int round = 0; round < 400; round++) {
        size_t length = random_text(&random, 1 + random_below(&random, 30), text);
        for (size_t k = 0; k < NUM_KINDS; k++) {
            struct cut whole, cut;
            size_t ends[4 * 30];
            cut_pieces(&whole, KINDS[k].unit, KINDS[k].form, text, length, NULL, 0);
            for (size_t end = 0; end <= length; end++) { /* two pieces */
                cut_pieces(&cut, KINDS[k].unit, KINDS[k].form, text, length, &end, 1);
                check_same(&cut, &whole);
                cut_release(&cut);
            }
            size_t num_ends = 0; /* each byte or two, some pieces empty */
            for (size_t end = 0; end < length && num_ends < 4 * 30; num_ends++)
                ends[num_ends] = end += random_below(&random, round % 2 ? 2 : 3);
            while (num_ends > 0 && ends[num_ends - 1] > length)
                num_ends--;
            cut_pieces(&cut, KINDS[k].unit, KINDS[k].form, text, length, ends, num_ends);
            check_same(&cut, &whole);
            cut_release(&cut);
            cut_release(&whole);
        }
    }
}

/* More symbols than a run holds; a very long cluster; no normalisation boundary. */
static void test_long_texts(void **state)
{
    (void)state;
    struct random random = {3, 0};
    size_t points = 50000, length;
    uint8_t *text = malloc(4 * points);
    for (int round = 0; round < 4; round++) {
        if (round == 0)
            length = random_text(&random, points, text);
        else if (round == 1)
            memset(text, 'a', length = 2 * SEGMENTER_RUN_MAX + 1);
        else
            for (length = 0; length < 4 * points - 4;)
                length += (size_t)utf8_encode(
                    length < 9 ? 'e' : random_point(&random, round == 2 ? 2 : 5), text + length);
        for (size_t k = 0; k < NUM_KINDS; k++) {
            struct cut cut, naive;
            size_t ends[64], num_ends = 0;
            for (size_t end = random_below(&random, 9000); end < length && num_ends < 64;
                 end += 1 + random_below(&random, 9000))
                ends[num_ends++] = end;
            naive_cut(&naive, KINDS[k].unit, KINDS[k].form, text, length);
            cut_pieces(&cut, KINDS[k].unit, KINDS[k].form, text, length, ends, num_ends);
            check_same(&cut, &naive);
            cut_release(&cut);
            cut_release(&naive);
        }
    }
    free(text);
}

static void test_notes(void **state)
{
    (void)state;
    static const uint8_t text[] = "\xEF\xBB\xBF"
                                  "a\r\nb\n\0\xEF\xBB\xBF\r";
    struct cut cut;
    assert_int_equal(cut_pieces(&cut, VOCAB_GRAPHEME, UTF8_NONE, text, sizeof text - 1, NULL, 0),
                     0);
    assert_int_equal(cut.notes.bytes, 13);
    assert_int_equal(cut.notes.symbols, 8); /* CR LF is one cluster */
    assert_int_equal(cut.notes.nul_bytes, 1);
    assert_int_equal(cut.notes.carriage_returns, 2);
    assert_int_equal(cut.notes.line_feeds, 2);
    assert_true(cut.notes.byte_order_mark);
    cut_release(&cut);
    cut_pieces(&cut, VOCAB_CODEPOINT, UTF8_NONE, text + 3, sizeof text - 4, NULL, 0);
    assert_false(cut.notes.byte_order_mark);
    cut_release(&cut);
}

static void check_refused(const char *bad, size_t bad_length, size_t offset, const char *message)
{
    uint8_t text[64];
    size_t length = 0, before = offset;
    while (before > 0 && length < offset) /* two-byte characters and at most one letter */
        length += (size_t)utf8_encode(offset - length == 1 ? 'x' : 0x431, text + length);
    memcpy(text + length, bad, bad_length);
    length += bad_length;
    for (size_t k = 0; k < NUM_KINDS; k++)
        for (size_t end = 0; end <= length; end++) {
            struct cut cut;
            error_set("none");
            int result = cut_pieces(&cut, KINDS[k].unit, KINDS[k].form, text, length, &end, 1);
            if (KINDS[k].unit == VOCAB_BYTE)
                assert_int_equal(result, 0);
            else {
                assert_int_equal(result, -1);
                assert_string_equal(error_message(), message);
            }
            cut_release(&cut);
        }
}

#define AFTER(byte, offset) "a text: byte 0x" byte " at offset " offset " is not UTF-8"
#define CUT_OFF(byte, offset)                                                                      \
    "a text: the last character, from byte 0x" byte " at offset " offset                           \
    " on, is not whole UTF-8: the text ends within it"

static void test_bytes_that_are_not_utf8(void **state)
{
    (void)state;
    check_refused("\xFF", 1, 0, AFTER("FF", "0"));
    check_refused("\xFF\xFE", 2, 7, AFTER("FF", "7"));
    check_refused("\x80z", 2, 5, AFTER("80", "5"));                    /* a lone continuation */
    check_refused("\xC0\x80", 2, 4, AFTER("C0", "4"));                 /* overlong */
    check_refused("\xE0\x9F\xBF", 3, 4, AFTER("E0", "4"));             /* overlong */
    check_refused("\xF0\x8F\xBF\xBF", 4, 3, AFTER("F0", "3"));         /* overlong */
    check_refused("\xED\xA0\x80z", 4, 2, AFTER("ED", "2"));            /* a surrogate */
    check_refused("\xF4\x90\x80\x80", 4, 6, AFTER("F4", "6"));         /* beyond U+10FFFF */
    check_refused("\xF5\x80\x80\x80", 4, 6, AFTER("F5", "6"));         /* no lead byte */
    check_refused("\xE2\x82z", 3, 9, AFTER("E2", "9"));                /* broken off by a letter */
    check_refused("\xF0\x9F\x91\xE2\x82\xAC", 6, 1, AFTER("F0", "1")); /* by another character */
    check_refused("\xD0", 1, 10, CUT_OFF("D0", "10"));
    check_refused("\xE2\x82", 2, 11, CUT_OFF("E2", "11"));
    check_refused("\xF0\x9F\x91", 3, 0, CUT_OFF("F0", "0"));
}

/* By definition: the text without its byte order mark and with its line ends joined. */
static size_t treat(const struct text_treatment *treatment, const uint8_t *text, size_t length,
                    uint8_t *out)
{
    size_t used = 0, at = 0;
    if (treatment->strip_bom && length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        at = 3;
    for (; at < length; at++) {
        const bool joined = treatment->newlines == VOCAB_LF && text[at] == '\r';
        if (joined && at + 1 < length && text[at + 1] == '\n')
            continue;
        out[used++] = joined ? '\n' : text[at];
    }
    return used;
}

/* Texts of line ends, marks and parts of marks, with every way to treat them, cut at every place.
 */
static void test_newlines_and_byte_order_marks(void **state)
{
    (void)state;
    static const char *const parts[] = {"\r\n",         "\r",       "\n",       "a",
                                        "\xEF\xBB\xBF", "\xD0\xB1", "e\xCC\x81"};
    struct random random = {8, 0};
    for (int round = 0; round < 150; round++) {
        uint8_t text[64], treated[64];
        size_t length = 0;
        for (uint32_t n = random_below(&random, 9); n > 0; n--) {
            const char *part = parts[length == 0 && round % 2 ? 4 : random_below(&random, 7)];
            length += (size_t)snprintf((char *)text + length, sizeof text - length, "%s", part);
        }
        for (size_t k = 0; k < 4 * NUM_KINDS; k++) {
            const struct text_treatment treatment = {.unit = KINDS[k / 4].unit,
                                                     .form = KINDS[k / 4].form,
                                                     .newlines = k & 1 ? VOCAB_LF : VOCAB_KEEP,
                                                     .strip_bom = k & 2};
            /* the start of a mark alone is a text of bytes */
            const size_t whole =
                treatment.unit == VOCAB_BYTE && round % 3 == 0 && length > 2 ? 2 : length;
            struct cut expected, cut;
            const size_t left = treat(&treatment, text, whole, treated);
            cut_pieces(&expected, treatment.unit, treatment.form, treated, left, NULL, 0);
            for (size_t end = 0; end <= whole; end++) {
                const size_t ends[] = {end / 2, end};
                assert_int_equal(cut_treated(&cut, &treatment, text, whole, ends, 2), 0);
                assert_int_equal(cut.notes.bytes, whole);
                expected.notes = cut.notes; /* those of the text as it came in */
                assert_int_equal(cut.notes.symbols, expected.count);
                check_same(&cut, &expected);
                cut_release(&cut);
            }
            cut_release(&expected);
        }
    }
}

/* Offsets are those in the file, whatever was left out before. */
static void test_offsets_count_what_was_left_out(void **state)
{
    (void)state;
    static const uint8_t text[] = "\xEF\xBB\xBF"
                                  "a\r\n\r\nb\xFF";
    const struct text_treatment treatment = {.newlines = VOCAB_LF, .strip_bom = true};
    for (size_t end = 0; end < sizeof text; end++) {
        struct cut cut;
        assert_int_equal(cut_treated(&cut, &treatment, text, sizeof text - 1, &end, 1), -1);
        assert_string_equal(error_message(), "a text: byte 0xFF at offset 9 is not UTF-8");
        cut_release(&cut);
    }
}

/* A segmenter that is restarted after any piece is as good as a new one. */
static void test_restart(void **state)
{
    (void)state;
    struct random random = {9, 0};
    uint8_t text[4 * 60];
    for (int round = 0; round < 200; round++) {
        const size_t length = random_text(&random, 60, text);
        for (size_t k = 0; k < NUM_KINDS; k++) {
            const struct text_treatment treatment = {.unit = KINDS[k].unit,
                                                     .form = KINDS[k].form,
                                                     .newlines = VOCAB_LF,
                                                     .strip_bom = true};
            struct cut expected, cut = {0}, ignored = {0};
            struct segmenter *segmenter = segmenter_new(&treatment, "a text");
            segmenter_feed(segmenter, text, random_below(&random, (uint32_t)length), false, collect,
                           &ignored);
            segmenter_restart(segmenter, "another");
            assert_int_equal(segmenter_feed(segmenter, text, length, true, collect, &cut), 0);
            cut.notes = *segmenter_notes(segmenter);
            cut_treated(&expected, &treatment, text, length, NULL, 0);
            check_same(&cut, &expected);
            segmenter_free(segmenter);
            cut_release(&ignored);
            cut_release(&cut);
            cut_release(&expected);
        }
    }
}

static void test_bytes_have_no_normal_form(void **state)
{
    (void)state;
    assert_null(
        segmenter_new(&(struct text_treatment){.unit = VOCAB_BYTE, .form = UTF8_NFC}, "a text"));
    assert_non_null(strstr(error_message(), "--normalize"));
}

static int stop_at_second(void *context, const struct segmenter_run *run)
{
    (void)run;
    return ++*(int *)context == 2 ? 7 : 0;
}

static void test_taker_can_stop(void **state)
{
    (void)state;
    static uint8_t text[5 * SEGMENTER_RUN_MAX];
    memset(text, 'a', sizeof text);
    for (size_t k = 0; k < NUM_KINDS; k++) {
        int calls = 0;
        struct segmenter *segmenter = segmenter_new(
            &(struct text_treatment){.unit = KINDS[k].unit, .form = KINDS[k].form}, "a text");
        assert_int_equal(segmenter_feed(segmenter, text, sizeof text, true, stop_at_second, &calls),
                         7);
        assert_int_equal(calls, 2);
        segmenter_free(segmenter);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_symbols_of_random_text),
        cmocka_unit_test(test_pieces_make_no_difference),
        cmocka_unit_test(test_long_texts),
        cmocka_unit_test(test_notes),
        cmocka_unit_test(test_bytes_that_are_not_utf8),
        cmocka_unit_test(test_newlines_and_byte_order_marks),
        cmocka_unit_test(test_offsets_count_what_was_left_out),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_bytes_have_no_normal_form),
        cmocka_unit_test(test_taker_can_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
