#include "guess.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "utf8.h"

#define LONG_PATH 200   /* bytes of a path that are too long for a command in a message */
#define REST_BYTES 4096 /* bytes that tell 8-bit encodings apart */

/* --- kinds of files --------------------------------------------------------------------------- */

struct kind {
    const char *magic;
    size_t offset, length;
    struct guess guess;
};

#define MAGIC(text) .magic = (text), .length = sizeof(text) - 1
#define PACKED(name, command) .guess = {.what = (name), .tool = (command), .binary = true}
#define MEDIA(name) .guess = {.what = (name), .binary = true}

/* The first that fits is taken. */
static const struct kind kinds[] = {
    {MAGIC("\x1F\x8B"), PACKED("gzip data", "zcat")},
    {MAGIC("BZh"), PACKED("bzip2 data", "bzcat")},
    {MAGIC("\xFD"
           "7zXZ\0"),
     PACKED("xz data", "xzcat")},
    {MAGIC("\x28\xB5\x2F\xFD"), PACKED("zstd data", "zstdcat")},
    {MAGIC("\x04\x22\x4D\x18"), PACKED("lz4 data", "lz4cat")},
    {MAGIC("mimetypeapplication/epub"), .offset = 30, PACKED("an e-book", "pandoc -t plain")},
    {MAGIC("mimetypeapplication/vnd"), .offset = 30,
     PACKED("an office document", "pandoc -t plain")},
    {MAGIC("[Content_Types].xml"), .offset = 30, PACKED("an office document", "pandoc -t plain")},
    {MAGIC("PK\3\4"), PACKED("a zip archive", "unzip -p")},
    {MAGIC("7z\xBC\xAF\x27\x1C"), PACKED("a 7z archive", "7z e -so")},
    {MAGIC("ustar"), .offset = 257, PACKED("a tar archive", "tar -xOf")},
    {MAGIC("%PDF-"),
     .guess = {.what = "a PDF document", .tool = "pdftotext", .behind = " -", .binary = true}},
    {MAGIC("\xD0\xCF\x11\xE0"), PACKED("an old office document", "catdoc")},
    {MAGIC("\x89PNG"), MEDIA("a picture")},
    {MAGIC("\xFF\xD8\xFF"), MEDIA("a picture")},
    {MAGIC("GIF8"), MEDIA("a picture")},
    {MAGIC("ID3"), MEDIA("sound")},
    {MAGIC("OggS"), MEDIA("sound or video")},
    {MAGIC("RIFF"), MEDIA("sound or video")},
    {MAGIC("\x7F"
           "ELF"),
     MEDIA("a program or a library")},
    {MAGIC("SQLite format 3"), MEDIA("a database")},
    {MAGIC("\xFF\xFE\0\0"), .guess = {.what = "text in UTF-32", .encoding = "UTF-32"}},
    {MAGIC("\0\0\xFE\xFF"), .guess = {.what = "text in UTF-32", .encoding = "UTF-32"}},
    {MAGIC("\xFF\xFE"), .guess = {.what = "text in UTF-16", .encoding = "UTF-16"}},
    {MAGIC("\xFE\xFF"), .guess = {.what = "text in UTF-16", .encoding = "UTF-16"}},
};

static const struct kind *find_kind(const uint8_t *head, size_t length)
{
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (kinds[k].offset + kinds[k].length <= length &&
            memcmp(head + kinds[k].offset, kinds[k].magic, kinds[k].length) == 0)
            return &kinds[k];
    return NULL;
}

/* --- encodings -------------------------------------------------------------------------------- */

/* What a stretch of bytes has. */
struct census {
    size_t zeros;
    size_t controls;    /* that texts do not have, zeros apart */
    size_t valid;       /* characters of several bytes in UTF-8 */
    size_t invalid;     /* bytes that are not UTF-8 */
    size_t high;        /* bytes of 0x80 and above */
    size_t adjacent;    /* those beside another one */
    size_t low_letters; /* those below 0xA0 between two letters of ASCII */
};

static void count_bytes(struct census *census, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        const uint8_t byte = bytes[i], before = i > 0 ? bytes[i - 1] : ' ',
                      after = i + 1 < length ? bytes[i + 1] : ' ';
        census->zeros += byte == 0;
        census->controls += byte > 0 && byte < ' ' && !strchr("\t\n\v\f\r\b\x1A\x1B", byte);
        if (byte < 0x80)
            continue;
        census->high++;
        census->adjacent += before >= 0x80 || after >= 0x80;
        /* 0x92 is the apostrophe of Windows */
        census->low_letters += byte < 0xA0 && byte != 0x92 && isalpha(before) && isalpha(after);
    }
}

static void count_characters(struct census *census, const uint8_t *bytes, size_t length)
{
    for (size_t at = 0; at < length;) {
        int32_t point;
        const int step = utf8_decode(bytes + at, length - at, &point);
        if (step == 0) /* cut off by the end of the stretch */
            break;
        census->valid += step > 1;
        census->invalid += step < 0;
        at += step > 0 ? (size_t)step : 1;
    }
}

/* Whether the bytes at even (0) or odd (1) places can be the high bytes of UTF-16: most of them are
 * those of alphabets, or of Chinese and Japanese characters. In other encodings those at both kinds
 * of places would be alike, and lead bytes are above these. */
