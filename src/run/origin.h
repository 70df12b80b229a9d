/* Where a model comes from: the text and the options of its training, and how far guessing without
 * a model gets. A run writes it into its model files, always the same for the same training. */
#ifndef RUNE_ORIGIN_H
#define RUNE_ORIGIN_H

#include <stdint.h>

#include "corpus.h"
#include "plan.h"
#include "safetensors.h"

struct origin {
    char *text;                  /* name of the first file; NULL: nothing is known */
    char *init_from;             /* name of the initial model, or NULL */
    char *version;               /* of rune */
    uint64_t num_files, bytes;   /* of the text */
    uint64_t training, held_out; /* characters */
    double unigram_loss;         /* see origin_measure */
    struct plan plan;            /* only the fields of plan_save_fit */
};

/* Fills the sizes of a corpus, and unigram_loss: the mean loss, in nats, of guessing each held-out
 * character (each character, where none is held out) by its frequency in the training part. A
 * symbol that occurs n times in its N characters has p = (n + 1) / (N + V). Returns 0, or −1 and a
 * message. */
int origin_measure(struct origin *origin, const struct corpus *corpus, int vocab_size);

/* Adds it to a model file, with the version of this rune and without the plan, which the caller
 * adds. */
void origin_save(const struct origin *origin, struct safetensors_out *out);

/* Fills a zeroed origin; files of an older rune leave `text` NULL. Returns 0, or −1 and a message.
 */
int origin_load(struct origin *origin, const struct safetensors *in);

/* Seconds of training up to a step of a model, from the log of its run: NAN where that is not
 * beside the model or has no such row. Returns 0, or −1 and a message. */
int origin_seconds(const char *model, uint64_t step, double *seconds);

/* Safe on a zeroed one. */
void origin_release(struct origin *origin);

#endif
