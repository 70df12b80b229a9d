#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "colour.h"

#define STEPS 1000

static const enum colour_theme themes[] = {COLOUR_LIGHT, COLOUR_DARK};
static const struct colour black = {0, 0, 0}, white = {255, 255, 255};

static void assert_same(struct colour a, struct colour b)
{
    assert_memory_equal(&a, &b, sizeof a);
}

static void zero_is_white(void **state)
{
    (void)state;
    assert_same(colour_of(0, 1), white);
    assert_same(colour_of(-0.0F, 3), white);
    assert_same(colour_of(NAN, 1), white);
}

static void negative_is_blue_and_positive_orange(void **state)
{
    (void)state;
    for (int g = 0; g < 2; g++)
        for (int i = STEPS / 10; i <= STEPS; i++) {
            struct colour minus = colour_on(themes[g], (float)-i, STEPS);
            struct colour plus = colour_on(themes[g], (float)i, STEPS);
            assert_true(minus.blue > minus.green && minus.green > minus.red);
            assert_true(plus.red > plus.green && plus.green > plus.blue);
        }
}

static void only_the_share_of_the_range_counts(void **state)
{
    (void)state;
    for (int i = -STEPS; i <= STEPS; i++)
        assert_same(colour_of((float)i, STEPS), colour_of((float)i * 4, STEPS * 4));
    assert_same(colour_of(5, 1), colour_of(1, 1));
    assert_same(colour_of(-INFINITY, 1), colour_of(-1, 1));
}

/* The reference's own numbers: W3C's example of #777 on white, and the extremes. */
static void contrast_follows_wcag(void **state)
{
    (void)state;
    assert_true(fabs(colour_contrast(black, white) - 21) < 1e-9);
    assert_true(fabs(colour_contrast(white, white) - 1) < 1e-9);
    struct colour grey = {0x77, 0x77, 0x77};
    assert_true(fabs(colour_contrast(grey, white) - 4.478) < 1e-3);
    assert_true(colour_contrast(grey, white) == colour_contrast(white, grey));
}

static void text_is_legible_on_every_value(void **state)
{
    (void)state;
    for (int g = 0; g < 2; g++)
        for (int i = -STEPS; i <= STEPS; i++) {
            struct colour ground = colour_on(themes[g], (float)i, STEPS);
            struct colour text = colour_text_on(ground);
            assert_true(colour_contrast(text, ground) >= 4.5);
            assert_same(text, themes[g] == COLOUR_LIGHT ? black : white);
        }
}

static double linear(uint8_t value)
{
    return pow(value / 255.0, 2.2);
}

/* A colour as seen with a missing kind of cone (Machado, Oliveira & Fernandes 2009, severity
 * 1), as lightness and two differences of colour. */
static void see(const double cones[9], struct colour c, double seen[3])
{
    double rgb[3] = {linear(c.red), linear(c.green), linear(c.blue)};
    for (int i = 0; i < 3; i++)
        seen[i] = cbrt(
            fmax(cones[3 * i] * rgb[0] + cones[3 * i + 1] * rgb[1] + cones[3 * i + 2] * rgb[2], 0));
}

static double distance(const double a[3], const double b[3])
{
    return hypot(hypot(a[0] - b[0], a[1] - b[1]), a[2] - b[2]);
}

static void signs_differ_with_colour_blindness(void **state)
{
    (void)state;
    static const double eyes[4][9] = {
        {1, 0, 0, 0, 1, 0, 0, 0, 1},
        {0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116,
         1.051998},
        {0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.011820, 0.042940,
         0.968881},
        {1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367,
         0.303900},
    };
    for (int g = 0; g < 2; g++)
        for (int e = 0; e < 4; e++) {
            double zero[3], before = 0;
            see(eyes[e], colour_on(themes[g], 0, 1), zero);
            for (int i = 1; i <= 10; i++) {
                double minus[3], plus[3];
                see(eyes[e], colour_on(themes[g], (float)-i, 10), minus);
                see(eyes[e], colour_on(themes[g], (float)i, 10), plus);
                double apart = distance(minus, plus);
                assert_true(apart > before); /* and ever better, the larger they are */
                before = apart;
            }
            assert_true(before > 0.3);
        }
}

static void both_sides_are_equally_long(void **state)
{
    (void)state;
    for (int i = 0; i <= STEPS; i++) {
        double minus = colour_contrast(colour_of((float)-i, STEPS), white);
        double plus = colour_contrast(colour_of((float)i, STEPS), white);
        assert_true(fabs(minus / plus - 1) < 0.2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_is_white),
        cmocka_unit_test(negative_is_blue_and_positive_orange),
        cmocka_unit_test(only_the_share_of_the_range_counts),
        cmocka_unit_test(contrast_follows_wcag),
        cmocka_unit_test(text_is_legible_on_every_value),
        cmocka_unit_test(signs_differ_with_colour_blindness),
        cmocka_unit_test(both_sides_are_equally_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
