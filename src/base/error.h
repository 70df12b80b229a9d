/* Error messages, one per thread. The function that fails sets it; the command line prints it. */
#ifndef RUNE_ERROR_H
#define RUNE_ERROR_H

#include <stdbool.h>

/* Sets the message: one line that says what is wrong, where, and what to do. Returns −1, so that a
 * function can end with `return error_set(…)`. */
int error_set(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same where memory is missing: the request may be right. */
int error_set_memory(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool error_is_memory(void); /* whether error_set_memory set the message */

/* The last message of this thread, "" if there is none. Valid until the next error_set. */
const char *error_message(void);

#endif
