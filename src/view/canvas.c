#include "canvas.h"

#include <stdio.h>

void canvas_colour(cairo_t *cr, struct colour colour)
{
    cairo_set_source_rgb(cr, colour.red / 255.0, colour.green / 255.0, colour.blue / 255.0);
}

void canvas_line(cairo_t *cr, double x0, double y0, double x1, double y1)
{
    cairo_move_to(cr, x0, y0);
    cairo_line_to(cr, x1, y1);
    cairo_stroke(cr);
}

static void set_text(PangoLayout *layout, const char *font, const char *text)
{
    PangoFontDescription *description = pango_font_description_from_string(font);
    pango_layout_set_font_description(layout, description);
    pango_layout_set_single_paragraph_mode(layout, TRUE);
    pango_layout_set_text(layout, text, -1);
    pango_font_description_free(description);
}

double canvas_text_within(cairo_t *cr, double x, double y, double anchor, const char *font,
                          struct colour colour, const char *text, double room)
{
    PangoLayout *layout = pango_cairo_create_layout(cr);
    int width, height;
    set_text(layout, font, text);
    pango_layout_get_pixel_size(layout, &width, &height);
    if (width > room) {
        pango_layout_set_width(layout, (int)(room * PANGO_SCALE));
        pango_layout_set_ellipsize(layout, PANGO_ELLIPSIZE_END);
        pango_layout_get_pixel_size(layout, &width, &height);
    }
    cairo_move_to(cr, x - anchor * width, y - height / 2.0);
    canvas_colour(cr, colour);
    pango_cairo_show_layout(cr, layout);
    cairo_new_path(cr);
    g_object_unref(layout);
    return width;
}

double canvas_text(cairo_t *cr, double x, double y, double anchor, const char *font,
                   struct colour colour, const char *text)
{
    return canvas_text_within(cr, x, y, anchor, font, colour, text, 1e6);
}

double canvas_text_width(const char *font, const char *text)
{
    PangoContext *context = pango_font_map_create_context(pango_cairo_font_map_get_default());
    PangoLayout *layout = pango_layout_new(context);
    int width;
    set_text(layout, font, text);
    pango_layout_get_pixel_size(layout, &width, NULL);
    g_object_unref(layout);
    g_object_unref(context);
    return width;
}

char *canvas_number(char *out, size_t room, double value, int digits, bool sign)
{
    const char *before = value < 0 ? "−" : sign && value > 0 ? "+" : "";
    snprintf(out, room, "%s%.*g", before, digits, value < 0 ? -value : value);
    return out;
}
