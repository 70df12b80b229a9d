#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "plot.h"
#include "rng.h"

static void assert_near(double a, double b)
{
    assert_true(fabs(a - b) <= 1e-6 * fmax(1, fmax(fabs(a), fabs(b))));
}

/* 1, 2 or 5 times a power of ten. */
static void assert_nice(double tick)
{
    const double first = tick / pow(10, floor(log10(tick) + 1e-9));
    assert_true(fabs(first - 1) < 1e-6 || fabs(first - 2) < 1e-6 || fabs(first - 5) < 1e-6);
}

static void axes_contain_their_values(void **state)
{
    (void)state;
    const struct rng rng = {21, RNG_TEST};
    for (uint32_t i = 0; i < 2000; i++) {
        const double size = pow(10, rng_uniform(&rng, (uint32_t[4]){i, 0}) * 12 - 6);
        const double low = (rng_uniform(&rng, (uint32_t[4]){i, 1}) - 0.5) * size;
        const double high = low + rng_uniform(&rng, (uint32_t[4]){i, 2}) * size;
        const struct axis axis = axis_around(low, high, 300, 20);
        const double ticks = (axis.high - axis.low) / axis.tick;
        assert_true(axis.low <= low + axis.tick * 1e-6 && high <= axis.high + axis.tick * 1e-6);
        assert_nice(axis.tick);
        assert_near(ticks, round(ticks));
        assert_true(ticks >= 1 && ticks < 8 + 2.5);
        assert_near(axis_place(&axis, axis.low), 300);
        assert_near(axis_place(&axis, axis.high), 20);
        assert_near(axis_place(&axis, (axis.low + axis.high) / 2), 160);
    }
}

static void powers_are_equally_spaced(void **state)
{
    (void)state;
    const struct axis axis = axis_of_powers(3e-5, 0.7, 400, 0);
    assert_near(axis_place(&axis, 1e-5), 400);
    assert_near(axis_place(&axis, 1), 0);
    assert_near(axis_place(&axis, 1e-3), 240);
    const struct axis one = axis_of_powers(1, 1, 0, 100); /* one value has a decade */
    assert_near(axis_place(&one, 1), 0);
    assert_near(axis_place(&one, 10), 100);
    const struct axis wide = axis_of_powers(1e-40, 1e30, 0, 100); /* ticks are whole powers */
    assert_near(wide.tick, round(wide.tick));
    assert_true((wide.high - wide.low) / wide.tick <= 10);
}

static void numbers_are_short(void **state)
{
    (void)state;
    char text[32];
    assert_string_equal(canvas_number(text, sizeof text, 2, 2, true), "+2.0");
    assert_string_equal(canvas_number(text, sizeof text, -0.0314, 2, true), "−0.031");
    assert_string_equal(canvas_number(text, sizeof text, 12, 2, false), "12");
    assert_string_equal(canvas_number(text, sizeof text, 0, 2, true), "0.0");
    assert_string_equal(canvas_number(text, sizeof text, -NAN, 2, true), "–");
    assert_string_equal(canvas_number(text, sizeof text, INFINITY, 2, true), "–");
    assert_string_equal(canvas_number(text, 4, 0.123, 3, false), "0.1");
}

/* Text drawn at its measured width is not cut at any scale. */
static void measured_text_fits(void **state)
{
    (void)state;
    static const char text[] = "inside quotes";
    for (int scale = 1; scale <= 3; scale++) {
        cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, 400, 40);
        cairo_t *cr = cairo_create(surface);
        const double width = canvas_text_width(CANVAS_FONT, text);
        cairo_scale(cr, scale, scale);
        assert_near(canvas_text_within(cr, 0, 6, 0, CANVAS_FONT, CANVAS_BLACK, text, width), width);
        assert_true(canvas_text_within(cr, 0, 6, 0, CANVAS_FONT, CANVAS_BLACK, text, width / 2) <=
                    ceil(width / 2));
        cairo_destroy(cr);
        cairo_surface_destroy(surface);
    }
}

/* Every series differs from every other in colour, dashes and marker, and the colours in grey. */
static void series_differ(void **state)
{
    (void)state;
    static unsigned char pixels[PLOT_STYLES][40 * 40 * 4];
    for (int series = 0; series < PLOT_STYLES; series++) {
        cairo_surface_t *surface =
            cairo_image_surface_create_for_data(pixels[series], CAIRO_FORMAT_RGB24, 40, 40, 40 * 4);
        cairo_t *cr = cairo_create(surface);
        cairo_set_operator(cr, CAIRO_OPERATOR_OVER);
        plot_marker(cr, series, 20, 20, 10);
        cairo_destroy(cr);
        cairo_surface_destroy(surface);
        for (int before = 0; before < series; before++)
            assert_memory_not_equal(pixels[series], pixels[before], sizeof pixels[series]);
    }
    assert_true(colour_contrast(plot_colour(0), plot_colour(1)) > 2);
    assert_true(colour_contrast(plot_colour(1), plot_colour(2)) > 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(axes_contain_their_values),
        cmocka_unit_test(powers_are_equally_spaced),
        cmocka_unit_test(numbers_are_short),
        cmocka_unit_test(measured_text_fits),
        cmocka_unit_test(series_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
