/* The part of cmocka that tests of the engine use, for a machine whose cmocka is not at hand: a
 * case that fails ends the program. */
#ifndef RUNE_TEST_CMOCKA_H
#define RUNE_TEST_CMOCKA_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*function)(void **state);
};

/* clang-format off */
#define cmocka_unit_test(function) {#function, function}
/* clang-format on */
#define cmocka_run_group_tests_name(group, tests, setup, teardown)                                 \
    run_cases(tests, sizeof(tests) / sizeof *(tests))

#define print_message(...) fprintf(stderr, __VA_ARGS__)
#define fail_msg(...) (printf("# " __VA_ARGS__), fail_at(__FILE__, __LINE__))
#define assert_true(condition) ((condition) ? (void)0 : fail_msg("%s", #condition))
#define assert_non_null(pointer) assert_true((pointer) != NULL)
#define assert_int_equal(a, b) assert_true((a) == (b))
#define assert_memory_equal(a, b, size) assert_true(memcmp(a, b, size) == 0)

_Noreturn static inline void fail_at(const char *file, int line)
{
    printf("\n# %s:%d\nnot ok\n", file, line);
    exit(EXIT_FAILURE);
}

static inline int run_cases(const struct CMUnitTest *tests, size_t count)
{
    printf("1..%zu\n", count);
    for (size_t k = 0; k < count; k++) {
        tests[k].function(NULL);
        printf("ok - %s\n", tests[k].name);
        fflush(stdout);
    }
    return EXIT_SUCCESS;
}

#endif
