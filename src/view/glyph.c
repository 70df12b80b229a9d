#include "glyph.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

#define DOTTED_CIRCLE 0x25CC
#define REGIONAL_A 0x1F1E6
#define REGIONAL_Z 0x1F1FF
#define EMOJI_STYLE 0xFE0F /* the variation selector for the wide, coloured form */

/* Writes a glyph; `columns` and `combining` describe what was written of `shown`. */
struct writer {
    char *end;
    int columns;
    bool combining;
};

static void put(struct writer *writer, const void *bytes, size_t length, int columns)
{
    memcpy(writer->end, bytes, length);
    writer->end += length;
    writer->columns += columns;
}

static void put_point(struct writer *writer, int32_t point, int columns)
{
    uint8_t bytes[4];
    put(writer, bytes, (size_t)utf8_encode(point, bytes), columns);
}

static void put_hex(struct writer *writer, const char *format, unsigned number)
{
    char hex[16];
    int length = snprintf(hex, sizeof hex, format, number);
    put(writer, hex, (size_t)length, length);
}

/* Whether two code points form one grapheme cluster. */
static bool joins(int32_t before, int32_t after)
{
    int32_t state = 0;
    return !utf8_cluster_break(before, after, &state);
}

/* Part of a cluster, but without a mark of its own: joiners, variation selectors, tags. */
static bool is_invisible(int32_t point)
{
    return point == 0x034F || (point >= 0x200C && point <= 0x200D) ||
           (point >= 0xFE00 && point <= 0xFE0F) || (point >= 0xE0000 && point <= 0xE0FFF);
}

/* The code point at `at`; −1 at the end and for a byte that is not UTF-8. Sets *next. */
static int32_t point_at(const struct vocab_symbol *symbol, size_t at, size_t *next)
{
    int32_t point;
    int size = 0;
    if (at < symbol->length)
        size = utf8_decode(symbol->bytes + at, symbol->length - at, &point);
    *next = at + (size > 0 ? (size_t)size : 1);
    return size > 0 ? point : -1;
}

/* Whether a terminal would not just show it: control characters, separators of lines and
 * paragraphs, controls of the writing direction (Bidi_Control), and −1. */
static bool is_control(int32_t point)
{
    return point < 0x20 || (point >= 0x7F && point < 0xA0) || point == 0x061C ||
           (point >= 0x200E && point <= 0x200F) || (point >= 0x2028 && point <= 0x202E) ||
           (point >= 0x2066 && point <= 0x2069);
}

/* Writes a control character, or a byte that is not UTF-8, as an escape. */
static void put_escaped(struct writer *writer, int32_t point, uint8_t byte)
{
    if (point == '\r')
        put(writer, "\\r", 2, 2);
    else if (point < 0x80)
        put_hex(writer, "\\x%02X", byte);
    else
        put_hex(writer, "U+%04X", (unsigned)point);
}

/* Writes a code point that begins a cluster; `after` is the next one, or −1. */
static void put_initial(struct writer *writer, int32_t point, int32_t after)
{
    if (utf8_is_graphic(point))
        put_point(writer, point, utf8_columns(point) > 1 ? 2 : 1);
    else if (joins(DOTTED_CIRCLE, point) && !is_invisible(point)) {
        writer->combining = true;
        put_point(writer, DOTTED_CIRCLE, 1);
        put_point(writer, point, 0);
    } else if (after >= 0 && joins(point, after))
        put_point(writer, point, 0);
    else
        put_hex(writer, "U+%04X", (unsigned)point);
}

/* Writes a code point that continues a cluster. */
static void put_continuation(struct writer *writer, int32_t point)
{
    bool wide = utf8_columns(point) > 1 || point == EMOJI_STYLE ||
                (point >= REGIONAL_A && point <= REGIONAL_Z);
    put_point(writer, point, 0);
    if (wide && writer->columns < 2)
        writer->columns = 2;
}

static void put_symbol(struct writer *writer, const struct vocab_symbol *symbol)
{
    int32_t before = -1, state = 0;
    size_t next, beyond;
    for (size_t at = 0; at < symbol->length; at = next) {
        int32_t point = point_at(symbol, at, &next), after = point_at(symbol, next, &beyond);
        if (is_control(point))
            put_escaped(writer, point, symbol->bytes[at]);
        else if (before >= 0 && !utf8_cluster_break(before, point, &state))
            put_continuation(writer, point);
        else
            put_initial(writer, point, after);
        before = point;
    }
    if (writer->columns < 1)
        writer->columns = 1;
}

