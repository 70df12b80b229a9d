#include "label_words.h"

#include "utf8.h"

static bool starts_word(const struct label_marks *marks, size_t t)
{
    return label_point(marks, t) == '_' ||
           (label_has(marks, t, IS_LETTER) && !label_has(marks, t, IS_UNSPACED));
}

/* Whether t joins two letters: an apostrophe, a soft hyphen, a zero-width joiner or non-joiner. */
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

/* A word starts with a letter or, as names in programs do, with "_". Scripts without spaces between
 * words have none here, as finding them takes a dictionary. */
void label_mark_words(struct label_marks *marks)
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

/* Whether a mark ends a sentence. In scripts with spaces one must follow it. */
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

/* Whether t may stand between a sentence's end and the space after it, as closing quotes do. */
static bool may_close(const struct label_marks *marks, size_t t)
{
    int32_t point = marks->points[t];
    return label_has(marks, t, ON_PUNCTUATION) && point != ',' && point != ';' && point != ':';
}

/* Marks the word at t; in scripts without words, its letter. */
static void mark_first_word(struct label_marks *marks, size_t t)
{
    size_t end = t;
    do
        end++;
    while (label_has(marks, end, ON_WORD) && !label_has(marks, end, ON_FIRST_LETTER));
    label_fill(marks, t, end, ON_SENTENCE);
}

/* A sentence starts at the first letter of the text, after a blank line, and after a mark that ends
 * one and white space, with closing quotes or brackets between them; but not with a small letter.
 */
void label_mark_sentences(struct label_marks *marks)
{
    bool awaited = true; /* a sentence, by the next letter */
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
