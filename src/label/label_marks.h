/* Marks: for every character of a text the set of what holds once it is read. label_parse fills
 * them, labels are made from them. */
#ifndef RUNE_LABEL_MARKS_H
#define RUNE_LABEL_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum label_mark {
    ON_QUOTES = 1 << 0,
    ON_SINGLE_QUOTES = 1 << 1,
    ON_ROUND = 1 << 2, /* inside brackets: four in the order of enum label_bracket */
    ON_SQUARE = 1 << 3,
    ON_CURLY = 1 << 4,
    ON_ANGLE = 1 << 5,
    ON_COMMENT = 1 << 6,
    ON_STRING = 1 << 7,
    ON_TAG = 1 << 8,
    ON_URL = 1 << 9,
    ON_COMMAND = 1 << 10, /* \name */
    ON_BACKTICKS = 1 << 11,
    ON_WORD = 1 << 12,
    ON_FIRST_LETTER = 1 << 13,
    ON_LAST_LETTER = 1 << 14,
    ON_SENTENCE = 1 << 15,  /* in its first word */
    ON_PARAGRAPH = 1 << 16, /* in its first line */
    ON_REPEAT = 1 << 17,    /* in a line that was there before */
    ON_INDENTATION = 1 << 18,
    ON_CAPITAL = 1 << 19,
    ON_VOWEL = 1 << 20,
    ON_DIGIT = 1 << 21,
    ON_SPACE = 1 << 22,
    ON_PUNCTUATION = 1 << 23,
    IS_LETTER = 1 << 24, /* from here on they only help to find the others */
    IS_UNSPACED = 1 << 25,
    IS_COMBINING = 1 << 26,
};

enum label_bracket { ROUND, SQUARE, CURLY, ANGLE, LABEL_BRACKETS };

/* A line has the characters [start, end); `text` is the first that is no white space, or end in a
 * blank line. After each of the characters [from, to) the reader is in it: a line end belongs to
 * the next line. A text that ends with a line end has an empty line after it. */
struct label_line {
    size_t start, text, end, from, to;
};

/* The kind of text, which decides how some marks are read. */
struct label_style {
    bool code;           /* with string literals and // comments */
    bool hash_comments;  /* # begins a comment, not a title */
    bool tags, commands; /* <b>…</b>; \name */
    bool outward;        /* guillemets point ›outwards‹ */
};

struct label_marks {
    size_t length;
    const int32_t *points; /* [length] not owned; −1: a byte that is no character */
    uint32_t *sets;        /* [length] of enum label_mark */
    int8_t *steps; /* [length] of brackets in pairs 1 where one opens, −1 where it closes; else 0 */
    struct label_line *lines;
    size_t num_lines;
    struct label_style style;
    uint32_t unsound; /* of enum label_mark: pairs whose halves mostly lack the other half */
};

/* Fills zeroed marks with the characters' classes and the lines. Returns 0, or −1 and a message. */
int label_marks_init(struct label_marks *marks, const int32_t *points, size_t length);

/* Safe on zeroed ones. */
void label_marks_release(struct label_marks *marks);

/* Whether a character has any of a set of marks; outside of the text none has. */
static inline bool label_has(const struct label_marks *marks, size_t t, uint32_t set)
{
    return t < marks->length && (marks->sets[t] & set) != 0;
}

/* The code point of a character; a line end outside of the text. */
static inline int32_t label_point(const struct label_marks *marks, size_t t)
{
    return t < marks->length ? marks->points[t] : '\n';
}

/* Whether there is white space at t, as there is outside of the text. */
static inline bool label_is_space(const struct label_marks *marks, size_t t)
{
    return t >= marks->length || label_has(marks, t, ON_SPACE);
}

/* Adds a mark to the characters [start, end). */
static inline void label_fill(struct label_marks *marks, size_t start, size_t end, uint32_t mark)
{
    for (size_t t = start; t < end; t++)
        marks->sets[t] |= mark;
}

/* Notes whether fewer than four of five among `count` halves are paired. */
static inline void label_check(struct label_marks *marks, uint32_t mark, size_t paired,
                               size_t count)
{
    if (5 * paired < 4 * count)
        marks->unsound |= mark;
}

static inline bool label_is_blank(const struct label_line *line)
{
    return line->text == line->end;
}

#endif
