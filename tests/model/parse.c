#include "parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

size_t parse_header(const uint8_t *file, size_t length)
{
    uint64_t header = 0;
    assert_true(length >= 8);
    for (int k = 7; k >= 0; k--)
        header = header << 8 | file[k];
    assert_true(header <= length - 8);
    return 8 + (size_t)header;
}

struct parsed parse_array(const uint8_t *file, size_t length, const char *name)
{
    struct parsed parsed = {.data = NULL};
    char key[80];
    size_t first, last;
    const size_t start = parse_header(file, length);
    char *header = malloc(start + 1);
    memcpy(header, file + 8, start - 8);
    header[start - 8] = '\0';
    snprintf(key, sizeof key, "\"%s\":{", name);
    const char *at = strstr(header, key);
    if (!at)
        fail_msg("there is no \"%s\"", name);
    assert_int_equal(sscanf(at + strlen(key),
                            "\"dtype\":\"%7[^\"]\",\"shape\":%63[^]]],\"data_offsets\":[%zu,%zu]}",
                            parsed.type, parsed.shape, &first, &last),
                     4);
    strcat(parsed.shape, "]");
    assert_true(first <= last && last <= length - start);
    parsed.data = file + start + first;
    parsed.bytes = last - first;
    free(header);
    return parsed;
}

void parse_drop_checksum(uint8_t *file, size_t length)
{
    static const char *const keys[] = {"_crc32\":", "_crc32\":"};
    for (int k = 0; k < 2; k++) {
        uint8_t *at = memmem(file, length, keys[k], strlen(keys[k]));
        assert_non_null(at);
        at[1] = 'k'; /* another key */
    }
}

float parse_float(const struct parsed *parsed, size_t k)
{
    uint32_t bits = 0;
    float number;
    assert_true(4 * k + 4 <= parsed->bytes);
    for (int byte = 3; byte >= 0; byte--)
        bits = bits << 8 | parsed->data[4 * k + (size_t)byte];
    memcpy(&number, &bits, sizeof number);
    return number;
}
