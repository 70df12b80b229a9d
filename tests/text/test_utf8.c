#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <utf8proc.h>

#include "random_text.h"
#include "utf8.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static int naive_encode(int32_t point, uint8_t out[4])
{
    if (point < 0x80) {
        out[0] = (uint8_t)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (uint8_t)(0xC0 | point >> 6);
        out[1] = (uint8_t)(0x80 | (point & 0x3F));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (uint8_t)(0xE0 | point >> 12);
        out[1] = (uint8_t)(0x80 | (point >> 6 & 0x3F));
        out[2] = (uint8_t)(0x80 | (point & 0x3F));
        return 3;
    }
    out[0] = (uint8_t)(0xF0 | point >> 18);
    out[1] = (uint8_t)(0x80 | (point >> 12 & 0x3F));
    out[2] = (uint8_t)(0x80 | (point >> 6 & 0x3F));
    out[3] = (uint8_t)(0x80 | (point & 0x3F));
    return 4;
}

static bool is_surrogate(int32_t point)
{
    return point >= 0xD800 && point <= 0xDFFF;
}

static void test_every_code_point(void **state)
{
    (void)state;
    for (int32_t point = 0; point < UTF8_NUM_POINTS; point++) {
        uint8_t naive[4], bytes[4];
        int32_t back = -1;
        int length = naive_encode(point, naive);
        if (is_surrogate(point)) {
            assert_int_equal(utf8_decode(naive, 3, &back), -1);
            continue;
        }
        assert_int_equal(utf8_encode(point, bytes), length);
        assert_memory_equal(bytes, naive, (size_t)length);
        assert_int_equal(utf8_decode(bytes, (size_t)length, &back), length);
        assert_int_equal(back, point);
        for (int cut = 1; cut < length; cut++)
            assert_int_equal(utf8_decode(bytes, (size_t)cut, &back), 0);
    }
}

/* The valid prefixes, by encoding every code point: prefixes[key] has bit n if the n bytes of the
 * big-endian number `key` are the start of some code point. */
static uint8_t *prefixes; /* [1 << 24] */

static int naive_decode(const uint8_t *text, size_t length)
{
    for (size_t n = 1; n <= length && n <= 4; n++) {
        uint32_t key = 0;
        for (size_t i = 0; i < n; i++)
            key = key << 8 | text[i];
        if (n == 1 && key < 0x80)
            return 1;
        bool goes_on = n < 4 && prefixes[key] & 1 << n;
        bool whole = n > 1 && !goes_on && prefixes[key >> 8] & 1 << (n + 3) && (key & 0xC0) == 0x80;
        if (whole)
            return (int)n;
        if (!goes_on)
            return -1;
    }
    return 0;
}

static void test_every_ill_formed_class(void **state)
{
    (void)state;
    static const uint8_t edges[] = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF,
                                    0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE,
                                    0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF8, 0xFE, 0xFF};
    prefixes = calloc(1 << 24, 1);
    for (int32_t point = 0x80; point < UTF8_NUM_POINTS; point++) {
        uint8_t bytes[4];
        int length = naive_encode(point, bytes);
        uint32_t key = 0;
        for (int n = 1; n < length && !is_surrogate(point); n++) {
            key = key << 8 | bytes[n - 1];
            prefixes[key] |= (uint8_t)(1 << n | (n == length - 1 ? 1 << (n + 4) : 0));
        }
    }
    uint8_t text[4];
    int32_t point;
    size_t seen[3] = {0};
    for (size_t i = 0; i < COUNT(edges) * COUNT(edges) * COUNT(edges) * COUNT(edges); i++) {
        size_t rest = i;
        for (int k = 0; k < 4; k++, rest /= COUNT(edges))
            text[k] = edges[rest % COUNT(edges)];
        for (size_t length = 1; length <= 4; length++) {
            int expected = naive_decode(text, length);
            assert_int_equal(utf8_decode(text, length, &point), expected);
            seen[expected < 0 ? 0 : expected == 0 ? 1 : 2]++;
        }
    }
    assert_true(seen[0] > 0 && seen[1] > 0 && seen[2] > 0);
    free(prefixes);
}

