/* Encoding of text as ids of a vocabulary, which may lack some of its symbols. */
#ifndef RUNE_ENCODE_H
#define RUNE_ENCODE_H

#include <stddef.h>
#include <stdint.h>

#include "temp_mapping.h"
#include "vocab.h"

/* What to do with a symbol that is not in the vocabulary. A vocabulary with an unknown symbol
 * encodes it as that one instead. */
enum encode_unknown {
    ENCODE_ERROR,   /* the message names the symbol, its offset and `option` */
    ENCODE_SKIP,    /* leave it out */
    ENCODE_REPLACE, /* use the most similar symbol of the vocabulary: its lower or upper case, its
                       base letter in either case, '?', or a space; else leave it out */
};

/* "error", "skip", "replace", NULL */
extern const char *const encode_unknown_names[];

/* How a text is encoded. */
struct encode_options {
    enum encode_unknown on_unknown;
    const char *option;   /* named in the message, such as "--on-unknown skip"; NULL: none */
    const char *encoding; /* of a file, see struct text_treatment */
};

/* The id that takes the place of the i-th symbol of a run, which the vocabulary lacks, or
 * VOCAB_NONE to leave it out. With ENCODE_ERROR the vocabulary has an unknown symbol. */
int32_t encode_missing(const struct vocab *vocab, enum encode_unknown on_unknown,
                       const struct segmenter_run *run, size_t i);

/* Encodes a text in memory, called `name` in messages, as *count ids, which the caller frees.
 * *num_unknown (may be NULL) is how many symbols were not in the vocabulary. Returns 0, or −1 and a
 * message. */
int encode_text(const struct vocab *vocab, const char *name, const uint8_t *text, size_t length,
                const struct encode_options *options, int32_t **ids, size_t *count,
                size_t *num_unknown);

/* The same for a file of any length ("-": stdin). `ids` comes from temp_mapping_init with size 0;
 * its size may exceed *count int32_t afterwards. Returns 0, or −1 and a message. */
int encode_file(const struct vocab *vocab, const char *path, const struct encode_options *options,
                struct temp_mapping *ids, size_t *count, size_t *num_unknown);

#endif
