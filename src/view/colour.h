/* The diverging colour scale: blue for negative values, orange for positive ones, the background's
 * colour at 0. Its two sides differ for every kind of colour blindness, and text on it has a
 * contrast of at least 4.5:1 (WCAG 2). */
#ifndef RUNE_COLOUR_H
#define RUNE_COLOUR_H

#include <stdint.h>

struct colour {
    uint8_t red, green, blue;
};

/* The background: white, as on paper and on the terminal, or that of the page's dark theme. */
enum colour_theme { COLOUR_LIGHT, COLOUR_DARK };

/* The colour of value/range, limited to [−1, 1]; NAN has that of 0. range > 0. */
struct colour colour_on(enum colour_theme theme, float value, float range);

/* The same on white. */
struct colour colour_of(float value, float range);

/* Black or white, whichever has more contrast: black on all colours of the light scale, white on
 * all of the dark one. */
struct colour colour_text_on(struct colour background);

/* WCAG 2 contrast of two colours, 1 to 21. */
double colour_contrast(struct colour a, struct colour b);

/* Writes "#rrggbb". Returns out. */
char *colour_name(struct colour colour, char out[8]);

#endif
