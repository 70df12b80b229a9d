/* A trace: what a probe recorded while the network read a text. */
#ifndef RUNE_TRACE_H
#define RUNE_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "temp_mapping.h"
#include "vocab.h"

#define TRACE_IN_MEMORY ((size_t)64 << 20) /* bytes; a larger trace is in a file */
#define TRACE_GUESSES 5
#define TRACE_BLOCK 256 /* characters whose values of one signal are contiguous */

/* One value of one unit. */
struct trace_signal {
    int quantity; /* index into trace.quantities */
    int layer, unit;
};

struct trace_guess {
    int32_t id; /* VOCAB_NONE where the vocabulary has fewer symbols */
    float prob;
};

/* Row t belongs to character x_t: its loss, the state after it, the guesses for x_{t+1}. Of a long
 * text all arrays are mapped from a temporary file, so that memory does not grow with it: whoever
 * reads them by their pointers drops what is done with (trace_drop). */
struct trace {
    const struct vocab *vocab;       /* not owned */
    const char *model, *text;        /* names for titles; not owned */
    const char *cell;                /* "lstm", … */
    int num_layers, hidden_size;     /* of the model */
    int num_quantities;              /* of the cell */
    const char *const *quantities;   /* names in the cell's order: "h", "c", "i", "f", "g", "o" */
    const char *const *descriptions; /* the same in words: "hidden state", "cell state", … */
    size_t length;                   /* characters */
    int32_t *ids;                    /* [length] symbols; VOCAB_NONE never */
    float *losses;                   /* [length] nats: −log p(x_t | x_<t) */
    int32_t *ranks; /* [length] of x_t among the symbols by p(· | x_<t); 1: likeliest */
    struct trace_guess *guesses;  /* [length][TRACE_GUESSES] most likely first */
    size_t num_signals;           /* S: those that were kept */
    struct trace_signal *signals; /* [S] */
    float *values;                /* [blocks][S][TRACE_BLOCK]: see trace_place */
    struct temp_mapping mapping;  /* where they all are, but for the signals */
};

/* Fills a zeroed trace's arrays for `length` characters and `num_signals` signals (copied); the
 * caller fills the rest. A large trace goes to a file beside the path `temp_path`; with NULL all is
 * in memory. Returns 0, or −1 and a message that names the bytes wanted. */
int trace_init(struct trace *trace, size_t length, const struct trace_signal *signals,
               size_t num_signals, const char *temp_path);

void trace_release(struct trace *trace);

/* The value of a signal after character t. Those of the next characters follow it, up to the next
 * multiple of TRACE_BLOCK. */
static inline float *trace_place(const struct trace *trace, size_t signal, size_t t)
{
    return trace->values + (t / TRACE_BLOCK * trace->num_signals + signal) * TRACE_BLOCK +
           t % TRACE_BLOCK;
}

/* Takes the characters [start, start + count) of a trace in a file out of memory, for now. */
void trace_drop(const struct trace *trace, size_t start, size_t count);

/* Copies the values of a signal after the characters [start, start + count) to out[count]. Takes
 * nothing into memory besides. */
void trace_read(const struct trace *trace, size_t signal, size_t start, size_t count, float *out);

/* The range of a signal's colour scale, −range to range; never 0. The largest finite |value|, but
 * at most 1.2 times the 99th percentile, so that a few outliers do not leave all others pale. */
float trace_range(const struct trace *trace, size_t signal);

/* The signals whose values vary most over the text, most varying first: by standard deviation over
 * range, as cell states are larger than others. Writes min(count, S) indices, returns how many. −1
 * and a message if there is no memory. */
int trace_most_varying(const struct trace *trace, size_t count, size_t *signals);

/* "h 1:37", a signal's name everywhere. Returns out. */
char *trace_signal_name(const struct trace *trace, size_t signal, char *out, size_t size);

/* Mean loss over the text, in nats per character. */
double trace_mean_loss(const struct trace *trace);

#endif
