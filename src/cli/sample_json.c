#include "sample_json.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "glyph.h"
#include "mem.h"
#include "utf8.h"

/* Copies a text with U+FFFD in place of bytes that are not UTF-8, and sets *length. The caller
 * frees it. NULL and a message if memory is short. */
static char *replace_invalid(const uint8_t *text, size_t *length, bool *valid)
{
    static const uint8_t replacement[] = {0xEF, 0xBF, 0xBD};
    char *copy = mem_new(3 * *length + 1, 1), *to = copy;
    int32_t point;
    *valid = true;
    for (size_t at = 0; copy && at < *length;) {
        const int bytes = utf8_decode(text + at, *length - at, &point);
        *valid &= bytes > 0;
        if (bytes > 0)
            memcpy(to, text + at, (size_t)bytes);
        else
            memcpy(to, replacement, sizeof replacement);
        to += bytes > 0 ? bytes : 3;
        at += bytes > 0 ? (size_t)bytes : 1;
    }
    *length = (size_t)(to - copy);
    return copy;
}

/* Adds a text under `key`, and its bytes under `hex_key` if they are not UTF-8. */
static int add_text(json_t *object, const char *key, const char *hex_key, const uint8_t *text,
                    size_t length)
{
    bool valid = false;
    size_t copied = length;
    char *copy = replace_invalid(text, &copied, &valid);
    int result = copy ? json_object_set_new(object, key, json_stringn(copy, copied)) : -1;
    free(copy);
    if (valid || result != 0)
        return result;
    char *hex = mem_new(2 * length + 1, 1);
    for (size_t k = 0; hex && k < length; k++)
        sprintf(hex + 2 * k, "%02x", text[k]);
    result = hex ? json_object_set_new(object, hex_key, json_string(hex)) : -1;
    free(hex);
    return result;
}

/* Prints JSON with \uHHHH in place of control characters that JSON allows, all of which have four
 * digits. */
static void put_safe(const char *text)
{
    char shown[GLYPH_SAFE_ROOM];
    int32_t point;
    for (size_t length = strlen(text), step; length > 0; text += step, length -= step) {
        step = glyph_safe(text, length, shown);
        if (strlen(shown) == step && memcmp(shown, text, step) == 0)
            fputs(shown, stdout);
        else if (utf8_decode((const uint8_t *)text, length, &point) > 0)
            printf("\\u%04x", (unsigned)point);
    }
}

int sample_json_print(const struct sample_record *record)
{
    char *line = NULL;
    json_t *object = json_object();
    if (object &&
        (!record->prompt ||
         add_text(object, "prompt", "prompt_hex", record->prompt, record->prompt_length) == 0) &&
        add_text(object, "text", "text_hex", record->text, record->text_length) == 0 &&
        json_object_set_new(object, "sample", json_integer(record->sample)) == 0 &&
        json_object_set_new(object, "seed", json_integer((json_int_t)record->seed)) == 0 &&
        json_object_set_new(object, "characters", json_integer((json_int_t)record->characters)) ==
            0 &&
        json_object_set_new(object, "log_probability", json_real(record->log_prob)) == 0)
        line = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    if (!line)
        return error_set_memory("there is not enough memory for the sample as JSON");
    put_safe(line);
    putchar('\n');
    free(line);
    return ferror(stdout) ? error_set("stdout: %s", strerror(errno)) : 0;
}