/* Decoding many at once equals decoding one by one, for every capacity, and stops before errors. */
static void test_decode_all(void **state)
{
    (void)state;
    struct random random = {1, 0};
    uint8_t text[4 * 40 + 1];
    for (int round = 0; round < 3000; round++) {
        size_t length = random_text(&random, 1 + random_below(&random, 40), text);
        if (round % 3 == 1)
            text[random_below(&random, (uint32_t)length)] = (uint8_t)random_below(&random, 256);
        else if (round % 3 == 2)
            length -= random_below(&random, 2);
        int32_t points[64], point;
        size_t room = random_below(&random, 42), used;
        size_t count = utf8_decode_all(text, length, points, room, &used), at = 0;
        for (size_t i = 0; i < count; i++) {
            int bytes = utf8_decode(text + at, length - at, &point);
            assert_true(bytes > 0);
            assert_int_equal(point, points[i]);
            at += (size_t)bytes;
        }
        assert_int_equal(at, used);
        if (count < room && at < length)
            assert_true(utf8_decode(text + at, length - at, &point) <= 0);
    }
}

/* In clusters separated by '|'. */
static void check_clusters(const int32_t *points, size_t count, const char *expected)
{
    char got[64];
    size_t n = 0;
    int32_t state = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && utf8_cluster_break(points[i - 1], points[i], &state))
            got[n++] = '|';
        got[n++] = 'x';
    }
    got[n] = '\0';
    assert_string_equal(got, expected);
}

#define CLUSTERS(expected, ...)                                                                    \
    check_clusters((const int32_t[]){__VA_ARGS__}, COUNT(((const int32_t[]){__VA_ARGS__})),        \
                   expected)

static void test_clusters(void **state)
{
    (void)state;
    CLUSTERS("x|x|xx|x|x", 'a', '\n', '\r', '\n', '\r', 'b');
    CLUSTERS("x|x|x", '\n', '\r', '\r');
    CLUSTERS("xxx|x", 'e', 0x301, 0x323, 'e');
    CLUSTERS("xx|xx|x", 0x1F1E9, 0x1F1EA, 0x1F1EB, 0x1F1F7, 0x1F1E9);
    CLUSTERS("x|xx|xx|x", 'a', 0x1F1E9, 0x1F1EA, 0x1F1EB, 0x1F1F7, 'b');
    CLUSTERS("xxxxx|x", 0x1F468, 0x200D, 0x1F469, 0x200D, 0x1F466, 0x1F466);
    CLUSTERS("xxxxx|x", 0x1F469, 0x1F3FF, 0x200D, 0x2764, 0xFE0F, 'a');
    CLUSTERS("xxx|xx", 0x1100, 0x1161, 0x11A8, 0x1100, 0x1161);
    CLUSTERS("xx|x|x", 0xAC00, 0x11A8, 0x1100, 'a');
    CLUSTERS("xx|x", 0x928, 0x93F, 'a');
    CLUSTERS("xx", 0x600, 'a'); /* a prefix */
    CLUSTERS("x|x|xx|x", 'b', 0xA9, 'a', 0x200D, 0x1F468);
    CLUSTERS("xx|x", 'a', 0x200D, 'b'); /* a joiner joins only pictures */
}

static void check_form(const int32_t *points, size_t count, enum utf8_form form,
                       const int32_t *expected, size_t num_expected)
{
    int32_t *out = NULL;
    size_t capacity = 0, num_out;
    assert_int_equal(utf8_normalize(points, count, form, &out, &capacity, &num_out), 0);
    assert_int_equal(num_out, num_expected);
    if (num_out > 0)
        assert_memory_equal(out, expected, num_out * sizeof *out);
    free(out);
}

