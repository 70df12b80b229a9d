/* Decoding of a text in another encoding to UTF-8, by iconv. */
#ifndef RUNE_DECODER_H
#define RUNE_DECODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct decoder;

/* Whether iconv knows an encoding. Returns 0, or −1 and a message. */
int decoder_check(const char *encoding);

/* Makes a decoder for one text. For messages, not copied: the encoding, and `name` of the text.
 * NULL and a message on failure. */
struct decoder *decoder_new(const char *encoding, const char *name);
void decoder_free(struct decoder *decoder);

/* Receives UTF-8, which is valid during the call and may end within a character. A result other
 * than 0 ends the decoding. */
typedef int decoder_fn(void *context, const uint8_t *text, size_t length);

/* Decodes the next piece of the text. `last` marks the final one. An incomplete character is kept
 * until the next call, so that the result does not depend on where the pieces end. Bytes that are
 * not of the encoding are an error, whose message has the name and the offset. Returns 0, the
 * result of `each` if not 0, or −1 and a message. After a failure the decoder can only be freed. */
int decoder_feed(struct decoder *decoder, const uint8_t *piece, size_t length, bool last,
                 decoder_fn *each, void *context);

/* Whether the failure was of bytes that are not of the encoding. */
bool decoder_refused(const struct decoder *decoder);

#endif
