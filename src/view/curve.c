#include "curve.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "axis.h"
#include "colour.h"
#include "file.h"
#include "glyph.h"
#include "utf8.h"

#define WIDTH 760
#define HEIGHT 440
#define LEFT 64
#define RIGHT (WIDTH - 76) /* leaves room for the last values */
#define TOP 64
#define BOTTOM (HEIGHT - 56)
#define FONTS "DejaVu Sans, Verdana, Helvetica, Arial, sans-serif"
#define TITLE_COLUMNS 70 /* columns that fit even in bold capitals */
#define LABEL_GAP 16     /* distance between the last values, at least */

#define MAX_VALUE 1e30 /* larger losses and steps are left out: sums might overflow */

#define QUIET "fill=\"#5c5c58\""
#define BOLD "font-weight=\"bold\" font-size=\"13\""
#define FROM_MIDDLE "text-anchor=\"middle\" "
#define FROM_END "text-anchor=\"end\" "

/* --- points ----------------------------------------------------------------------------------- */

/* Merges `other` into the mean. */
static void join(struct curve_point *point, const struct curve_point *other)
{
    point->rows += other->rows;
    const double weight = (double)other->rows / (double)point->rows;
    point->step += (other->step - point->step) * weight;
    point->loss += (other->loss - point->loss) * weight;
}

/* Halves the number of points of a full line. */
static void join_pairs(struct curve_line *line)
{
    for (int i = 0; i < CURVE_POINTS / 2; i++) {
        line->points[i] = line->points[2 * i];
        join(&line->points[i], &line->points[2 * i + 1]);
    }
    line->count = CURVE_POINTS / 2;
    line->share *= 2;
}

static void add(struct curve_line *line, double step, double loss)
{
    const struct curve_point row = {step, loss, 1};
    if (!(fabs(loss) < MAX_VALUE && fabs(step) < MAX_VALUE))
        return;
    if (line->count > 0 && line->points[line->count - 1].rows < line->share) {
        join(&line->points[line->count - 1], &row);
        return;
    }
    if (line->count == CURVE_POINTS)
        join_pairs(line);
    line->share = line->share > 0 ? line->share : 1;
    line->points[line->count++] = row;
}

void curve_add(struct curve *curve, double step, double train_loss, double val_loss)
{
    add(&curve->train, step, train_loss);
    add(&curve->val, step, val_loss);
}

/* --- axes ------------------------------------------------------------------------------------- */

struct bounds {
    double low, high, last;
};

static void find_bounds(const struct curve_line *line, double most, struct bounds *bounds)
{
    for (int i = 0; i < line->count; i++) {
        const struct curve_point *point = &line->points[i];
        bounds->last = fmax(bounds->last, point->step);
        if (point->loss <= most) {
            bounds->low = fmin(bounds->low, point->loss);
            bounds->high = fmax(bounds->high, point->loss);
        }
    }
}

/* Losses above that of a uniform guess among all code points only show that training diverged. They
 * do not stretch the axis: the line leaves the picture at the top. */
static void make_axes(const struct curve *curve, struct axis *x, struct axis *y)
{
    const double limits[] = {log(UTF8_NUM_POINTS), MAX_VALUE};
    struct bounds bounds = {DBL_MAX, -DBL_MAX, 1};
    for (int k = 0; k < 2 && bounds.low > bounds.high; k++) {
        find_bounds(&curve->train, limits[k], &bounds);
        find_bounds(&curve->val, limits[k], &bounds);
    }
    if (bounds.low > bounds.high)
        bounds.low = 0, bounds.high = 1;
    *x = axis_exact(0, bounds.last, LEFT, RIGHT);
    x->tick = fmax(x->tick, 1);
    *y = axis_around(bounds.low, bounds.high, BOTTOM, TOP);
}

/* --- text ------------------------------------------------------------------------------------- */

static void put_escaped(FILE *out, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        default:
            fputc(*text, out);
        }
}

