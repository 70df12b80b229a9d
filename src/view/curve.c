#include <cairo-svg.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "canvas.h"
#include "file.h"
#include "glyph.h"
#include "view.h"

#define WIDTH 760
#define HEIGHT 440
#define LEFT 64
#define RIGHT (WIDTH - 76) /* room for the last values beside the ends of the lines */
#define TOP 64
#define BOTTOM (HEIGHT - 56)
#define MAX_TICKS 8
#define MAX_POINTS 500 /* of a line; of more, means are drawn */

/* A value's place: linear from [low, high] to [start, end]. */
struct axis {
    double low, high, tick;
    double start, end;
};

struct curve {
    const struct curve_point *points;
    size_t count;
    struct axis x, y;
};

static double place(const struct axis *axis, double value)
{
    return axis->start + (value - axis->low) / (axis->high - axis->low) * (axis->end - axis->start);
}

/* 1, 2 or 5 times a power of ten, so that the range has at most MAX_TICKS ticks. */
static double nice_tick(double range)
{
    double rough = range / MAX_TICKS, power = pow(10, floor(log10(rough))), share = rough / power;
    return power * (share <= 1 ? 1 : share <= 2 ? 2 : share <= 5 ? 5 : 10);
}

/* An axis over the values, widened to whole ticks. */
static struct axis make_axis(double low, double high, double start, double end)
{
    double room = fmax(fabs(low), fabs(high)) * 1e-3;
    if (!(high - low > room)) {
        low -= fmax(room, 0.05);
        high += fmax(room, 0.05);
    }
    double tick = nice_tick(high - low);
    return (struct axis){floor(low / tick + 1e-9) * tick, ceil(high / tick - 1e-9) * tick, tick,
                         start, end};
}

static double train_of(const struct curve_point *point)
{
    return point->train_loss;
}

static double val_of(const struct curve_point *point)
{
    return point->val_loss;
}

static void make_axes(struct curve *curve)
{
    double low = DBL_MAX, high = -DBL_MAX, last = 0;
    for (size_t i = 0; i < curve->count; i++) {
        const struct curve_point *point = &curve->points[i];
        double losses[] = {point->train_loss, point->val_loss};
        for (int k = 0; k < 2; k++)
            if (isfinite(losses[k])) {
                low = fmin(low, losses[k]);
                high = fmax(high, losses[k]);
            }
        if (isfinite(point->step))
            last = fmax(last, point->step);
    }
    if (low > high)
        low = 0, high = 1;
    last = fmax(last, 1);
    curve->x = (struct axis){0, last, fmax(nice_tick(last), 1), LEFT, RIGHT};
    curve->y = make_axis(low, high, BOTTOM, TOP);
}

static void format_step(double step, char *out, size_t room)
{
    if (step >= 1e6)
        snprintf(out, room, "%.4gM", step / 1e6);
    else if (step >= 1e4)
        snprintf(out, room, "%.4gk", step / 1e3);
    else
        snprintf(out, room, "%.4g", step);
}

static void draw_line(cairo_t *cr, double x0, double y0, double x1, double y1)
{
    cairo_move_to(cr, x0, y0);
    cairo_line_to(cr, x1, y1);
    cairo_stroke(cr);
}

static void draw_axes(cairo_t *cr, const struct curve *curve)
{
    const struct axis *x = &curve->x, *y = &curve->y;
    char label[32];
    cairo_set_line_width(cr, 1);
    int decimals = (int)fmax(0, ceil(-log10(y->tick) - 1e-9));
    for (int i = 0; y->low + i * y->tick <= y->high + y->tick * 1e-6; i++) {
        double value = y->low + i * y->tick, at = round(place(y, value)) + 0.5;
        canvas_colour(cr, (struct colour){228, 228, 224});
        draw_line(cr, LEFT, at, RIGHT, at);
        snprintf(label, sizeof label, "%.*f", decimals, value);
        canvas_text(cr, LEFT - 10, at, 1, CANVAS_FONT, CANVAS_QUIET, label);
    }
    canvas_colour(cr, CANVAS_QUIET);
    draw_line(cr, LEFT, BOTTOM + 0.5, RIGHT, BOTTOM + 0.5);
    for (int i = 0; i * x->tick <= x->high * (1 + 1e-9); i++) {
        double at = round(place(x, i * x->tick)) + 0.5;
        canvas_colour(cr, CANVAS_QUIET);
        draw_line(cr, at, BOTTOM, at, BOTTOM + 5);
        format_step(i * x->tick, label, sizeof label);
        canvas_text(cr, at, BOTTOM + 16, 0.5, CANVAS_FONT, CANVAS_QUIET, label);
    }
    canvas_text(cr, (LEFT + RIGHT) / 2.0, HEIGHT - 18, 0.5, CANVAS_FONT, CANVAS_QUIET, "step");
    canvas_text(cr, 16, TOP - 20, 0, CANVAS_FONT, CANVAS_QUIET, "loss, nats per character");
}

