#include "label_code.h"

#include <string.h>

/* Whether an ASCII text stands at t. */
static bool is_at(const struct label_marks *marks, size_t t, const char *text)
{
    size_t i = 0;
    while (text[i] != '\0' && label_point(marks, t + i) == (unsigned char)text[i])
        i++;
    return text[i] == '\0' && t + i <= marks->length;
}

static bool is_ascii_letter(int32_t point)
{
    int32_t lower = point | 0x20;
    return lower >= 'a' && lower <= 'z';
}

static bool is_one_of(int32_t point, const char *list)
{
    return point > 0 && point < 128 && strchr(list, point) != NULL;
}

/* --- the kind of text ------------------------------------------------------------------------- */

/* About one in ten characters of a program is such a sign, and one in two hundred of prose. */
static bool looks_like_code(const struct label_marks *marks)
{
    size_t signs = 0, all = 0;
    for (size_t t = 0; t < marks->length; t++) {
        all += !label_has(marks, t, ON_SPACE);
        signs += is_one_of(marks->points[t], "=_{}()<>&|*+#\\/[]$@");
    }
    return 16 * signs > all;
}

static bool is_hash_line(const struct label_marks *marks, const struct label_line *line)
{
    return label_point(marks, line->text) == '#' &&
           (is_one_of(label_point(marks, line->text + 1), "#!") ||
            label_is_space(marks, line->text + 1));
}

/* Whether # begins comments rather than titles. A blank line follows a title, not a comment. */
static bool has_hash_comments(const struct label_marks *marks)
{
    size_t comments = 0, titles = 0;
    for (size_t i = 0; i < marks->num_lines; i++)
        if (is_hash_line(marks, &marks->lines[i])) {
            if (i + 1 < marks->num_lines && !label_is_blank(&marks->lines[i + 1]))
                comments++;
            else
                titles++;
        }
    return comments > titles;
}

struct label_style label_style_of(const struct label_marks *marks)
{
    struct label_style style = {.code = looks_like_code(marks)};
    bool guillemets = false;
    style.hash_comments = style.code && has_hash_comments(marks);
    for (size_t t = 0; t < marks->length; t++)
        switch (marks->points[t]) {
        case 0xAB: /* « ‹ » ›: the first of the text opens */
        case 0xBB:
        case 0x2039:
        case 0x203A:
            style.outward =
                guillemets ? style.outward : marks->points[t] == 0xBB || marks->points[t] == 0x203A;
            guillemets = true;
            break;
        case '<':
            style.tags =
                style.tags || (is_at(marks, t, "</") && is_ascii_letter(label_point(marks, t + 2)));
            break;
        case '\\':
            style.commands =
                style.commands || is_at(marks, t, "\\begin{") || is_at(marks, t, "\\section{");
            break;
        }
    return style;
}

/* --- comments and strings --------------------------------------------------------------------- */

/* The text that closes what is open. */
struct closer {
    const char *text;
    bool missing; /* it does not occur again, and need not be searched for */
};

/* The start of the next closing text from t on; the text's length if there is none. */
static size_t find_closer(const struct label_marks *marks, size_t t, struct closer *closer)
{
    for (; !closer->missing && t < marks->length; t++)
        if (is_at(marks, t, closer->text))
            return t;
    closer->missing = true;
    return marks->length;
}

static size_t line_end(const struct label_marks *marks, size_t t)
{
    while (t < marks->length && !is_one_of(marks->points[t], "\r\n"))
        t++;
    return t;
}

/* Marks the comment that opens at t with `open`, from the last character of that to before the last
 * of the closer. Returns its end, or t if there is none. */
static size_t read_comment(struct label_marks *marks, size_t t, const char *open,
                           struct closer *closer)
{
    if (!is_at(marks, t, open))
        return t;
    size_t start = t + strlen(open);
    size_t close = find_closer(marks, start, closer);
    if (close == marks->length)
        return t;
    size_t end = close + strlen(closer->text);
    label_fill(marks, start - 1, end - 1, ON_COMMENT);
    return end;
}

/* Marks a comment from t to the end of the line, which it returns. */
static size_t read_line_comment(struct label_marks *marks, size_t t)
{
    size_t end = line_end(marks, t);
    label_fill(marks, t, end, ON_COMMENT);
    return end;
}

/* The quote in the same line that closes the string which opens at t; the text's length if there is
 * none. */
static size_t find_string_end(const struct label_marks *marks, size_t t)
{
    int32_t quote = marks->points[t];
    for (t++; t < marks->length && !is_one_of(marks->points[t], "\r\n"); t++) {
        if (marks->points[t] == quote)
            return t;
        if (marks->points[t] == '\\')
            t++;
    }
    return marks->length;
}

/* Marks the string that opens at t: '…' or "…" in one line, or """…""". Returns where to go on. */
static size_t read_string(struct label_marks *marks, size_t t, struct closer *triple)
{
    bool apostrophe = marks->points[t] == '\'' && t > 0 &&
                      label_has(marks, t - 1, IS_LETTER | IS_COMBINING | ON_DIGIT);
    bool escaped = t > 0 && marks->points[t - 1] == '\\';
    if (apostrophe || escaped)
        return t + 1;
    size_t length = is_at(marks, t, triple->text) ? 3 : 1;
    size_t close = length == 3 ? find_closer(marks, t + 3, triple) : find_string_end(marks, t);
    if (close == marks->length)
        return t + length;
    label_fill(marks, t, close + length - 1, ON_STRING);
    return close + length;
}