/* Writes a line of text, vertically centred at y. */
static void put_text(FILE *out, double x, double y, const char *attributes, const char *text)
{
    const double baseline = 0.35 * 12;
    fprintf(out, "<text x=\"%g\" y=\"%.1f\" %s>", x, y + baseline, attributes);
    put_escaped(out, text);
    fputs("</text>\n", out);
}

/* Decodes the first code point of valid text. Returns its length. */
static int decode_first(const char *text, int32_t *point)
{
    return utf8_decode((const uint8_t *)text, strnlen(text, 4), point);
}

/* The longest end of a title that fits after "…"; the whole title if that fits. */
static const char *fitting_end(const char *text)
{
    int32_t point, before = 0, state = 0;
    int columns = 0;
    for (const char *at = text; *at; at += decode_first(at, &point), columns += utf8_columns(point))
        ;
    const bool whole = columns <= TITLE_COLUMNS;
    while (*text && !whole) {
        const int length = decode_first(text, &point);
        const bool apart = utf8_cluster_break(before, point, &state);
        if (columns < TITLE_COLUMNS && apart)
            break;
        columns -= utf8_columns(point);
        before = point;
        text += length;
    }
    return text;
}

/* A long title is the path of a run, of which the end is specific. */
static void put_title(FILE *out, const char *title)
{
    const char *end = fitting_end(title);
    fprintf(out, "<text x=\"16\" y=\"24.5\" %s>%s", BOLD, end > title ? "…" : "");
    put_escaped(out, end);
    fputs("</text>\n", out);
}

/* --- drawing ---------------------------------------------------------------------------------- */

static void put_frame(FILE *out, const struct axis *x, const struct axis *y)
{
    char label[64];
    int count;
    const double lowest = axis_first_tick(y, &count);
    for (int i = 0; i < count; i++) {
        const double tick = lowest + i * y->tick, at = round(axis_tick_place(y, tick)) + 0.5;
        fprintf(out, "<path d=\"M%d %.1fH%d\" stroke=\"#e4e4e0\"/>\n", LEFT, at, RIGHT);
        put_text(out, LEFT - 10, at, FROM_END QUIET, axis_tick_label(y, tick, label, sizeof label));
    }
    fprintf(out, "<path d=\"M%d %.1fH%d\" stroke=\"#5c5c58\"/>\n", LEFT, BOTTOM + 0.5, RIGHT);
    const double leftmost = axis_first_tick(x, &count);
    for (int i = 0; i < count; i++) {
        const double tick = leftmost + i * x->tick, at = round(axis_tick_place(x, tick)) + 0.5;
        fprintf(out, "<path d=\"M%.1f %dv5\" stroke=\"#5c5c58\"/>\n", at, BOTTOM);
        put_text(out, at, BOTTOM + 16, FROM_MIDDLE QUIET,
                 axis_tick_label(x, tick, label, sizeof label));
    }
    put_text(out, (LEFT + RIGHT) / 2.0, BOTTOM + 38, FROM_MIDDLE QUIET, "step");
    put_text(out, LEFT - 48, TOP - 20, QUIET, "loss, nats per character");
}

static double height_of(const struct axis *y, const struct curve_point *point)
{
    return fmax(axis_place(y, point->loss), TOP - HEIGHT); /* of a point above the picture */
}

static void put_line(FILE *out, const struct axis *x, const struct axis *y,
                     const struct curve_line *line, const char *colour)
{
    if (line->count == 0)
        return;
    const struct curve_point *last = &line->points[line->count - 1];
    fprintf(out, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.8\" points=\"", colour);
    for (int i = 0; i < line->count; i++)
        fprintf(out, "%s%.1f,%.1f", i > 0 ? " " : "", axis_place(x, line->points[i].step),
                height_of(y, &line->points[i]));
    fprintf(out, "\"/>\n<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n",
            axis_place(x, last->step), height_of(y, last), colour);
}

