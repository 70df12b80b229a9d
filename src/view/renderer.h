/* The renderer: a forked process that lays out and draws pictures. The libraries for text end their
 * process when memory or threads run out, so only the renderer calls them (canvas.h, strip.h). */
#ifndef RUNE_RENDERER_H
#define RUNE_RENDERER_H

#include "drawing.h"
#include "writers.h"

struct renderer {
    enum drawing_format format;
    const char *directory;
    const struct view_options *options;
};

/* Runs `draw` in the renderer, where it writes files with renderer_write. Its changes to memory do
 * not reach this process; options->wrote is called here for each file. Returns what `draw` returns:
 * 0, or −1 and a message; or −1 and a message if the renderer dies. */
int renderer_run(const struct inspection *inspection, const struct view_options *options,
                 const char *directory, enum drawing_format format,
                 int (*draw)(const struct renderer *renderer, const struct inspection *inspection));

/* In the renderer: writes directory/name.png, .svg or .pdf. Returns 0, or −1 and a message. */
int renderer_write(const struct renderer *renderer, const struct drawing *drawing,
                   const char *name);

#endif
