#include "figures.h"

static int write_all(const struct inspection *inspection, const struct view_options *options,
                     const char *directory, enum drawing_format format)
{
    return picture_write(inspection, options, directory, format) == 0 &&
                   gates_write(inspection, options, directory, format) == 0 &&
                   reach_write(inspection, options, directory, format) == 0 &&
                   neurons_write(inspection, options, directory, format) == 0
               ? 0
               : -1;
}

static int write_png(const struct inspection *inspection, const struct view_options *options,
                     const char *directory)
{
    return write_all(inspection, options, directory, DRAWING_PNG);
}

static int write_svg(const struct inspection *inspection, const struct view_options *options,
                     const char *directory)
{
    return write_all(inspection, options, directory, DRAWING_SVG);
}

static int write_pdf(const struct inspection *inspection, const struct view_options *options,
                     const char *directory)
{
    return write_all(inspection, options, directory, DRAWING_PDF);
}

const struct view png_view = {"png", write_png};
const struct view svg_view = {"svg", write_svg};
const struct view pdf_view = {"pdf", write_pdf};
