#include "label_brackets.h"

#include <stdlib.h>

#include "mem.h"

enum label_bracket label_bracket_of(int32_t point, bool *opens)
{
    static const struct {
        int32_t open, close;
        enum label_bracket kind;
    } pairs[] = {
        {'(', ')', ROUND},        {'[', ']', SQUARE},       {'{', '}', CURLY},
        {'<', '>', ANGLE},        {0xFF08, 0xFF09, ROUND},  {0xFF3B, 0xFF3D, SQUARE},
        {0x3010, 0x3011, SQUARE}, {0x3014, 0x3015, SQUARE}, {0xFF5B, 0xFF5D, CURLY},
        {0x2329, 0x232A, ANGLE},  {0x27E8, 0x27E9, ANGLE},  {0x3008, 0x3009, ANGLE},
        {0x300A, 0x300B, ANGLE},
    };
    if (point > '}' && point < 0x2329)
        return LABEL_BRACKETS;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (point == pairs[i].open || point == pairs[i].close) {
            *opens = point == pairs[i].open;
            return pairs[i].kind;
        }
    return LABEL_BRACKETS;
}

/* A stack of open brackets. Its entries are counted from 1, so that 0 is none. */
struct open {
    size_t at;
    enum label_bracket kind;
    size_t below; /* the next lower entry of its kind */
};

struct stack {
    struct open *list;
    size_t count, capacity;
    size_t top[LABEL_BRACKETS]; /* the topmost of each kind */
};

static int push(struct stack *stack, size_t at, enum label_bracket kind)
{
    if (mem_grow(&stack->list, &stack->capacity, stack->count + 1, sizeof *stack->list) != 0)
        return -1;
    stack->list[stack->count++] = (struct open){at, kind, stack->top[kind]};
    stack->top[kind] = stack->count;
    return 0;
}

static size_t pop(struct stack *stack)
{
    struct open last = stack->list[--stack->count];
    stack->top[last.kind] = last.below;
    return last.at;
}

/* The entry that a bracket of this kind closes, or 0. What is open above it lacks its other half.
 * But { is stronger than ( and [, and these than <, which also compares: a weaker bracket never
 * closes over a stronger one. */
static size_t closed_by(const struct stack *stack, enum label_bracket kind)
{
    static const int strength[LABEL_BRACKETS] = {1, 1, 2, 0};
    size_t open = stack->top[kind];
    for (int other = 0; other < LABEL_BRACKETS; other++)
        if (strength[other] > strength[kind] && stack->top[other] > open)
            return 0;
    return open;
}

/* Whether < or > is an operator or part of one: a < b, <=, <<, ->. */
static bool is_operator(const struct label_marks *marks, size_t t)
{
    int32_t before = label_point(marks, t - 1), after = label_point(marks, t + 1);
    switch (marks->points[t]) {
    case '<':
        return after == '=' || after == '<' || after == '-' || before == '<' ||
               label_has(marks, t + 1, ON_SPACE);
    case '>':
        return before == '-' || before == '=' || label_has(marks, t - 1, ON_SPACE);
    default:
        return false;
    }
}

static void mark_depths(struct label_marks *marks)
{
    int depth[LABEL_BRACKETS] = {0};
    uint32_t set = 0;
    for (size_t t = 0; t < marks->length; t++) {
        bool opens;
        if (marks->steps[t] != 0) {
            enum label_bracket kind = label_bracket_of(marks->points[t], &opens);
            depth[kind] += marks->steps[t];
            const uint32_t mark = (uint32_t)ON_ROUND << kind;
            set = depth[kind] > 0 ? set | mark : set & ~mark;
        }
        marks->sets[t] |= set;
    }
}

int label_mark_brackets(struct label_marks *marks)
{
    struct stack stack = {0};
    size_t count[LABEL_BRACKETS] = {0}, paired[LABEL_BRACKETS] = {0};
    for (size_t i = 0; i < marks->num_lines; i++) {
        const struct label_line *line = &marks->lines[i];
        while (label_is_blank(line) && stack.count > stack.top[CURLY])
            pop(&stack);
        for (size_t t = line->text; t < line->end; t++) {
            bool opens;
            size_t open;
            enum label_bracket kind = label_bracket_of(marks->points[t], &opens);
            if (kind == LABEL_BRACKETS || is_operator(marks, t))
                continue;
            count[kind]++;
            if (opens && push(&stack, t, kind) != 0) {
                free(stack.list);
                return -1;
            }
            if (opens || (open = closed_by(&stack, kind)) == 0)
                continue;
            while (stack.count > open)
                pop(&stack);
            marks->steps[pop(&stack)] = 1;
            marks->steps[t] = -1;
            paired[kind] += 2;
        }
    }
    free(stack.list);
    for (int kind = 0; kind < LABEL_BRACKETS; kind++)
        label_check(marks, (uint32_t)ON_ROUND << kind, paired[kind], count[kind]);
    mark_depths(marks);
    return 0;
}
