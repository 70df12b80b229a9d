#include "label_quotes.h"

/* Families of quotation marks. A mark closes only what one of its family has opened. */
enum family {
    STRAIGHT,
    CURLED,
    GUILLEMETS,
    CORNERS,
    WHITE_CORNERS,
    STRAIGHT_SINGLE, /* the single ones from here on */
    CURLED_SINGLE,
    GUILLEMETS_SINGLE,
    FAMILIES
};

/* What a mark may do, judged by its neighbours. */
struct role {
    enum family family;
    bool opens, closes;
};

#define DEPTH 32 /* of quotes in quotes; beyond it all open ones are taken for stray marks */

/* A quote that is open, since the mark at `at`. */
struct open {
    enum family family;
    size_t at;
};

struct quotes {
    struct label_marks *marks;
    struct open open[DEPTH];
    size_t depth;
    size_t count[2], paired[2]; /* marks of double [0] and single [1] quotes */
};

/* The depth, from 1, of the innermost open quote of a family; 0: none. */
static size_t depth_of(const struct quotes *quotes, enum family family)
{
    size_t depth = quotes->depth;
    while (depth > 0 && quotes->open[depth - 1].family != family)
        depth--;
    return depth;
}

static bool is_in_word(const struct label_marks *marks, size_t t)
{
    return label_has(marks, t, IS_LETTER | IS_COMBINING | ON_DIGIT);
}

static struct role guillemet(const struct label_marks *marks, size_t t, enum family family)
{
    bool left = marks->points[t] == 0xAB || marks->points[t] == 0x2039;
    bool opens = left != marks->style.outward;
    return (struct role){family, opens, !opens};
}

/* " and ', which look the same at both ends. */
static struct role straight(const struct label_marks *marks, size_t t, enum family family)
{
    struct role role = {family, !label_is_space(marks, t + 1), !label_is_space(marks, t - 1)};
    if (family == STRAIGHT_SINGLE) { /* an apostrophe has a letter on either side */
        role.opens = role.opens && !is_in_word(marks, t - 1);
        role.closes = role.closes && !is_in_word(marks, t + 1);
    }
    return role;
}

/* “ opens, but closes „. ” closes, but opens where it is used alone (”so”). ’ may be an apostrophe,
 * and counts only where it can close a quote. */
static struct role curled(const struct quotes *quotes, size_t t, enum family family)
{
    const struct label_marks *marks = quotes->marks;
    size_t depth = depth_of(quotes, family);
    int32_t point = marks->points[t];
    int32_t opened = depth > 0 ? marks->points[quotes->open[depth - 1].at] : 0;
    struct role role = {family, true, false};
    switch (point) {
    case 0x201C:
    case 0x2018:
        role.closes = opened == 0x201E || opened == 0x201A;
        break;
    case 0x201D:
        role.opens = label_is_space(marks, t - 1) && !label_is_space(marks, t + 1);
        role.closes = !role.opens;
        break;
    case 0x2019:
        role.opens = false;
        role.closes = depth > 0 && !is_in_word(marks, t + 1);
        break;
    }
    return role;
}

static struct role role_at(const struct quotes *quotes, size_t t)
{
    int32_t point = quotes->marks->points[t];
    switch (point) {
    case '"':
    case 0xFF02:
        return straight(quotes->marks, t, STRAIGHT);
    case '\'':
        return straight(quotes->marks, t, STRAIGHT_SINGLE);
    case 0x201C:
    case 0x201D:
    case 0x201E:
    case 0x201F:
        return curled(quotes, t, CURLED);
    case 0x2018:
    case 0x2019:
    case 0x201A:
    case 0x201B:
        return curled(quotes, t, CURLED_SINGLE);
    case 0xAB:
    case 0xBB:
        return guillemet(quotes->marks, t, GUILLEMETS);
    case 0x2039:
    case 0x203A:
        return guillemet(quotes->marks, t, GUILLEMETS_SINGLE);
    case 0x300C: /* 「」 */
    case 0x300D:
        return (struct role){CORNERS, point == 0x300C, point == 0x300D};
    case 0x300E: /* 『』 */
    case 0x300F:
        return (struct role){WHITE_CORNERS, point == 0x300E, point == 0x300F};
    default:
        return (struct role){FAMILIES, false, false};
    }
}

/* Closes the quote at that depth. Those inside of it were stray marks. */
static void close_quote(struct quotes *quotes, size_t depth, size_t end)
{
    const struct open *open = &quotes->open[depth - 1];
    bool single = open->family >= STRAIGHT_SINGLE;
    label_fill(quotes->marks, open->at, end, single ? ON_SINGLE_QUOTES : ON_QUOTES);
    quotes->depth = depth - 1;
    quotes->paired[single]++;
}

/* A mark that may close or open closes the innermost quote if that is of its family. One that only
 * opens there shows that the innermost was a stray mark: quotes in quotes are of another family. */
static void read_mark(struct quotes *quotes, size_t t)
{
    struct role role = role_at(quotes, t);
    if (!role.opens && !role.closes)
        return;
    bool single = role.family >= STRAIGHT_SINGLE;
    size_t depth = depth_of(quotes, role.family);
    bool innermost = depth > 0 && depth == quotes->depth;
    quotes->count[single]++;
    if (role.closes && (innermost || (depth > 0 && !role.opens))) {
        close_quote(quotes, depth, t);
        quotes->paired[single]++;
    } else if (role.opens) {
        if (innermost)
            quotes->depth--;
        else if (quotes->depth == DEPTH)
            quotes->depth = 0;
        quotes->open[quotes->depth++] = (struct open){role.family, t};
    }
}

/* At the end of a paragraph open quotes were stray marks, unless the next paragraph begins with the
 * same mark: so a speech of several paragraphs is printed. */
static void end_paragraph(struct quotes *quotes, size_t end, int32_t next)
{
    size_t depth = quotes->depth;
    while (depth > 0 && quotes->marks->points[quotes->open[depth - 1].at] != next)
        depth--;
    if (depth > 0)
        close_quote(quotes, depth, end);
    quotes->depth = 0;
}

void label_mark_quotes(struct label_marks *marks)
{
    struct quotes quotes = {.marks = marks};
    size_t end = 0; /* of the paragraph so far */
    bool blank = false;
    for (size_t i = 0; i < marks->num_lines; i++) {
        const struct label_line *line = &marks->lines[i];
        if (label_is_blank(line)) {
            blank = true;
            continue;
        }
        if (blank)
            end_paragraph(&quotes, end, marks->points[line->text]);
        blank = false;
        for (size_t t = line->text; t < line->end; t++)
            read_mark(&quotes, t);
        end = line->end;
    }
    label_check(marks, ON_QUOTES, quotes.paired[0], quotes.count[0]);
    label_check(marks, ON_SINGLE_QUOTES, quotes.paired[1], quotes.count[1]);
}
