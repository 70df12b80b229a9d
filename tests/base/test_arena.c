#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "arena.h"
#include "error.h"

#define MANY 40

/* The size of array k. Some are empty, some end within a cache line. */
static size_t count_of(int k)
{
    return (size_t)(k * k % 7 * 13);
}

static void lay_out(struct arena *arena, uint32_t *arrays[MANY])
{
    for (int k = 0; k < MANY; k++)
        arrays[k] = arena_take(arena, count_of(k), sizeof *arrays[k]);
}

static void arrays_lie_apart(void **state)
{
    (void)state;
    struct arena arena = {0};
    uint32_t *arrays[MANY];
    lay_out(&arena, arrays);
    const size_t counted = arena.used;
    for (int k = 0; k < MANY; k++)
        assert_null(arrays[k]);
    assert_int_equal(arena_allocate(&arena), 0);
    lay_out(&arena, arrays);
    assert_int_equal(arena.used, counted);
    for (int k = 0; k < MANY; k++) {
        assert_int_equal((uintptr_t)arrays[k] % 64, 0);
        for (size_t i = 0; i < count_of(k); i++) {
            assert_int_equal(arrays[k][i], 0);
            arrays[k][i] = (uint32_t)k;
        }
    }
    for (int k = 0; k < MANY; k++)
        for (size_t i = 0; i < count_of(k); i++)
            assert_int_equal(arrays[k][i], k);
    arena_release(&arena);
    arena_release(&arena);
}

static void too_much_is_refused(void **state)
{
    (void)state;
    static const uint64_t counts[] = {UINT64_MAX, UINT64_MAX / 8 + 1, SIZE_MAX / 16, SIZE_MAX / 4};
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        struct arena arena = {0};
        for (int times = 0; times < 3; times++)
            arena_take(&arena, counts[k], 8);
        assert_true(arena.used == ARENA_MAX);
        assert_int_equal(arena_allocate(&arena), -1);
        assert_true(error_is_memory());
        assert_null(arena.base);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_lie_apart),
        cmocka_unit_test(too_much_is_refused),
    };
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
