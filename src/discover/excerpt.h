/* An excerpt of a range of characters: all of it, or as many blocks as are wanted, evenly spaced.
 */
#ifndef RUNE_EXCERPT_H
#define RUNE_EXCERPT_H

#include <stddef.h>

#include "trace.h"

struct excerpt {
    size_t blocks, kept; /* of the range, and of the excerpt */
    size_t count;        /* characters of the excerpt */
};

/* Of `length` characters, at most `most` (a multiple of TRACE_BLOCK). */
static inline struct excerpt excerpt_of(size_t length, size_t most)
{
    if (length <= most)
        return (struct excerpt){1, 1, length};
    return (struct excerpt){length / TRACE_BLOCK, most / TRACE_BLOCK, most};
}

/* Where its character t is in the range. */
static inline size_t excerpt_position(const struct excerpt *excerpt, size_t t)
{
    const size_t block = t / TRACE_BLOCK * excerpt->blocks / excerpt->kept;
    return block * TRACE_BLOCK + t % TRACE_BLOCK;
}

#endif
