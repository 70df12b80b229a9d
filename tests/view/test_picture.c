#include <cairo.h>
#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "colour.h"
#include "error.h"
#include "example.h"
#include "file.h"
#include "renderer.h"
#include "writers.h"

static void every_format_is_written(void **state)
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
static void characters_are_on_their_colours(void **state)
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

static void a_full_disk_is_an_error(void **state)
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

/* --- the renderer -------------------------------------------------------------------------------
 */

static int raised;

static void draw_and_die(cairo_t *cr, const void *what, double page_height)
{
    draw_dots(cr, what, page_height);
    fprintf(stderr, "what a library says\n");
    raise(raised);
}

/* The first drawing is complete when the second fails. */
static int draw_two(const struct renderer *renderer, const struct inspection *inspection)
{
    const struct drawing whole = {"whole", 200, 200, 0, draw_dots, inspection};
    const struct drawing dies = {"dies", 200, 200, 0, draw_and_die, inspection};
    return renderer_write(renderer, &whole, "gates") == 0 ? renderer_write(renderer, &dies, "dies")
                                                          : -1;
}

/* Removes all files in the directory; returns how many there were. */
static int remove_files(const struct example *example)
{
    int count = 0;
    DIR *directory = opendir(example->directory);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));)
        count += unlinkat(dirfd(directory), entry->d_name, 0) == 0;
    closedir(directory);
    return count;
}

static int files_told;

static void count_file(void *context, const char *path)
{
    (void)context;
    assert_non_null(strstr(path, "/gates."));
    files_told++;
}

/* What a stream of this process (stdout, in which "once" is buffered, or stderr) prints while
 * `draw` runs in the renderer, to free(). *result is what `draw` returns. */
static char *printed(int stream, struct example *example, enum drawing_format format, int *result,
                     int (*draw)(const struct renderer *, const struct inspection *))
{
    char *path = file_join(example->directory, "printed");
    uint8_t *text;
    size_t length;
    fflush(stdout);
    const int kept = dup(stream), to = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(dup2(to, stream) >= 0);
    if (stream == STDOUT_FILENO)
        printf("once");
    *result =
        renderer_run(&example->inspection, &example->options, example->directory, format, draw);
    fflush(stdout);
    assert_true(dup2(kept, stream) >= 0);
    close(kept);
    close(to);
    assert_int_equal(file_read(path, &text, &length), 0);
    unlink(path);
    free(path);
    return (char *)text;
}

/* GLib and Pango end like this when memory or threads run out. The message is one line. */
static void a_renderer_that_dies_is_an_error(void **state)
{
    (void)state;
    static const int signals[] = {SIGTRAP, SIGSEGV, SIGABRT, SIGKILL};
    struct example example;
    size_t length;
    example_awkward(&example, 1);
    example.options.wrote = count_file;
    for (enum drawing_format format = DRAWING_PNG; format <= DRAWING_PDF; format++)
        for (size_t k = 0; k < sizeof signals / sizeof *signals; k++) {
            static const char *const names[] = {"gates.png", "gates.svg", "gates.pdf"};
            int result;
            raised = signals[k];
            files_told = 0;
            char *text = printed(STDERR_FILENO, &example, format, &result, draw_two);
            assert_int_equal(result, -1);
            assert_string_equal(text, "");
            free(text);
            assert_non_null(strstr(error_message(), example.directory));
            assert_non_null(strstr(error_message(), "memory or threads ran out"));
            assert_non_null(strstr(error_message(), strsignal(raised)));
            assert_null(strchr(error_message(), '\n'));
            assert_int_equal(files_told, 1);
            free(example_read(&example, names[format], &length));
            assert_int_equal(remove_files(&example), 1);
            assert_int_equal(waitpid(-1, NULL, 0), -1); /* nothing of it is left */
        }
    example_release(&example);
}

static int print_and_fail(const struct renderer *renderer, const struct inspection *inspection)
{
    (void)renderer;
    (void)inspection;
    printf("lost with it");
    return error_set("it was not to be");
}

/* The renderer does not write what was buffered before it started. */
static void nothing_is_printed_twice(void **state)
{
    (void)state;
    struct example example;
    int result;
    example_awkward(&example, 1);
    char *text = printed(STDOUT_FILENO, &example, DRAWING_PNG, &result, print_and_fail);
    assert_string_equal(text, "once");
    assert_int_equal(result, -1);
    assert_string_equal(error_message(), "it was not to be");
    free(text);
    example_release(&example);
}

static int waiting; /* a pipe to say so */

static void draw_without_end(cairo_t *cr, const void *what, double page_height)
{
    draw_dots(cr, what, page_height);
    assert_int_equal(write(waiting, "", 1), 1);
    for (;;)
        pause();
}

static int draw_until_killed(const struct renderer *renderer, const struct inspection *inspection)
{
    const struct drawing endless = {"endless", 200, 200, 0, draw_without_end, inspection};
    return renderer_write(renderer, &endless, "gates");
}

/* A program that is ended while it draws removes its unfinished file and ends the renderer: the
 * pipe ends when both have ended. */
static void a_signal_ends_both_processes(void **state)
{
    (void)state;
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGKILL};
    for (size_t k = 0; k < sizeof signals / sizeof *signals; k++) {
        struct example example;
        char byte;
        int ends[2], status;
        example_awkward(&example, 1);
        assert_int_equal(pipe(ends), 0);
        waiting = ends[1];
        const pid_t program = fork();
        if (program == 0) {
            signal(signals[k], SIG_DFL); /* it may be ignored here, as behind nohup */
            file_clean_on_signals();
            renderer_run(&example.inspection, &example.options, example.directory, DRAWING_PNG,
                         draw_until_killed);
            _exit(0);
        }
        close(ends[1]);
        assert_int_equal(read(ends[0], &byte, 1), 1);
        kill(program, signals[k]);
        assert_int_equal(read(ends[0], &byte, 1), 0);
        assert_int_equal(waitpid(program, &status, 0), program);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == signals[k]);
        assert_int_equal(remove_files(&example), 0);
        close(ends[0]);
        example_release(&example);
    }
}

/* The message says why no process can be started. */
static void no_process_is_an_error(void **state)
{
    (void)state;
    struct example example;
    struct rlimit before, none;
    example_awkward(&example, 1);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_int_equal(png_view.write(&example.inspection, &example.options, example.directory), -1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_non_null(strstr(error_message(), "pictures cannot be drawn: Too many open files"));
    example_release(&example);
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
        cmocka_unit_test(every_format_is_written),
        cmocka_unit_test(characters_are_on_their_colours),
        cmocka_unit_test(too_large_a_picture_says_what_to_do),
        cmocka_unit_test(a_full_disk_is_an_error),
        cmocka_unit_test(a_renderer_that_dies_is_an_error),
        cmocka_unit_test(nothing_is_printed_twice),
        cmocka_unit_test(a_signal_ends_both_processes),
        cmocka_unit_test(no_process_is_an_error),
        cmocka_unit_test(no_directory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
