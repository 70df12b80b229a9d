#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "drawing.h"
#include "glyph.h"
#include "plot.h"

#define WIDTH 760
#define HEIGHT 440
#define LEFT 64
#define RIGHT (WIDTH - 76) /* room for the last values beside the ends of the lines */
#define TOP 64
#define BOTTOM (HEIGHT - 56)
#define MAX_POINTS 500 /* of a line; of more, means are drawn */

struct curve {
    const char *title;
    const struct curve_point *points;
    size_t count;
    struct axis x, y;
};

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
    curve->x = axis_exact(0, last, LEFT, RIGHT);
    curve->x.tick = fmax(curve->x.tick, 1);
    curve->y = axis_around(low, high, BOTTOM, TOP);
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
        ending.x = axis_place(&curve->x, steps / (double)in_bucket);
        ending.value = losses / (double)in_bucket;
        ending.y = axis_place(&curve->y, ending.value);
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
        cairo_arc(cr, ending.x, ending.y, 3, 0, 2 * G_PI);
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
    canvas_line(cr, x - 24, TOP - 20, x - 6, TOP - 20);
    canvas_text(cr, x, TOP - 20, 0, CANVAS_FONT, CANVAS_BLACK, name);
}

static void draw(cairo_t *cr, const void *what, double page_height)
{
    const struct curve *curve = what;
    const struct colour blue = plot_negative(), orange = plot_positive();
    (void)page_height;
    canvas_text(cr, 16, 20, 0, CANVAS_BOLD, CANVAS_BLACK, curve->title);
    plot_frame(cr, &curve->x, &curve->y, "step", "loss, nats per character");
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
    struct file_out out = {0};
    char *name = glyph_text(title, strlen(title));
    struct curve curve = {.title = name, .points = points, .count = count};
    const struct drawing drawing = {name, WIDTH, HEIGHT, 0, draw, &curve};
    make_axes(&curve);
    int result = name ? file_create(&out, path) : -1;
    if (result == 0)
        result = drawing_put(&out, DRAWING_SVG, &drawing);
    if (result == 0)
        result = file_commit(&out);
    file_abandon(&out);
    free(name);
    return result;
}
