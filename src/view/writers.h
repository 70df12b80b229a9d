/* The rows of the table of views, and how a view makes its files. */
#ifndef RUNE_WRITERS_H
#define RUNE_WRITERS_H

#include "file.h"
#include "view.h"

extern const struct view page_view;                    /* page.c */
extern const struct view npy_view, csv_view;           /* arrays.c */
extern const struct view png_view, svg_view, pdf_view; /* figures.c */

/* Opens directory/name. Returns 0, or −1 and a message; view_close follows either way. */
int view_open(struct file_out *out, const char *directory, const char *name);

/* Puts the file in its place and tells options->wrote if `result` is 0 and no memory failed for
 * JSON since view_open, else leaves nothing behind. Returns 0, or −1 and a message. */
int view_close(struct file_out *out, const struct view_options *options, int result);

#endif
