/* Each allocation fails in turn. The linker replaces the allocator with these functions in our own
 * code (meson.build), not in libraries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "error.h"
#include "example.h"
#include "file.h"
#include "writers.h"

/* Allocations until one fails; then below 0. The renderer continues the count. */
static long *left;

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static bool fails(void)
{
    return left && *left >= 0 && (*left)-- == 0;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fails() ? NULL : __real_realloc(memory, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

#define MOST_FILES 4

/* Writes once with enough memory, then with each allocation failing in turn (of many, about every
 * fiftieth): either there is a message and no new file, or the files are as before. */
static void fail_each(int (*write)(const struct inspection *, const struct view_options *,
                                   const char *),
                      const char *const *names, long each)
{
    struct example example;
    char *whole[MOST_FILES];
    size_t lengths[MOST_FILES];
    long step = 1;
    example_full(&example, 300, 2);
    assert_int_equal(write(&example.inspection, &example.options, example.directory), 0);
    for (int k = 0; names[k]; k++)
        whole[k] = example_read(&example, names[k], &lengths[k]);
    for (long n = 0;; n += step) {
        step = 1 + n / each;
        *left = n;
        error_set("%s", "");
        const int result = write(&example.inspection, &example.options, example.directory);
        const bool failed = *left < 0;
        *left = -1;
        if (result != 0 && (!failed || !error_message()[0]))
            fail_msg("allocation %ld of %s: no message", n, names[0]);
        for (int k = 0; names[k]; k++) {
            char *path = file_join(example.directory, names[k]);
            uint8_t *now;
            size_t length;
            assert_int_equal(file_read(path, &now, &length), 0);
            if (length != lengths[k] || memcmp(now, whole[k], length) != 0)
                fail_msg("allocation %ld: %s lacks something", n, names[k]);
            free(now);
            free(path);
        }
        if (!failed)
            break;
    }
    for (int k = 0; names[k]; k++)
        free(whole[k]);
    example_release(&example);
}

static void a_page_is_complete_or_absent(void **state)
{
    (void)state;
    fail_each(page_view.write, (const char *const[]){"index.html", NULL}, 50);
}

static void arrays_are_complete_or_absent(void **state)
{
    (void)state;
    fail_each(npy_view.write, (const char *const[]){"activations.npy", "activations.json", NULL},
              50);
    fail_each(csv_view.write, (const char *const[]){"activations.csv", NULL}, 50);
}

static void tables_are_complete_or_absent(void **state)
{
    (void)state;
    fail_each(tables_write,
              (const char *const[]){"neurons.csv", "scores.csv", "gates.csv", "reach.csv", NULL},
              50);
}

static void pictures_are_complete_or_absent(void **state)
{
    (void)state;
    fail_each(
        svg_view.write,
        (const char *const[]){"activations.svg", "gates.svg", "reach.svg", "neuron_0_0.svg", NULL},
        8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_complete_or_absent),
        cmocka_unit_test(arrays_are_complete_or_absent),
        cmocka_unit_test(tables_are_complete_or_absent),
        cmocka_unit_test(pictures_are_complete_or_absent),
    };
    left = mmap(NULL, sizeof *left, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(left != MAP_FAILED);
    *left = -1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
