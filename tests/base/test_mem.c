#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "error.h"
#include "mem.h"
#include "random.h"

#define MANY 60

static void arrays_are_zeroed_and_aligned(void **state)
{
    (void)state;
    const size_t sizes[] = {1, 3, 8, 24};
    struct random random = {1, 0};
    uint8_t *arrays[MANY];
    size_t bytes[MANY];
    for (int round = 0; round < 3; round++) { /* freed memory is reused, and is not zero */
        for (int k = 0; k < MANY; k++) {
            const size_t size = sizes[random_below(&random, 4)],
                         count = k == 0   ? 8000000 / size /* above the size of huge pages */
                                 : k == 1 ? 0
                                          : (size_t)random_below(&random, 5000);
            bytes[k] = count * size;
            arrays[k] = mem_new(count, size);
            assert_non_null(arrays[k]);
            assert_int_equal((uintptr_t)arrays[k] % 64, 0);
            for (size_t i = 0; i < bytes[k]; i++)
                assert_true(arrays[k][i] == 0);
            memset(arrays[k], 0xA5, bytes[k]);
        }
        for (int k = 0; k < MANY; k++)
            free(arrays[k]);
    }
}

static void too_much_is_refused(void **state)
{
    (void)state;
    error_set("%s", "");
    assert_null(mem_new(SIZE_MAX / 8 + 1, 8)); /* 8 bytes, if the product wrapped around */
    assert_non_null(strstr(error_message(), "more than memory can address"));
    assert_null(mem_new(SIZE_MAX, 1));
    assert_non_null(strstr(error_message(), "more than memory can address"));
    assert_null(mem_new(SIZE_MAX / 2 + 1, 2));
    assert_null(mem_new(SIZE_MAX / 4 * 3, 1)); /* addressable, and more than any machine has free */
    assert_non_null(strstr(error_message(), SIZE_MAX > UINT32_MAX ? "GB are free" : "no memory"));
}

static void growing_keeps_what_is_there(void **state)
{
    (void)state;
    struct random random = {2, 0};
    uint32_t *array = NULL;
    size_t capacity = 0, used = 0, times = 0;
    while (used < 100000) {
        const size_t before = capacity, more = 1 + (size_t)random_below(&random, 40);
        assert_int_equal(mem_grow(&array, &capacity, used + more, sizeof *array), 0);
        assert_true(capacity >= used + more);
        times += capacity != before;
        for (size_t k = 0; k < more; k++, used++)
            array[used] = (uint32_t)used * 2654435761u;
    }
    for (size_t k = 0; k < used; k++)
        assert_int_equal(array[k], (uint32_t)k * 2654435761u);
    assert_true(times < 20); /* capacity doubles, so that appending takes linear time */
    free(array);
}

static void growing_too_far_leaves_the_array(void **state)
{
    (void)state;
    uint64_t *array = NULL;
    size_t capacity = 0;
    assert_int_equal(mem_grow(&array, &capacity, 10, sizeof *array), 0);
    array[9] = 7;
    uint64_t *const kept = array;
    const size_t room = capacity;
    assert_int_equal(mem_grow(&array, &capacity, SIZE_MAX / 8 + 1, sizeof *array), -1);
    assert_int_equal(mem_grow(&array, &capacity, SIZE_MAX, sizeof *array), -1);
    assert_ptr_equal(array, kept);
    assert_int_equal(capacity, room);
    assert_int_equal(array[9], 7);
    free(array);
}

static void copies_end_in_nul(void **state)
{
    (void)state;
    char *copy = mem_copy("a\0b", 3), *empty = mem_copy(NULL, 0);
    assert_memory_equal(copy, "a\0b", 4);
    assert_memory_equal(empty, "", 1);
    free(copy);
    free(empty);
}

static void some_memory_is_available(void **state)
{
    (void)state;
    assert_true(mem_available() > (size_t)1 << 20);
    assert_true(mem_available() <= SIZE_MAX >> (SIZE_MAX > UINT32_MAX ? 18 : 0));
}

static void a_message_may_quote_the_last(void **state)
{
    (void)state;
    assert_int_equal(error_set("row %d", 3), -1);
    assert_int_equal(error_set("file: %s", error_message()), -1);
    assert_string_equal(error_message(), "file: row 3");
    char long_text[5000];
    memset(long_text, 'x', sizeof long_text);
    long_text[sizeof long_text - 1] = '\0';
    error_set("%s", long_text);
    assert_memory_equal(error_message(), long_text, 500); /* truncated */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_are_zeroed_and_aligned),
        cmocka_unit_test(too_much_is_refused),
        cmocka_unit_test(growing_keeps_what_is_there),
        cmocka_unit_test(growing_too_far_leaves_the_array),
        cmocka_unit_test(copies_end_in_nul),
        cmocka_unit_test(some_memory_is_available),
        cmocka_unit_test(a_message_may_quote_the_last),
    };
    return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