static bool is(const struct vocab_symbol *symbol, const char *text)
{
    return symbol->length == strlen(text) && memcmp(symbol->bytes, text, symbol->length) == 0;
}

static void put_exact(struct writer *writer, const struct vocab_symbol *symbol)
{
    size_t next;
    for (size_t at = 0; at < symbol->length; at = next)
        if (point_at(symbol, at, &next) > 0)
            put(writer, symbol->bytes + at, next - at, 0);
        else
            put_hex(writer, "\\x%02X", symbol->bytes[at]);
}

/* Bytes for both forms, an upper bound. */
static size_t glyph_room(const struct vocab_symbol *symbol)
{
    return 14 * symbol->length + 2;
}

char *glyph_text(const void *bytes, size_t length)
{
    char *text = mem_new(4 * length + 1, 1);
    if (text)
        put_exact(&(struct writer){.end = text}, &(struct vocab_symbol){bytes, length});
    return text;
}

char *glyph_shown(const void *bytes, size_t length)
{
    const struct vocab_symbol symbol = {bytes, length};
    char *text = mem_new(glyph_room(&symbol), 1);
    if (text)
        put_symbol(&(struct writer){.end = text}, &symbol);
    return text;
}

size_t glyph_safe(const void *text, size_t length, char shown[GLYPH_SAFE_ROOM])
{
    const struct vocab_symbol rest = {text, length};
    struct writer writer = {.end = shown};
    size_t next;
    const int32_t point = point_at(&rest, 0, &next);
    if (is_control(point))
        put_escaped(&writer, point, rest.bytes[0]);
    else
        put(&writer, text, next, 0);
    shown[writer.end - shown] = '\0';
    return next;
}

static struct glyph make_glyph(const struct vocab_symbol *symbol, char **storage)
{
    struct glyph glyph = {.shown = *storage, .ends = GLYPH_KEEP};
    struct writer writer = {.end = *storage};
    if (is(symbol, "\n") || is(symbol, "\r\n")) {
        put_point(&writer, 0x23CE, 1);
        glyph.ends = GLYPH_MUST_BREAK;
    } else if (is(symbol, "\t")) {
        put_point(&writer, 0x2192, 1);
        glyph.ends = GLYPH_MAY_BREAK;
    } else {
        put_symbol(&writer, symbol);
        if (is(symbol, " "))
            glyph.ends = GLYPH_MAY_BREAK;
    }
    glyph.combining = writer.combining;
    glyph.columns = writer.columns;
    put(&writer, "", 1, 0);
    glyph.exact = writer.end;
    put_exact(&writer, symbol);
    put(&writer, "", 1, 0);
    *storage += glyph_room(symbol);
    return glyph;
}

struct glyph *glyphs_new(const struct vocab *vocab)
{
    size_t count = (size_t)vocab->size, room = count * sizeof(struct glyph);
    for (size_t i = 0; i < count; i++)
        room += glyph_room(&vocab->symbols[i]);
    struct glyph *glyphs = mem_new(room, 1);
    if (!glyphs)
        return NULL;
    char *storage = (char *)(glyphs + count);
    for (size_t i = 0; i < count; i++)
        glyphs[i] = make_glyph(&vocab->symbols[i], &storage);
    return glyphs;
}

void glyphs_free(struct glyph *glyphs)
{
    free(glyphs);
}

size_t glyph_row_end(const struct glyph *glyphs, const int32_t *ids, size_t length, size_t start,
                     int columns)
{
    size_t end, after_space = start;
    int used = 0, used_to_space = 0;
    for (end = start; end < length; end++) {
        const struct glyph *glyph = &glyphs[ids[end]];
        if (used + glyph->columns > columns && end > start)
            return used_to_space > columns / 2 ? after_space : end;
        used += glyph->columns;
        if (glyph->ends == GLYPH_MUST_BREAK)
            return end + 1;
        if (glyph->ends == GLYPH_MAY_BREAK) {
            after_space = end + 1;
            used_to_space = used;
        }
    }
    return end;
}
