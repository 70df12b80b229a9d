/* Pictures: for each chosen signal a heading with its scale, and the text with each character on
 * its colour. Pango orders and shapes the text of a row as a whole, so that every script is written
 * as it should be; a character's background is where Pango put it. */
#include <assert.h>
#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "canvas.h"
#include "error.h"
#include "file.h"
#include "glyph.h"
#include "mem.h"
#include "writers.h"

#define TEXT_FONT "Monospace 15px"
#define ROW_HEIGHT 22
#define OVERLAP 0.49
#define MARGIN 28
#define TITLE_HEIGHT 34
#define HEADING_HEIGHT 40
#define BLOCK_GAP 18
#define LEGEND_WIDTH 180
#define LEGEND_STOPS 20
#define MIN_WIDTH 480
#define PNG_MAX_SIDE 32767 /* cairo's limit */
#define PAGE_HEIGHT 1400   /* of a page of the PDF, */
#define PDF_SCALE 0.6      /* in points after this */

/* Where a character stands in its row, in pixels from the row's left end. */
struct span {
    int left, right;
};

struct row {
    size_t start, end;
    PangoLayout *layout;
    int width;
    bool from_right; /* its text begins at the right */
};

struct picture {
    const struct trace *trace;
    const struct view_options *options;
    struct span *spans; /* [length] */
    struct row *rows;
    size_t num_rows, room;
    int width, height; /* of all in one piece, margins included */
};

/* --- rows ------------------------------------------------------------------------------------- */

/* ends[i] is where character row->start + i ends in the row's text. */
static char *row_text(const struct picture *picture, const struct glyph *glyphs,
                      const struct row *row, int *ends)
{
    size_t room = 1, used = 0;
    for (size_t t = row->start; t < row->end; t++)
        room += strlen(glyphs[picture->trace->ids[t]].shown);
    char *text = mem_new(room, 1);
    for (size_t t = row->start; text && t < row->end; t++) {
        const char *shown = glyphs[picture->trace->ids[t]].shown;
        memcpy(text + used, shown, strlen(shown));
        used += strlen(shown);
        ends[t - row->start] = (int)used;
    }
    return text;
}

/* Monospaced fonts put a mark beside its dotted circle, others on it. */
static PangoAttrList *row_attributes(const struct picture *picture, const struct glyph *glyphs,
                                     const struct row *row, const int *ends)
{
    PangoAttrList *attributes = pango_attr_list_new();
    unsigned begin = 0;
    for (size_t t = row->start; t < row->end; begin = (unsigned)ends[t++ - row->start])
        if (glyphs[picture->trace->ids[t]].combining) {
            PangoAttribute *family = pango_attr_family_new("Sans");
            family->start_index = begin;
            family->end_index = (unsigned)ends[t - row->start];
            pango_attr_list_insert(attributes, family);
        }
    return attributes;
}

static void widen(struct span *span, int left, int right)
{
    bool empty = span->left == span->right;
    left = PANGO_PIXELS(left);
    right = PANGO_PIXELS(right);
    span->left = empty || left < span->left ? left : span->left;
    span->right = empty || right > span->right ? right : span->right;
}

/* A character is where its cursor positions are, which share out the glyph of a ligature, and where
 * its glyphs are: a mark from another font than its circle has one without a cursor. What the first
 * character of a ligature takes too much, the next is drawn over. */
static void measure_spans(struct span *spans, PangoLayout *layout, const int *ends, size_t count)
{
    PangoLayoutLine *line = pango_layout_get_line_readonly(layout, 0);
    int begin = 0, *ranges, num_ranges;
    for (size_t i = 0; i < count; begin = ends[i++]) {
        pango_layout_line_get_x_ranges(line, begin, ends[i], &ranges, &num_ranges);
        for (int k = 0; k < num_ranges; k++)
            widen(&spans[i], ranges[2 * k], ranges[2 * k + 1]);
        g_free(ranges);
    }
    PangoLayoutIter *iter = pango_layout_get_iter(layout);
    do {
        PangoRectangle cluster;
        size_t i = 0;
        pango_layout_iter_get_cluster_extents(iter, NULL, &cluster);
        while (i < count && ends[i] <= pango_layout_iter_get_index(iter))
            i++;
        if (i < count)
            widen(&spans[i], cluster.x, cluster.x + cluster.width);
    } while (pango_layout_iter_next_cluster(iter));
    pango_layout_iter_free(iter);
}

