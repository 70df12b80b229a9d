#include "plot.h"

#include <math.h>

/* --- the frame -------------------------------------------------------------------------------- */

void plot_frame(cairo_t *cr, const struct axis *x, const struct axis *y, const char *x_title,
                const char *y_title)
{
    char label[64];
    int count;
    cairo_set_line_width(cr, 1);
    const double lowest = axis_first_tick(y, &count);
    for (int i = 0; i < count; i++) {
        const double value = lowest + i * y->tick, at = round(axis_tick_place(y, value)) + 0.5;
        canvas_colour(cr, CANVAS_FAINT);
        canvas_line(cr, x->start, at, x->end, at);
        canvas_text(cr, x->start - 10, at, 1, CANVAS_FONT, CANVAS_QUIET,
                    axis_tick_label(y, value, label, sizeof label));
    }
    canvas_colour(cr, CANVAS_QUIET);
    canvas_line(cr, x->start, y->start + 0.5, x->end, y->start + 0.5);
    const double leftmost = axis_first_tick(x, &count);
    for (int i = 0; i < count; i++) {
        const double value = leftmost + i * x->tick, at = round(axis_tick_place(x, value)) + 0.5;
        canvas_colour(cr, CANVAS_QUIET);
        canvas_line(cr, at, y->start, at, y->start + 5);
        canvas_text(cr, at, y->start + 16, 0.5, CANVAS_FONT, CANVAS_QUIET,
                    axis_tick_label(x, value, label, sizeof label));
    }
    canvas_text(cr, (x->start + x->end) / 2, y->start + 38, 0.5, CANVAS_FONT, CANVAS_QUIET,
                x_title);
    canvas_text(cr, x->start - 48, y->end - 20, 0, CANVAS_FONT, CANVAS_QUIET, y_title);
}

/* --- series ----------------------------------------------------------------------------------- */

/* From the palette of Okabe & Ito (2008), alternately dark and light. */
struct colour plot_colour(int series)
{
    static const struct colour colours[PLOT_STYLES] = {
        {0, 114, 178}, {230, 159, 0}, {0, 0, 0}, {204, 121, 167}, {0, 158, 115}, {86, 180, 233}};
    return colours[series % PLOT_STYLES];
}

void plot_set_dash(cairo_t *cr, int series)
{
    static const struct {
        int count;
        double lengths[6];
    } dashes[PLOT_STYLES] = {{0, {0}},          {2, {7, 3}},  {2, {2, 2.5}},
                             {4, {9, 3, 2, 3}}, {2, {14, 4}}, {6, {9, 3, 2, 3, 2, 3}}};
    cairo_set_dash(cr, dashes[series % PLOT_STYLES].lengths, dashes[series % PLOT_STYLES].count, 0);
}

void plot_marker(cairo_t *cr, int series, double x, double y, double radius)
{
    /* A circle, and regular polygons; `first` is the angle of a corner, clockwise from the right,
     * in turns. */
    static const struct {
        int corners;
        double size, first;
    } shapes[PLOT_STYLES] = {{0, 1, 0},   {3, 1.3, 0.75}, {4, 1.2, 0.125},
                             {4, 1.3, 0}, {3, 1.3, 0.25}, {6, 1.2, 0}};
    const struct colour colour = plot_colour(series);
    const int shape = series % PLOT_STYLES, corners = shapes[shape].corners;
    radius *= shapes[shape].size;
    for (int i = 0; i < corners; i++) {
        const double angle = 2 * G_PI * (shapes[shape].first + (double)i / corners);
        cairo_line_to(cr, x + radius * cos(angle), y + radius * sin(angle));
    }
    if (corners == 0)
        cairo_arc(cr, x, y, radius, 0, 2 * G_PI);
    else
        cairo_close_path(cr);
    cairo_set_source_rgba(cr, colour.red / 255.0, colour.green / 255.0, colour.blue / 255.0, 0.45);
    cairo_fill_preserve(cr);
    canvas_colour(cr, colour);
    cairo_set_line_width(cr, 0.7);
    cairo_stroke(cr);
}

/* --- bars ------------------------------------------------------------------------------------- */

/* The axis on which all bars and the values at their ends fit. */
static struct axis bar_axis(struct box box, const struct bar *bars, int count, double value_room)
{
    double low = 0, high = 0;
    for (int i = 0; i < count; i++)
        if (isfinite(bars[i].value)) {
            low = fmin(low, bars[i].value);
            high = fmax(high, bars[i].value);
        }
    if (low == high)
        high = 1;
    return (struct axis){
        .low = low, .high = high, .start = box.x, .end = box.x + box.width - value_room};
}

static void draw_bar(cairo_t *cr, const struct axis *axis, double value, double y, const char *text)
{
    const double zero = axis_place(axis, 0), end = axis_place(axis, value);
    const double side = value < 0 ? -1 : 1;
    canvas_colour(cr, colour_of((float)side, 1));
    cairo_rectangle(cr, zero, y - PLOT_BAR / 2.0 + 1.5, end - zero, PLOT_BAR - 3);
    cairo_fill(cr);
    canvas_text(cr, fmax(zero, end) + 4, y, 0, CANVAS_SMALL, CANVAS_QUIET, text);
}

void plot_bars(cairo_t *cr, struct box box, const struct bar *bars, int count, int digits)
{
    char text[32];
    double label_room = 0, value_room = 0;
    for (int i = 0; i < count; i++) {
        canvas_number(text, sizeof text, bars[i].value, digits, true);
        label_room = fmax(label_room, canvas_text_width(CANVAS_FONT, bars[i].label) + 8);
        value_room = fmax(value_room, canvas_text_width(CANVAS_SMALL, text) + 5);
    }
    label_room = fmin(label_room, 0.6 * box.width);
    box.x += label_room;
    box.width -= label_room;
    const struct axis axis = bar_axis(box, bars, count, value_room);
    for (int i = 0; i < count; i++)
        if (isfinite(bars[i].value)) {
            const double y = box.y + (i + 0.5) * PLOT_BAR;
            canvas_text_within(cr, box.x - 8, y, 1, CANVAS_FONT, CANVAS_BLACK, bars[i].label,
                               label_room - 8);
            draw_bar(cr, &axis, bars[i].value, y,
                     canvas_number(text, sizeof text, bars[i].value, digits, true));
        }
    const double zero = axis_place(&axis, 0);
    canvas_colour(cr, CANVAS_QUIET);
    cairo_set_line_width(cr, 1);
    canvas_line(cr, zero, box.y, zero, box.y + count * PLOT_BAR);
}
