#include "strip.h"

#include <stdlib.h>
#include <string.h>

#include "canvas.h"
#include "mem.h"

#define OVERLAP 0.49 /* of neighbouring backgrounds, see strip_draw */

/* The shown text of the strip; ends[i] is the end of character strip->start + i in it. */
static char *text_of(const struct strip *strip, const struct trace *trace,
                     const struct glyph *glyphs, int *ends)
{
    size_t room = 1, used = 0;
    for (size_t t = strip->start; t < strip->end; t++)
        room += strlen(glyphs[trace->ids[t]].shown);
    char *text = mem_new(room, 1);
    for (size_t t = strip->start; text && t < strip->end; t++) {
        const char *shown = glyphs[trace->ids[t]].shown;
        memcpy(text + used, shown, strlen(shown));
        used += strlen(shown);
        ends[t - strip->start] = (int)used;
    }
    return text;
}

/* Sets marks in a proportional font: monospaced ones draw a mark beside its dotted circle. */
static PangoAttrList *attributes_of(const struct strip *strip, const struct trace *trace,
                                    const struct glyph *glyphs, const int *ends)
{
    PangoAttrList *attributes = pango_attr_list_new();
    unsigned begin = 0;
    for (size_t t = strip->start; t < strip->end; begin = (unsigned)ends[t++ - strip->start])
        if (glyphs[trace->ids[t]].combining) {
            PangoAttribute *family = pango_attr_family_new("Sans");
            family->start_index = begin;
            family->end_index = (unsigned)ends[t - strip->start];
            pango_attr_list_insert(attributes, family);
        }
    return attributes;
}

static void widen(struct strip_span *span, int left, int right)
{
    bool empty = span->left == span->right;
    left = PANGO_PIXELS(left);
    right = PANGO_PIXELS(right);
    span->left = empty || left < span->left ? left : span->left;
    span->right = empty || right > span->right ? right : span->right;
}

/* A character extends over its cursor positions, which divide the glyph of a ligature, and over its
 * glyphs: a mark in another font than its circle has a glyph without a cursor position. The first
 * character of a ligature may extend too far; the next one is drawn over it. */
static void measure_spans(struct strip *strip, const int *ends)
{
    const size_t count = strip->end - strip->start;
    PangoLayoutLine *line = pango_layout_get_line_readonly(strip->layout, 0);
    int begin = 0, *ranges, num_ranges;
    for (size_t i = 0; i < count; begin = ends[i++]) {
        pango_layout_line_get_x_ranges(line, begin, ends[i], &ranges, &num_ranges);
        for (int k = 0; k < num_ranges; k++)
            widen(&strip->spans[i], ranges[2 * k], ranges[2 * k + 1]);
        g_free(ranges);
    }
    PangoLayoutIter *iter = pango_layout_get_iter(strip->layout);
    do {
        PangoRectangle cluster;
        size_t i = 0;
        pango_layout_iter_get_cluster_extents(iter, NULL, &cluster);
        while (i < count && ends[i] <= pango_layout_iter_get_index(iter))
            i++;
        if (i < count)
            widen(&strip->spans[i], cluster.x, cluster.x + cluster.width);
    } while (pango_layout_iter_next_cluster(iter));
    pango_layout_iter_free(iter);
}

int strip_init(struct strip *strip, const struct trace *trace, const struct glyph *glyphs,
               const char *font, size_t start, size_t end)
{
    *strip = (struct strip){.start = start, .end = end};
    strip->spans = mem_new(end - start, sizeof *strip->spans);
    int *ends = mem_new(end - start, sizeof *ends);
    char *text = strip->spans && ends ? text_of(strip, trace, glyphs, ends) : NULL;
    if (text) {
        PangoAttrList *attributes = attributes_of(strip, trace, glyphs, ends);
        strip->layout = canvas_layout(font, text);
        pango_layout_set_attributes(strip->layout, attributes);
        pango_layout_get_pixel_size(strip->layout, &strip->width, NULL);
        strip->from_right = pango_layout_get_direction(strip->layout, 0) == PANGO_DIRECTION_RTL;
        pango_attr_list_unref(attributes);
        measure_spans(strip, ends);
    }
    const int result = text ? 0 : -1;
    free(text);
    free(ends);
    return result;
}

void strip_release(struct strip *strip)
{
    if (strip->layout)
        g_object_unref(strip->layout);
    free(strip->spans);
    *strip = (struct strip){0};
}

/* Neighbouring backgrounds overlap by less than half a pixel. Vector formats then show no seams at
 * any size, and pixels do not change. Black is legible on every colour of the scale. */
void strip_draw(cairo_t *cr, const struct strip *strip, const struct trace *trace, size_t signal,
                float range, double left, double y, int height)
{
    int text_height;
    cairo_save(cr);
    cairo_set_antialias(cr, CAIRO_ANTIALIAS_NONE); /* avoids seams between rectangles */
    for (size_t t = strip->start; t < strip->end; t++) {
        const struct strip_span *span = &strip->spans[t - strip->start];
        canvas_colour(cr, colour_of(*trace_place(trace, signal, t), range));
        cairo_rectangle(cr, left + span->left, y, span->right - span->left + OVERLAP,
                        height + OVERLAP);
        cairo_fill(cr);
    }
    cairo_restore(cr);
    pango_layout_get_pixel_size(strip->layout, NULL, &text_height);
    canvas_colour(cr, CANVAS_BLACK);
    cairo_move_to(cr, left, y + (height - text_height) / 2.0);
    pango_cairo_show_layout(cr, strip->layout);
    cairo_new_path(cr);
}
