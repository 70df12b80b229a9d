/* Views: the output formats of an inspection, behind one table. */
#ifndef RUNE_VIEW_H
#define RUNE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "inspection.h"

#define VIEW_PAGE_BYTES 30000000 /* for max_bytes: browsers open such a page quickly */

struct view_options {
    /* [num_shown] signals in the page and arrays, best first */
    const size_t *shown;
    size_t num_shown;
    /* [num_chosen] signals in pictures and on the terminal; the page opens with the first */
    const size_t *chosen;
    size_t num_chosen;
    size_t start, length; /* the passage in pictures and on the terminal, in characters */
    int columns;          /* characters per line, at most, of the passage */
    size_t max_bytes;     /* of the page: it holds the first of `shown` that fit; 0: no limit */
    size_t text_length;   /* characters of the text, of which the trace may hold only the first */
    /* called for each file once it is complete; may be NULL */
    void (*wrote)(void *context, const char *path);
    void *context;
};

struct view {
    const char *format; /* "page", "npy", "csv", "png", "svg", "pdf": the names of --format */
    bool whole;         /* for texts of any length; else for what fits into memory */
    /* Writes files into an existing directory. Returns 0, or −1 and a message. */
    int (*write)(const struct inspection *inspection, const struct view_options *options,
                 const char *directory);
};

extern const struct view *const views[]; /* ends with NULL */

/* Glob patterns for all files that views and tables write; ends with NULL. */
extern const char *const view_files[];

/* The view of that --format. NULL and a message that lists the formats if there is none. */
const struct view *view_find(const char *format);

/* Writes the results as CSV (RFC 4180): neurons.csv, the best discovery of each unit; scores.csv,
 * all discoveries in every measure; ablation.csv, gates.csv and reach.csv if these were computed.
 * Numbers that are not finite are empty. Returns 0, or −1 and a message. */
int tables_write(const struct inspection *inspection, const struct view_options *options,
                 const char *directory);

/* Prints sentences: for each of the ten labels with the best discoveries, the best one and the
 * number of further units; then the result for each other label of the user's. Returns 0, or −1 and
 * a message. */
int terminal_sentences(const struct inspection *inspection, FILE *out);

/* Prints the same, then the passage coloured by each chosen signal, in 24-bit colours. Returns 0,
 * or −1 and a message. */
int terminal_write(const struct inspection *inspection, const struct view_options *options,
                   FILE *out);

#endif
