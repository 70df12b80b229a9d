/* One message per thread: set by the function that fails, read by whoever reports it. */
#ifndef RUNE_ERROR_H
#define RUNE_ERROR_H

#include <stdbool.h>

/* Sets the message: one line, what is wrong, where, and what to do. Returns −1, so that a function
 * can end with `return error_set(…)`. */
int error_set(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* error_set where memory is missing: what failed may have been right otherwise. */
int error_set_memory(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool error_is_memory(void); /* whether the message is of error_set_memory */

/* The message last set in this thread; "" if none. Valid until the next error_set. */
const char *error_message(void);

#endif