static int lay_out_row(struct picture *picture, const struct glyph *glyphs, PangoContext *context,
                       const PangoFontDescription *font, struct row *row)
{
    int *ends = mem_new(row->end - row->start, sizeof *ends);
    char *text = ends ? row_text(picture, glyphs, row, ends) : NULL;
    if (text) {
        row->layout = pango_layout_new(context);
        pango_layout_set_font_description(row->layout, font);
        pango_layout_set_single_paragraph_mode(row->layout, TRUE);
        pango_layout_set_text(row->layout, text, -1);
        PangoAttrList *attributes = row_attributes(picture, glyphs, row, ends);
        pango_layout_set_attributes(row->layout, attributes);
        pango_attr_list_unref(attributes);
        pango_layout_get_pixel_size(row->layout, &row->width, NULL);
        row->from_right = pango_layout_get_direction(row->layout, 0) == PANGO_DIRECTION_RTL;
        measure_spans(picture->spans + row->start, row->layout, ends, row->end - row->start);
    }
    int result = text ? 0 : -1;
    free(text);
    free(ends);
    return result;
}

static int lay_out_rows(struct picture *picture, const struct glyph *glyphs, PangoContext *context,
                        const PangoFontDescription *font)
{
    const struct trace *trace = picture->trace;
    size_t end;
    for (size_t start = 0; start < trace->length; start = end) {
        end = glyph_row_end(glyphs, trace->ids, trace->length, start, picture->options->columns);
        if (mem_grow(&picture->rows, &picture->room, picture->num_rows + 1, sizeof(struct row)))
            return -1;
        struct row *row = &picture->rows[picture->num_rows++];
        *row = (struct row){.start = start, .end = end};
        if (lay_out_row(picture, glyphs, context, font, row) != 0)
            return -1;
        if (row->width > picture->width)
            picture->width = row->width;
    }
    return 0;
}

static void picture_release(struct picture *picture)
{
    for (size_t r = 0; r < picture->num_rows; r++)
        if (picture->rows[r].layout)
            g_object_unref(picture->rows[r].layout);
    free(picture->rows);
    free(picture->spans);
}

static int picture_init(struct picture *picture, const struct trace *trace,
                        const struct view_options *options)
{
    assert(options->columns > 0);
    *picture = (struct picture){.trace = trace, .options = options, .width = MIN_WIDTH};
    struct glyph *glyphs = glyphs_new(trace->vocab);
    picture->spans = mem_new(trace->length, sizeof *picture->spans);
    PangoContext *context = pango_font_map_create_context(pango_cairo_font_map_get_default());
    PangoFontDescription *font = pango_font_description_from_string(TEXT_FONT);
    int result = -1;
    if (glyphs && picture->spans)
        result = lay_out_rows(picture, glyphs, context, font);
    pango_font_description_free(font);
    g_object_unref(context);
    glyphs_free(glyphs);
    double height = 2.0 * MARGIN + TITLE_HEIGHT - BLOCK_GAP +
                    (double)options->num_chosen *
                        (HEADING_HEIGHT + BLOCK_GAP + (double)picture->num_rows * ROW_HEIGHT);
    picture->height = (int)fmin(height, 1e9);
    picture->width += 2 * MARGIN;
    return result;
}

/* --- drawing ---------------------------------------------------------------------------------- */

