/* Glyphs: visible forms of the symbols of a vocabulary, also of newlines and control characters,
 * and the breaking of text into rows. */
#ifndef RUNE_GLYPH_H
#define RUNE_GLYPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vocab.h"

/* Whether a row ends after a symbol. */
enum glyph_break { GLYPH_KEEP, GLYPH_MAY_BREAK, GLYPH_MUST_BREAK };

/* Two forms of a symbol, in UTF-8 with NUL at the end. `shown` is for views: what is not visible is
 * replaced ("⏎", "→", "\r", "\x07", "U+200D", "◌́"). `exact` is for files: the symbol itself, with
 * "\xD0" for NUL and bytes that are not UTF-8. */
struct glyph {
    const char *shown, *exact;
    bool combining; /* shown is a mark on a dotted circle */
    int columns;    /* of `shown` in a monospaced font, ≥ 1 */
    enum glyph_break ends;
};

/* The glyphs of all symbols: [V], for glyphs_free(). NULL and a message if memory runs out. */
struct glyph *glyphs_new(const struct vocab *vocab);
void glyphs_free(struct glyph *glyphs);

/* The `exact` form of any bytes, such as a file name, in new memory. NULL and a message if that
 * runs out. */
char *glyph_text(const void *bytes, size_t length);

/* The `shown` form of any bytes, on one line, else as above. */
char *glyph_shown(const void *bytes, size_t length);

#define GLYPH_SAFE_ROOM 8

/* Writes the first character of text[0..length), length ≥ 1, in a form that is safe for a terminal.
 * Control characters, separators of lines and paragraphs, controls of the writing direction and
 * bytes that are not UTF-8 are escaped as in `shown`; all else is unchanged. Allocates nothing.
 * Returns the number of bytes read. */
size_t glyph_safe(const void *text, size_t length, char shown[GLYPH_SAFE_ROOM]);

/* The end of the row that starts at ids[start], start < end ≤ length. A row ends after a newline or
 * where `columns` are full; then after its last space, if it is more than half full up to there. */
size_t glyph_row_end(const struct glyph *glyphs, const int32_t *ids, size_t length, size_t start,
                     int columns);

#endif
