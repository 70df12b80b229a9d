/* Plots: axes, and how several series are told apart by colour-blind eyes and in grey print. */
#ifndef RUNE_PLOT_H
#define RUNE_PLOT_H

#include "canvas.h"

/* A value's place: linear, or by its logarithm, from [low, high] to [start, end]. */
struct axis {
    double low, high, tick; /* of a logarithmic axis: exponents of ten */
    double start, end;
    bool logarithmic;
};

/* From low to high exactly; ticks are at whole multiples of `tick`, as many as have room. */
struct axis axis_exact(double low, double high, double start, double end);

/* Widened to whole ticks; values that are all the same get some room. */
struct axis axis_around(double low, double high, double start, double end);

/* Logarithmic, widened to powers of ten; 0 < low ≤ high. */
struct axis axis_of_powers(double low, double high, double start, double end);

double axis_place(const struct axis *axis, double value);

/* Grid and labels of a plot whose x goes to the right and y up; the titles stand below its middle
 * and above its left end. */
void plot_frame(cairo_t *cr, const struct axis *x, const struct axis *y, const char *x_title,
                const char *y_title);

/* The colours of what is positive and what is negative, for lines and letters on white. */
struct colour plot_positive(void);
struct colour plot_negative(void);

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
