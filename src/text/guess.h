/* What a file that is not UTF-8 seems to be. */
#ifndef RUNE_GUESS_H
#define RUNE_GUESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUESS_HEAD 512 /* bytes of the start of a file that are enough for a guess */

struct guess {
    const char *what;     /* "gzip data"; never NULL */
    const char *encoding; /* the name for --encoding and iconv, if it is a text; else NULL */
    const char *tool; /* the command that writes the text to stdout, in front of the file's name; or
                         NULL */
    const char *behind; /* what follows the file's name in it */
    bool binary;        /* it is no text */
};

/* Guesses from the start of the file, head[0..head_length), and from the bytes rest[0..length) that
 * begin with the first which are not UTF-8. */
struct guess guess_bytes(const uint8_t *head, size_t head_length, const uint8_t *rest,
                         size_t length);

/* Writes a guess about the file at `path` ("-": stdin) as the end of a message: "; it seems to be
 * …: …". */
void guess_describe(const struct guess *guess, const char *path, char *out, size_t room);

#endif
