/* The rows of the table of views, and functions with which a view writes files. */
#ifndef RUNE_WRITERS_H
#define RUNE_WRITERS_H

#include "file.h"
#include "view.h"

extern const struct view page_view;                    /* page.c */
extern const struct view npy_view, csv_view;           /* arrays.c */
extern const struct view png_view, svg_view, pdf_view; /* figures.c */

/* Writes directory/name with `put`, which returns 0, or −1 and a message. Returns 0, or −1 and a
 * message. */
int view_write(const struct inspection *inspection, const struct view_options *options,
               const char *directory, const char *name,
               int (*put)(const struct file_out *out, const struct inspection *inspection,
                          const struct view_options *options));

/* Opens directory/name. Returns 0, or −1 and a message; view_close follows either way. */
int view_open(struct file_out *out, const char *directory, const char *name);

/* If `result` is 0 and memory for JSON did not run out since view_open, puts the file in its place
 * and calls options->wrote; else removes it. Returns 0, or −1 and a message. */
int view_close(struct file_out *out, const struct view_options *options, int result);

#endif
