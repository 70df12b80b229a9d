#include "escapes.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "error.h"
#include "utf8.h"

/* Reads exactly `digits` hex digits at the start of text[0..length). */
static bool read_hex(const char *text, size_t length, size_t digits, uint32_t *number)
{
    *number = 0;
    if (length < digits)
        return false;
    for (size_t k = 0; k < digits; k++) {
        const int c = tolower((unsigned char)text[k]);
        if (!isxdigit(c))
            return false;
        *number = *number << 4 | (uint32_t)(isdigit(c) ? c - '0' : c - 'a' + 10);
    }
    return true;
}

/* Encodes a number that an escape of that letter gives. Returns its bytes, or 0 if it is no
 * character. */
static size_t encode(char letter, uint32_t number, char *out)
{
    const bool surrogate = number >= 0xD800 && number < 0xE000;
    if (letter == 'x') {
        *out = (char)number;
        return 1;
    }
    return surrogate || number >= UTF8_NUM_POINTS
               ? 0
               : (size_t)utf8_encode((int32_t)number, (uint8_t *)out);
}

/* Decodes the escape at text[0..length), which begins with a backslash, to *out and moves it.
 * Returns the escape's length, or 0 if it is none. */
static size_t decode(const char *text, size_t length, char **out)
{
    static const char letters[] = "nrt\\", meanings[] = "\n\r\t\\";
    static const char numbers[] = "xuU";
    static const size_t num_digits[] = {2, 4, 8};
    const char letter = length > 1 ? text[1] : '\0';
    const char *at = letter ? strchr(letters, letter) : NULL;
    uint32_t number;
    if (at) {
        *(*out)++ = meanings[at - letters];
        return 2;
    }
    at = letter ? strchr(numbers, letter) : NULL;
    const size_t digits = at ? num_digits[at - numbers] : 0;
    if (!at || !read_hex(text + 2, length - 2, digits, &number))
        return 0;
    const size_t bytes = encode(letter, number, *out);
    *out += bytes;
    return bytes > 0 ? 2 + digits : 0;
}

int escapes_decode(const char *name, char *text, size_t *length)
{
    char *out = text;
    for (size_t at = 0, step = 1; at < *length; at += step) {
        if (text[at] != '\\') {
            *out++ = text[at];
            step = 1;
        } else if ((step = decode(text + at, *length - at, &out)) == 0) {
            const size_t left = *length - at;
            return error_set("%s: \"%.*s\" is not an escape: write \\n, \\r, \\t, \\\\, \\xHH, "
                             "\\uHHHH or \\UHHHHHHHH",
                             name, (int)(left < 6 ? left : 6), text + at);
        }
    }
    *length = (size_t)(out - text);
    return 0;
}
