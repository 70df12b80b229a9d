/* Axes: where values stand in a plot, and at which of them it has ticks. */
#ifndef RUNE_AXIS_H
#define RUNE_AXIS_H

#include <stdbool.h>
#include <stddef.h>

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

/* The first tick on the axis, and how many there are from it on, `tick` apart; of a logarithmic
 * axis a tick is the exponent. */
double axis_first_tick(const struct axis *axis, int *count);
double axis_tick_place(const struct axis *axis, double tick);

/* A tick's number, "1.5", "20k" or "10⁻³". Returns out. */
char *axis_tick_label(const struct axis *axis, double tick, char *out, size_t room);

#endif
