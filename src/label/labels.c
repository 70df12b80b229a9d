#include "labels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "label_add.h"
#include "label_brackets.h"
#include "label_order.h"
#include "label_parse.h"
#include "label_text.h"
#include "mem.h"

#define NAME_ROOM 100 /* bytes */

/* --- scalars ---------------------------------------------------------------------------------- */

/* Of character t, after which the reader is in that line. */
static size_t position_in_line(const struct label_line *line, size_t t)
{
    return (t < line->end ? t + 1 : line->end) - line->start;
}

static size_t left_in_line(const struct label_line *line, size_t t)
{
    return t < line->end ? line->end - t - 1 : 0;
}

static size_t line_length(const struct label_line *line, size_t t)
{
    (void)t;
    return line->end - line->start;
}

/* In columns: a tab goes on to the next multiple of 8. */
static void indentation(const struct label_marks *marks, float *values)
{
    for (size_t i = 0; i < marks->num_lines; i++) {
        const struct label_line *line = &marks->lines[i];
        size_t columns = 0;
        for (size_t t = line->from; t < line->to; t++) {
            if (t >= line->start && t < line->text)
                columns = marks->points[t] == '\t' ? (columns | 7) + 1 : columns + 1;
            values[t] = (float)columns;
        }
    }
}

static void position_in_word(const struct label_marks *marks, float *values)
{
    float position = 0;
    for (size_t t = 0; t < marks->length; t++) {
        if (label_has(marks, t, ON_FIRST_LETTER) || !label_has(marks, t, ON_WORD))
            position = 0;
        position += label_has(marks, t, ON_WORD);
        values[t] = position;
    }
}

static void word_length(const struct label_marks *marks, float *values)
{
    position_in_word(marks, values);
    for (size_t t = marks->length; t-- > 0;)
        if (label_has(marks, t, ON_WORD) && !label_has(marks, t, ON_LAST_LETTER))
            values[t] = values[t + 1];
}

/* The depth of some kinds of brackets, of which unsound ones do not count. */
static void bracket_depth(const struct label_marks *marks, uint32_t kinds, float *values)
{
    float depth = 0;
    for (size_t t = 0; t < marks->length; t++) {
        bool opens;
        if (marks->steps[t] != 0) {
            const enum label_bracket kind = label_bracket_of(marks->points[t], &opens);
            const bool sound = (marks->unsound & (uint32_t)ON_ROUND << kind) == 0;
            if (sound && (kinds & 1u << kind))
                depth += (float)marks->steps[t];
        }
        values[t] = depth;
    }
}

static void position_in_text(const struct label_marks *marks, float *values)
{
    for (size_t t = 0; t < marks->length; t++)
        values[t] = t > 0 ? (float)((double)t / (double)(marks->length - 1)) : 0;
}

/* --- the built-in labels ---------------------------------------------------------------------- */

/* Labels that describe one thing in several ways: where one is kept, all are. */
enum group { NO_GROUP, WORDS, LINES, INDENTATION, BRACKETS }; /* and BRACKETS + each kind */