static void draw_title(cairo_t *cr, const struct picture *picture, int y)
{
    char *text = glyph_text(picture->trace->text, strlen(picture->trace->text));
    char *model = glyph_text(picture->trace->model, strlen(picture->trace->model));
    if (text && model) {
        double width = canvas_text(cr, MARGIN, y + 8, 0, CANVAS_BOLD, CANVAS_BLACK, text);
        width += canvas_text(cr, MARGIN + width, y + 8, 0, CANVAS_FONT, CANVAS_QUIET, "  read by ");
        canvas_text(cr, MARGIN + width, y + 8, 0, CANVAS_FONT, CANVAS_QUIET, model);
    }
    free(model);
    free(text);
}

static void draw_legend(cairo_t *cr, double x, double y, float range)
{
    char label[32];
    snprintf(label, sizeof label, "−%.3g ", (double)range);
    x += canvas_text(cr, x, y, 0, CANVAS_FONT, CANVAS_QUIET, label);
    cairo_pattern_t *scale = cairo_pattern_create_linear(x, 0, x + LEGEND_WIDTH, 0);
    for (int i = 0; i <= LEGEND_STOPS; i++) {
        struct colour stop = colour_of((float)(2 * i - LEGEND_STOPS), LEGEND_STOPS);
        cairo_pattern_add_color_stop_rgb(scale, (double)i / LEGEND_STOPS, stop.red / 255.0,
                                         stop.green / 255.0, stop.blue / 255.0);
    }
    cairo_rectangle(cr, x, y - 7, LEGEND_WIDTH, 14);
    cairo_set_source(cr, scale);
    cairo_fill(cr);
    cairo_pattern_destroy(scale);
    canvas_colour(cr, CANVAS_QUIET);
    cairo_set_line_width(cr, 0.5);
    cairo_rectangle(cr, x, y - 7, LEGEND_WIDTH, 14);
    cairo_stroke(cr);
    snprintf(label, sizeof label, " +%.3g", (double)range);
    canvas_text(cr, x + LEGEND_WIDTH, y, 0, CANVAS_FONT, CANVAS_QUIET, label);
}

static void draw_heading(cairo_t *cr, const struct picture *picture, size_t signal, float range,
                         int y)
{
    char name[64];
    trace_signal_name(picture->trace, signal, name, sizeof name);
    double width = canvas_text(cr, MARGIN, y + 14, 0, CANVAS_BOLD, CANVAS_BLACK, name);
    draw_legend(cr, MARGIN + width + 24, y + 14, range);
}

/* A background goes a little below the next one, under half a pixel: drawings of lines and curves
 * show no seams between them at any size, and those of pixels are as they would be without. Black
 * is read on every colour of the scale. */
static void draw_row(cairo_t *cr, const struct picture *picture, const struct row *row,
                     size_t signal, float range, int y)
{
    const struct trace *trace = picture->trace;
    int left = row->from_right ? picture->width - MARGIN - row->width : MARGIN, height;
    for (size_t t = row->start; t < row->end; t++) {
        const struct span *span = &picture->spans[t];
        canvas_colour(cr, colour_of(*trace_place(trace, signal, t), range));
        cairo_rectangle(cr, left + span->left, y, span->right - span->left + OVERLAP,
                        ROW_HEIGHT + OVERLAP);
        cairo_fill(cr);
    }
    pango_layout_get_pixel_size(row->layout, NULL, &height);
    canvas_colour(cr, CANVAS_BLACK);
    cairo_move_to(cr, left, y + (ROW_HEIGHT - height) / 2);
    pango_cairo_show_layout(cr, row->layout);
}

static void draw_ground(cairo_t *cr)
{
    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_paint(cr);
    cairo_set_antialias(cr, CAIRO_ANTIALIAS_NONE); /* of rectangles: no seams between them */
}

/* Goes to the next page where `needed` does not fit; returns where to draw. */
static int make_room(cairo_t *cr, int y, int needed, int page_height)
{
    if (y + needed <= page_height - MARGIN)
        return y;
    cairo_show_page(cr);
    draw_ground(cr);
    return MARGIN;
}