/* Where the line of a series ends; found is false if it has no points. */
struct ending {
    bool found;
    double x, y, value;
};

static struct ending draw_series(cairo_t *cr, const struct curve *curve,
                                 double (*loss_of)(const struct curve_point *),
                                 struct colour colour)
{
    struct ending ending = {0};
    size_t finite = 0, share, in_bucket = 0;
    for (size_t i = 0; i < curve->count; i++)
        finite += isfinite(loss_of(&curve->points[i])) && isfinite(curve->points[i].step);
    share = (finite + MAX_POINTS - 1) / MAX_POINTS;
    double steps = 0, losses = 0;
    for (size_t i = 0; i < curve->count; i++) {
        double loss = loss_of(&curve->points[i]), step = curve->points[i].step;
        if (!isfinite(loss) || !isfinite(step))
            continue;
        steps += step;
        losses += loss;
        finite--;
        if (++in_bucket < share && finite > 0)
            continue;
        ending.x = place(&curve->x, steps / (double)in_bucket);
        ending.value = losses / (double)in_bucket;
        ending.y = place(&curve->y, ending.value);
        cairo_line_to(cr, ending.x, ending.y);
        ending.found = true;
        steps = losses = 0;
        in_bucket = 0;
    }
    canvas_colour(cr, colour);
    cairo_set_line_width(cr, 1.8);
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
    cairo_stroke(cr);
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_MITER);
    if (ending.found) {
        cairo_arc(cr, ending.x, ending.y, 3, 0, 2 * 3.14159265358979);
        cairo_fill(cr);
    }
    return ending;
}

static void draw_label(cairo_t *cr, const struct ending *ending, double y, struct colour colour)
{
    char label[32];
    if (!ending->found)
        return;
    snprintf(label, sizeof label, "%.3f", ending->value);
    canvas_text(cr, RIGHT + 10, y, 0, CANVAS_BOLD, colour, label);
}

static void draw_legend(cairo_t *cr, double x, struct colour colour, const char *name)
{
    canvas_colour(cr, colour);
    cairo_set_line_width(cr, 2);
    draw_line(cr, x - 24, TOP - 20, x - 6, TOP - 20);
    canvas_text(cr, x, TOP - 20, 0, CANVAS_FONT, CANVAS_BLACK, name);
}

static void draw_both(cairo_t *cr, const struct curve *curve)
{
    const struct colour blue = colour_on(COLOUR_DARK, -1, 1), orange = colour_on(COLOUR_DARK, 1, 1);
    struct ending train = draw_series(cr, curve, train_of, blue);
    struct ending val = draw_series(cr, curve, val_of, orange);

    /* Labels of near ends are pushed apart, each to its own side. */
    double train_y = train.y, val_y = val.y, gap = 16;
    if (train.found && val.found && fabs(train_y - val_y) < gap) {
        double middle = (train_y + val_y) / 2, side = train_y < val_y ? -1 : 1;
        train_y = middle + side * gap / 2;
        val_y = middle - side * gap / 2;
    }
    draw_label(cr, &train, train_y, blue);
    draw_label(cr, &val, val_y, orange);
    if (train.found)
        draw_legend(cr, RIGHT - 150, blue, "training");
    if (val.found)
        draw_legend(cr, RIGHT - 60, orange, "validation");
    if (!train.found && !val.found)
        canvas_text(cr, (LEFT + RIGHT) / 2.0, (TOP + BOTTOM) / 2.0, 0.5, CANVAS_FONT, CANVAS_QUIET,
                    "no loss has been measured yet");
}

int curve_write(const char *path, const char *title, const struct curve_point *points, size_t count)
{
    struct curve curve = {.points = points, .count = count};
    struct file_out out;
    char *name = glyph_text(title, strlen(title));
    if (!name)
        return -1;
    int result = file_create(&out, path);
    if (result == 0) {
        cairo_surface_t *surface =
            cairo_svg_surface_create_for_stream(canvas_write, out.stream, WIDTH, HEIGHT);
        cairo_t *cr = cairo_create(surface);
        cairo_set_source_rgb(cr, 1, 1, 1);
        cairo_paint(cr);
        make_axes(&curve);
        canvas_text(cr, 16, 20, 0, CANVAS_BOLD, CANVAS_BLACK, name);
        draw_axes(cr, &curve);
        draw_both(cr, &curve);
        result = canvas_finish(cr, surface, path);
        if (result == 0)
            result = file_commit(&out);
        file_abandon(&out);
    }
    free(name);
    return result;
}