/* Of two that are the same in a text, the first is kept. */
static const struct rule {
    const char *name;
    const char *place; /* of a binary label, with `mark`; else NULL, */
    const char *rising, *falling;
    uint32_t mark; /* or one of these: */
    size_t (*in_line)(const struct label_line *line, size_t t);
    uint32_t depth_of; /* 1 << each enum label_bracket that counts */
    void (*measure)(const struct label_marks *marks, float *values);
    int group;      /* of enum group */
    bool any_order; /* kept although it does not depend on the order */
} rules[] = {
    {"inside quotes", "inside quotes", .mark = ON_QUOTES},
    {"inside single quotes", "inside single quotes", .mark = ON_SINGLE_QUOTES},
    {"inside a comment", "inside comments", .mark = ON_COMMENT},
    {"inside a string", "inside strings", .mark = ON_STRING},
    {"inside a tag", "inside tags", .mark = ON_TAG},
    {"inside ( )", "inside ( )", .mark = ON_ROUND, .group = BRACKETS + ROUND},
    {"inside [ ]", "inside [ ]", .mark = ON_SQUARE, .group = BRACKETS + SQUARE},
    {"inside { }", "inside { }", .mark = ON_CURLY, .group = BRACKETS + CURLY},
    {"inside < >", "inside < >", .mark = ON_ANGLE, .group = BRACKETS + ANGLE},
    {"bracket depth", NULL, "rises with the depth of brackets", "falls as brackets nest deeper",
     .depth_of = (1u << LABEL_BRACKETS) - 1},
    {"depth of ( )", NULL, "rises with the depth of ( )", "falls as ( ) nest deeper",
     .depth_of = 1u << ROUND, .group = BRACKETS + ROUND},
    {"depth of [ ]", NULL, "rises with the depth of [ ]", "falls as [ ] nest deeper",
     .depth_of = 1u << SQUARE, .group = BRACKETS + SQUARE},
    {"depth of { }", NULL, "rises with the depth of { }", "falls as { } nest deeper",
     .depth_of = 1u << CURLY, .group = BRACKETS + CURLY},
    {"depth of < >", NULL, "rises with the depth of < >", "falls as < > nest deeper",
     .depth_of = 1u << ANGLE, .group = BRACKETS + ANGLE},
    {"inside backticks", "inside backticks", .mark = ON_BACKTICKS},
    {"inside a command", "inside \\commands", .mark = ON_COMMAND},
    {"inside a URL", "inside URLs", .mark = ON_URL},
    {"position in line", NULL, "counts up along the line", "counts down along the line",
     .in_line = position_in_line, .group = LINES},
    {"left in line", NULL, "counts down to the end of the line", "counts up to the end of the line",
     .in_line = left_in_line, .group = LINES},
    {"line length", NULL, "is high in long lines", "is high in short lines", .in_line = line_length,
     .group = LINES},
    {"indentation", NULL, "rises with the indentation", "falls as the indentation grows",
     .measure = indentation, .group = INDENTATION},
    {"inside the indentation", "inside the indentation", .mark = ON_INDENTATION,
     .group = INDENTATION},
    {"repeated line", "in lines that repeat an earlier one", .mark = ON_REPEAT},
    {"first line of a paragraph", "in the first line of paragraphs", .mark = ON_PARAGRAPH},
    {"first word of a sentence", "in the first word of sentences", .mark = ON_SENTENCE},
    {"inside a word", "inside words", .mark = ON_WORD, .group = WORDS},
    {"first letter", "at the first letter of words", .mark = ON_FIRST_LETTER, .group = WORDS},
    {"last letter", "at the last letter of words", .mark = ON_LAST_LETTER, .group = WORDS},
    {"position in word", NULL, "counts up along the word", "counts down along the word",
     .measure = position_in_word, .group = WORDS},
    {"word length", NULL, "is high in long words", "is high in short words", .measure = word_length,
     .group = WORDS},
    {"capital", "at capitals", .mark = ON_CAPITAL},
    {"vowel", "at vowels", .mark = ON_VOWEL},
    {"digit", "at digits", .mark = ON_DIGIT},
    {"whitespace", "at whitespace", .mark = ON_SPACE},
    {"punctuation", "at punctuation", .mark = ON_PUNCTUATION},
    {"position in text", NULL, "drifts upward along the text", "drifts downward along the text",
     .measure = position_in_text, .any_order = true},
};
#define RULES (sizeof rules / sizeof *rules)

/* Fills values[marks->length]. */
static void apply(const struct rule *rule, const struct label_marks *marks, float *values)
{
    for (size_t t = 0; rule->mark && t < marks->length; t++)
        values[t] = (marks->sets[t] & rule->mark) != 0;
    for (size_t i = 0; rule->in_line && i < marks->num_lines; i++)
        for (size_t t = marks->lines[i].from; t < marks->lines[i].to; t++)
            values[t] = (float)rule->in_line(&marks->lines[i], t);
    if (rule->depth_of)
        bracket_depth(marks, rule->depth_of, values);
    if (rule->measure)
        rule->measure(marks, values);
}

/* --- which of them depend on the order of the characters -------------------------------------- */

static void count_patterns(const struct label_marks *marks, float *values,
                           struct label_pattern_counts counts[RULES])
{
    for (size_t k = 0; k < RULES; k++) {
        apply(&rules[k], marks, values);
        label_count_pattern(values, marks->length, &counts[k]);
    }
}

/* Whether a rule or one of its group is ordered. Of brackets only the depth counts. In random order
 * it is a random walk, and the time that it stays away from 0 varies from copy to copy. */
static bool is_group_ordered(const bool ordered[RULES], size_t k)
{
    const int group = rules[k].group;
    bool any = group < BRACKETS && ordered[k];
    for (size_t other = 0; other < RULES && group != NO_GROUP; other++)
        any = any || (ordered[other] && rules[other].group == group &&
                      (group < BRACKETS || rules[other].mark == 0));
    return any;
}

/* Finds the rules whose labels differ from those of shuffled copies of the text. The copies take
 * the text's style and unsound pairs, so that they differ by their order alone. values[] is
 * scratch. */
static int find_ordered(const struct label_marks *marks, struct arena *scratch, float *values,
                        bool ordered[RULES])
{
    struct label_pattern_counts(*counts)[RULES] =
        arena_take(scratch, LABEL_COPIES + 1, sizeof *counts);
    int32_t *points = arena_take(scratch, marks->length, sizeof *points);
    int result = scratch->failed ? -1 : 0;
    if (result == 0) {
        memcpy(points, marks->points, marks->length * sizeof *points);
        count_patterns(marks, values, counts[LABEL_COPIES]);
    }
    for (uint32_t i = 0; result == 0 && i < LABEL_COPIES; i++) {
        struct label_marks copy = {0};
        label_shuffle(points, marks->length, i);
        result = label_parse(&copy, points, marks->length, &marks->style);
        copy.unsound = marks->unsound;
        if (result == 0)
            count_patterns(&copy, values, counts[i]);
        label_marks_release(&copy);
    }
    for (size_t k = 0; result == 0 && k < RULES; k++) {
        struct label_pattern_counts copies[LABEL_COPIES];
        for (size_t i = 0; i < LABEL_COPIES; i++)
            copies[i] = counts[i][k];
        ordered[k] = rules[k].any_order || label_has_order(&counts[LABEL_COPIES][k], copies);
    }
    return result;
}

