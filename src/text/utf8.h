/* Text as Unicode: code points, grapheme clusters, normal forms. The only room that knows utf8proc.
 */
#ifndef RUNE_UTF8_H
#define RUNE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum utf8_form { UTF8_NONE, UTF8_NFC, UTF8_NFKC };

#define UTF8_NUM_POINTS 0x110000 /* code points are 0 … 0x10FFFF */

/* Length in bytes (1–4) of the code point at text[0..length), and the code point; 0 if the bytes
 * are the start of one that is cut off by the end; −1 if they are not UTF-8 (surrogates and
 * overlong forms are not). length ≥ 1. */
int utf8_decode(const uint8_t *text, size_t length, int32_t *codepoint);

/* Decodes up to `room` code points to points[]; returns how many, and in *used how many bytes they
 * are. Stops before what is cut off or not UTF-8: utf8_decode there says which. */
size_t utf8_decode_all(const uint8_t *text, size_t length, int32_t *points, size_t room,
                       size_t *used);

/* Writes a valid code point's 1–4 bytes; returns how many. */
int utf8_encode(int32_t codepoint, uint8_t out[4]);

/* Whether a grapheme cluster (UAX #29, extended) ends between two neighbouring code points.
 * *state is 0 at the start of a text and carried from pair to pair. */
bool utf8_cluster_break(int32_t before, int32_t after, int32_t *state);

/* points[0..count) in a normal form (UAX #15), not UTF8_NONE. *out is a growing array (mem_grow) of
 * *capacity that is overwritten, *out_count how many it then holds. Returns 0, or −1 and a message.
 */
int utf8_normalize(const int32_t *points, size_t count, enum utf8_form form, int32_t **out,
                   size_t *capacity, size_t *out_count);

/* Whether any text may be cut before this code point, and both parts brought into the form alone.
 */
bool utf8_boundary_before(int32_t codepoint, enum utf8_form form);

/* The simple lower and upper case of a code point, and the first of its compatibility decomposition
 * (é and ｅ: e); itself where there is no other. */
int32_t utf8_lower(int32_t codepoint);
int32_t utf8_upper(int32_t codepoint);
int32_t utf8_base(int32_t codepoint);

/* Columns of a code point on a terminal: 0 (combining), 1 or 2 (wide). */
int utf8_columns(int32_t codepoint);

/* Whether a code point is drawn alone: false for combining marks, controls, formats, unassigned. */
bool utf8_is_graphic(int32_t codepoint);

/* What a code point is: its letters, marks and so on are those of the general categories L, M, Nd,
 * P; capitals Lu and Lt; white space is what parts words and lines. */
enum utf8_class {
    UTF8_LETTER = 1 << 0,
    UTF8_CAPITAL = 1 << 1,  /* a letter, too */
    UTF8_UNSPACED = 1 << 2, /* a letter of a script that is written without spaces between words */
    UTF8_MARK = 1 << 3,     /* it is drawn on what stands before it */
    UTF8_DIGIT = 1 << 4,
    UTF8_SPACE = 1 << 5,
    UTF8_PUNCTUATION = 1 << 6,
};

/* The set of all enum utf8_class that hold; none for what is no code point. */
unsigned utf8_classes(int32_t codepoint);

/* The version of Unicode whose tables are used, such as "14.0.0". */
const char *utf8_unicode_version(void);

#endif
