/* Encoding: a text and a vocabulary become ids, whatever the vocabulary lacks. */
#ifndef RUNE_ENCODE_H
#define RUNE_ENCODE_H

#include <stddef.h>
#include <stdint.h>

#include "temp_mapping.h"
#include "vocab.h"

/* What to do with a symbol that is not in the vocabulary; where the vocabulary has an unknown
 * symbol it becomes that. */
enum encode_unknown {
    ENCODE_ERROR,   /* the message names it, its offset, and the option that would accept it */
    ENCODE_SKIP,    /* leave it out */
    ENCODE_REPLACE, /* put the most similar symbol that exists: its simple lower or upper case, then
                       its base letter in either case, then '?', then a space, else leave it out */
};

/* "error", "skip", "replace", NULL */
extern const char *const encode_unknown_names[];

/* How a text is encoded. */
struct encode_options {
    enum encode_unknown on_unknown;
    const char *option; /* that chooses another, such as "--on-unknown skip"; NULL: none */
};

/* Encodes a text held in memory, called `name` in messages. *ids is the caller's, to free(); *count
 * how many; *num_unknown (may be NULL) how many symbols were not in the vocabulary. Returns 0, or
 * −1 and a message. */
int encode_text(const struct vocab *vocab, const char *name, const uint8_t *text, size_t length,
                const struct encode_options *options, int32_t **ids, size_t *count,
                size_t *num_unknown);

/* The same for a file of any length ("-": stdin). Its ids grow a mapping that temp_mapping_init
 * filled with 0 bytes; its size may then be larger than *count int32_t. Returns 0, or −1 and a
 * message. */
int encode_file(const struct vocab *vocab, const char *path, const struct encode_options *options,
                struct temp_mapping *ids, size_t *count, size_t *num_unknown);

#endif
