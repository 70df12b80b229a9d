/* Escapes in texts that are typed: \n \r \t \\ \xHH \uHHHH \UHHHHHHHH. */
#ifndef RUNE_ESCAPES_H
#define RUNE_ESCAPES_H

#include <stddef.h>

/* Decodes the escapes of text[0..*length) in place and sets the new *length. \xHH is a byte, the
 * others are characters in UTF-8. Returns 0, or −1 and a message that begins with `name`. */
int escapes_decode(const char *name, char *text, size_t *length);

#endif