/* Writes the last value of a line beside its end. */
static void put_value(FILE *out, const struct curve_line *line, double y, const char *colour)
{
    char value[32], attributes[64];
    if (line->count == 0)
        return;
    const double loss = line->points[line->count - 1].loss;
    snprintf(value, sizeof value, fabs(loss) < 1000 ? "%.3f" : "%.3g", loss);
    snprintf(attributes, sizeof attributes, "%s fill=\"%s\"", BOLD, colour);
    put_text(out, RIGHT + 10, y, attributes, value);
}

/* Writes both last values; close ones are moved apart. */
static void put_values(FILE *out, const struct axis *y, const struct curve *curve,
                       const char *const *colours)
{
    const struct curve_line *lines[] = {&curve->train, &curve->val};
    double at[2] = {0};
    for (int k = 0; k < 2; k++)
        if (lines[k]->count > 0)
            at[k] = fmax(height_of(y, &lines[k]->points[lines[k]->count - 1]), TOP);
    if (lines[0]->count > 0 && lines[1]->count > 0 && fabs(at[0] - at[1]) < LABEL_GAP) {
        const double middle = (at[0] + at[1]) / 2, side = at[0] < at[1] ? -1 : 1;
        at[0] = middle + side * LABEL_GAP / 2;
        at[1] = middle - side * LABEL_GAP / 2;
    }
    for (int k = 0; k < 2; k++)
        put_value(out, lines[k], at[k], colours[k]);
}

static void put_legend(FILE *out, double x, const struct curve_line *line, const char *colour,
                       const char *name)
{
    if (line->count == 0)
        return;
    fprintf(out, "<path d=\"M%g %dh18\" stroke=\"%s\" stroke-width=\"2\"/>\n", x - 24, TOP - 20,
            colour);
    put_text(out, x, TOP - 20, "", name);
}

static void draw(FILE *out, const struct curve *curve, const char *title)
{
    char names[2][8];
    /* of training and validation */
    const char *const colours[] = {colour_name(colour_on(COLOUR_DARK, -1, 1), names[0]),
                                   colour_name(colour_on(COLOUR_DARK, 1, 1), names[1])};
    struct axis x, y;
    make_axes(curve, &x, &y);
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
            "viewBox=\"0 0 %d %d\" font-family=\"%s\" font-size=\"12\">\n<title>",
            WIDTH, HEIGHT, WIDTH, HEIGHT, FONTS);
    put_escaped(out, title);
    fputs("</title>\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n", out);
    put_title(out, title);
    put_frame(out, &x, &y);
    fprintf(out,
            "<clipPath id=\"plot\"><rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>"
            "</clipPath>\n<g clip-path=\"url(#plot)\" stroke-linejoin=\"round\">\n",
            LEFT - 5, TOP - 5, RIGHT - LEFT + 10, BOTTOM - TOP + 10);
    put_line(out, &x, &y, &curve->train, colours[0]);
    put_line(out, &x, &y, &curve->val, colours[1]);
    fputs("</g>\n", out);
    put_values(out, &y, curve, colours);
    put_legend(out, RIGHT - 150, &curve->train, colours[0], "training");
    put_legend(out, RIGHT - 60, &curve->val, colours[1], "validation");
    if (curve->train.count == 0 && curve->val.count == 0)
        put_text(out, (LEFT + RIGHT) / 2.0, (TOP + BOTTOM) / 2.0, FROM_MIDDLE QUIET,
                 "no loss has been measured yet");
    fputs("</svg>\n", out);
}

int curve_write(const struct curve *curve, const char *path, const char *title)
{
    struct file_out out = {0};
    char *name = glyph_shown(title, strlen(title));
    int result = name ? file_create(&out, path) : -1;
    if (result == 0) {
        draw(out.stream, curve, name);
        result = file_commit(&out);
    }
    file_abandon(&out);
    free(name);
    return result;
}
