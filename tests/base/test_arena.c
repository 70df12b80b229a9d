#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "arena.h"
#include "error.h"

#define MANY 40

/* The size of array k. Some are empty, some end within a cache line, some are larger than a block.
 */
static size_t count_of(int k)
{
    return (size_t)(k * k % 7 * (k % 9 == 0 ? 20011 : 13));
}

static void take_all(struct arena *arena, uint32_t *arrays[MANY])
{
    for (int k = 0; k < MANY; k++)
        arrays[k] = arena_take(arena, count_of(k), sizeof *arrays[k]);
}

static void check_apart(uint32_t *const arrays[MANY])
{
    for (int k = 0; k < MANY; k++) {
        assert_non_null(arrays[k]);
        assert_int_equal((uintptr_t)arrays[k] % 64, 0);
        for (size_t i = 0; i < count_of(k); i++) {
            assert_int_equal(arrays[k][i], 0);
            arrays[k][i] = (uint32_t)k;
        }
    }
    for (int k = 0; k < MANY; k++)
        for (size_t i = 0; i < count_of(k); i++)
            assert_int_equal(arrays[k][i], k);
}

static void arrays_lie_apart(void **state)
{
    (void)state;
    struct arena arena = {0};
    uint32_t *arrays[MANY];
    take_all(&arena, arrays);
    assert_false(arena.failed);
    check_apart(arrays);
    char *copy = arena_copy(&arena, "text");
    assert_string_equal(copy, "text");
    assert_null(arena_copy(&arena, NULL));
    assert_false(arena.failed);
    arena_release(&arena);
    assert_null(arena.blocks);
    arena_release(&arena);
}

static void what_was_counted_and_reserved_is_one_block(void **state)
{
    (void)state;
    struct arena counted = {.counting = true}, arena = {0};
    uint32_t *arrays[MANY];
    take_all(&counted, arrays);
    for (int k = 0; k < MANY; k++)
        assert_null(arrays[k]);
    assert_null(counted.blocks);
    assert_int_equal(arena_reserve(&arena, counted.taken), 0);
    const struct arena_block *block = arena.blocks;
    take_all(&arena, arrays);
    check_apart(arrays);
    assert_ptr_equal(arena.blocks, block);
    assert_int_equal(arena.taken, counted.taken);
    arena_release(&arena);
}

static void too_much_is_refused(void **state)
{
    (void)state;
    static const uint64_t counts[] = {UINT64_MAX, UINT64_MAX / 8 + 1, SIZE_MAX / 16, SIZE_MAX / 4};
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        struct arena counted = {.counting = true}, arena = {0};
        for (int times = 0; times < 3; times++)
            arena_take(&counted, counts[k], 8);
        assert_true(counted.taken == ARENA_MAX);
        assert_int_equal(arena_reserve(&counted, counted.taken), -1);
        assert_non_null(arena_take(&arena, 1, 8));
        assert_null(arena_take(&arena, counts[k], 8));
        assert_true(error_is_memory());
        assert_true(arena.failed);
        assert_null(arena_take(&arena, 1, 8)); /* one that is missing is enough */
        arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_lie_apart),
        cmocka_unit_test(what_was_counted_and_reserved_is_one_block),
        cmocka_unit_test(too_much_is_refused),
    };
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
