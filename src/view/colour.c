#include "colour.h"

#include <math.h>
#include <stdio.h>

/* A colour in Oklab (Björn Ottosson, 2020), where equal distances look equal. */
struct oklab {
    double l, a, b;
};

/* `zero` is the background; both ends are equally far from it, and as far as they can be while text
 * in black (light) or white (dark) keeps its contrast. */
struct scale {
    struct oklab zero, negative, positive;
};

static const struct scale scales[] = {
    [COLOUR_LIGHT] = {{1, 0, 0}, {0.66, -0.055, -0.115}, {0.71, 0.085, 0.135}},
    [COLOUR_DARK] = {{0.2, 0, 0}, {0.51, -0.04, -0.125}, {0.53, 0.085, 0.105}},
};

static uint8_t encode_srgb(double linear)
{
    double clamped = fmin(fmax(linear, 0), 1);
    double encoded = clamped <= 0.0031308 ? 12.92 * clamped : 1.055 * pow(clamped, 1 / 2.4) - 0.055;
    return (uint8_t)lround(255 * encoded);
}

static double decode_srgb(uint8_t encoded)
{
    double value = encoded / 255.0;
    return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4);
}

static struct colour from_oklab(struct oklab c)
{
    double l = pow(c.l + 0.3963377774 * c.a + 0.2158037573 * c.b, 3);
    double m = pow(c.l - 0.1055613458 * c.a - 0.0638541728 * c.b, 3);
    double s = pow(c.l - 0.0894841775 * c.a - 1.2914855480 * c.b, 3);
    return (struct colour){
        encode_srgb(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
        encode_srgb(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
        encode_srgb(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s),
    };
}

struct colour colour_on(enum colour_theme theme, float value, float range)
{
    const struct scale *scale = &scales[theme];
    double position = isnan(value) ? 0 : fmin(fmax((double)value / (double)range, -1), 1);
    struct oklab zero = scale->zero, end = position < 0 ? scale->negative : scale->positive;
    double share = fabs(position);
    return from_oklab((struct oklab){
        zero.l + share * (end.l - zero.l),
        zero.a + share * (end.a - zero.a),
        zero.b + share * (end.b - zero.b),
    });
}

struct colour colour_of(float value, float range)
{
    return colour_on(COLOUR_LIGHT, value, range);
}

static double luminance(struct colour c)
{
    return 0.2126 * decode_srgb(c.red) + 0.7152 * decode_srgb(c.green) +
           0.0722 * decode_srgb(c.blue);
}

double colour_contrast(struct colour a, struct colour b)
{
    double first = luminance(a), second = luminance(b);
    return (fmax(first, second) + 0.05) / (fmin(first, second) + 0.05);
}

struct colour colour_text_on(struct colour background)
{
    const struct colour black = {0, 0, 0}, white = {255, 255, 255};
    return colour_contrast(background, black) >= colour_contrast(background, white) ? black : white;
}

char *colour_name(struct colour colour, char out[8])
{
    snprintf(out, 8, "#%02x%02x%02x", colour.red, colour.green, colour.blue);
    return out;
}
