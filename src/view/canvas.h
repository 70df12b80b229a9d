/* Drawing with cairo and pango: colours, lines, text. */
#ifndef RUNE_CANVAS_H
#define RUNE_CANVAS_H

#include <pango/pangocairo.h>
#include <stdbool.h>

#include "colour.h"

/* Sizes are in units of the drawing: CSS pixels. */
#define CANVAS_FONT "Sans 12px"
#define CANVAS_BOLD "Sans Bold 13px"
#define CANVAS_SMALL "Sans 11px"

#define CANVAS_BLACK ((struct colour){0, 0, 0})
#define CANVAS_QUIET ((struct colour){92, 92, 88})
#define CANVAS_GREY ((struct colour){150, 150, 146})
#define CANVAS_FAINT ((struct colour){228, 228, 224})

/* A rectangle of the drawing. */
struct box {
    double x, y, width, height;
};

void canvas_colour(cairo_t *cr, struct colour colour);
void canvas_line(cairo_t *cr, double x0, double y0, double x1, double y1);

/* Lays out one line of UTF-8, for g_object_unref(). */
PangoLayout *canvas_layout(const char *font, const char *text);

/* Draws one line of UTF-8, vertically centred at y; x is its left end (anchor 0), centre (0.5) or
 * right end (1). Returns its width. */
double canvas_text(cairo_t *cr, double x, double y, double anchor, const char *font,
                   struct colour colour, const char *text);

/* The same, cut to the width `room` with "…". */
double canvas_text_within(cairo_t *cr, double x, double y, double anchor, const char *font,
                          struct colour colour, const char *text, double room);

/* The width that canvas_text would return. */
double canvas_text_width(const char *font, const char *text);

/* Writes a number with so many significant digits and U+2212 as its minus; "–" if not finite.
 * `sign` adds a plus. Returns out. */
char *canvas_number(char *out, size_t room, double value, int digits, bool sign);

#endif
