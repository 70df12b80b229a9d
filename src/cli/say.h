/* Output for people. Text from files, file names and models cannot control the terminal: control
 * characters are escaped, as "\x1B" or "U+202E" (see glyph_safe). */
#ifndef RUNE_SAY_H
#define RUNE_SAY_H

#include <stdio.h>

/* Prints one line on stderr, formatted as by printf. Newlines within it are escaped as well. "…"
 * stands for a truncated character at the end. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same without ending the line. */
void say_part(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints a text, in which tabs and line ends (LF, CR LF) are kept. */
void say_text(FILE *out, const void *text, size_t length);

/* Prints a space and a path on stderr, quoted for a POSIX shell: copied from the terminal into a
 * shell, it names the same file. */
void say_path(const char *path);

/* Keeps how the program was called, main's argv[0], which must stay. */
void say_set_program(const char *called);

/* Prints the program as it can be called from the same directory: "rune" where $PATH finds it, else
 * its path as in say_path, but without the space. */
void say_program(void);

#endif
