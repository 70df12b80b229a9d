#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "curve.h"
#include "error.h"
#include "file.h"
#include "scratch.h"

#define TITLE "runs/<b>\xFF & co"
#define LINE "<polyline"

static struct curve curve; /* zeroed by new_curve */

static void new_curve(void)
{
    memset(&curve, 0, sizeof curve);
}

/* The curve as SVG; free() releases it. */
static char *written(const char *title, size_t *length)
{
    uint8_t *svg;
    const char *path = scratch_path("loss.svg");
    assert_int_equal(curve_write(&curve, path, title), 0);
    assert_int_equal(file_read(path, &svg, length), 0);
    assert_int_equal(strncmp((char *)svg, "<?xml", 5), 0);
    assert_non_null(strstr((char *)svg, "</svg>\n"));
    assert_null(strstr((char *)svg, "nan"));
    assert_null(strstr((char *)svg, "inf"));
    return (char *)svg;
}

static int count_parts(const char *svg, const char *part)
{
    int count = 0;
    for (; (svg = strstr(svg, part)); svg++)
        count++;
    return count;
}

static void assert_lines(int expected)
{
    size_t length;
    char *svg = written(TITLE, &length);
    assert_int_equal(count_parts(svg, LINE), expected);
    assert_int_equal(count_parts(svg, "<circle"), expected);
    assert_int_equal(count_parts(svg, "no loss has been measured yet"), expected == 0);
    free(svg);
}

static void an_empty_curve_is_drawn(void **state)
{
    (void)state;
    new_curve();
    assert_lines(0);
    curve_add(&curve, 1, NAN, NAN);
    assert_lines(0);
}

static void few_points_are_drawn(void **state)
{
    (void)state;
    new_curve();
    curve_add(&curve, 1, 4.17, NAN);
    assert_lines(1);
    new_curve();
    curve_add(&curve, 0, 2, 2);
    curve_add(&curve, 5, 2, 2);
    assert_lines(2);
    new_curve();
    curve_add(&curve, NAN, 2, 2);
    assert_lines(0);
    curve_add(&curve, 5, INFINITY, 1e29);
    curve_add(&curve, 6, -3, -INFINITY);
    curve_add(&curve, 7, 1e300, -1e300);
    assert_lines(2);
}

/* The text between two marks, in new memory. */
static char *between(const char *svg, const char *begin, const char *end)
{
    const char *from = strstr(svg, begin);
    assert_non_null(from);
    from += strlen(begin);
    const char *to = strstr(from, end);
    assert_non_null(to);
    return strndup(from, (size_t)(to - from));
}

static void the_last_losses_stand_beside_the_lines(void **state)
{
    (void)state;
    size_t length;
    new_curve();
    for (int step = 1; step <= 300; step++)
        curve_add(&curve, step, step == 1 ? 4.25 : 1.25, step == 300 ? 1.26 : NAN);
    char *svg = written(TITLE, &length);
    static const char begin[] = "<text x=\"694\" y=\"";
    char *train = between(svg, begin, "<"), *val;
    assert_non_null(strstr(train, ">1.250"));
    val = between(strstr(svg, begin) + sizeof begin, begin, "<");
    assert_non_null(strstr(val, ">1.260"));
    const double apart = strtod(train, NULL) - strtod(val, NULL); /* the lower value is below */
    assert_true(apart > 15.8 && apart < 16.2);
    free(train);
    free(val);
    free(svg);
}

/* The highest point of the first line without its first point, and that point. */
static double highest(const char *svg, double *first)
{
    char *line = between(svg, " points=\"", "\""), *at = line;
    double least = INFINITY, y;
    *first = NAN;
    for (int k = 0; *at; k++) {
        strtod(at, &at);
        y = strtod(at + 1, &at);
        if (k == 0)
            *first = y;
        else
            least = fmin(least, y);
    }
    free(line);
    return least;
}

/* A huge loss does not stretch the axis. */
static void a_huge_loss_leaves_the_picture(void **state)
{
    (void)state;
    size_t length;
    double first, least;
    new_curve();
    curve_add(&curve, 1, 2224, NAN);
    for (int step = 2; step < 50; step++)
        curve_add(&curve, step, 1 + 3.0 / step, NAN);
    char *svg = written(TITLE, &length);
    least = highest(svg, &first);
    assert_true(first < 0 && least > 60 && least < 120);
    free(svg);
    new_curve(); /* where there is none but such, they are drawn */
    curve_add(&curve, 1, 2224, NAN);
    curve_add(&curve, 2, 2000, NAN);
    svg = written(TITLE, &length);
    highest(svg, &first);
    assert_true(first >= 60);
    free(svg);
}

