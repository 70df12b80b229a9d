/* A trace: what a probe saw while the network read a text. */
#ifndef RUNE_TRACE_H
#define RUNE_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "spool.h"
#include "vocab.h"

#define TRACE_IN_MEMORY ((size_t)64 << 20) /* bytes of a trace beyond which it is in a file */
#define TRACE_GUESSES 5
#define TRACE_BLOCK 256 /* characters whose values of one signal stand side by side */

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
 * text all arrays are in a file without a name, so that memory does not grow with it: who walks
 * through them by their pointers drops what is behind (trace_drop). */
struct trace {
    const struct vocab *vocab;     /* not owned */
    const char *model, *text;      /* names for titles; not owned */
    const char *cell;              /* "lstm", … */
    int num_layers, hidden_size;   /* of the model */
    int num_quantities;            /* of the cell */
    const char *const *quantities; /* names in the cell's order: "h", "c", "i", "f", "g", "o" */
    size_t length;                 /* characters */
    int32_t *ids;                  /* [length] symbols; VOCAB_NONE never */
    float *losses;                 /* [length] nats: −log p(x_t | x_<t) */
    int32_t *ranks; /* [length] of x_t among the symbols by p(· | x_<t); 1: likeliest */
    struct trace_guess *guesses;  /* [length][TRACE_GUESSES] most likely first */
    size_t num_signals;           /* S: those that were kept */
    struct trace_signal *signals; /* [S] */
    float *values;                /* [blocks][S][TRACE_BLOCK]: see trace_place */
    struct spool spool;           /* where they all are, but for the signals */
};

/* Fills a zeroed trace's arrays for `length` characters and `num_signals` signals (copied); the
 * caller fills the rest. A large trace goes to a file beside the path `spool`; with NULL all is in
 * memory. Returns 0, or −1 and a message that names the bytes wanted. */
int trace_init(struct trace *trace, size_t length, const struct trace_signal *signals,
               size_t num_signals, const char *spool);

void trace_release(struct trace *trace);

/* Where the value of a signal after character t stands; those of the next characters stand behind
 * it, up to the next multiple of TRACE_BLOCK. */
static inline float *trace_place(const struct trace *trace, size_t signal, size_t t)
{
    return trace->values + (t / TRACE_BLOCK * trace->num_signals + signal) * TRACE_BLOCK +
           t % TRACE_BLOCK;
}

/* The characters [start, start + count) are done with for now: of a trace in a file nothing of them
 * stays in memory, all of it in the file. */
void trace_drop(const struct trace *trace, size_t start, size_t count);

/* Copies the values of a signal after the characters [start, start + count) to out[count]. Nothing
 * of them is left in memory. */
void trace_read(const struct trace *trace, size_t signal, size_t start, size_t count, float *out);

/* The index of a signal; num_signals if it was not kept. */
size_t trace_find(const struct trace *trace, struct trace_signal signal);

/* The ends of a signal's colour scale; never 0: the largest finite |value|, but at most a fifth
 * more than the |value| that 99 % of the characters stay within, so that a few outliers do not take
 * the colour from all others. */
float trace_range(const struct trace *trace, size_t signal);

/* The signals whose values vary most over the text (standard deviation over range, so that large
 * cell states do not win by size), most varying first: writes min(count, S) indices, returns how
 * many. −1 and a message if there is no memory. */
int trace_most_varying(const struct trace *trace, size_t count, size_t *signals);

/* "h 1:37": how a signal is called everywhere. Returns out. */
char *trace_signal_name(const struct trace *trace, size_t signal, char *out, size_t size);

/* Mean loss over the text, in nats per character. */
double trace_mean_loss(const struct trace *trace);

#endif