static void test_normal_forms(void **state)
{
    (void)state;
    const int32_t marks[] = {'e', 0x301, 0, 'a', 0x345, 0x323},
                  composed[] = {0xE9, 0, 0x1EA1, 0x345};
    check_form(marks, 6, UTF8_NFC, composed, 4);
    check_form(marks, 0, UTF8_NFC, NULL, 0);
    const int32_t jamo[] = {0x1112, 0x1161, 0x11AB}, syllable[] = {0xD55C};
    check_form(jamo, 3, UTF8_NFC, syllable, 1);
    const int32_t excluded[] = {0x958}, pair[] = {0x915, 0x93C}; /* composition exclusion */
    check_form(excluded, 1, UTF8_NFC, pair, 2);
    const int32_t ligature[] = {0xFB01}, letters[] = {'f', 'i'};
    check_form(ligature, 1, UTF8_NFC, ligature, 1);
    check_form(ligature, 1, UTF8_NFKC, letters, 2);
    const int32_t blocked[] = {'a', 0x305, 0x301}; /* nothing composes across a mark of its class */
    check_form(blocked, 3, UTF8_NFC, blocked, 3);
}

/* Compared with utf8proc's algorithm on the whole text. */
static void test_normal_forms_of_random_text(void **state)
{
    (void)state;
    struct random random = {2, 0};
    int32_t points[200];
    for (int round = 0; round < 3000; round++) {
        size_t count = 1 + random_below(&random, 200);
        random_points(&random, points, count);
        for (size_t i = 0; round % 5 == 0 && i < count; i++) /* long runs of marks */
            points[i] = i % 97 ? random_point(&random, 2) : points[i];
        for (int form = UTF8_NFC; form <= UTF8_NFKC; form++) {
            int options =
                UTF8PROC_STABLE | UTF8PROC_COMPOSE | (form == UTF8_NFKC ? UTF8PROC_COMPAT : 0);
            int32_t expected[200 * 18];
            utf8proc_ssize_t n = 0;
            for (size_t i = 0; i < count; i++) {
                int boundclass = 0;
                n += utf8proc_decompose_char(points[i], expected + n, 18,
                                             (utf8proc_option_t)options, &boundclass);
            }
            for (bool swapped = true; swapped;) { /* as the standard says: exchange until ordered */
                swapped = false;
                for (utf8proc_ssize_t i = 1; i < n; i++) {
                    int a = utf8proc_get_property(expected[i - 1])->combining_class;
                    int b = utf8proc_get_property(expected[i])->combining_class;
                    if (a > b && b > 0) {
                        int32_t kept = expected[i];
                        expected[i] = expected[i - 1];
                        expected[i - 1] = kept;
                        swapped = true;
                    }
                }
            }
            n = utf8proc_normalize_utf32(expected, n, (utf8proc_option_t)options);
            check_form(points, count, (enum utf8_form)form, expected, (size_t)n);
        }
    }
}

/* At a boundary, both halves may be normalised separately. */
static void test_cuts_between_forms(void **state)
{
    (void)state;
    struct random random = {3, 0};
    int32_t points[24], *left = NULL, *right = NULL, joined[24 * 2 * 18];
    size_t left_room = 0, right_room = 0, num_left, num_right, cuts = 0;
    for (int round = 0; round < 20000; round++) {
        size_t count = 2 + random_below(&random, 22);
        random_points(&random, points, count);
        enum utf8_form form = round % 2 ? UTF8_NFC : UTF8_NFKC;
        for (size_t cut = 1; cut < count; cut++) {
            if (!utf8_boundary_before(points[cut], form))
                continue;
            utf8_normalize(points, cut, form, &left, &left_room, &num_left);
            utf8_normalize(points + cut, count - cut, form, &right, &right_room, &num_right);
            memcpy(joined, left, num_left * sizeof *left);
            memcpy(joined + num_left, right, num_right * sizeof *right);
            check_form(points, count, form, joined, num_left + num_right);
            cuts++;
        }
    }
    assert_true(cuts > 20000);
    free(left);
    free(right);
    for (int32_t point = 0; point < 0x300; point++)
        assert_true(utf8_boundary_before(point, UTF8_NFKC));
    assert_true(utf8_boundary_before(0x4E00, UTF8_NFC)); /* texts in any script have boundaries */
    assert_true(utf8_boundary_before(0x431, UTF8_NFC));
    assert_true(utf8_boundary_before(0xD55C, UTF8_NFC));
    assert_false(utf8_boundary_before(0x301, UTF8_NFC));
    assert_false(utf8_boundary_before(0x11A8, UTF8_NFC));
    assert_true(
        utf8_boundary_before(0x314F, UTF8_NFC)); /* a vowel of Hangul only in the other form */
    assert_false(utf8_boundary_before(0x314F, UTF8_NFKC));
}

