/* The drawer: a process of its own, a copy of this one, in which pictures are laid out and drawn.
 * Where memory or threads run out, the libraries that shape and draw letters end the process that
 * they are in; whatever calls them (canvas.h, strip.h) is called there alone. */
#ifndef RUNE_DRAWER_H
#define RUNE_DRAWER_H

#include "drawing.h"
#include "writers.h"

struct drawer {
    enum drawing_format format;
    const char *directory;
    const struct view_options *options;
};

/* Runs `draw` there, which writes files by drawer_write; what it changes in memory stays there.
 * options->wrote is told of every file in this process. Returns what `draw` returns: 0, or −1 and a
 * message; or −1 and a message where its process ends before. */
int drawer_run(const struct inspection *inspection, const struct view_options *options,
               const char *directory, enum drawing_format format,
               int (*draw)(const struct drawer *drawer, const struct inspection *inspection));

/* There: writes directory/name with ".png", ".svg" or ".pdf" behind it. Returns 0, or −1 and a
 * message. */
int drawer_write(const struct drawer *drawer, const struct drawing *drawing, const char *name);

#endif
