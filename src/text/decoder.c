#include "decoder.h"

#include <errno.h>
#include <iconv.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "mem.h"

#define OUT_BYTES ((size_t)1 << 16)

struct decoder {
    iconv_t iconv;
    const char *encoding, *name;
    uint64_t offset;  /* in the text, of the bytes that are decoded next */
    uint8_t tail[32]; /* a character that continues in the next piece */
    size_t tail_length;
    bool refused;
    uint8_t out[OUT_BYTES];
};

/* Returns 0, or −1 and a message. */
static int open_iconv(const char *encoding, iconv_t *found)
{
    /* What follows a slash would change how iconv treats errors. */
    const bool is_name = *encoding && !strchr(encoding, '/');
    if (is_name && (intptr_t)(*found = iconv_open("UTF-8", encoding)) != -1)
        return 0;
    return error_set("\"%s\" is not an encoding that iconv knows; iconv -l lists them", encoding);
}

int decoder_check(const char *encoding)
{
    iconv_t found = NULL;
    if (open_iconv(encoding, &found) != 0)
        return -1;
    iconv_close(found);
    return 0;
}

struct decoder *decoder_new(const char *encoding, const char *name)
{
    struct decoder *decoder = mem_new(1, sizeof *decoder);
    if (!decoder)
        return NULL;
    decoder->encoding = encoding;
    decoder->name = name;
    if (open_iconv(encoding, &decoder->iconv) == 0)
        return decoder;
    free(decoder);
    return NULL;
}

void decoder_free(struct decoder *decoder)
{
    if (!decoder)
        return;
    iconv_close(decoder->iconv);
    free(decoder);
}

bool decoder_refused(const struct decoder *decoder)
{
    return decoder->refused;
}

static int refuse_byte(struct decoder *decoder, uint8_t byte)
{
    decoder->refused = true;
    return error_set("%s: byte 0x%02X at offset %" PRIu64 " is not %s: the file has another "
                     "encoding, or is damaged there",
                     decoder->name, byte, decoder->offset, decoder->encoding);
}

static int refuse_tail(struct decoder *decoder)
{
    decoder->refused = true;
    return error_set("%s: the last character, from byte 0x%02X at offset %" PRIu64
                     " on, is not whole %s: the text ends within it",
                     decoder->name, decoder->tail[0], decoder->offset, decoder->encoding);
}

/* Decodes whole characters of bytes[0..length) and gives them to `each`; *used is their length.
 * Bytes NULL: what iconv itself has kept. */
static int convert(struct decoder *decoder, const uint8_t *bytes, size_t length, size_t *used,
                   decoder_fn *each, void *context)
{
    char *in = (char *)bytes;
    size_t left = length;
    for (*used = 0;;) {
        char *out = (char *)decoder->out;
        size_t room = OUT_BYTES;
        const bool done =
            iconv(decoder->iconv, bytes ? &in : NULL, &left, &out, &room) != (size_t)-1;
        const int reason = done ? 0 : errno;
        const size_t consumed = length - *used - left;
        *used += consumed;
        decoder->offset += consumed;
        const int result = room < OUT_BYTES ? each(context, decoder->out, OUT_BYTES - room) : 0;
        if (result != 0)
            return result;
        if (reason == EILSEQ)
            return refuse_byte(decoder, bytes ? bytes[*used] : 0);
        if (reason != E2BIG) /* all is decoded, or the rest is incomplete */
            return 0;
    }
}

/* Completes a character that began in an earlier piece; *used is how many bytes of this one it
 * takes. */
static int complete_tail(struct decoder *decoder, const uint8_t *piece, size_t length, size_t *used,
                         decoder_fn *each, void *context)
{
    int result = 0;
    for (*used = 0; decoder->tail_length > 0 && *used < length && result == 0;) {
        size_t taken;
        if (decoder->tail_length == sizeof decoder->tail)
            return refuse_byte(decoder, decoder->tail[0]);
        decoder->tail[decoder->tail_length++] = piece[(*used)++];
        result = convert(decoder, decoder->tail, decoder->tail_length, &taken, each, context);
        decoder->tail_length -= taken;
        memmove(decoder->tail, decoder->tail + taken, decoder->tail_length);
    }
    return result;
}

static int finish(struct decoder *decoder, decoder_fn *each, void *context)
{
    size_t used;
    if (decoder->tail_length > 0)
        return refuse_tail(decoder);
    return convert(decoder, NULL, 0, &used, each, context);
}

int decoder_feed(struct decoder *decoder, const uint8_t *piece, size_t length, bool last,
                 decoder_fn *each, void *context)
{
    size_t at, used = 0;
    int result = complete_tail(decoder, piece, length, &at, each, context);
    if (result == 0 && at < length) { /* the tail is empty */
        result = convert(decoder, piece + at, length - at, &used, each, context);
        const size_t rest = length - at - used;
        if (result == 0 && rest > sizeof decoder->tail)
            return refuse_byte(decoder, piece[at + used]);
        if (result == 0) {
            memcpy(decoder->tail, piece + at + used, rest);
            decoder->tail_length = rest;
        }
    }
    return result == 0 && last ? finish(decoder, each, context) : result;
}