static bool is_constant(const float *values, size_t length)
{
    for (size_t t = 1; t < length; t++)
        if (values[t] != values[0])
            return false;
    return true;
}

/* Whether two labels differ at no more characters than one in a hundred of those where the first is
 * on. */
static bool are_alike(const float *values, const float *others, size_t length)
{
    size_t on = 0, different = 0;
    for (size_t t = 0; t < length; t++)
        on += values[t] != 0;
    for (size_t t = 0; t < length && different <= on / 100; t++)
        different += values[t] != others[t];
    return different <= on / 100;
}

/* --- labels ----------------------------------------------------------------------------------- */

int label_check_name(const struct labels *labels, const char *where, const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length > NAME_ROOM)
        return error_set("%sa label's name has 1 to %d bytes, not %zu", where, NAME_ROOM, length);
    for (size_t at = 0; at < length;) {
        int32_t point;
        int step = utf8_decode((const uint8_t *)name + at, length - at, &point);
        if (step <= 0 || point < ' ' || (point >= 0x7F && point < 0xA0))
            return error_set("%sa label's name is not printable UTF-8", where);
        at += (size_t)step;
    }
    for (size_t k = 0; k < RULES; k++)
        if (strcmp(rules[k].name, name) == 0)
            return error_set("%s'%s' is a label that rune has itself: choose another name", where,
                             name);
    for (size_t k = 0; k < labels->count; k++)
        if (strcmp(labels->list[k].name, name) == 0)
            return error_set("%sthere is a label '%s' already: choose another name", where, name);
    return 0;
}

static int add(struct labels *labels, struct label label)
{
    size_t capacity = labels->count;
    if (labels->memory.failed ||
        mem_grow(&labels->list, &capacity, labels->count + 1, sizeof label) != 0)
        return -1;
    labels->list[labels->count++] = label;
    return 0;
}

int label_add_own(struct labels *labels, const char *where, const char *name, enum label_kind kind,
                  float *values)
{
    char place[NAME_ROOM + 32], rising[NAME_ROOM + 32], falling[NAME_ROOM + 32];
    const bool binary = kind == LABEL_BINARY;
    if (label_check_name(labels, where, name) != 0)
        return -1;
    snprintf(place, sizeof place, "at “%s”", name);
    snprintf(rising, sizeof rising, "rises with “%s”", name);
    snprintf(falling, sizeof falling, "falls as “%s” rises", name);
    return add(labels, (struct label){arena_copy(&labels->memory, name),
                                      arena_copy(&labels->memory, binary ? place : NULL),
                                      arena_copy(&labels->memory, binary ? NULL : rising),
                                      arena_copy(&labels->memory, binary ? NULL : falling), kind,
                                      true, values});
}

/* Adds a rule's label unless it is constant or like an earlier one. values[text->count] are of
 * characters; all symbols of a character get its value. all[labels->length] is scratch. */
static int add_rule(struct labels *labels, const struct rule *rule, const struct label_text *text,
                    const float *values, float *all)
{
    if (is_constant(values, text->count))
        return 0;
    for (size_t i = 0; i < text->count; i++)
        for (size_t t = text->first[i]; t < text->first[i + 1]; t++)
            all[t] = values[i];
    for (size_t k = 0; k < labels->count; k++)
        if (are_alike(labels->list[k].values, all, labels->length))
            return 0;
    float *kept = arena_take(&labels->memory, labels->length, sizeof *kept);
    if (kept)
        memcpy(kept, all, labels->length * sizeof *kept);
    return add(labels, (struct label){rule->name, rule->place, rule->rising, rule->falling,
                                      rule->place ? LABEL_BINARY : LABEL_SCALAR, false, kept});
}

int labels_make(struct labels *labels, const struct vocab *vocab, const int32_t *ids, size_t length)
{
    struct label_text text = {0};
    struct label_marks marks = {0};
    struct arena scratch = {0};
    float *values = arena_take(&scratch, length, sizeof *values);
    float *all = arena_take(&scratch, length, sizeof *all);
    bool ordered[RULES];
    int result = -1;
    labels->length = length;
    if (label_text_init(&text, &scratch, vocab, ids, length) == 0 &&
        label_parse(&marks, text.points, text.count, NULL) == 0)
        result = find_ordered(&marks, &scratch, values, ordered);
    for (size_t k = 0; result == 0 && k < RULES; k++) {
        if (!is_group_ordered(ordered, k) || (rules[k].mark & marks.unsound) != 0)
            continue;
        apply(&rules[k], &marks, values);
        result = add_rule(labels, &rules[k], &text, values, all);
    }
    label_marks_release(&marks);
    arena_release(&scratch);
    return result;
}

void labels_release(struct labels *labels)
{
    free(labels->list);
    arena_release(&labels->memory);
    *labels = (struct labels){0};
}
