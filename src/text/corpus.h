/* A corpus: one or more texts as ids, each divided into a training and a validation part. The ids
 * of a small corpus are in memory, those of a large one in a temporary file that is read in
 * pieces. */
#ifndef RUNE_CORPUS_H
#define RUNE_CORPUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "encode.h"
#include "vocab.h"

#define CORPUS_IN_MEMORY ((uint64_t)64 << 20) /* bytes of text above which ids go to a file */
#define CORPUS_MIN_VALIDATION 1000            /* a smaller part is held out only if required */

/* A contiguous range of ids: the training or validation part of one file. */
struct corpus_segment {
    uint64_t start, length; /* in ids of the corpus; length ≥ 1 */
    uint64_t position;      /* position of its first id in the part */
};

/* A sequence of segments. Position p of a part is the p-th id of its segments. */
struct corpus_part {
    struct corpus_segment *segments;
    size_t num_segments;
    uint64_t length; /* sum of the segments' lengths */
};

struct corpus {
    uint64_t length;  /* number of ids */
    uint64_t hash;    /* of the bytes and lengths of all files; not cryptographic */
    uint64_t *hashes; /* [num_files] the same of the files up to each one */
    struct corpus_part training, validation; /* validation.length is 0 if nothing is held out */
    struct text_notes notes;                 /* sums over all files */
    uint64_t num_unknown;                    /* number of symbols that the vocabulary lacks */
    int id_bytes;                            /* 1, 2 or 4: the smallest type that holds V ids */
    void *ids;  /* [length] of that type; NULL if they are in the file */
    FILE *file; /* the temporary file; NULL if the ids are in memory */
};

struct corpus_options {
    /* Paths of regular files. Each is read twice, to count symbols and to encode, or once if the
     * vocabulary is fixed. */
    const char *const *files;
    const char *const *names; /* what messages call them; NULL: their paths */
    int num_files;
    double val_fraction; /* held out at the end of each file; 0 ≤ fraction < 1 */
    bool val_required; /* hold the fraction out, however little it is; nothing at all is an error */
    const char *temp_path;           /* the temporary file is made in the directory of this path */
    uint64_t in_memory_max;          /* bytes; CORPUS_IN_MEMORY except in tests */
    struct text_treatment treatment; /* only its encoding is used if the vocabulary is fixed */
    uint64_t min_count;              /* not used then */
    /* Use the given vocabulary. Symbols that it lacks are its unknown symbol if it has one, and
     * otherwise left out, replaced, or an error that names the first ten and says how many there
     * are. */
    bool fixed_vocab;
    enum encode_unknown on_unknown;
    const char *option; /* named in that error, such as "--on-unknown skip"; NULL: none */
    /* Called after each block with bytes done and bytes in all, of both passes. May be NULL. */
    void (*progress)(void *context, uint64_t done, uint64_t total);
    void *context;
};

/* Reads and encodes the files. Fills a zeroed corpus and, unless it is fixed, a zeroed vocabulary.
 * If the validation parts together have fewer than CORPUS_MIN_VALIDATION symbols, nothing is held
 * out unless it is required. Errors are an empty file, fewer than 2 symbols, a new vocabulary of a
 * single symbol, and an empty training part. Returns 0, or −1 and a message with both left zeroed.
 */
int corpus_open(struct corpus *corpus, struct vocab *vocab, const struct corpus_options *options);

/* Safe on a zeroed corpus. */
void corpus_release(struct corpus *corpus);

/* Copies ids [position, position + count) of a part to out[count]; the range must be within the
 * part. Returns 0, or −1 and a message. */
int corpus_read(const struct corpus *corpus, const struct corpus_part *part, uint64_t position,
                size_t count, int32_t *out);

/* The segment that contains a position < part->length. */
const struct corpus_segment *corpus_segment_at(const struct corpus_part *part, uint64_t position);

#endif
