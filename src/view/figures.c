#include "figures.h"

static int draw_all(const struct renderer *renderer, const struct inspection *inspection)
{
    return picture_write(renderer, inspection) == 0 && gates_write(renderer, inspection) == 0 &&
                   reach_write(renderer, inspection) == 0 &&
                   neurons_write(renderer, inspection) == 0
               ? 0
               : -1;
}

static int write_png(const struct inspection *inspection, const struct view_options *options,
                     const char *directory)
{
    return renderer_run(inspection, options, directory, DRAWING_PNG, draw_all);
}

static int write_svg(const struct inspection *inspection, const struct view_options *options,
                     const char *directory)
{
    return renderer_run(inspection, options, directory, DRAWING_SVG, draw_all);
}

static int write_pdf(const struct inspection *inspection, const struct view_options *options,
                     const char *directory)
{
    return renderer_run(inspection, options, directory, DRAWING_PDF, draw_all);
}

const struct view png_view = {"png", false, write_png};
const struct view svg_view = {"svg", false, write_svg};
const struct view pdf_view = {"pdf", false, write_pdf};
