#include "label_marks.h"

/* Marks of one family open and close quotes with each other. */
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

/* What a mark may do, seen from what stands beside it. */
struct role {
    enum family family;
    bool opens, closes;
};

struct quotes {
    struct label_marks *marks;
    struct {
        bool open;
        size_t at; /* since here */
    } families[FAMILIES];
    size_t count[2], paired[2]; /* of double and single ones */
};

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

/* " and ', which look alike on both sides. Where both sides would do, it closes what is open. */
static struct role straight(const struct label_marks *marks, size_t t, enum family family)
{
    struct role role = {family, !label_is_parted(marks, t + 1), !label_is_parted(marks, t - 1)};
    if (family == STRAIGHT_SINGLE) { /* an apostrophe has a letter on either side */
        role.opens = role.opens && !is_in_word(marks, t - 1);
        role.closes = role.closes && !is_in_word(marks, t + 1);
    }
    return role;
}

/* “ opens, but closes „; ” closes, but opens where it is the only one (”so”). ’ is an apostrophe,
 * too: it counts only where it may close something. */
static struct role curled(const struct quotes *quotes, size_t t, enum family family)
{
    const struct label_marks *marks = quotes->marks;
    bool open = quotes->families[family].open;
    int32_t point = marks->points[t];
    int32_t opened = open ? marks->points[quotes->families[family].at] : 0;
    struct role role = {family, true, false};
    switch (point) {
    case 0x201C:
    case 0x2018:
        role.closes = opened == 0x201E || opened == 0x201A;
        break;
    case 0x201D:
        role.opens = label_is_parted(marks, t - 1) && !label_is_parted(marks, t + 1);
        role.closes = !role.opens;
        break;
    case 0x2019:
        role.opens = false;
        role.closes = open && !is_in_word(marks, t + 1);
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

static void close_quote(struct quotes *quotes, enum family family, size_t end)
{
    bool single = family >= STRAIGHT_SINGLE;
    label_fill(quotes->marks, quotes->families[family].at, end,
               single ? ON_SINGLE_QUOTES : ON_QUOTES);
    quotes->families[family].open = false;
    quotes->paired[single]++;
}

static void read_mark(struct quotes *quotes, size_t t)
{
    struct role role = role_at(quotes, t);
    if (!role.opens && !role.closes)
        return;
    bool single = role.family >= STRAIGHT_SINGLE;
    quotes->count[single]++;
    if (role.closes && quotes->families[role.family].open) {
        close_quote(quotes, role.family, t);
        quotes->paired[single]++;
    } else if (role.opens) { /* what is open is a stray mark */
        quotes->families[role.family].open = true;
        quotes->families[role.family].at = t;
    }
}

/* At the end of a paragraph what is open is a stray mark, unless the next one begins with the same:
 * so it is printed where a speech goes on. */
static void end_paragraph(struct quotes *quotes, size_t end, int32_t next)
{
    for (int family = 0; family < FAMILIES; family++) {
        if (!quotes->families[family].open)
            continue;
        if (quotes->marks->points[quotes->families[family].at] == next)
            close_quote(quotes, (enum family)family, end);
        quotes->families[family].open = false;
    }
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
