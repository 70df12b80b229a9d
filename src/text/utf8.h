/* Unicode: code points, grapheme clusters, normal forms. All use of utf8proc is in utf8.c. */
#ifndef RUNE_UTF8_H
#define RUNE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum utf8_form { UTF8_NONE, UTF8_NFC, UTF8_NFKC };

#define UTF8_NUM_POINTS 0x110000 /* code points are 0 … 0x10FFFF */

/* Decodes the code point at the start of text[0..length), length ≥ 1. Returns its length in bytes
 * (1–4), 0 if the text ends within it, or −1 if it is not UTF-8 (surrogates and overlong forms are
 * not). */
int utf8_decode(const uint8_t *text, size_t length, int32_t *codepoint);

/* Whether a text is UTF-8 from end to end. */
bool utf8_is_valid(const void *text, size_t length);

/* Decodes up to `capacity` code points to points[] and returns how many; *used is their length in
 * bytes. Stops before bytes that are incomplete or not UTF-8: utf8_decode tells which. */
size_t utf8_decode_all(const uint8_t *text, size_t length, int32_t *points, size_t capacity,
                       size_t *used);

/* Encodes a valid code point; returns its length in bytes (1–4). */
int utf8_encode(int32_t codepoint, uint8_t out[4]);

/* Whether an extended grapheme cluster (UAX #29) ends between two adjacent code points. *state is 0
 * at the start of a text and is passed on from pair to pair. */
bool utf8_cluster_break(int32_t before, int32_t after, int32_t *state);

/* Brings points[0..count) into a normal form (UAX #15) other than UTF8_NONE. Overwrites *out, a
 * growing array (mem_grow) of *capacity, with *out_count code points. Returns 0, or −1 and a
 * message. */
int utf8_normalize(const int32_t *points, size_t count, enum utf8_form form, int32_t **out,
                   size_t *capacity, size_t *out_count);

/* Whether there is a normalisation boundary before this code point: the texts before and after it
 * may be normalised separately. */
bool utf8_boundary_before(int32_t codepoint, enum utf8_form form);

/* The simple lower and upper case of a code point, and the first code point of its compatibility
 * decomposition (e for é and ｅ). The code point itself if there is no other. */
int32_t utf8_lower(int32_t codepoint);
int32_t utf8_upper(int32_t codepoint);
int32_t utf8_base(int32_t codepoint);

/* The width of a code point on a terminal: 0 (combining), 1 or 2 (wide) columns. */
int utf8_columns(int32_t codepoint);

/* Whether a code point has a glyph of its own: false for combining marks, control and format
 * characters, and unassigned code points. */
bool utf8_is_graphic(int32_t codepoint);

/* Classes of code points. Letters, marks, digits and punctuation are the general categories L, M,
 * Nd and P; capitals are Lu and Lt; space is what separates words and lines. */
enum utf8_class {
    UTF8_LETTER = 1 << 0,
    UTF8_CAPITAL = 1 << 1,  /* also a letter */
    UTF8_UNSPACED = 1 << 2, /* also a letter, of a script without spaces between words */
    UTF8_MARK = 1 << 3,     /* is drawn on the preceding character */
    UTF8_DIGIT = 1 << 4,
    UTF8_SPACE = 1 << 5,
    UTF8_PUNCTUATION = 1 << 6,
};

/* The classes of a code point, as a bit mask; 0 if it is not a code point. */
unsigned utf8_classes(int32_t codepoint);

/* The version of Unicode that utf8proc implements, such as "14.0.0". */
const char *utf8_unicode_version(void);

#endif
