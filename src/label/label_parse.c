#include "label_parse.h"

#include <stdlib.h>

#include "hash.h"
#include "label_brackets.h"
#include "label_code.h"
#include "label_quotes.h"
#include "label_words.h"
#include "mem.h"

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

static uint64_t hash_of_line(const struct label_marks *marks, const struct label_line *line)
{
    size_t length = line->end - line->start;
    return hash_bytes(length, marks->points + line->start, length * sizeof *marks->points) | 1;
}

/* Marks lines that repeat an earlier one, by a hash table in which 0 is free. */
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

int label_parse(struct label_marks *marks, const int32_t *points, size_t length,
                const struct label_style *style)
{
    if (label_marks_init(marks, points, length) != 0)
        return -1;
    marks->style = style ? *style : label_style_of(marks);
    mark_lines(marks);
    label_mark_words(marks);
    label_mark_sentences(marks);
    label_mark_quotes(marks);
    label_mark_code(marks);
    if (mark_repeats(marks) != 0 || label_mark_brackets(marks) != 0)
        return -1;
    return 0;
}