/* Points are means; their number and the file stay small. Adding the rows in parts makes no
 * difference. */
static void memory_does_not_grow_with_rows(void **state)
{
    (void)state;
    size_t few, many;
    double mean = 0;
    char *svg;
    new_curve();
    for (int i = 0; i < 1000000; i++) {
        const double loss = 1 + exp(-i / 1e5) + 0.1 * sin((double)i * i);
        mean += loss / 1e6;
        curve_add(&curve, i, loss, i % 500 == 0 ? 1.2 + exp(-i / 1000.0) : NAN);
        if (i == 1000) {
            svg = written(TITLE, &few);
            assert_int_equal(count_parts(svg, LINE), 2);
            free(svg);
        }
    }
    svg = written(TITLE, &many);
    assert_int_equal(count_parts(svg, LINE), 2);
    assert_true(many < few + 20000 && many < 60000);
    free(svg);

    const struct curve_line *train = &curve.train;
    double rows = 0, of_points = 0;
    assert_true(train->count > CURVE_POINTS / 2 && train->count <= CURVE_POINTS);
    for (int k = 0; k < train->count; k++) {
        rows += (double)train->points[k].rows;
        of_points += train->points[k].loss * (double)train->points[k].rows / 1e6;
        assert_true(k == 0 || train->points[k].step > train->points[k - 1].step);
        assert_true(k == train->count - 1 || train->points[k].rows == train->share);
    }
    assert_true(rows == 1e6 && fabs(of_points - mean) < 1e-9);
}

/* Only text and XML entities; control characters and invalid bytes are escaped. */
static void titles_are_escaped(void **state)
{
    (void)state;
    static const struct {
        const char *title, *shown;
    } cases[] = {
        {"<script>alert(1)</script>", ">&lt;script&gt;alert(1)&lt;/script&gt;<"},
        {"a & b]]>\"'", ">a &amp; b]]&gt;\"'<"},
        {"\xFFrun\xC3", ">\\xFFrun\\xC3<"},
        {"a\nb\t\x1B[31m\x7F", ">a\\x0Ab\\x09\\x1B[31m\\x7F<"},
        {"\u202Etxt\u202C\uFFFE\uFFFF\xC2\x85", ">U+202EtxtU+202CU+FFFEU+FFFFU+0085<"},
        {"\u0645\u0631\u062D\u0628\u0627", ">\u0645\u0631\u062D\u0628\u0627<"},
        {"", "><"},
    };
    size_t length;
    new_curve();
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        char *svg = written(cases[k].title, &length);
        if (count_parts(svg, cases[k].shown) < 2) /* as the document's title, and as text */
            fail_msg("\"%s\" is not in %s", cases[k].shown, svg);
        assert_null(strstr(svg, "<script"));
        for (size_t i = 0; i < length; i++)
            assert_true((unsigned char)svg[i] >= ' ' || svg[i] == '\n');
        free(svg);
    }
}

static void a_long_title_keeps_its_end(void **state)
{
    (void)state;
    char title[400] = "";
    size_t length;
    for (int k = 0; k < 60; k++)
        strcat(title, "e\u0301\u00E9/");
    strcat(title, "end");
    new_curve();
    char *svg = written(title, &length);
    char *shown = between(svg, "font-size=\"13\">", "</text>");
    assert_int_equal(strncmp(shown, "…", strlen("…")), 0);
    assert_int_equal(strcmp(shown + strlen(shown) - strlen("/end"), "/end"), 0);
    assert_true(strncmp(shown + strlen("…"), "\u0301", 2) != 0); /* no mark without its letter */
    size_t letters = 0;
    for (const char *at = shown; *at; at++)
        letters += (*at & 0xC0) != 0x80 && strncmp(at, "\u0301", 2) != 0;
    assert_in_range(letters, 68, 70);
    free(shown);
    free(svg);
}

static void no_directory_is_an_error(void **state)
{
    (void)state;
    new_curve();
    assert_int_equal(curve_write(&curve, "/nonexistent/loss.svg", "t"), -1);
    assert_non_null(strstr(error_message(), "/nonexistent/loss.svg"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_curve_is_drawn),
        cmocka_unit_test(few_points_are_drawn),
        cmocka_unit_test(the_last_losses_stand_beside_the_lines),
        cmocka_unit_test(a_huge_loss_leaves_the_picture),
        cmocka_unit_test(memory_does_not_grow_with_rows),
        cmocka_unit_test(titles_are_escaped),
        cmocka_unit_test(a_long_title_keeps_its_end),
        cmocka_unit_test(no_directory_is_an_error),
    };
    return cmocka_run_group_tests_name("curve", tests, scratch_make, scratch_remove);
}
