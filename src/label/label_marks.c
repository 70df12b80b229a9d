#include "label_marks.h"

#include <stdlib.h>

#include "mem.h"
#include "utf8.h"

/* --- characters ------------------------------------------------------------------------------- */

/* Of Latin, Greek and Cyrillic, with any accent. */
static bool is_vowel(int32_t point)
{
    static const int32_t vowels[] = {
        'a',   'e',   'i',   'o',   'u',   0xE6,  0xF8,  0x131, 0x153, 0x259, /* æ ø ı œ ə */
        0x3B1, 0x3B5, 0x3B7, 0x3B9, 0x3BF, 0x3C5, 0x3C9,               /* α ε η ι ο υ ω */
        0x430, 0x435, 0x438, 0x43E, 0x443, 0x44B, 0x44D, 0x44E, 0x44F, /* а е и о у ы э ю я */
        0x454, 0x456,                                                  /* є і */
    };
    int32_t lower = utf8_lower(point);
    if (lower == 0x439 || lower == 0x45E) /* й and ў are consonants on the base of a vowel */
        return false;
    int32_t base = lower < 0x80 ? lower : utf8_base(lower);
    for (size_t i = 0; i < sizeof vowels / sizeof *vowels; i++)
        if (base == vowels[i])
            return true;
    return false;
}

static uint32_t set_of(int32_t point)
{
    static const struct {
        unsigned class;
        uint32_t mark;
    } pairs[] = {
        {UTF8_LETTER, IS_LETTER},
        {UTF8_CAPITAL, ON_CAPITAL},
        {UTF8_UNSPACED, IS_UNSPACED},
        {UTF8_MARK, IS_COMBINING},
        {UTF8_DIGIT, ON_DIGIT},
        {UTF8_SPACE, ON_SPACE},
        {UTF8_PUNCTUATION, ON_PUNCTUATION},
    };
    unsigned classes = utf8_classes(point);
    uint32_t set = classes & UTF8_LETTER && is_vowel(point) ? ON_VOWEL : 0;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (classes & pairs[i].class)
            set |= pairs[i].mark;
    return set;
}

static void mark_characters(struct label_marks *marks)
{
    uint32_t ascii[128];
    for (int32_t point = 0; point < 128; point++)
        ascii[point] = set_of(point);
    for (size_t t = 0; t < marks->length; t++) {
        int32_t point = marks->points[t];
        marks->sets[t] = point >= 0 && point < 128 ? ascii[point] : set_of(point);
    }
}

/* --- lines ------------------------------------------------------------------------------------ */

/* The characters of the line end at t; 0 where there is none. */
static size_t line_end_at(const struct label_marks *marks, size_t t)
{
    switch (marks->points[t]) {
    case '\r':
        return t + 1 < marks->length && marks->points[t + 1] == '\n' ? 2 : 1;
    case '\n':
    case 0x85:
    case 0x2028:
    case 0x2029:
        return 1;
    default:
        return 0;
    }
}

static int find_lines(struct label_marks *marks)
{
    size_t capacity = 0, start = 0, from = 0, end = 0;
    for (bool more = true; more; end = start) {
        size_t ending = 0, text;
        while (end < marks->length && (ending = line_end_at(marks, end)) == 0)
            end++;
        for (text = start; text < end && label_has(marks, text, ON_SPACE);)
            text++;
        more = ending > 0;
        if (mem_grow(&marks->lines, &capacity, marks->num_lines + 1, sizeof *marks->lines) != 0)
            return -1;
        size_t to = end + (more ? ending - 1 : 0);
        marks->lines[marks->num_lines++] = (struct label_line){start, text, end, from, to};
        from = to;
        start = end + ending;
    }
    return 0;
}

/* ---------------------------------------------------------------------------------------------- */

int label_marks_init(struct label_marks *marks, const int32_t *points, size_t length)
{
    marks->length = length;
    marks->points = points;
    marks->sets = mem_new(length, sizeof *marks->sets);
    marks->steps = mem_new(length, sizeof *marks->steps);
    if (!marks->sets || !marks->steps)
        return -1;
    mark_characters(marks);
    return find_lines(marks);
}

void label_marks_release(struct label_marks *marks)
{
    free(marks->sets);
    free(marks->steps);
    free(marks->lines);
    *marks = (struct label_marks){0};
}
