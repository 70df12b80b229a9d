#include "label_marks.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
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

/* How many characters of the line end at t: 0 where there is none. */
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

static uint64_t hash_of_line(const struct label_marks *marks, const struct label_line *line)
{
    size_t length = line->end - line->start;
    return hash_bytes(length, marks->points + line->start, length * sizeof *marks->points) | 1;
}

/* Marks lines that were there before: their hashes are put into a table, where 0 is free. */
static int mark_repeats(struct label_marks *marks)
{
    size_t slots = 16;
    while (slots < 2 * marks->num_lines)
        slots *= 2;
    uint64_t *seen = mem_new(slots, sizeof *seen);
    if (!seen)
        return -1;
    for (size_t i = 0; i < marks->num_lines; i++) {
        const struct label_line *line = &marks->lines[i];
        if (label_is_blank(line))
            continue;
        uint64_t hash = hash_of_line(marks, line);
        size_t slot = (size_t)(hash >> 1) & (slots - 1);
        while (seen[slot] != 0 && seen[slot] != hash)
            slot = (slot + 1) & (slots - 1);
        if (seen[slot] == hash)
            label_fill(marks, line->from, line->to, ON_REPEAT);
        seen[slot] = hash;
    }
    free(seen);
    return 0;
}

static void mark_lines(struct label_marks *marks)
{
    bool blank = true; /* the line before */
    for (size_t i = 0; i < marks->num_lines; i++) {
        const struct label_line *line = &marks->lines[i];
        label_fill(marks, line->start, line->text, ON_INDENTATION);
        if (blank && !label_is_blank(line))
            label_fill(marks, line->from, line->to, ON_PARAGRAPH);
        blank = label_is_blank(line);
    }
}

/* --- words and sentences ---------------------------------------------------------------------- */

static bool starts_word(const struct label_marks *marks, size_t t)
{
    return label_point(marks, t) == '_' ||
           (label_has(marks, t, IS_LETTER) && !label_has(marks, t, IS_UNSPACED));
}

/* An apostrophe between letters, and what joins them unseen (soft hyphen, zero-width joiners). */
static bool joins_letters(const struct label_marks *marks, size_t t)
{
    switch (label_point(marks, t)) {
    case '\'':
    case 0x2019:
    case 0xAD:
    case 0x200C:
    case 0x200D:
        return label_has(marks, t - 1, IS_LETTER | IS_COMBINING) &&
               label_has(marks, t + 1, IS_LETTER);
    default:
        return false;
    }
}

static bool goes_on(const struct label_marks *marks, size_t t)
{
    return starts_word(marks, t) || label_has(marks, t, ON_DIGIT | IS_COMBINING) ||
           joins_letters(marks, t);
}

/* A word starts with a letter, or as programs' names do with "_". Scripts without spaces between
 * words have none here: to find theirs takes a dictionary. */
static void mark_words(struct label_marks *marks)
{
    for (size_t t = 0; t < marks->length; t++) {
        size_t start = t;
        if (!starts_word(marks, t))
            continue;
        while (t + 1 < marks->length && goes_on(marks, t + 1))
            t++;
        label_fill(marks, start, t + 1, ON_WORD);
        marks->sets[start] |= ON_FIRST_LETTER;
        marks->sets[t] |= ON_LAST_LETTER;
    }
}

enum ending { NO_END, NEEDS_SPACE, ENDS };

/* Whether a mark ends a sentence: those of scripts that have no spaces need none behind them. */
static enum ending sentence_end(int32_t point)
{
    switch (point) {
    case '.':
    case '!':
    case '?':
    case 0x2026: /* … */
    case 0x589:  /* Armenian */
    case 0x61F:  /* ؟ */
    case 0x6D4:  /* Urdu */
    case 0x964:  /* । */
    case 0x965:  /* ॥ */
    case 0x1362: /* Ethiopic */
        return NEEDS_SPACE;
    case 0x3002: /* 。 */
    case 0xFF01: /* ！ */
    case 0xFF1F: /* ？ */
    case 0xFF0E: /* ． */
    case 0xFF61: /* ｡ */
    case 0x104B: /* Myanmar */
        return ENDS;
    default:
        return NO_END;
    }
}

/* Whether a mark may stand between a sentence's end and the white space behind it. */
static bool may_close(const struct label_marks *marks, size_t t)
{
    int32_t point = marks->points[t];
    return label_has(marks, t, ON_PUNCTUATION) && point != ',' && point != ';' && point != ':';
}

/* Marks the word at t, or in scripts that show none its letter. */
static void mark_first_word(struct label_marks *marks, size_t t)
{
    size_t end = t;
    do
        end++;
    while (label_has(marks, end, ON_WORD) && !label_has(marks, end, ON_FIRST_LETTER));
    label_fill(marks, t, end, ON_SENTENCE);
}

/* A sentence starts with the text, after a blank line, and with a letter that is no small one after
 * a mark that ends one, perhaps a quote or bracket that closes, and white space. */
static void mark_sentences(struct label_marks *marks)
{
    bool awaited = true; /* the next letter may start one */
    for (size_t i = 0; i < marks->num_lines; i++) {
        const struct label_line *line = &marks->lines[i];
        enum ending ending = NO_END;
        for (size_t t = line->start; t < line->end; t++) {
            int32_t point = marks->points[t];
            enum ending here = sentence_end(point);
            if (here != NO_END || !may_close(marks, t)) {
                awaited = awaited || (ending == NEEDS_SPACE && label_has(marks, t, ON_SPACE));
                ending = here;
            }
            if (here == ENDS)
                awaited = true;
            if (!awaited || !label_has(marks, t, IS_LETTER))
                continue;
            if (label_has(marks, t, ON_CAPITAL) || utf8_upper(point) == point)
                mark_first_word(marks, t);
            awaited = false;
        }
        awaited = awaited || ending == NEEDS_SPACE || label_is_blank(line);
    }
}

/* ---------------------------------------------------------------------------------------------- */

int label_marks_make(struct label_marks *marks, const int32_t *points, size_t length,
                     const struct label_style *style)
{
    marks->length = length;
    marks->points = points;
    marks->sets = mem_new(length, sizeof *marks->sets);
    marks->steps = mem_new(length, sizeof *marks->steps);
    if (!marks->sets || !marks->steps)
        return -1;
    mark_characters(marks);
    if (find_lines(marks) != 0)
        return -1;
    marks->style = style ? *style : label_style_of(marks);
    mark_lines(marks);
    mark_words(marks);
    mark_sentences(marks);
    label_mark_quotes(marks);
    label_mark_code(marks);
    if (mark_repeats(marks) != 0 || label_mark_brackets(marks) != 0)
        return -1;
    return 0;
}

void label_marks_release(struct label_marks *marks)
{
    free(marks->sets);
    free(marks->steps);
    free(marks->lines);
    *marks = (struct label_marks){0};
}
