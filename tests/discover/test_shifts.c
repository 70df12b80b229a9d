#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mem.h"
#include "random.h"
#include "shifts.h"

static struct arena memory; /* of all results of a test */

static void compare_with_sums(size_t n)
{
    struct random random = {n, 0};
    struct shifts shifts = {0};
    shifts_init(&shifts, &memory, n);
    float *x = mem_new(n, sizeof *x), *y = mem_new(n, sizeof *y), *out = mem_new(n, sizeof *out);
    float *scratch = mem_new(shifts_scratch(&shifts), sizeof *scratch);
    assert_true(x && y && out && scratch);
    for (size_t t = 0; t < n; t++) {
        x[t] = (float)random_between(&random, -1, 1);
        y[t] = (float)random_between(&random, -1, 1) + x[t / 2];
    }
    for (int again = 0; again < 2; again++) { /* the scratch needs no cleaning */
        shifts_products(&shifts, x, y, scratch, out);
        for (size_t s = 0; s < n; s++) {
            double sum = 0;
            for (size_t t = 0; t < n; t++)
                sum += (double)x[(t + s) % n] * (double)y[t];
            assert_float_equal(out[s], (float)sum, 1e-4F + 1e-6F * (float)n);
        }
    }
    free(x);
    free(y);
    free(out);
    free(scratch);
    arena_release(&memory);
}

static void products_are_the_sums(void **state)
{
    (void)state;
    const size_t lengths[] = {1, 2, 3, 4, 5, 7, 8, 9, 100, 127, 128, 129, 1000, 1024};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        compare_with_sums(lengths[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(products_are_the_sums)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
