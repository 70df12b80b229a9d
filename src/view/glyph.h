/* Glyphs: how the symbols of a vocabulary are shown, so that each of them is seen, newline and
 * control characters included, and how a text of them is broken into rows. */
#ifndef RUNE_GLYPH_H
#define RUNE_GLYPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vocab.h"

/* Whether a row ends after it. */
enum glyph_break { GLYPH_KEEP, GLYPH_MAY_BREAK, GLYPH_MUST_BREAK };

/* How a symbol is shown in a view ("⏎", "→", "\r", "\x07", "U+200D", "◌́"; else as it is), and how
 * it stands in a file (as it is; but "\xD0" for a byte that is not text, or is NUL): UTF-8,
 * NUL-terminated. */
struct glyph {
    const char *shown, *exact;
    bool combining; /* shown is a mark on a dotted circle */
    int columns;    /* of `shown` in monospaced type, ≥ 1 */
    enum glyph_break ends;
};

/* The glyphs of all symbols: [V], for glyphs_free(). NULL and a message if there is no memory. */
struct glyph *glyphs_new(const struct vocab *vocab);
void glyphs_free(struct glyph *glyphs);

/* Bytes that may not be UTF-8, such as a file's name, as text: what is not becomes "\xD0".
 * NUL-terminated, in new memory, to free(). NULL and a message if there is none. */
char *glyph_text(const void *bytes, size_t length);

/* The same with controls and what else is not seen named, as in `shown`, for one line. */
char *glyph_shown(const void *bytes, size_t length);

#define GLYPH_SAFE_ROOM 8

/* The character that text[0..length) begins with, length ≥ 1, as a terminal can be given it: as it
 * is, marks and joiners too; but controls, line and paragraph separators, what turns the direction
 * of writing, and a byte that is not UTF-8 are named as in `shown`. NUL-terminated; needs no
 * memory. Returns how many bytes of the text it is. */
size_t glyph_safe(const void *text, size_t length, char shown[GLYPH_SAFE_ROOM]);

/* Where the row that starts at ids[start] ends, start < end ≤ length: after a newline; else where
 * `columns` are full, at the last space if that leaves the row more than half full. */
size_t glyph_row_end(const struct glyph *glyphs, const int32_t *ids, size_t length, size_t start,
                     int columns);

#endif
