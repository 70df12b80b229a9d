/* What drawings share: text, and the way of a cairo surface into a file. */
#ifndef RUNE_CANVAS_H
#define RUNE_CANVAS_H

#include <pango/pangocairo.h>
#include <stdio.h>

#include "colour.h"

/* Sizes are in pixels: one unit of the drawing each. */
#define CANVAS_FONT "Sans 12px"
#define CANVAS_BOLD "Sans Bold 13px"

#define CANVAS_BLACK ((struct colour){0, 0, 0})
#define CANVAS_QUIET ((struct colour){92, 92, 88})

void canvas_colour(cairo_t *cr, struct colour colour);

/* One line of UTF-8 with its middle at height y; x is its left end (anchor 0), middle (0.5) or
 * right end (1). Returns its width. */
double canvas_text(cairo_t *cr, double x, double y, double anchor, const char *font,
                   struct colour colour, const char *text);

/* For cairo's functions that write to a stream: closure is the FILE. */
cairo_status_t canvas_write(void *file, const unsigned char *data, unsigned length);

/* Finishes and destroys both; what was drawn is then in the stream. Returns 0, or −1 and a message
 * that names the path. */
int canvas_finish(cairo_t *cr, cairo_surface_t *surface, const char *path);

#endif
