/* Axes of plots: the mapping of values to coordinates, and ticks. */
#ifndef RUNE_AXIS_H
#define RUNE_AXIS_H

#include <stdbool.h>
#include <stddef.h>

/* Maps [low, high] to [start, end], linearly or by the logarithm of the value. */
struct axis {
    double low, high, tick; /* exponents of ten if logarithmic */
    double start, end;
    bool logarithmic;
};

/* From exactly low to high. Ticks are at multiples of `tick`, as many as fit. */
struct axis axis_exact(double low, double high, double start, double end);

/* Widened to multiples of the tick; an empty range is widened too. */
struct axis axis_around(double low, double high, double start, double end);

/* Logarithmic, widened to powers of ten; 0 < low ≤ high. */
struct axis axis_of_powers(double low, double high, double start, double end);

double axis_place(const struct axis *axis, double value);

/* The first tick on the axis; *count is their number, `tick` apart. A tick of a logarithmic axis is
 * an exponent. */
double axis_first_tick(const struct axis *axis, int *count);
double axis_tick_place(const struct axis *axis, double tick);

/* Writes a tick's label: "1.5", "20k" or "10⁻³". Returns out. */
char *axis_tick_label(const struct axis *axis, double tick, char *out, size_t room);

#endif
