/* How a text opens: where a sample without a prompt begins. */
#ifndef RUNE_OPENING_H
#define RUNE_OPENING_H

#include <stddef.h>
#include <stdint.h>

#include "vocab.h"

struct corpus;

#define OPENING_MAX 8        /* symbols of a break, at most */
#define OPENING_LEARNED 5000 /* starts_seen from which on a model knows how texts start */
#define OPENING_PASSES 50

/* Symbols that separate one stretch of text from the next. */
struct text_break {
    size_t length; /* 0: there are none */
    int32_t ids[OPENING_MAX];
};

struct opening {
    /* Starts of text in the training part. Those with a byte order mark do not count: no sample
     * should begin with one. */
    uint64_t starts;
    uint64_t starts_seen; /* how often the model was trained on a start, see opening_count */
    /* The strongest of empty lines, a line end, the end of a sentence and a space that is frequent
     * in the text. */
    struct text_break usual_break;
};

/* Finds the opening of a training part, the usual break from stretches spread over it; keeps
 * starts_seen. Returns 0, or −1 and a message. */
int opening_find(struct opening *opening, const struct corpus *corpus, const struct vocab *vocab);

/* Sets starts_seen after so many passes over the training part. Each start counts at most
 * OPENING_PASSES times: what a few texts begin with is soon known by heart, and teaches no more. */
void opening_count(struct opening *opening, double passes);

/* The opening of a text of which only the vocabulary is known: its starts are not learned, and
 * breaks are line ends. */
struct opening opening_guess(const struct vocab *vocab);

#endif
