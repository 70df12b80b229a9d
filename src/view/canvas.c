#include "canvas.h"

#include "error.h"

void canvas_colour(cairo_t *cr, struct colour colour)
{
    cairo_set_source_rgb(cr, colour.red / 255.0, colour.green / 255.0, colour.blue / 255.0);
}

double canvas_text(cairo_t *cr, double x, double y, double anchor, const char *font,
                   struct colour colour, const char *text)
{
    PangoLayout *layout = pango_cairo_create_layout(cr);
    PangoFontDescription *description = pango_font_description_from_string(font);
    int width, height;
    pango_layout_set_font_description(layout, description);
    pango_layout_set_single_paragraph_mode(layout, TRUE);
    pango_layout_set_text(layout, text, -1);
    pango_layout_get_pixel_size(layout, &width, &height);
    cairo_move_to(cr, x - anchor * width, y - height / 2.0);
    canvas_colour(cr, colour);
    pango_cairo_show_layout(cr, layout);
    cairo_new_path(cr);
    pango_font_description_free(description);
    g_object_unref(layout);
    return width;
}

cairo_status_t canvas_write(void *file, const unsigned char *data, unsigned length)
{
    return fwrite(data, 1, length, file) == length ? CAIRO_STATUS_SUCCESS
                                                   : CAIRO_STATUS_WRITE_ERROR;
}

int canvas_finish(cairo_t *cr, cairo_surface_t *surface, const char *path)
{
    cairo_status_t status = cairo_status(cr);
    cairo_destroy(cr);
    cairo_surface_finish(surface);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    if (status != CAIRO_STATUS_SUCCESS)
        return error_set("%s: cannot be drawn: %s", path, cairo_status_to_string(status));
    return 0;
}
