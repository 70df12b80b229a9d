/* Drawings as PNG, SVG and PDF files. */
#ifndef RUNE_DRAWING_H
#define RUNE_DRAWING_H

#include <cairo.h>

#include "file.h"

enum drawing_format { DRAWING_PNG, DRAWING_SVG, DRAWING_PDF };

struct drawing {
    const char *title;    /* of the document, UTF-8 */
    double width, height; /* on a single page */
    double page_height;   /* of a page in PDF; 0: a single page */
    /* Draws `what` on white, with page breaks after at most page_height. Sets a message if it
     * fails. */
    void (*draw)(cairo_t *cr, const void *what, double page_height);
    const void *what;
};

/* Starts a new page. */
void drawing_next_page(cairo_t *cr);

/* Writes the drawing to an open file. Returns 0, or −1 and a message that names its path. */
int drawing_put(struct file_out *out, enum drawing_format format, const struct drawing *drawing);

#endif
