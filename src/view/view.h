/* Views: what a trace looks like, one writer a file behind one table. */
#ifndef RUNE_VIEW_H
#define RUNE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "inspection.h"

#define VIEW_PAGE_BYTES 30000000 /* for max_bytes: opened in a moment by any browser */

struct view_options {
    const size_t
        *shown;       /* [num_shown] indices of the signals that the page and arrays hold, best */
    size_t num_shown; /* first */
    const size_t
        *chosen;       /* [num_chosen] those that pictures and the terminal draw; the page begins */
    size_t num_chosen; /* with the first of them */
    size_t start, length; /* the passage that pictures and the terminal draw, in characters */
    int columns;          /* characters a line where a long line must be broken */
    size_t max_bytes;     /* of the page: it holds the first of `shown` that find room; 0: all */
    size_t text_length;   /* characters of the text of which the trace holds the beginning */
    void (*wrote)(void *context,
                  const char *path); /* is told of every file once it is there; may */
    void *context;                   /* be NULL */
};

struct view {
    const char *format; /* "page", "npy", "csv", "png", "svg", "pdf": the names of --format */
    bool whole;         /* made for texts of any length; others for a part that fits in memory */
    /* Writes files into an existing directory. Returns 0, or −1 and a message. */
    int (*write)(const struct inspection *inspection, const struct view_options *options,
                 const char *directory);
};

extern const struct view *const views[]; /* NULL at the end */

/* The names of all files that views and tables write, as patterns of glob(); NULL at the end. */
extern const char *const view_files[];

/* The view of that --format; NULL and a message that lists them if there is none. */
const struct view *view_find(const char *format);

/* What was found out, as CSV (RFC 4180): neurons.csv, the best discovery of each unit; scores.csv,
 * all of them in every measure; and ablation.csv, gates.csv and reach.csv where there are such
 * parts. What is not a number is left empty. Returns 0, or −1 and a message. */
int tables_write(const struct inspection *inspection, const struct view_options *options,
                 const char *directory);

/* What was found, in words: of the ten labels with the best discoveries the best, and how many more
 * units go with it; and an answer to each label of the user's that is not among them. Returns 0, or
 * −1 and a message. */
int terminal_sentences(const struct inspection *inspection, FILE *out);

/* The same, then the passage coloured by each chosen signal, with 24-bit
 * colours, to a terminal. Returns 0, or −1 and a message. */
int terminal_write(const struct inspection *inspection, const struct view_options *options,
                   FILE *out);

#endif
