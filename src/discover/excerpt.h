/* A part of a text: all of it, or as many blocks as are wanted, evenly chosen. */
#ifndef RUNE_EXCERPT_H
#define RUNE_EXCERPT_H

#include <stddef.h>

#include "trace.h"

struct excerpt {
    size_t start; /* in the text */
    size_t blocks, kept;
    size_t count; /* characters that are kept */
};

/* Of the characters [start, end), at most `most` (a multiple of TRACE_BLOCK). */
static inline struct excerpt excerpt_of(size_t start, size_t end, size_t most)
{
    const size_t length = end - start;
    if (length <= most)
        return (struct excerpt){start, 1, 1, length};
    return (struct excerpt){start, length / TRACE_BLOCK, most / TRACE_BLOCK, most};
}

/* Where its character t is in the text. */
static inline size_t excerpt_position(const struct excerpt *excerpt, size_t t)
{
    const size_t block = t / TRACE_BLOCK * excerpt->blocks / excerpt->kept;
    return excerpt->start + block * TRACE_BLOCK + t % TRACE_BLOCK;
}

/* The values of a signal there: out[count]. */
static inline void excerpt_signal(const struct excerpt *excerpt, const struct trace *trace,
                                  size_t signal, float *out)
{
    for (size_t t = 0; t < excerpt->count; t += TRACE_BLOCK) {
        const size_t left = excerpt->count - t, n = left < TRACE_BLOCK ? left : TRACE_BLOCK;
        trace_read(trace, signal, excerpt_position(excerpt, t), n, out + t);
    }
}

/* Those of an array over the text. */
static inline void excerpt_values(const struct excerpt *excerpt, const float *values, float *out)
{
    for (size_t t = 0; t < excerpt->count; t++)
        out[t] = values[excerpt_position(excerpt, t)];
}

#endif
