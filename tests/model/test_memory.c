/* Each allocation that fails while a model is read or written ends in a message. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "checkpoint.h"
#include "error.h"
#include "scratch.h"
#include "stack.h"

/* The program's calls, and jansson's through it, come here. */
void *__real_malloc(size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

static int until_failure = -1; /* calls that are granted before one fails; < 0: all are */
static bool for_good;          /* so do all after it */
static bool failed;            /* one has */

static bool fails(void)
{
    if (until_failure < 0)
        return false;
    if (until_failure > 0) {
        until_failure--;
        return false;
    }
    until_failure = for_good ? 0 : -1;
    failed = true;
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fails() ? NULL : __real_realloc(memory, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

static const struct vocab_symbol symbols[] = {{(const uint8_t *)"\n", 1},
                                              {(const uint8_t *)"\"", 1},
                                              {(const uint8_t *)"a", 1},
                                              {(const uint8_t *)"b", 1}};

static void make(struct stack *stack)
{
    stack_init(stack, engine_at(0), (struct shape){2, 5, 4, 1, 1, NULL}, 0, 1);
    assert_int_equal(vocab_from_symbols(&stack->model.vocab, &(struct text_treatment){0}, symbols,
                                        4, VOCAB_NONE),
                     0);
}

static int load(const struct model *model)
{
    struct model loaded = {0};
    const int result = model_load(&loaded, engine_at(0), scratch_path("model"));
    (void)model;
    model_release(&loaded);
    return result;
}

static int save(const struct model *model)
{
    return save_model(model, scratch_path("model"));
}

/* Lets each allocation fail in turn, until none is left that could. The file is whole whatever
 * happened: it is that of the same model. */
static void try(int (*work)(const struct model *), const struct model *model)
{
    uint8_t *file;
    size_t length;
    int granted = 0;
    assert_int_equal(file_read(scratch_path("model"), &file, &length), 0);
    do {
        failed = false;
        until_failure = granted++;
        error_set("%s", "");
        const int result = work(model);
        until_failure = -1;
        assert_true(result == 0 || strlen(error_message()) > 0);
        assert_true(scratch_holds(scratch_path("model"), file, length));
    } while (failed);
    assert_true(granted > 20);
    free(file);
}

static void reading_and_writing(void **state)
{
    (void)state;
    struct stack stack;
    make(&stack);
    assert_int_equal(save(&stack.model), 0);
    for (int k = 0; k < 2; k++) {
        for_good = k == 1;
        try(load, &stack.model);
        try(save, &stack.model);
    }
    stack_release(&stack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reading_and_writing)};
    return cmocka_run_group_tests_name("memory", tests, scratch_make, scratch_remove);
}
