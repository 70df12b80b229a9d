/* Blocks: binary data in a page, as the text of an inert element that the page's script finds by
 * id.
 *
 * The bytes are compressed (zlib) and cut into groups of seven bits (septets). A septet is written
 * as the ASCII character of that number, so that incompressible data take 8/7 of their size. HTML
 * does not preserve three of these characters: NUL is forbidden, CR is read as LF, and '<' may
 * begin a tag. Call them forbidden characters number 0, 1 and 2. A forbidden septet number k and
 * its successor s are written as the one character U+0100 + 128 k + s, of two bytes in UTF-8; the
 * last septet, if forbidden, is written as U+0280 + k. */
#ifndef RUNE_BLOCK_H
#define RUNE_BLOCK_H

#include <jansson.h>
#include <stdio.h>

/* Writes bytes[0..length) as an element with that id. Returns 0, or −1 and a message. */
int block_put(FILE *out, const char *id, const void *bytes, size_t length);

/* The same for the text of a JSON value, with numbers of so many digits. Releases the value. NULL
 * means that memory ran out. */
int block_put_json(FILE *out, const char *id, json_t *json, size_t digits);

/* Writes uncompressed JSON: ASCII, with '<' escaped. Releases the value. */
int block_put_plain_json(FILE *out, const char *id, json_t *json);

#endif
