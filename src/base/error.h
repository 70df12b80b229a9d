/* One message per thread: set by the function that fails, read by whoever reports it. */
#ifndef RUNE_ERROR_H
#define RUNE_ERROR_H

/* Sets the message: one line, what is wrong, where, and what to do. Returns −1, so that a function
 * can end with `return error_set(…)`. */
int error_set(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The message last set in this thread; "" if none. Valid until the next error_set. */
const char *error_message(void);

#endif
