#include "block.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "error.h"
#include "mem.h"

#define PAIRS 0x100 /* first character that stands for a forbidden septet and its successor */
#define LAST 0x280  /* first character that stands for a forbidden last septet */

/* The number of a forbidden septet; −1 for others. */
static int forbidden_number(unsigned septet)
{
    static const char forbidden[] = {'\0', '\r', '<'};
    const char *at = memchr(forbidden, (int)septet, sizeof forbidden);
    return at ? (int)(at - forbidden) : -1;
}

static void put_two_bytes(FILE *out, unsigned point)
{
    putc_unlocked((int)(0xC0 | point >> 6), out);
    putc_unlocked((int)(0x80 | (point & 0x3F)), out);
}

/* *pending is the number of the forbidden septet before this one, or −1. */
static void put_septet(FILE *out, int *pending, unsigned septet)
{
    if (*pending >= 0) {
        put_two_bytes(out, PAIRS + 128 * (unsigned)*pending + septet);
        *pending = -1;
    } else {
        *pending = forbidden_number(septet);
        if (*pending < 0)
            putc_unlocked((int)septet, out);
    }
}

static void put_septets(FILE *out, const uint8_t *bytes, size_t length)
{
    int pending = -1;
    unsigned bits = 0, count = 0;
    for (size_t i = 0; i < length; i++) {
        bits = bits << 8 | bytes[i];
        for (count += 8; count >= 7; count -= 7)
            put_septet(out, &pending, bits >> (count - 7) & 0x7F);
    }
    if (count > 0)
        put_septet(out, &pending, bits << (7 - count) & 0x7F);
    if (pending >= 0)
        put_two_bytes(out, LAST + (unsigned)pending);
}

int block_put(FILE *out, const char *id, const void *bytes, size_t length)
{
    uLongf size = compressBound(length);
    uint8_t *packed = mem_new(size, 1);
    if (!packed)
        return -1;
    int status = compress2(packed, &size, bytes, length, Z_DEFAULT_COMPRESSION);
    if (status == Z_OK) {
        fprintf(out, "<script type=\"text/plain\" id=\"%s\">", id);
        put_septets(out, packed, size);
        fputs("</script>\n", out);
    }
    free(packed);
    return status == Z_OK ? 0 : error_set("no memory to compress %zu bytes of the page", length);
}

static int refuse_json(json_t *json)
{
    json_decref(json);
    return error_set("no memory for the page");
}

int block_put_json(FILE *out, const char *id, json_t *json, size_t digits)
{
    char *text = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(digits)) : NULL;
    if (!text)
        return refuse_json(json);
    int result = block_put(out, id, text, strlen(text));
    free(text);
    json_decref(json);
    return result;
}

/* In JSON '<' occurs only within strings, where it can be escaped. */
static int put_escaped(const char *text, size_t length, void *out)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] == '<')
            fputs("\\u003c", out);
        else
            fputc(text[i], out);
    return 0;
}

int block_put_plain_json(FILE *out, const char *id, json_t *json)
{
    if (!json)
        return refuse_json(json);
    fprintf(out, "<script type=\"application/json\" id=\"%s\">", id);
    json_dump_callback(json, put_escaped, out,
                       JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(7));
    fputs("</script>\n", out);
    json_decref(json);
    return 0;
}
