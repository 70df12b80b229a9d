#include "say.h"

#include <ctype.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "glyph.h"

#define LINE_ROOM 8192 /* bytes: two paths and more */

static void put(const char *format, va_list args)
{
    char line[LINE_ROOM], shown[GLYPH_SAFE_ROOM];
    int32_t point;
    vsnprintf(line, sizeof line, format, args);
    const size_t length = strlen(line);
    for (size_t at = 0; at < length;) {
        const bool cut = utf8_decode((const uint8_t *)line + at, length - at, &point) == 0;
        at += cut ? length - at : glyph_safe(line + at, length - at, shown);
        fputs(cut ? "…" : shown, stderr);
    }
}

void say_part(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put(format, args);
    va_end(args);
}

void say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put(format, args);
    va_end(args);
    fputc('\n', stderr);
}

void say_text(FILE *out, const void *text, size_t length)
{
    const char *const bytes = text;
    char shown[GLYPH_SAFE_ROOM];
    for (size_t at = 0, step; at < length; at += step) {
        const bool ends_line =
            bytes[at] == '\n' || (bytes[at] == '\r' && at + 1 < length && bytes[at + 1] == '\n');
        step = glyph_safe(bytes + at, length - at, shown);
        if (ends_line || bytes[at] == '\t')
            fputc(bytes[at], out);
        else
            fputs(shown, out);
    }
}

/* --- quoting for a shell ---------------------------------------------------------------------- */

/* Whether a shell reads the character literally. */
static bool is_plain(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("_./-+,:@", c));
}

/* Whether no character needs escaping on a terminal. */
static bool is_safe(const char *path)
{
    char shown[GLYPH_SAFE_ROOM];
    for (size_t step; *path; path += step) {
        step = glyph_safe(path, strlen(path), shown);
        if (strlen(shown) != step || memcmp(shown, path, step) != 0)
            return false;
    }
    return true;
}

/* In single quotes; a quote itself is escaped outside of them. */
static void put_quoted(const char *path)
{
    fputc('\'', stderr);
    for (; *path; path++)
        if (*path == '\'')
            fputs("'\\''", stderr);
        else
            fputc(*path, stderr);
    fputc('\'', stderr);
}

/* As a printf with octal escapes. The shell drops newlines at the end of its output, so these
 * follow it. */
static void put_octal(const char *path)
{
    const char *end = path + strlen(path);
    while (end > path && end[-1] == '\n')
        end--;
    fputs("\"$(printf '", stderr);
    for (; path < end; path++)
        fprintf(stderr, is_plain(*path) ? "%c" : "\\%03o", (unsigned char)*path);
    fprintf(stderr, "')%s\"", end);
}

static void put_path(const char *path)
{
    size_t plain = 0;
    while (is_plain(path[plain]) || (path[plain] & 0x80))
        plain++;
    fputs(path[0] == '-' ? "./" : "", stderr); /* so that it is not read as an option */
    if (!is_safe(path))
        put_octal(path);
    else if (path[plain] || plain == 0)
        put_quoted(path);
    else
        fputs(path, stderr);
}

void say_path(const char *path)
{
    fputc(' ', stderr);
    put_path(path);
}

/* --- the program ------------------------------------------------------------------------------ */

static const char *program = "rune";

void say_set_program(const char *called)
{
    program = called && called[0] ? called : program;
}

/* Whether a shell finds the file by its name alone. */
static bool is_in_path(const char *path, const char *name)
{
    struct stat file, found;
    char candidate[PATH_MAX];
    const char *at = getenv("PATH");
    if (!at || stat(path, &file) != 0)
        return false;
    for (size_t length;; at += length + 1) {
        length = strcspn(at, ":");
        snprintf(candidate, sizeof candidate, "%.*s%s/%s", (int)length, at, length > 0 ? "" : ".",
                 name);
        if (access(candidate, X_OK) == 0 && stat(candidate, &found) == 0 && S_ISREG(found.st_mode))
            return found.st_dev == file.st_dev && found.st_ino == file.st_ino;
        if (!at[length])
            return false;
    }
}

void say_program(void)
{
    const char *const slash = strrchr(program, '/'), *const name = slash ? slash + 1 : program;
    put_path(slash && is_in_path(program, name) ? name : program);
}
