#include <cairo.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "colour.h"
#include "drawing.h"
#include "error.h"
#include "example.h"
#include "file.h"
#include "writers.h"

static void every_format_writes_its_own(void **state)
{
    (void)state;
    static const struct {
        const struct view *view;
        const char *name, *magic;
    } formats[] = {{&png_view, "activations.png", "\x89PNG\r\n\x1A\n"},
                   {&svg_view, "activations.svg", "<?xml"},
                   {&pdf_view, "activations.pdf", "%PDF-"}};
    struct example example;
    example_awkward(&example, 4);
    for (int i = 0; i < 3; i++) {
        size_t length;
        const struct view *view = formats[i].view;
        assert_int_equal(view->write(&example.inspection, &example.options, example.directory), 0);
        char *file = example_read(&example, formats[i].name, &length);
        assert_true(length > 1000);
        assert_memory_equal(file, formats[i].magic, strlen(formats[i].magic));
        free(file);
    }
    example_release(&example);
}

/* Pixels of exactly that colour. */
static int count_pixels(cairo_surface_t *surface, struct colour colour)
{
    int count = 0, stride = cairo_image_surface_get_stride(surface);
    const unsigned char *data = cairo_image_surface_get_data(surface);
    uint32_t wanted = (uint32_t)colour.red << 16 | (uint32_t)colour.green << 8 | colour.blue;
    for (int y = 0; y < cairo_image_surface_get_height(surface); y++)
        for (int x = 0; x < cairo_image_surface_get_width(surface); x++) {
            uint32_t pixel;
            memcpy(&pixel, data + y * stride + 4 * x, sizeof pixel);
            count += (pixel & 0xFFFFFF) == wanted;
        }
    return count;
}

/* Spaces have no ink, so that all of a cell is its background. */
static void characters_stand_on_their_colours(void **state)
{
    (void)state;
    static const char *const symbols[] = {" ", "\u00A0", "a"};
    struct example example;
    example_init(&example, VOCAB_CODEPOINT, symbols, 3, 1);
    example.options.num_chosen = 1;
    *trace_place(&example.inspection.trace, 0, 0) = 0.4F;
    *trace_place(&example.inspection.trace, 0, 1) = -0.7F;
    *trace_place(&example.inspection.trace, 0, 2) = 1;
    assert_int_equal(png_view.write(&example.inspection, &example.options, example.directory), 0);
    char *path = file_join(example.directory, "activations.png");
    cairo_surface_t *surface = cairo_image_surface_create_from_png(path);
    assert_int_equal(cairo_surface_status(surface), CAIRO_STATUS_SUCCESS);
    const int scale = 2 * 2; /* pixels of a unit of the drawing */
    int cell = count_pixels(surface, colour_of(0.4F, 1));
    assert_in_range(cell, scale * 7 * 22, scale * 12 * 22); /* the legend has no such step */
    assert_in_range(count_pixels(surface, colour_of(-0.7F, 1)), scale * 7 * 22, scale * 12 * 22);
    assert_in_range(count_pixels(surface, colour_of(1, 1)), cell / 4, cell);
    cairo_surface_destroy(surface);
    free(path);
    example_release(&example);
}

static void too_large_a_picture_says_what_to_do(void **state)
{
    (void)state;
    static const char *const symbols[] = {"a", "\n"};
    struct example example;
    example_init(&example, VOCAB_CODEPOINT, symbols, 2, 800);
    example.options.num_chosen = 2;
    assert_int_equal(png_view.write(&example.inspection, &example.options, example.directory), -1);
    assert_non_null(strstr(error_message(), "activations.png"));
    assert_non_null(strstr(error_message(), "shorter passage"));
    assert_non_null(strstr(error_message(), "fewer units"));
    assert_int_equal(pdf_view.write(&example.inspection, &example.options, example.directory), 0);
    example.options.num_chosen = 1;
    assert_int_equal(png_view.write(&example.inspection, &example.options, example.directory), 0);
    example_release(&example); /* which fails if the refused file was left behind */
}

static void draw_dots(cairo_t *cr, const void *what, double page_height)
{
    (void)what;
    (void)page_height;
    for (int i = 0; i < 20000; i++) {
        cairo_set_source_rgb(cr, i % 251 / 251.0, i % 241 / 241.0, i % 239 / 239.0);
        cairo_rectangle(cr, i * 31 % 211, i * 37 % 223, 1, 1);
        cairo_fill(cr);
    }
}

static void a_full_disk_is_told(void **state)
{
    const struct drawing drawing = {"dots", 200, 200, 0, draw_dots, NULL};
    (void)state;
    for (enum drawing_format format = DRAWING_PNG; format <= DRAWING_PDF; format++) {
        char path[] = "dots";
        struct file_out out = {.stream = fopen("/dev/full", "wb"), .path = path};
        assert_non_null(out.stream);
        assert_int_equal(drawing_put(&out, format, &drawing), -1);
        assert_non_null(strstr(error_message(), "dots: cannot be written: No space left"));
        fclose(out.stream);
    }
}

static void no_directory_is_an_error(void **state)
{
    (void)state;
    struct example example;
    example_awkward(&example, 1);
    assert_int_equal(svg_view.write(&example.inspection, &example.options, "/nonexistent"), -1);
    assert_non_null(strstr(error_message(), "/nonexistent/activations.svg"));
    example_release(&example);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_writes_its_own),
        cmocka_unit_test(characters_stand_on_their_colours),
        cmocka_unit_test(too_large_a_picture_says_what_to_do),
        cmocka_unit_test(a_full_disk_is_told),
        cmocka_unit_test(no_directory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
