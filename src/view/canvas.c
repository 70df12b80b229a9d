#include "canvas.h"

#include <math.h>
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

PangoLayout *canvas_layout(const char *font, const char *text)
{
    PangoContext *context = pango_font_map_create_context(pango_cairo_font_map_get_default());
    PangoFontDescription *description = pango_font_description_from_string(font);
    PangoLayout *layout = pango_layout_new(context);
    pango_layout_set_font_description(layout, description);
    pango_layout_set_single_paragraph_mode(layout, TRUE);
    pango_layout_set_text(layout, text, -1);
    pango_font_description_free(description);
    g_object_unref(context);
    return layout;
}

/* Without hinting and rounding, text has the measured width at every scale. */
static PangoLayout *layout_new(const char *font, const char *text)
{
    PangoLayout *layout = canvas_layout(font, text);
    PangoContext *context = pango_layout_get_context(layout);
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    pango_cairo_context_set_font_options(context, options);
    pango_context_set_round_glyph_positions(context, FALSE);
    pango_layout_context_changed(layout);
    cairo_font_options_destroy(options);
    return layout;
}

double canvas_text_within(cairo_t *cr, double x, double y, double anchor, const char *font,
                          struct colour colour, const char *text, double room)
{
    PangoLayout *layout = layout_new(font, text);
    int width, height;
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
    PangoLayout *layout = layout_new(font, text);
    int width;
    pango_layout_get_pixel_size(layout, &width, NULL);
    g_object_unref(layout);
    return width;
}

char *canvas_number(char *out, size_t room, double value, int digits, bool sign)
{
    const char *before = value < 0 ? "−" : sign && value > 0 ? "+" : "";
    if (fabs(value) >= 1 && fabs(value) < 1e6) /* 150, not 1.5e+02 */
        digits = (int)fmax(digits, floor(log10(fabs(value))) + 1);
    int used = !isfinite(value) ? snprintf(out, room, "–")
                                : snprintf(out, room, "%s%#.*g", before, digits, fabs(value));
    if (used > 0 && (size_t)used < room && out[used - 1] == '.')
        out[used - 1] = '\0';
    return out;
}
