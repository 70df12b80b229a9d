#include "drawing.h"

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>

#include "error.h"

#define PNG_MAX_SIDE 32767 /* cairo's limit */
#define PNG_SCALE 2        /* pixels per unit, for print; 1 where the sides would be too long */
#define PDF_SCALE 0.6      /* points per unit */

static cairo_status_t put_bytes(void *file, const unsigned char *data, unsigned length)
{
    return fwrite(data, 1, length, file) == length ? CAIRO_STATUS_SUCCESS
                                                   : CAIRO_STATUS_WRITE_ERROR;
}

static void draw_ground(cairo_t *cr)
{
    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_paint(cr);
}

void drawing_next_page(cairo_t *cr)
{
    cairo_show_page(cr);
    draw_ground(cr);
}

/* A surface for one page of the drawing; sets *scale, its units per unit of the drawing. */
static cairo_surface_t *surface_new(FILE *stream, enum drawing_format format, double width,
                                    double height, double *scale)
{
    const double side = fmax(width, height);
    switch (format) {
    case DRAWING_PNG:
        *scale = side * PNG_SCALE <= PNG_MAX_SIDE ? PNG_SCALE : 1;
        return cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)ceil(*scale * width),
                                          (int)ceil(*scale * height));
    case DRAWING_SVG:
        *scale = 1;
        return cairo_svg_surface_create_for_stream(put_bytes, stream, width, height);
    default:
        *scale = PDF_SCALE;
        return cairo_pdf_surface_create_for_stream(put_bytes, stream, *scale * width,
                                                   *scale * height);
    }
}

static cairo_status_t draw(const struct drawing *drawing, cairo_surface_t *surface, double scale,
                           double page_height)
{
    cairo_t *cr = cairo_create(surface);
    cairo_scale(cr, scale, scale);
    draw_ground(cr);
    drawing->draw(cr, drawing->what, page_height);
    const cairo_status_t status = cairo_status(cr);
    cairo_destroy(cr);
    return status;
}

int drawing_put(struct file_out *out, enum drawing_format format, const struct drawing *drawing)
{
    const bool pages = format == DRAWING_PDF && drawing->page_height > 0;
    const double height = pages ? fmin(drawing->height, drawing->page_height) : drawing->height;
    double scale;
    if (format == DRAWING_PNG && fmax(drawing->width, height) > PNG_MAX_SIDE)
        return error_set("%s: %.0f × %.0f pixels are too many, %d per side are the most; take a "
                         "shorter passage, fewer units, or pdf, which has pages",
                         out->path, drawing->width, height, PNG_MAX_SIDE);
    cairo_surface_t *surface = surface_new(out->stream, format, drawing->width, height, &scale);
    if (format == DRAWING_PDF)
        cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, drawing->title);
    error_set("%s", ""); /* so that a message shows that `draw` failed */
    cairo_status_t status = draw(drawing, surface, scale, height);
    if (error_message()[0]) {
        cairo_surface_destroy(surface);
        return -1;
    }
    if (status == CAIRO_STATUS_SUCCESS && format == DRAWING_PNG)
        status = cairo_surface_write_to_png_stream(surface, put_bytes, out->stream);
    cairo_surface_finish(surface); /* writes all output to the stream */
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    if (status == CAIRO_STATUS_WRITE_ERROR)
        return file_write_error(out->path, "cannot be written", errno);
    if (status != CAIRO_STATUS_SUCCESS)
        return error_set("%s: cannot be drawn: %s", out->path, cairo_status_to_string(status));
    return 0;
}