static void draw(cairo_t *cr, const struct picture *picture, int page_height)
{
    int y = MARGIN;
    draw_ground(cr);
    draw_title(cr, picture, y);
    y += TITLE_HEIGHT;
    for (size_t i = 0; i < picture->options->num_chosen; i++) {
        size_t signal = picture->options->chosen[i];
        float range = trace_range(picture->trace, signal);
        y = make_room(cr, y, HEADING_HEIGHT + ROW_HEIGHT, page_height);
        draw_heading(cr, picture, signal, range, y);
        y += HEADING_HEIGHT;
        for (size_t r = 0; r < picture->num_rows; r++, y += ROW_HEIGHT) {
            y = make_room(cr, y, ROW_HEIGHT, page_height);
            draw_row(cr, picture, &picture->rows[r], signal, range, y);
        }
        y += BLOCK_GAP;
    }
}

/* --- files ------------------------------------------------------------------------------------ */

static int write_png(const struct picture *picture, struct file_out *out)
{
    int width = picture->width, height = picture->height;
    if (width > PNG_MAX_SIDE || height > PNG_MAX_SIDE)
        return error_set("%s: it would be %d × %d pixels, where %d are the most: take a shorter "
                         "text, fewer units, or pdf, which has pages",
                         out->path, width, height, PNG_MAX_SIDE);
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
    cairo_t *cr = cairo_create(surface);
    draw(cr, picture, height);
    cairo_surface_flush(surface);
    cairo_status_t status = cairo_surface_write_to_png_stream(surface, canvas_write, out->stream);
    if (canvas_finish(cr, surface, out->path) != 0)
        return -1;
    if (status != CAIRO_STATUS_SUCCESS)
        return error_set("%s: cannot be written: %s", out->path, cairo_status_to_string(status));
    return 0;
}

static int write_svg(const struct picture *picture, struct file_out *out)
{
    cairo_surface_t *surface = cairo_svg_surface_create_for_stream(canvas_write, out->stream,
                                                                   picture->width, picture->height);
    cairo_t *cr = cairo_create(surface);
    draw(cr, picture, picture->height);
    return canvas_finish(cr, surface, out->path);
}

static int write_pdf(const struct picture *picture, struct file_out *out)
{
    int height = picture->height < PAGE_HEIGHT ? picture->height : PAGE_HEIGHT;
    cairo_surface_t *surface = cairo_pdf_surface_create_for_stream(
        canvas_write, out->stream, PDF_SCALE * picture->width, PDF_SCALE * height);
    cairo_t *cr = cairo_create(surface);
    cairo_scale(cr, PDF_SCALE, PDF_SCALE);
    draw(cr, picture, height);
    return canvas_finish(cr, surface, out->path);
}

static int write_picture(const struct trace *trace, const struct view_options *options,
                         const char *directory, const char *name,
                         int (*write)(const struct picture *, struct file_out *))
{
    struct picture picture;
    struct file_out out = {0};
    char *path = file_join(directory, name);
    if (!path)
        return -1;
    int result = picture_init(&picture, trace, options);
    if (result == 0)
        result = file_create(&out, path);
    if (result == 0)
        result = write(&picture, &out);
    if (result == 0)
        result = file_commit(&out);
    file_abandon(&out);
    picture_release(&picture);
    free(path);
    return result;
}

static int write_png_file(const struct inspection *inspection, const struct view_options *options,
                          const char *directory)
{
    return write_picture(&inspection->trace, options, directory, "activations.png", write_png);
}

static int write_svg_file(const struct inspection *inspection, const struct view_options *options,
                          const char *directory)
{
    return write_picture(&inspection->trace, options, directory, "activations.svg", write_svg);
}

static int write_pdf_file(const struct inspection *inspection, const struct view_options *options,
                          const char *directory)
{
    return write_picture(&inspection->trace, options, directory, "activations.pdf", write_pdf);
}

const struct view png_view = {"png", "activations.png", write_png_file};
const struct view svg_view = {"svg", "activations.svg", write_svg_file};
const struct view pdf_view = {"pdf", "activations.pdf", write_pdf_file};
