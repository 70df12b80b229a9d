/* The diverging colour scale: blue for negative, white at 0, orange for positive; told apart by every
 * kind of colour-blind eye, and with text on it of a contrast of at least 4.5:1 (WCAG 2). */
#ifndef RUNE_COLOUR_H
#define RUNE_COLOUR_H

#include <stdint.h>

struct colour {
    uint8_t red, green, blue;
};

/* The colour of value/range, clamped to [−1, 1]. */
struct colour colour_of(float value, float range);

/* Black or white, whichever is read better on it. */
struct colour colour_text_on(struct colour background);

/* WCAG 2 contrast of two colours, 1 to 21. */
double colour_contrast(struct colour a, struct colour b);

#endif
