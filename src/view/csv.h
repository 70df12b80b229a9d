/* Fields of CSV files, as RFC 4180 has them. */
#ifndef RUNE_CSV_H
#define RUNE_CSV_H

#include <stddef.h>
#include <stdio.h>

/* Text between quotes, exactly as it is. */
void csv_put_text(FILE *out, const char *text);

/* A number; nothing where it is not finite. */
void csv_put_number(FILE *out, double number);

/* Several of them, each behind a comma. */
void csv_put_numbers(FILE *out, const float *numbers, size_t count);

#endif