static void test_properties(void **state)
{
    (void)state;
    assert_int_equal(utf8_lower(0xC9), 0xE9);
    assert_int_equal(utf8_upper(0x44F), 0x42F);
    assert_int_equal(utf8_upper('?'), '?');
    assert_int_equal(utf8_base(0xE9), 'e');
    assert_int_equal(utf8_base(0xFF45), 'e');
    assert_int_equal(utf8_base('e'), 'e');
    assert_int_equal(utf8_columns('a'), 1);
    assert_int_equal(utf8_columns(0x301), 0);
    assert_int_equal(utf8_columns(0x4E00), 2);
    assert_int_equal(utf8_columns(0x1F468), 2);
    assert_true(utf8_is_graphic('a') && utf8_is_graphic(' ') && utf8_is_graphic(0xFFFD));
    assert_false(utf8_is_graphic(0x301) || utf8_is_graphic('\n') || utf8_is_graphic(0x200D) ||
                 utf8_is_graphic(0x378) || utf8_is_graphic(0x2028));
    assert_true(strchr(utf8_unicode_version(), '.') != NULL);
}

static void test_classes(void **state)
{
    (void)state;
    const struct {
        int32_t point;
        unsigned classes;
    } expected[] = {
        {'a', UTF8_LETTER},
        {'Z', UTF8_LETTER | UTF8_CAPITAL},
        {0x1C5, UTF8_LETTER | UTF8_CAPITAL}, /* ǅ, title case */
        {0x44F, UTF8_LETTER},                /* я */
        {0x5D0, UTF8_LETTER},                /* א */
        {0xD55C, UTF8_LETTER},               /* 한: Korean has spaces */
        {0x4E2D, UTF8_LETTER | UTF8_UNSPACED},
        {0x3042, UTF8_LETTER | UTF8_UNSPACED},
        {0x0E01, UTF8_LETTER | UTF8_UNSPACED},
        {0x20000, UTF8_LETTER | UTF8_UNSPACED},
        {0x3001, UTF8_PUNCTUATION},
        {0x301, UTF8_MARK},
        {0x93F, UTF8_MARK},
        {'7', UTF8_DIGIT},
        {0x663, UTF8_DIGIT}, /* Arabic 3 */
        {0xB2, 0},           /* ², no decimal digit */
        {' ', UTF8_SPACE},
        {'\t', UTF8_SPACE},
        {'\r', UTF8_SPACE},
        {0x85, UTF8_SPACE},
        {0xA0, UTF8_SPACE},
        {0x3000, UTF8_SPACE},
        {0x2029, UTF8_SPACE},
        {0x200B, 0},
        {0x1F, 0},
        {'_', UTF8_PUNCTUATION},
        {'(', UTF8_PUNCTUATION},
        {0x201C, UTF8_PUNCTUATION},
        {0xAB, UTF8_PUNCTUATION},
        {'-', UTF8_PUNCTUATION},
        {'+', 0},
        {0x1F468, 0},
        {0xFFFD, 0},
        {0x378, 0},
        {-1, 0},
        {UTF8_NUM_POINTS, 0},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_int_equal(utf8_classes(expected[i].point), expected[i].classes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_point),
        cmocka_unit_test(test_every_ill_formed_class),
        cmocka_unit_test(test_decode_all),
        cmocka_unit_test(test_clusters),
        cmocka_unit_test(test_normal_forms),
        cmocka_unit_test(test_normal_forms_of_random_text),
        cmocka_unit_test(test_cuts_between_forms),
        cmocka_unit_test(test_properties),
        cmocka_unit_test(test_classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
