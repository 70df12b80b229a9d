/* A strip: one line of text, each character on the colour of a signal's value after it. Pango
 * orders and shapes the line as a whole, as its script requires; backgrounds follow Pango's
 * positions. */
#ifndef RUNE_STRIP_H
#define RUNE_STRIP_H

#include <pango/pangocairo.h>

#include "glyph.h"
#include "trace.h"

/* The horizontal extent of a character, from the left end of the strip. */
struct strip_span {
    int left, right;
};

struct strip {
    size_t start, end; /* characters of the text */
    int width;
    bool from_right; /* right-to-left text */
    PangoLayout *layout;
    struct strip_span *spans; /* [end − start] */
};

/* Lays out the characters [start, end). Returns 0, or −1 and a message; strip_release is safe
 * either way. */
int strip_init(struct strip *strip, const struct trace *trace, const struct glyph *glyphs,
               const char *font, size_t start, size_t end);

void strip_release(struct strip *strip);

/* Draws the strip with its upper left corner at (left, y) and a background of that height; `range`
 * is the value at the end of the colour scale. */
void strip_draw(cairo_t *cr, const struct strip *strip, const struct trace *trace, size_t signal,
                float range, double left, double y, int height);

#endif
