/* Blocks: arrays within a page, as inert text of an element that the page's script finds by its id.
 * The bytes are compressed (zlib) and written seven bits a character, so that what cannot be
 * compressed takes 8/7 bytes a byte in UTF-8. Three characters do not survive in HTML: NUL, which
 * it forbids, CR, which it reads as LF, and '<', which may begin a tag. One of these seven bits is
 * written together with the next seven as one character of two bytes, U+0100 + 128 × which + next;
 * as the last of all, as U+0280 + which. */
#ifndef RUNE_BLOCK_H
#define RUNE_BLOCK_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* Writes bytes[0..length) as the element of that id. Returns 0, or −1 and a message. */
int block_put(FILE *out, const char *id, const void *bytes, size_t length);

/* The same of the text of a JSON value, which is released, its numbers with so many digits; NULL is
 * no memory. */
int block_put_json(FILE *out, const char *id, json_t *json, size_t digits);

/* Writes JSON as it is, to be read at once: in ASCII, with '<' escaped. The value is released. */
int block_put_plain_json(FILE *out, const char *id, json_t *json);

#endif
