/* A part of a text: all of it, or as many blocks as are wanted, evenly chosen. */
#ifndef RUNE_STRETCH_H
#define RUNE_STRETCH_H

#include <stddef.h>

#include "trace.h"

struct stretch {
    size_t start; /* in the text */
    size_t blocks, kept;
    size_t count; /* characters that are kept */
};

/* Of the characters [start, end), at most `most` (a multiple of TRACE_BLOCK). */
static inline struct stretch stretch_of(size_t start, size_t end, size_t most)
{
    const size_t length = end - start;
    if (length <= most)
        return (struct stretch){start, 1, 1, length};
    return (struct stretch){start, length / TRACE_BLOCK, most / TRACE_BLOCK, most};
}

/* Where its character t is in the text. */
static inline size_t stretch_place(const struct stretch *stretch, size_t t)
{
    const size_t block = t / TRACE_BLOCK * stretch->blocks / stretch->kept;
    return stretch->start + block * TRACE_BLOCK + t % TRACE_BLOCK;
}

/* The values of a signal there: out[count]. */
static inline void stretch_read(const struct stretch *stretch, const struct trace *trace,
                                size_t signal, float *out)
{
    for (size_t t = 0; t < stretch->count; t += TRACE_BLOCK) {
        const size_t left = stretch->count - t, n = left < TRACE_BLOCK ? left : TRACE_BLOCK;
        trace_read(trace, signal, stretch_place(stretch, t), n, out + t);
    }
}

/* Those of an array over the text. */
static inline void stretch_floats(const struct stretch *stretch, const float *values, float *out)
{
    for (size_t t = 0; t < stretch->count; t++)
        out[t] = values[stretch_place(stretch, t)];
}

#endif