static bool are_high_bytes(const uint8_t *bytes, size_t length, size_t place)
{
    size_t alphabets = 0, ideographs = 0, others = 0;
    for (size_t i = 0; i < length; i++)
        if (i % 2 == place) {
            alphabets += bytes[i] < ' ';
            ideographs +=
                bytes[i] == 0x30 || bytes[i] == 0xFF || (bytes[i] >= 0x4E && bytes[i] <= 0x80);
        } else {
            others += bytes[i] < ' ';
        }
    return length >= 4 && (alphabets * 10 > length * 3 || ideographs * 3 > length) &&
           others * 10 < length * 2;
}

struct guess guess_bytes(const uint8_t *head, size_t head_length, const uint8_t *rest,
                         size_t length)
{
    const struct kind *kind = find_kind(head, head_length);
    struct census census = {0};
    length = length < REST_BYTES ? length : REST_BYTES;
    if (kind)
        return kind->guess;
    count_bytes(&census, head, head_length);
    count_bytes(&census, rest, length);
    count_characters(&census, head, head_length);
    count_characters(&census, rest, length);
    const bool controls = census.zeros > 0 || census.controls * 50 > head_length + length;
    if (controls && are_high_bytes(head, head_length, 1))
        return (struct guess){.what = "text in UTF-16", .encoding = "UTF-16LE"};
    if (controls && are_high_bytes(head, head_length, 0))
        return (struct guess){.what = "text in UTF-16", .encoding = "UTF-16BE"};
    if (controls)
        return (struct guess){.what = "binary data", .binary = true};
    if (census.valid > 2 * census.invalid)
        return (struct guess){.what = "UTF-8 that is damaged there",
                              .tool = "iconv -c -f UTF-8 -t UTF-8"};
    if (census.high > 3 && census.adjacent * 2 > census.high)
        return (struct guess){.what = "text in another encoding, such as GB18030, SHIFT_JIS, "
                                      "EUC-KR, KOI8-R or WINDOWS-1251",
                              .encoding = "NAME"};
    if (census.low_letters * 2 > census.high)
        return (struct guess){.what = "text from DOS (CP850) or an old Macintosh (MACINTOSH)",
                              .encoding = "CP850"};
    return (struct guess){.what =
                              "text in an 8-bit encoding, such as Windows-1252 (Western Europe)",
                          .encoding = "WINDOWS-1252"};
}

/* --- the message ------------------------------------------------------------------------------ */

/* Writes path[0..length) and `end` as one word for a shell. */
static void quote(const char *path, size_t length, const char *end, char *out, size_t room)
{
    size_t used = 0;
    bool plain = length > 0 && path[0] != '-';
    for (size_t i = 0; i < length; i++)
        plain = plain && (isalnum((unsigned char)path[i]) || strchr("_./+,:@-", path[i]) ||
                          (path[i] & 0x80));
    const char *open = plain ? "" : path[0] == '-' ? "./'" : "'";
    used += (size_t)snprintf(out, room, "%s", open);
    for (size_t i = 0; i < length && used + 5 < room; i++)
        used +=
            (size_t)snprintf(out + used, room - used, path[i] == '\'' ? "'\\''" : "%c", path[i]);
    if (used < room)
        snprintf(out + used, room - used, "%s%s", end, plain ? "" : "'");
}

/* The length of a path without the extension of its name, and that of the extension. */
static size_t stem_of(const char *path, size_t *extension)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    const size_t length = strlen(path), stem = dot && dot > name ? (size_t)(dot - path) : length;
    *extension = length - stem;
    return stem;
}

static void describe_file(const struct guess *guess, const char *path, char *out, size_t room)
{
    char from[300], to[300], end[64];
    size_t extension;
    if (strlen(path) > LONG_PATH)
        path = "FILE";
    const size_t stem = stem_of(path, &extension);
    const char *dot = path + stem;
    quote(path, stem + extension, "", from, sizeof from);
    if (guess->encoding) {
        snprintf(end, sizeof end, "-utf8%.40s", dot);
        quote(path, stem, end, to, sizeof to);
        snprintf(out, room,
                 "; it seems to be %s: read it with --encoding %s, or convert it with iconv -f %s "
                 "-t UTF-8 %s > %s",
                 guess->what, guess->encoding, guess->encoding, from, to);
    } else if (guess->tool) {
        const bool inner = guess->binary && memchr(path, '.', stem) != NULL; /* x.txt.gz */
        snprintf(end, sizeof end, "%s", guess->binary ? inner ? "" : ".txt" : "-utf8");
        if (!guess->binary)
            snprintf(end, sizeof end, "-utf8%.40s", dot);
        quote(path, stem, end, to, sizeof to);
        snprintf(out, room, "; it seems to be %s: %s with %s %s%s > %s", guess->what,
                 guess->binary ? "get its text" : "mend it", guess->tool, from,
                 guess->behind ? guess->behind : "", to);
    } else
        snprintf(out, room, "; it seems to be %s, not a text", guess->what);
}

static void describe_stdin(const struct guess *guess, char *out, size_t room)
{
    const char *tool =
        guess->tool && strchr(guess->tool, ' ') && guess->binary ? NULL : guess->tool;
    if (guess->encoding)
        snprintf(out, room,
                 "; it seems to be %s: read it with --encoding %s, or pipe it through iconv -f %s "
                 "-t UTF-8",
                 guess->what, guess->encoding, guess->encoding);
    else if (tool)
        snprintf(out, room, "; it seems to be %s: pipe it through %s%s%s", guess->what, tool,
                 guess->behind ? " -" : "", guess->behind ? guess->behind : "");
    else
        snprintf(out, room, "; it seems to be %s, not a text", guess->what);
}

void guess_describe(const struct guess *guess, const char *path, char *out, size_t room)
{
    if (strcmp(path, "-") == 0)
        describe_stdin(guess, out, room);
    else
        describe_file(guess, path, out, room);
}
