/* A strip: characters of a text in one line, each on the colour of a signal's value after it. Pango
 * orders and shapes them as a whole, so that every script is written as it should be; a character's
 * background is where Pango put it. */
#ifndef RUNE_STRIP_H
#define RUNE_STRIP_H

#include <pango/pangocairo.h>

#include "glyph.h"
#include "trace.h"

/* Where a character stands, from the left end. */
struct strip_span {
    int left, right;
};

struct strip {
    size_t start, end; /* characters of the text */
    int width;
    bool from_right; /* its text begins at the right */
    PangoLayout *layout;
    struct strip_span *spans; /* [end − start] */
};

/* Lays out the characters [start, end). Returns 0, or −1 and a message; strip_release is safe
 * either way. */
int strip_init(struct strip *strip, const struct trace *trace, const struct glyph *glyphs,
               const char *font, size_t start, size_t end);

void strip_release(struct strip *strip);

/* Draws it on a ground of that height, with its left upper corner there; `range` is what the ends
 * of the colour scale stand for. */
void strip_draw(cairo_t *cr, const struct strip *strip, const struct trace *trace, size_t signal,
                float range, double left, double y, int height);

#endif