/* Whether // at t begins a comment, as it does not in an address or a word. */
static bool is_slash_comment(const struct label_marks *marks, size_t t)
{
    return marks->style.code && is_at(marks, t, "//") &&
           (label_is_space(marks, t - 1) || is_one_of(marks->points[t - 1], ";{}),"));
}

static void mark_comments_and_strings(struct label_marks *marks)
{
    struct closer star = {.text = "*/"}, arrow = {.text = "-->"};
    struct closer triple = {.text = "\"\"\""}, single_triple = {.text = "'''"};
    const struct label_line *line = marks->lines, *last = line + marks->num_lines - 1;
    size_t t = 0;
    while (t < marks->length) {
        size_t end = t;
        while (line < last && line[1].start <= t)
            line++;
        switch (marks->points[t]) {
        case '/':
            end = is_slash_comment(marks, t) ? read_line_comment(marks, t + 1)
                                             : read_comment(marks, t, "/*", &star);
            break;
        case '<':
            end = read_comment(marks, t, "<!--", &arrow);
            break;
        case '#':
            if (marks->style.hash_comments && t == line->text && is_hash_line(marks, line))
                end = read_line_comment(marks, t);
            break;
        case '"':
        case '\'':
            if (marks->style.code)
                end = read_string(marks, t, marks->points[t] == '"' ? &triple : &single_triple);
            break;
        }
        t = end == t ? t + 1 : end;
    }
}

/* --- mark-up ---------------------------------------------------------------------------------- */

/* Marks <name …>, </name>, <!…> and <?…> without another < or a blank line in them. Comments are
 * none. */
static void mark_tags(struct label_marks *marks)
{
    for (size_t i = 0, open = 0; i < marks->num_lines; i++) { /* open: from 1, 0 is none */
        const struct label_line *line = &marks->lines[i];
        if (label_is_blank(line))
            open = 0;
        for (size_t t = line->text; t < line->end; t++) {
            int32_t next = label_point(marks, t + 1);
            if (is_at(marks, t, "<!--"))
                open = 0;
            else if (marks->points[t] == '<')
                open = is_ascii_letter(next) || is_one_of(next, "/!?") ? t + 1 : 0;
            if (marks->points[t] != '>' || open == 0)
                continue;
            if (!label_has(marks, open, ON_COMMENT))
                label_fill(marks, open - 1, t, ON_TAG);
            open = 0;
        }
    }
}

/* Marks \name, and \ with one other sign. */
static void mark_commands(struct label_marks *marks)
{
    for (size_t t = 0; t + 1 < marks->length; t++) {
        size_t end = t + 1;
        if (marks->points[t] != '\\')
            continue;
        while (is_ascii_letter(label_point(marks, end)))
            end++;
        if (end == t + 1 && !label_has(marks, end, ON_SPACE))
            end++;
        label_fill(marks, t, end, ON_COMMAND);
        t = end - 1;
    }
}

/* Marks what is between two runs of equally many backticks in a paragraph. */
static void mark_backticks(struct label_marks *marks)
{
    size_t open = 0, length = 0, count = 0, paired = 0;
    for (size_t i = 0; i < marks->num_lines; i++) {
        const struct label_line *line = &marks->lines[i];
        if (label_is_blank(line) && length < 3) /* three open a block of any lines */
            length = 0;
        for (size_t t = line->text; t < line->end; t++) {
            size_t start = t;
            if (marks->points[t] != '`')
                continue;
            while (t + 1 < line->end && marks->points[t + 1] == '`')
                t++;
            count++;
            if (length == 0) {
                open = start;
                length = t + 1 - start;
            } else if (length == t + 1 - start) {
                label_fill(marks, open, t, ON_BACKTICKS);
                paired += 2;
                length = 0;
            }
        }
    }
    label_check(marks, ON_BACKTICKS, paired, count);
}

/* The start of the scheme before :// at t; t if there is none. */
static size_t scheme_start(const struct label_marks *marks, size_t t)
{
    size_t start = t;
    while (start > 0 && t - start < 16 && is_ascii_letter(marks->points[start - 1]))
        start--;
    return t - start >= 2 ? start : t;
}

/* Marks scheme://… and www.…, without punctuation at their end. */
static void mark_addresses(struct label_marks *marks)
{
    for (size_t t = 0; t < marks->length; t++) {
        size_t start = t;
        if (is_at(marks, t, "://"))
            start = scheme_start(marks, t);
        else if (!is_at(marks, t, "www.") || (t > 0 && label_has(marks, t - 1, IS_LETTER)))
            continue;
        size_t end = t + 3;
        while (end < marks->length && !label_has(marks, end, ON_SPACE) &&
               !is_one_of(marks->points[end], "<>\"{}|\\^`"))
            end++;
        while (is_one_of(marks->points[end - 1], ".,;:!?)]'*_"))
            end--;
        if (end > t + 3 && (marks->points[t] == 'w' || start < t))
            label_fill(marks, start, end, ON_URL);
        t = end > t ? end - 1 : t;
    }
}

void label_mark_code(struct label_marks *marks)
{
    mark_comments_and_strings(marks);
    if (marks->style.tags)
        mark_tags(marks);
    if (marks->style.commands)
        mark_commands(marks);
    mark_backticks(marks);
    mark_addresses(marks);
}
