#include "csv.h"

#include <math.h>

void csv_put_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

void csv_put_number(FILE *out, double number)
{
    if (isfinite(number))
        fprintf(out, "%.6g", number);
}

void csv_put_numbers(FILE *out, const float *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fputc(',', out);
        csv_put_number(out, (double)numbers[i]);
    }
}
