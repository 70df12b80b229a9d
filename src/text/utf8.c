#include "utf8.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "error.h"
#include "mem.h"

#define MAX_DECOMPOSITION 32 /* code points; the longest, that of U+FDFA, has 18 */

/* Implements table 3-7 (well-formed byte sequences) of the Unicode standard: a lead byte determines
 * how many bytes follow and the range of the first of them; the others are in 80..BF. */
static inline int decode(const uint8_t *text, size_t length, int32_t *codepoint)
{
    uint8_t lead = text[0], lowest = 0x80, highest = 0xBF;
    if (lead < 0x80) {
        *codepoint = lead;
        return 1;
    }
    if (lead < 0xC2 || lead > 0xF4)
        return -1;
    if (lead == 0xE0)
        lowest = 0xA0;
    else if (lead == 0xED)
        highest = 0x9F;
    else if (lead == 0xF0)
        lowest = 0x90;
    else if (lead == 0xF4)
        highest = 0x8F;
    int bytes = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    int32_t point = lead & (0x7F >> bytes);
    for (int i = 1; i < bytes; i++) {
        if ((size_t)i == length)
            return 0;
        if (text[i] < lowest || text[i] > highest)
            return -1;
        point = point << 6 | (text[i] & 0x3F);
        lowest = 0x80;
        highest = 0xBF;
    }
    *codepoint = point;
    return bytes;
}

int utf8_decode(const uint8_t *text, size_t length, int32_t *codepoint)
{
    return decode(text, length, codepoint);
}

bool utf8_is_valid(const void *text, size_t length)
{
    const uint8_t *bytes = text;
    int32_t point;
    int step = 1;
    for (size_t at = 0; at < length && step > 0; at += (size_t)step)
        step = decode(bytes + at, length - at, &point);
    return step > 0;
}

size_t utf8_decode_all(const uint8_t *text, size_t length, int32_t *points, size_t capacity,
                       size_t *used)
{
    size_t at = 0, count = 0;
    while (at < length && count < capacity) {
        while (length - at >= 8 && capacity - count >= 8) {
            uint64_t word;
            memcpy(&word, text + at, 8);
            if (word & 0x8080808080808080u)
                break;
            for (int i = 0; i < 8; i++)
                points[count + (size_t)i] = text[at + (size_t)i];
            at += 8;
            count += 8;
        }
        if (at == length || count == capacity)
            break;
        int bytes = decode(text + at, length - at, &points[count]);
        if (bytes <= 0)
            break;
        at += (size_t)bytes;
        count++;
    }
    *used = at;
    return count;
}

int utf8_encode(int32_t codepoint, uint8_t out[4])
{
    return (int)utf8proc_encode_char(codepoint, out);
}

bool utf8_cluster_break(int32_t before, int32_t after, int32_t *state)
{
    if (before < 0x300 && after >= ' ' &&
        after <= '~') { /* the common case, which needs no table */
        *state = 0;
        return true;
    }
    return utf8proc_grapheme_break_stateful(before, after, state);
}

static int decomposition_options(enum utf8_form form)
{
    return UTF8PROC_DECOMPOSE | UTF8PROC_STABLE | (form == UTF8_NFKC ? UTF8PROC_COMPAT : 0);
}

static size_t decompose(int32_t point, int options, int32_t out[MAX_DECOMPOSITION])
{
    int boundclass = 0;
    utf8proc_ssize_t count = utf8proc_decompose_char(point, out, MAX_DECOMPOSITION,
                                                     (utf8proc_option_t)options, &boundclass);
    return (size_t)count;
}

static uint64_t combining_class(int32_t point)
{
    return (uint64_t)utf8proc_get_property(point)->combining_class;
}

