/* Arrays of reals between guard words, and their comparison with numbers in double precision. */
#ifndef RUNE_TEST_ARRAYS_H
#define RUNE_TEST_ARRAYS_H

#include <float.h>
#include <stdbool.h>
#include <stddef.h>

#include "random.h"
#include "real.h"

/* The unit of rounding: an operation's result is within this share of the exact one. */
#ifdef RUNE_DOUBLE
#define UNIT ((double)DBL_EPSILON / 2)
#else
#define UNIT ((double)FLT_EPSILON / 2)
#endif

/* n numbers that are NaN: what is not written, or read too early, shows. */
real *array_new(size_t n);

/* n numbers in ±size. */
real *array_random(struct random *random, size_t n, double size);

/* [rows][K] weights in ±size that 8 bits can hold: in every 64 of a row, multiples of a
 * step up to its 127-fold. */
real *array_weights(struct random *random, size_t rows, size_t K, double size);

/* Fails the test if something was written beyond either end. Safe on NULL. */
void array_free(real *array);

/* The same numbers in double precision, in memory of malloc's. */
double *array_doubles(const real *array, size_t n);

double array_largest(const double *array, size_t n);

/* The number as products read it: in bf16 the nearest one of 8 significant bits, ties to even. */
double array_operand(double number, bool bf16);

/* Fails the test, naming the array, where |got − expected| > tolerance or either is not finite.
 * Returns the largest difference over the tolerance. */
double array_near(const char *name, const real *got, const double *expected, size_t n,
                  double tolerance);

#endif
