/* Plots: frames, bars, and styles of series that differ for colour-blind eyes and in grey print. */
#ifndef RUNE_PLOT_H
#define RUNE_PLOT_H

#include "axis.h"
#include "canvas.h"

/* Draws grid, ticks and axis titles; x goes to the right and y up. */
void plot_frame(cairo_t *cr, const struct axis *x, const struct axis *y, const char *x_title,
                const char *y_title);

#define PLOT_STYLES 6 /* distinct styles; series 6 looks like series 0 */

/* Colour, dashes and marker of a series; each of them alone identifies it. */
struct colour plot_colour(int series);
void plot_set_dash(cairo_t *cr, int series); /* reset by cairo_set_dash */
void plot_marker(cairo_t *cr, int series, double x, double y, double radius);

#define PLOT_BAR 15 /* height of a bar and the gap below it */

/* Horizontal bars from zero with labels at the left and values, of so many digits, at their ends.
 * The row of a value that is not finite is empty. */
struct bar {
    const char *label;
    double value;
};
void plot_bars(cairo_t *cr, struct box box, const struct bar *bars, int count, int digits);

#endif
