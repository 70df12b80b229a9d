/* The rows of the table of views: one a file. */
#ifndef RUNE_WRITERS_H
#define RUNE_WRITERS_H

#include "view.h"

extern const struct view page_view;                    /* page.c */
extern const struct view npy_view, csv_view;           /* arrays.c */
extern const struct view png_view, svg_view, pdf_view; /* picture.c */

#endif
