/* What people read: nothing that comes from a file, its name or a model reaches a terminal as code.
 * A character that a terminal would obey is shown: "\x1B", "U+202E" (glyph_safe() says which). */
#ifndef RUNE_SAY_H
#define RUNE_SAY_H

#include <stdio.h>

/* Prints a line on stderr, as printf makes it. A newline in it is shown, too, so that it is one
 * line; "…" is shown for a character of which the end is cut off. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same without the end of the line. */
void say_part(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints a text in which tabs and line ends (LF and CR LF) are such. */
void say_text(FILE *out, const void *text, size_t length);

/* Prints a space and a path on stderr as a word for a POSIX shell, in quotes where it needs them:
 * what is copied from a terminal into a shell names the same file. */
void say_path(const char *path);

#endif
