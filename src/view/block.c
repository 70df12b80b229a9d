#include "block.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "error.h"
#include "mem.h"

#define PAIRS 0x100 /* a forbidden character and the next */
#define LAST 0x280  /* a forbidden character at the end */

/* Which of the forbidden characters it is, or −1. */
static int which_forbidden(unsigned septet)
{
    switch (septet) {
    case '\0':
        return 0;
    case '\r':
        return 1;
    case '<':
        return 2;
    default:
        return -1;
    }
}

static void put_two_bytes(FILE *out, unsigned point)
{
    putc_unlocked((int)(0xC0 | point >> 6), out);
    putc_unlocked((int)(0x80 | (point & 0x3F)), out);
}

/* `waiting` is which forbidden one came before, or −1. */
static void put_septet(FILE *out, int *waiting, unsigned septet)
{
    if (*waiting >= 0) {
        put_two_bytes(out, PAIRS + 128 * (unsigned)*waiting + septet);
        *waiting = -1;
    } else {
        *waiting = which_forbidden(septet);
        if (*waiting < 0)
            putc_unlocked((int)septet, out);
    }
}

static void put_septets(FILE *out, const uint8_t *bytes, size_t length)
{
    int waiting = -1;
    unsigned bits = 0, held = 0;
    for (size_t i = 0; i < length; i++) {
        bits = bits << 8 | bytes[i];
        for (held += 8; held >= 7; held -= 7)
            put_septet(out, &waiting, bits >> (held - 7) & 0x7F);
    }
    if (held > 0)
        put_septet(out, &waiting, bits << (7 - held) & 0x7F);
    if (waiting >= 0)
        put_two_bytes(out, LAST + (unsigned)waiting);
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

/* '<' occurs only within strings of JSON, where it may be written as an escape. */
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