static int compare_keys(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Sorts a run of combining marks by class, stably. utf8proc's own algorithm takes quadratic time: a
 * hostile text could make it run for hours. */
static int order_marks(int32_t *marks, size_t count)
{
    uint64_t few[32], *keys = few;
    if (count > sizeof few / sizeof *few && !(keys = mem_new(count, sizeof *keys)))
        return -1;
    for (size_t i = 0; i < count; i++) /* class, index, mark */
        keys[i] = combining_class(marks[i]) << 56 | (uint64_t)i << 21 | (uint64_t)marks[i];
    qsort(keys, count, sizeof *keys, compare_keys);
    for (size_t i = 0; i < count; i++)
        marks[i] = (int32_t)(keys[i] & 0x1FFFFF);
    if (keys != few)
        free(keys);
    return 0;
}

/* The canonical ordering algorithm, on a decomposed text. */
static int order_all_marks(int32_t *points, size_t count)
{
    for (size_t i = 0, end; i < count; i = end) {
        uint64_t class = points[i] < 0x300 ? 0 : combining_class(points[i]), highest = class;
        bool ordered = true;
        end = i + 1;
        if (class == 0)
            continue;
        for (; end < count && (class = combining_class(points[end])) != 0; end++) {
            ordered = ordered && class >= highest;
            highest = class;
        }
        if (!ordered && order_marks(points + i, end - i) != 0)
            return -1;
    }
    return 0;
}

int utf8_normalize(const int32_t *points, size_t count, enum utf8_form form, int32_t **out,
                   size_t *capacity, size_t *out_count)
{
    size_t used = 0;
    int options = decomposition_options(form);
    for (size_t i = 0; i < count; i++) {
        if (mem_grow(out, capacity, used + MAX_DECOMPOSITION, sizeof **out) != 0)
            return -1;
        if (points[i] < 0x80)
            (*out)[used++] = points[i];
        else
            used += decompose(points[i], options, *out + used);
    }
    *out_count = 0;
    if (used == 0)
        return 0;
    if (order_all_marks(*out, used) != 0)
        return -1;
    utf8proc_ssize_t composed =
        utf8proc_normalize_utf32(*out, (utf8proc_ssize_t)used, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    if (composed < 0)
        return error_set("text cannot be normalised: %s", utf8proc_errmsg(composed));
    *out_count = (size_t)composed;
    return 0;
}

/* There is a boundary before a starter that cannot be the second half of a composition. Such halves
 * are vowels and final consonants of Hangul, and code points that extend a cluster: UAX #29 breaks
 * canonically equivalent texts alike. */
bool utf8_boundary_before(int32_t codepoint, enum utf8_form form)
{
    if (codepoint < 0x300)
        return true;
    int32_t parts[MAX_DECOMPOSITION];
    decompose(codepoint, decomposition_options(form), parts);
    const utf8proc_property_t *first = utf8proc_get_property(parts[0]);
    switch (first->boundclass) {
    case UTF8PROC_BOUNDCLASS_EXTEND:
    case UTF8PROC_BOUNDCLASS_V:
    case UTF8PROC_BOUNDCLASS_T:
        return false;
    default:
        return first->combining_class == 0;
    }
}

int32_t utf8_lower(int32_t codepoint)
{
    return utf8proc_tolower(codepoint);
}

int32_t utf8_upper(int32_t codepoint)
{
    return utf8proc_toupper(codepoint);
}

int32_t utf8_base(int32_t codepoint)
{
    int32_t parts[MAX_DECOMPOSITION];
    decompose(codepoint, decomposition_options(UTF8_NFKC), parts);
    return parts[0];
}

int utf8_columns(int32_t codepoint)
{
    return utf8proc_charwidth(codepoint);
}

bool utf8_is_graphic(int32_t codepoint)
{
    switch (utf8proc_category(codepoint)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return false;
    default:
        return true;
    }
}

/* The blocks of Han, kana, and the scripts of South East Asia (class SA of UAX #14). */
static bool is_unspaced(int32_t point)
{
    static const int32_t blocks[][2] = {
        {0x0E00, 0x0FFF}, {0x1000, 0x109F},   {0x1780, 0x17FF},   {0x1950, 0x19DF},
        {0x1A20, 0x1AAF}, {0x2E80, 0x30FF},   {0x31F0, 0x31FF},   {0x3400, 0x4DBF},
        {0x4E00, 0x9FFF}, {0xA9E0, 0xA9FF},   {0xAA60, 0xAADF},   {0xF900, 0xFAFF},
        {0xFF66, 0xFF9F}, {0x1B000, 0x1B16F}, {0x20000, 0x3FFFF},
    };
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks && blocks[i][0] <= point; i++)
        if (point <= blocks[i][1])
            return true;
    return false;
}

unsigned utf8_classes(int32_t codepoint)
{
    switch (utf8proc_category(codepoint)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LT:
        return UTF8_LETTER | UTF8_CAPITAL;
    case UTF8PROC_CATEGORY_LL:
        return UTF8_LETTER;
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
        return is_unspaced(codepoint) ? UTF8_LETTER | UTF8_UNSPACED : UTF8_LETTER;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
        return UTF8_MARK;
    case UTF8PROC_CATEGORY_ND:
        return UTF8_DIGIT;
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
        return UTF8_PUNCTUATION;
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return UTF8_SPACE;
    case UTF8PROC_CATEGORY_CC:
        return (codepoint >= '\t' && codepoint <= '\r') || codepoint == 0x85 ? UTF8_SPACE : 0;
    default:
        return 0;
    }
}

const char *utf8_unicode_version(void)
{
    return utf8proc_unicode_version();
}
