#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "error.h"
#include "file.h"
#include "view.h"

/* The curve of `count` points as SVG; free() releases it. */
static char *write_curve(const struct curve_point *points, size_t count, size_t *length)
{
    char path[] = "/tmp/rune-curve-XXXXXX";
    uint8_t *svg;
    close(mkstemp(path));
    assert_int_equal(curve_write(path, "runs/<b>\xFF & co", points, count), 0);
    assert_int_equal(file_read(path, &svg, length), 0);
    unlink(path);
    assert_non_null(strstr((char *)svg, "<svg"));
    assert_non_null(strstr((char *)svg, "</svg>"));
    assert_null(strstr((char *)svg, "nan"));
    assert_null(strstr((char *)svg, "inf"));
    return (char *)svg;
}

/* How often that colour is drawn with. */
static int count_strokes(const char *svg, const char *attribute)
{
    int count = 0;
    for (; (svg = strstr(svg, attribute)); svg++)
        count++;
    return count;
}

#define LINE "stroke-linecap:butt;stroke-linejoin:round" /* of the series alone */

static void nothing_measured_yet_is_a_curve(void **state)
{
    (void)state;
    size_t length;
    char *svg = write_curve(NULL, 0, &length);
    assert_int_equal(count_strokes(svg, LINE), 0);
    free(svg);
    const struct curve_point none = {1, NAN, NAN};
    svg = write_curve(&none, 1, &length);
    assert_int_equal(count_strokes(svg, LINE), 0);
    free(svg);
}

static void one_point_is_a_curve(void **state)
{
    (void)state;
    size_t length;
    const struct curve_point point = {1, 4.17, NAN};
    free(write_curve(&point, 1, &length));
    const struct curve_point still[] = {{0, 2, 2}, {5, 2, 2}};
    free(write_curve(still, 2, &length));
    const struct curve_point wild[] = {{NAN, 2, 2}, {5, INFINITY, 1e30}, {6, -3, -INFINITY}};
    free(write_curve(wild, 3, &length));
}

static void many_points_make_no_large_file(void **state)
{
    (void)state;
    enum { COUNT = 10000 };
    static struct curve_point points[COUNT];
    size_t few, many;
    for (int i = 0; i < COUNT; i++)
        points[i] = (struct curve_point){i, 1 + exp(-i / 1000.0) + 0.1 * sin(i * i),
                                         i % 500 == 0 ? 1.2 + exp(-i / 1000.0) : NAN};
    char *svg = write_curve(points, 1000, &few);
    assert_int_equal(count_strokes(svg, LINE), 2);
    free(svg);
    svg = write_curve(points, COUNT, &many);
    assert_int_equal(count_strokes(svg, LINE), 2);
    free(svg);
    assert_true(many < few + 20000);
}

static void no_directory_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(curve_write("/nonexistent/loss.svg", "t", NULL, 0), -1);
    assert_non_null(strstr(error_message(), "/nonexistent/loss.svg"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_measured_yet_is_a_curve),
        cmocka_unit_test(one_point_is_a_curve),
        cmocka_unit_test(many_points_make_no_large_file),
        cmocka_unit_test(no_directory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
