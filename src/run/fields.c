#include "fields.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

void fields_save(const struct field *fields, size_t count, const void *from,
                 struct safetensors_out *out)
{
    for (size_t k = 0; k < count; k++) {
        const char *at = (const char *)from + fields[k].offset;
        char text[32];
        int whole;
        uint64_t large;
        double number;
        switch (fields[k].kind & ~FIELD_OPTIONAL) {
        case FIELD_INT:
            memcpy(&whole, at, sizeof whole);
            snprintf(text, sizeof text, "%d", whole);
            break;
        case FIELD_COUNT:
            memcpy(&large, at, sizeof large);
            snprintf(text, sizeof text, "%llu", (unsigned long long)large);
            break;
        case FIELD_REAL:
            memcpy(&number, at, sizeof number);
            snprintf(text, sizeof text, "%.17g", number); /* exact for every double */
            break;
        }
        safetensors_add_text(out, fields[k].key, text);
    }
}

static int load(const struct field *field, char *to, const char *text, const char *path)
{
    const int kind = field->kind & ~FIELD_OPTIONAL;
    char *end;
    errno = 0;
    const double number = strtod(text, &end);
    if (end == text || *end || isnan(number) || number < field->min ||
        (field->max != 0 && number > field->max) || (kind != FIELD_REAL && number != floor(number)))
        return error_set("%s: is damaged: its \"%s\" is \"%.40s\"", path, field->key, text);
    if (kind == FIELD_REAL) {
        memcpy(to, &number, sizeof number);
    } else if (kind == FIELD_COUNT) {
        const uint64_t large = strtoull(text, NULL, 10);
        memcpy(to, &large, sizeof large);
    } else {
        const int whole = (int)number;
        memcpy(to, &whole, sizeof whole);
    }
    return 0;
}

int fields_load(const struct field *fields, size_t count, void *to, const struct safetensors *in)
{
    for (size_t k = 0; k < count; k++) {
        const char *text = safetensors_text(in, fields[k].key);
        if (!text && fields[k].kind & FIELD_OPTIONAL)
            continue;
        if (!text ||
            load(&fields[k], (char *)to + fields[k].offset, text, safetensors_path(in)) != 0)
            return -1;
    }
    return 0;
}
