/* The figures "gates" and "reach". */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "caption.h"
#include "figures.h"
#include "plot.h"

#define MARGIN 24
#define TITLE_HEIGHT 44
#define LEGEND_HEIGHT 26

/* Draws the title and, below it, the names of text and model. */
static void draw_title(cairo_t *cr, const struct trace *trace, const char *title, double width)
{
    char *caption = caption_of_trace(trace);
    canvas_text_within(cr, MARGIN, MARGIN, 0, CANVAS_BOLD, CANVAS_BLACK, title, width - 2 * MARGIN);
    if (caption)
        canvas_text_within(cr, MARGIN, MARGIN + 19, 0, CANVAS_FONT, CANVAS_QUIET, caption,
                           width - 2 * MARGIN);
    free(caption);
}

/* --- gates ------------------------------------------------------------------------------------ */

#define PANEL_SIDE 184
#define PANEL_LEFT 52 /* room for labels; likewise PANEL_ABOVE and PANEL_BELOW */
#define PANEL_ABOVE 44
#define PANEL_BELOW 56
#define FOOTNOTE_HEIGHT 20
#define PANEL_GAP 20
#define PANEL_WIDTH (PANEL_LEFT + PANEL_SIDE + PANEL_GAP)
#define PANEL_HEIGHT (PANEL_ABOVE + PANEL_SIDE + PANEL_BELOW)
#define PANELS_PER_ROW 4
#define MARKER 2.6

static int panel_columns(const struct gates *gates)
{
    return gates->count < PANELS_PER_ROW ? gates->count : PANELS_PER_ROW;
}

static int panel_rows(const struct gates *gates)
{
    return (gates->count + PANELS_PER_ROW - 1) / PANELS_PER_ROW;
}

/* The width of the figure, enough for its title even with a single gate. */
static double gates_width(const struct gates *gates)
{
    return 2 * MARGIN + fmax(panel_columns(gates), 2) * PANEL_WIDTH;
}

/* Draws the diagonal. No unit is above it: its two shares add up to at most 1. */
static void draw_limit(cairo_t *cr, const struct axis *x, const struct axis *y)
{
    static const double dash[] = {4, 4};
    cairo_set_dash(cr, dash, 2, 0);
    cairo_set_line_width(cr, 1);
    canvas_colour(cr, CANVAS_QUIET);
    canvas_line(cr, x->start, y->end, x->end, y->start);
    cairo_set_dash(cr, NULL, 0, 0);
}

static void draw_gate(cairo_t *cr, const struct inspection *inspection, int gate, double left,
                      double top)
{
    const struct trace *trace = &inspection->trace;
    const struct gates *gates = &inspection->gates;
    const struct axis x = axis_exact(0, 1, left, left + PANEL_SIDE);
    const struct axis y = axis_exact(0, 1, top + PANEL_SIDE, top);
    plot_frame(cr, &x, &y, "share of time under 0.1", "over 0.9");
    canvas_text(cr, (x.start + x.end) / 2, top - 20, 0.5, CANVAS_BOLD, CANVAS_BLACK,
                gates->names[gate]);
    draw_limit(cr, &x, &y);
    for (int layer = 0; layer < trace->num_layers; layer++)
        for (int unit = 0; unit < trace->hidden_size; unit++) {
            const size_t at = gates_place(trace, gate, layer, unit);
            const double low = (double)gates->low[at], high = (double)gates->high[at];
            if (isfinite(low) && isfinite(high))
                plot_marker(cr, layer, axis_place(&x, low), axis_place(&y, high), MARKER);
        }
}

static void draw_gates(cairo_t *cr, const void *what, double page_height)
{
    const struct inspection *inspection = what;
    const struct gates *gates = &inspection->gates;
    const int columns = panel_columns(gates);
    double x = MARGIN, y = MARGIN + TITLE_HEIGHT;
    char name[32];
    (void)page_height;
    draw_title(cr, &inspection->trace, "How often the gates of each unit are closed and open",
               gates_width(gates));
    for (int layer = 0; layer < inspection->trace.num_layers; layer++) {
        snprintf(name, sizeof name, "layer %d", layer);
        plot_marker(cr, layer, x + 4, y, 1.6 * MARKER);
        x += 14 + canvas_text(cr, x + 14, y, 0, CANVAS_FONT, CANVAS_BLACK, name) + 20;
    }
    y += LEGEND_HEIGHT / 2.0;
    for (int g = 0; g < gates->count; g++)
        draw_gate(cr, inspection, g, MARGIN + g % columns * PANEL_WIDTH + PANEL_LEFT,
                  y + g / columns * PANEL_HEIGHT + PANEL_ABOVE);
    canvas_text(cr, MARGIN, y + panel_rows(gates) * PANEL_HEIGHT + FOOTNOTE_HEIGHT / 2.0, 0,
                CANVAS_SMALL, CANVAS_QUIET,
                "A gate g from −1 to 1 counts as (g + 1) / 2. No unit is above the line.");
}

int gates_write(const struct renderer *renderer, const struct inspection *inspection)
{
    const struct gates *gates = &inspection->gates;
    if (gates->count == 0)
        return 0;
    const struct drawing drawing = {.title = "Gates",
                                    .width = gates_width(gates),
                                    .height = 2 * MARGIN + TITLE_HEIGHT + LEGEND_HEIGHT / 2.0 +
                                              panel_rows(gates) * PANEL_HEIGHT + FOOTNOTE_HEIGHT,
                                    .draw = draw_gates,
                                    .what = inspection};
    return renderer_write(renderer, &drawing, "gates");
}

