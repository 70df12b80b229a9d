#include "arrays.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GUARDS 32

static const real guard = (real)-8.25e5;

struct array {
    size_t n;
    real before[GUARDS], numbers[];
};

real *array_new(size_t n)
{
    struct array *array = malloc(sizeof *array + (n + GUARDS) * sizeof(real));
    assert_non_null(array);
    array->n = n;
    for (size_t k = 0; k < GUARDS; k++)
        array->before[k] = array->numbers[n + k] = guard;
    for (size_t k = 0; k < n; k++)
        array->numbers[k] = NAN;
    return array->numbers;
}

real *array_random(struct random *random, size_t n, double size)
{
    real *numbers = array_new(n);
    for (size_t k = 0; k < n; k++)
        numbers[k] = (real)random_between(random, -size, size);
    return numbers;
}

real *array_weights(struct random *random, size_t rows, size_t K, double size)
{
    real *weights = array_new(rows * K);
    for (size_t row = 0; row < rows; row++)
        for (size_t start = 0; start < K; start += 64) {
            /* Of few bits, so that its multiples are exact. */
            const double step = array_operand(random_between(random, size / 2, size) / 127, true);
            const size_t end = start + 64 < K ? start + 64 : K;
            for (size_t k = start; k < end; k++)
                weights[row * K + k] = (real)(step * (random_below(random, 255) - 127));
            const size_t largest = start + (size_t)random_below(random, (int)(end - start));
            weights[row * K + largest] = (real)(step * (random_below(random, 2) ? 127 : -127));
        }
    return weights;
}

void array_free(real *numbers)
{
    if (!numbers)
        return;
    struct array *array =
        (struct array *)(void *)((char *)numbers - offsetof(struct array, numbers));
    for (size_t k = 0; k < GUARDS; k++)
        assert_true(array->before[k] == guard && numbers[array->n + k] == guard);
    free(array);
}

double *array_doubles(const real *array, size_t n)
{
    double *doubles = malloc((n ? n : 1) * sizeof *doubles);
    assert_non_null(doubles);
    for (size_t k = 0; k < n; k++)
        doubles[k] = (double)array[k];
    return doubles;
}

double array_largest(const double *array, size_t n)
{
    double largest = 0;
    for (size_t k = 0; k < n; k++)
        largest = fmax(largest, fabs(array[k]));
    return largest;
}

double array_operand(double number, bool bf16)
{
    int exponent;
    if (!bf16)
        return number;
    const double fraction = frexp(number, &exponent); /* ±[0.5, 1) */
    return ldexp(nearbyint(ldexp(fraction, 8)), exponent - 8);
}

double array_near(const char *name, const real *got, const double *expected, size_t n,
                  double tolerance)
{
    double worst = 0;
    for (size_t k = 0; k < n; k++) {
        const double difference = fabs((double)got[k] - expected[k]);
        if (!(difference <= tolerance))
            fail_msg("%s[%zu] is %.9g where %.9g ± %.2g is right", name, k, (double)got[k],
                     expected[k], tolerance);
        worst = fmax(worst, tolerance > 0 ? difference / tolerance : 0);
    }
    return worst;
}
