/* A drawing on its way into a file: PNG for screens, SVG and PDF with lines, curves and letters
 * that are sharp at any size. */
#ifndef RUNE_DRAWING_H
#define RUNE_DRAWING_H

#include <cairo.h>

#include "file.h"

enum drawing_format { DRAWING_PNG, DRAWING_SVG, DRAWING_PDF };

struct drawing {
    const char *title;    /* of the document: UTF-8 */
    double width, height; /* all in one piece */
    double page_height;   /* of pages where the format has them; 0: all on one */
    /* Draws `what` on white; where it is more than page_height, goes on to further pages. What
     * fails leaves a message. */
    void (*draw)(cairo_t *cr, const void *what, double page_height);
    const void *what;
};

/* Ends a page; what is drawn next stands on a new one. */
void drawing_next_page(cairo_t *cr);

/* Writes it to a file that is open. Returns 0, or −1 and a message that names its path. */
int drawing_put(struct file_out *out, enum drawing_format format, const struct drawing *drawing);

#endif
