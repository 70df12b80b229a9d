/* Plots: their frames, and how several series are told apart by colour-blind eyes and in grey
 * print. */
#ifndef RUNE_PLOT_H
#define RUNE_PLOT_H

#include "axis.h"
#include "canvas.h"

/* Grid and labels of a plot whose x goes to the right and y up; the titles stand below its middle
 * and above its left end. */
void plot_frame(cairo_t *cr, const struct axis *x, const struct axis *y, const char *x_title,
                const char *y_title);

#define PLOT_STYLES 6 /* that differ; later series begin again */

/* The colour, the dashes and the marker of a series: each alone tells it from the others. */
struct colour plot_colour(int series);
void plot_set_dash(cairo_t *cr, int series); /* until cairo_set_dash */
void plot_marker(cairo_t *cr, int series, double x, double y, double radius);

#define PLOT_BAR 15 /* the height of a bar, with the gap to the next */

/* Horizontal bars from zero, one below the other, each with its label at the left and its value of
 * so many digits at its end; where it is not finite the row stays empty. */
struct bar {
    const char *label;
    double value;
};
void plot_bars(cairo_t *cr, struct box box, const struct bar *bars, int count, int digits);

#endif