/* --- reach ------------------------------------------------------------------------------------ */

#define REACH_WIDTH 640
#define REACH_HEIGHT 460
#define REACH_LEFT (MARGIN + 52)
#define REACH_RIGHT (REACH_WIDTH - MARGIN)
#define REACH_TOP 122
#define REACH_BOTTOM (REACH_HEIGHT - 64)
#define LEGEND_LENGTH 26

static bool is_positive(double value)
{
    return isfinite(value) && value > 0;
}

/* The smallest and largest positive median or quartile; false if there are none. */
static bool find_bounds(const struct reach *reach, double *low, double *high)
{
    const float *const norms[] = {reach->median, reach->low, reach->high};
    *low = INFINITY;
    *high = 0;
    for (int n = 0; n < 3; n++)
        for (int i = 0; i < reach->curves * reach->steps; i++)
            if (is_positive((double)norms[n][i])) {
                *low = fmin(*low, (double)norms[n][i]);
                *high = fmax(*high, (double)norms[n][i]);
            }
    return *high > 0;
}

/* A quartile of 0 is drawn at the lower end of the axis. */
static double place_or_end(const struct axis *y, double value)
{
    return is_positive(value) ? axis_place(y, value) : y->start;
}

static void draw_band(cairo_t *cr, const struct axis *x, const struct axis *y, const float *low,
                      const float *high, int steps, struct colour colour)
{
    for (int k = 0; k < steps; k++)
        cairo_line_to(cr, axis_place(x, k), place_or_end(y, (double)high[k]));
    for (int k = steps - 1; k >= 0; k--)
        cairo_line_to(cr, axis_place(x, k), place_or_end(y, (double)low[k]));
    cairo_set_source_rgba(cr, colour.red / 255.0, colour.green / 255.0, colour.blue / 255.0, 0.13);
    cairo_fill(cr);
}

static void draw_median(cairo_t *cr, const struct axis *x, const struct axis *y,
                        const float *median, int steps, int series)
{
    for (int k = 0; k < steps; k++)
        if (is_positive((double)median[k]))
            cairo_line_to(cr, axis_place(x, k), axis_place(y, (double)median[k]));
        else
            cairo_new_sub_path(cr);
    plot_set_dash(cr, series);
    cairo_set_line_width(cr, 1.8);
    canvas_colour(cr, plot_colour(series));
    cairo_stroke(cr);
    cairo_set_dash(cr, NULL, 0, 0);
}

static void draw_reach_legend(cairo_t *cr, const struct reach *reach)
{
    double x = REACH_LEFT;
    char name[32];
    for (int c = 0; c < reach->curves; c++) {
        plot_set_dash(cr, c);
        cairo_set_line_width(cr, 1.8);
        canvas_colour(cr, plot_colour(c));
        canvas_line(cr, x, MARGIN + TITLE_HEIGHT, x + LEGEND_LENGTH, MARGIN + TITLE_HEIGHT);
        cairo_set_dash(cr, NULL, 0, 0);
        x += LEGEND_LENGTH + 6;
        x += canvas_text(cr, x, MARGIN + TITLE_HEIGHT, 0, CANVAS_FONT, CANVAS_BLACK,
                         caption_of_curve(reach, c, name, sizeof name));
        x += 20;
    }
}

static void draw_reach(cairo_t *cr, const void *what, double page_height)
{
    const struct inspection *inspection = what;
    const struct reach *reach = &inspection->reach;
    double low, high;
    char title[128];
    (void)page_height;
    find_bounds(reach, &low, &high);
    const struct axis x =
        axis_exact(0, reach->steps > 1 ? reach->steps - 1 : 1, REACH_LEFT, REACH_RIGHT);
    const struct axis y = axis_of_powers(low, high, REACH_BOTTOM, REACH_TOP);
    snprintf(title, sizeof title,
             reach->positions == 1
                 ? "How far back the loss reaches: %d prediction"
                 : "How far back the loss reaches: medians and quartiles over %d predictions",
             reach->positions);
    draw_title(cr, &inspection->trace, title, REACH_WIDTH);
    plot_frame(cr, &x, &y, "characters back", "norm of the gradient of the loss");
    draw_reach_legend(cr, reach);
    for (int c = 0; c < reach->curves; c++) {
        const size_t first = (size_t)c * (size_t)reach->steps;
        draw_band(cr, &x, &y, reach->low + first, reach->high + first, reach->steps,
                  plot_colour(c));
    }
    for (int c = 0; c < reach->curves; c++)
        draw_median(cr, &x, &y, reach->median + (size_t)c * (size_t)reach->steps, reach->steps, c);
}

int reach_write(const struct renderer *renderer, const struct inspection *inspection)
{
    double low, high;
    if (!find_bounds(&inspection->reach, &low, &high))
        return 0;
    const struct drawing drawing = {.title = "Reach",
                                    .width = REACH_WIDTH,
                                    .height = REACH_HEIGHT,
                                    .draw = draw_reach,
                                    .what = inspection};
    return renderer_write(renderer, &drawing, "reach");
}
