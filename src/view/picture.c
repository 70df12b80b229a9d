/* The figure "activations": for each chosen signal a heading with its colour scale and best
 * discovery, and the passage with each character on its colour. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "canvas.h"
#include "caption.h"
#include "figures.h"
#include "mem.h"
#include "strip.h"

#define TEXT_FONT "Monospace 15px"
#define ROW_HEIGHT 22
#define MARGIN 28
#define TITLE_HEIGHT 34
#define HEADING_HEIGHT 40
#define SENTENCE_HEIGHT 20
#define BLOCK_GAP 18
#define LEGEND_GAP 24
#define LEGEND_SPACE 5
#define LEGEND_WIDTH 180
#define LEGEND_STOPS 20
#define MIN_WIDTH 480
#define PAGE_HEIGHT 1240

/* The heading of a signal. */
struct heading {
    char name[64];
    char *sentence; /* "" if there is none */
    float range;
    bool below, above; /* whether the passage has values below 0, and above */
};

struct picture {
    const struct inspection *inspection;
    const struct view_options *options;
    char *title;
    struct heading *headings; /* [num_chosen] */
    struct strip *rows;
    size_t num_rows, room;
    double width, height; /* on a single page, margins included */
};

/* --- layout ----------------------------------------------------------------------------------- */

static double sentence_height(const struct heading *heading)
{
    return heading->sentence[0] ? SENTENCE_HEIGHT : 0;
}

static void ensure_width(struct picture *picture, double width)
{
    picture->width = fmax(picture->width, width + 2 * MARGIN);
}

static int lay_out_rows(struct picture *picture, const struct glyph *glyphs)
{
    const struct trace *trace = &picture->inspection->trace;
    const size_t last = picture->options->start + picture->options->length;
    size_t end;
    for (size_t start = picture->options->start; start < last; start = end) {
        end = glyph_row_end(glyphs, trace->ids, last, start, picture->options->columns);
        if (mem_grow(&picture->rows, &picture->room, picture->num_rows + 1, sizeof *picture->rows))
            return -1;
        struct strip *row = &picture->rows[picture->num_rows++];
        if (strip_init(row, trace, glyphs, TEXT_FONT, start, end) != 0)
            return -1;
        ensure_width(picture, row->width);
    }
    return 0;
}

/* Finds which halves of the colour scale the passage needs: one if no value is below 0. */
static void find_sides(const struct picture *picture, struct heading *heading, size_t signal)
{
    const size_t start = picture->options->start, end = start + picture->options->length;
    for (size_t t = start; t < end; t++) {
        const float value = *trace_place(&picture->inspection->trace, signal, t);
        heading->below = heading->below || value < 0;
        heading->above = heading->above || value > 0;
    }
    heading->above = heading->above || !heading->below;
}

static int make_heading(struct picture *picture, struct heading *heading, size_t signal)
{
    const struct trace *trace = &picture->inspection->trace;
    trace_signal_name(trace, signal, heading->name, sizeof heading->name);
    heading->range = trace_range(trace, signal);
    find_sides(picture, heading, signal);
    heading->sentence = caption_of_signal(picture->inspection, signal);
    if (!heading->sentence)
        return -1;
    ensure_width(picture, canvas_text_width(CANVAS_FONT, heading->sentence));
    picture->height += HEADING_HEIGHT + sentence_height(heading) + BLOCK_GAP +
                       (double)picture->num_rows * ROW_HEIGHT;
    return 0;
}

static void picture_release(struct picture *picture)
{
    for (size_t r = 0; r < picture->num_rows; r++)
        strip_release(&picture->rows[r]);
    for (size_t i = 0; picture->headings && i < picture->options->num_chosen; i++)
        free(picture->headings[i].sentence);
    free(picture->headings);
    free(picture->rows);
    free(picture->title);
}

static int picture_init(struct picture *picture, const struct inspection *inspection,
                        const struct view_options *options)
{
    assert(options->columns > 0 && options->start <= inspection->trace.length &&
           options->length <= inspection->trace.length - options->start);
    *picture = (struct picture){.inspection = inspection,
                                .options = options,
                                .width = MIN_WIDTH,
                                .height = 2 * MARGIN + TITLE_HEIGHT - BLOCK_GAP};
    struct glyph *glyphs = glyphs_new(inspection->trace.vocab);
    picture->title = caption_of_trace(&inspection->trace);
    picture->headings = mem_new(options->num_chosen, sizeof *picture->headings);
    int result = glyphs && picture->title && picture->headings ? lay_out_rows(picture, glyphs) : -1;
    for (size_t i = 0; i < options->num_chosen && result == 0; i++)
        result = make_heading(picture, &picture->headings[i], options->chosen[i]);
    if (result == 0)
        ensure_width(picture, canvas_text_width(CANVAS_BOLD, picture->title));
    glyphs_free(glyphs);
    return result;
}

