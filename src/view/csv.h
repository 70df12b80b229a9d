/* Fields of CSV files (RFC 4180). */
#ifndef RUNE_CSV_H
#define RUNE_CSV_H

#include <stddef.h>
#include <stdio.h>

/* Writes text in quotes, unchanged but for doubled quotes. */
void csv_put_text(FILE *out, const char *text);

/* Writes a number; nothing if it is not finite. */
void csv_put_number(FILE *out, double number);

/* Writes numbers, each after a comma. */
void csv_put_numbers(FILE *out, const float *numbers, size_t count);

#endif
