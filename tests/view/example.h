/* A small trace over an awkward text, for the tests of its views, and a directory to write them to.
 */
#ifndef RUNE_EXAMPLE_H
#define RUNE_EXAMPLE_H

#include "view.h"

struct example {
    struct vocab vocab;
    struct inspection inspection; /* a trace and nothing else, but of example_full */
    struct view_options options;  /* shows all, chooses the first three signals; 40 columns */
    size_t *shown;                /* of example_full, whose findings are released with it */
    char directory[64];           /* new and empty */
};

/* Symbols are NUL-terminated, the text is made of them in order, `rounds` times over. Signals: h
 * and c of 2 layers of 3 units. Every failure ends the test. */
void example_init(struct example *example, enum vocab_unit unit, const char *const *symbols,
                  int count, int rounds);

/* Awkward symbols: markup, controls, wide, combining, right to left, separators, a whole element.
 */
void example_awkward(struct example *example, int rounds);

/* A text of `length` characters read by 2 layers of 512 units, with h and c of `units` units, and
 * an invented value for every part of an inspection. */
void example_full(struct example *example, size_t length, int units);

/* Also removes the directory. */
void example_release(struct example *example);

/* The bytes of a file in the directory and a NUL, to free(). */
char *example_read(const struct example *example, const char *name, size_t *length);

#endif