/* --- drawing ---------------------------------------------------------------------------------- */

static void draw_legend(cairo_t *cr, double x, double y, const struct heading *heading)
{
    const double low = heading->below ? -(double)heading->range : 0;
    const double high = heading->above ? (double)heading->range : 0;
    char label[32];
    x += canvas_text(cr, x, y, 0, CANVAS_FONT, CANVAS_QUIET,
                     canvas_number(label, sizeof label, low, 3, low < 0));
    x += LEGEND_SPACE;
    cairo_pattern_t *scale = cairo_pattern_create_linear(x, 0, x + LEGEND_WIDTH, 0);
    for (int i = 0; i <= LEGEND_STOPS; i++) {
        const double share = (double)i / LEGEND_STOPS;
        const struct colour stop = colour_of((float)(low + share * (high - low)), heading->range);
        cairo_pattern_add_color_stop_rgb(scale, share, stop.red / 255.0, stop.green / 255.0,
                                         stop.blue / 255.0);
    }
    cairo_rectangle(cr, x, y - 7, LEGEND_WIDTH, 14);
    cairo_set_source(cr, scale);
    cairo_fill(cr);
    cairo_pattern_destroy(scale);
    canvas_colour(cr, CANVAS_QUIET);
    cairo_set_line_width(cr, 0.5);
    cairo_rectangle(cr, x, y - 7, LEGEND_WIDTH, 14);
    cairo_stroke(cr);
    canvas_text(cr, x + LEGEND_WIDTH + LEGEND_SPACE, y, 0, CANVAS_FONT, CANVAS_QUIET,
                canvas_number(label, sizeof label, high, 3, high > 0));
}

static void draw_heading(cairo_t *cr, const struct heading *heading, double y)
{
    double width = canvas_text(cr, MARGIN, y + 14, 0, CANVAS_BOLD, CANVAS_BLACK, heading->name);
    draw_legend(cr, MARGIN + width + LEGEND_GAP, y + 14, heading);
    if (heading->sentence[0])
        canvas_text(cr, MARGIN, y + 36, 0, CANVAS_FONT, CANVAS_BLACK, heading->sentence);
}

static void draw_row(cairo_t *cr, const struct picture *picture, const struct strip *row, size_t i,
                     double y)
{
    const double left = row->from_right ? picture->width - MARGIN - row->width : MARGIN;
    strip_draw(cr, row, &picture->inspection->trace, picture->options->chosen[i],
               picture->headings[i].range, left, y, ROW_HEIGHT);
}

/* Starts a new page if `needed` does not fit on this one. Returns the y to draw at. */
static double fit_on_page(cairo_t *cr, double y, double needed, double page_height)
{
    if (y + needed <= page_height - MARGIN)
        return y;
    drawing_next_page(cr);
    return MARGIN;
}

static void draw(cairo_t *cr, const void *what, double page_height)
{
    const struct picture *picture = what;
    double y = MARGIN;
    canvas_text(cr, MARGIN, y + 8, 0, CANVAS_BOLD, CANVAS_BLACK, picture->title);
    y += TITLE_HEIGHT;
    for (size_t i = 0; i < picture->options->num_chosen; i++) {
        const struct heading *heading = &picture->headings[i];
        const double above = HEADING_HEIGHT + sentence_height(heading);
        const double whole = above + (double)picture->num_rows * ROW_HEIGHT;
        const bool fits =
            whole <= page_height - 2 * MARGIN - TITLE_HEIGHT; /* then it is not split */
        y = fit_on_page(cr, y, fits ? whole : above + ROW_HEIGHT, page_height);
        draw_heading(cr, heading, y);
        y += above;
        for (size_t r = 0; r < picture->num_rows; r++, y += ROW_HEIGHT) {
            const double place = fit_on_page(cr, y, ROW_HEIGHT, page_height);
            if (place != y) {
                draw_heading(cr, heading, place);
                y = place + above;
            }
            draw_row(cr, picture, &picture->rows[r], i, y);
        }
        y += BLOCK_GAP;
    }
}

int picture_write(const struct renderer *renderer, const struct inspection *inspection)
{
    struct picture picture;
    int result = picture_init(&picture, inspection, renderer->options);
    const struct drawing drawing = {picture.title, picture.width, picture.height,
                                    PAGE_HEIGHT,   draw,          &picture};
    if (result == 0)
        result = renderer_write(renderer, &drawing, "activations");
    picture_release(&picture);
    return result;
}
