/* The diverging colour scale: blue for negative, orange for positive, the ground's own colour at 0;
 * told apart by every kind of colour-blind eye, and with text on it of a contrast of at least 4.5:1
 * (WCAG 2). */
#ifndef RUNE_COLOUR_H
#define RUNE_COLOUR_H

#include <stdint.h>

struct colour {
    uint8_t red, green, blue;
};

/* What the text stands on: white, as on paper and wherever the reader has no choice, or the dark
 * theme of the page. */
enum colour_ground { COLOUR_LIGHT, COLOUR_DARK };

/* The colour of value/range, clamped to [−1, 1]; NAN is drawn as 0. range > 0. */
struct colour colour_on(enum colour_ground ground, float value, float range);

/* The same on white. */
struct colour colour_of(float value, float range);

/* Black or white, whichever is read better on it: black everywhere on the light ground, white
 * everywhere on the dark one. */
struct colour colour_text_on(struct colour background);

/* WCAG 2 contrast of two colours, 1 to 21. */
double colour_contrast(struct colour a, struct colour b);

#endif
