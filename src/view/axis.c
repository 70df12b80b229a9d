#include "axis.h"

#include <math.h>
#include <stdio.h>

#define MAX_TICKS 8
#define TICK_DISTANCE 36 /* at least, between ticks */

/* The distance of ticks: 1, 2 or 5 times a power of ten, the least at which they fit. */
static double nice_tick(double range, double room)
{
    const double ticks = fmin(fmax(floor(room / TICK_DISTANCE), 2), MAX_TICKS);
    const double rough = range / ticks, power = pow(10, floor(log10(rough))), share = rough / power;
    return power * (share <= 1 ? 1 : share <= 2 ? 2 : share <= 5 ? 5 : 10);
}

struct axis axis_exact(double low, double high, double start, double end)
{
    const double tick = nice_tick(high - low, fabs(end - start));
    return (struct axis){.low = low, .high = high, .tick = tick, .start = start, .end = end};
}

static void widen(struct axis *axis)
{
    axis->low = floor(axis->low / axis->tick + 1e-9) * axis->tick;
    axis->high = ceil(axis->high / axis->tick - 1e-9) * axis->tick;
}

struct axis axis_around(double low, double high, double start, double end)
{
    const double room = fmax(fabs(low), fabs(high)) * 1e-3;
    if (!(high - low > room)) {
        low -= fmax(room, 0.05);
        high += fmax(room, 0.05);
    }
    struct axis axis = axis_exact(low, high, start, end);
    widen(&axis);
    return axis;
}

struct axis axis_of_powers(double low, double high, double start, double end)
{
    const double first = floor(log10(low) + 1e-9), last = ceil(log10(high) - 1e-9);
    struct axis axis = axis_exact(first, fmax(last, first + 1), start, end);
    axis.tick = fmax(axis.tick, 1);
    axis.logarithmic = true;
    widen(&axis);
    return axis;
}

double axis_tick_place(const struct axis *axis, double tick)
{
    return axis->start + (tick - axis->low) / (axis->high - axis->low) * (axis->end - axis->start);
}

double axis_place(const struct axis *axis, double value)
{
    return axis_tick_place(axis, axis->logarithmic ? log10(value) : value);
}

double axis_first_tick(const struct axis *axis, int *count)
{
    const double first = ceil(axis->low / axis->tick - 1e-9);
    *count = (int)(floor(axis->high / axis->tick + 1e-9) - first) + 1;
    return first * axis->tick;
}

static char *power_label(int exponent, char *out, size_t room)
{
    static const char *const digits[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
    char plain[16];
    snprintf(plain, sizeof plain, "%d", exponent);
    int used = snprintf(out, room, "10");
    for (const char *c = plain; *c; c++)
        used += snprintf(out + used, room - (size_t)used, "%s", *c == '-' ? "⁻" : digits[*c - '0']);
    return out;
}

char *axis_tick_label(const struct axis *axis, double tick, char *out, size_t room)
{
    if (axis->logarithmic)
        return power_label((int)lround(tick), out, room);
    const int decimals = (int)fmax(0, ceil(-log10(axis->tick) - 1e-9));
    const double magnitude = fabs(tick);
    const char *before = tick < -axis->tick / 2 ? "−" : "";
    if (magnitude >= 1e6)
        snprintf(out, room, "%s%.4gM", before, magnitude / 1e6);
    else if (magnitude >= 1e4)
        snprintf(out, room, "%s%.4gk", before, magnitude / 1e3);
    else
        snprintf(out, room, "%s%.*f", before, decimals, magnitude);
    return out;
}
