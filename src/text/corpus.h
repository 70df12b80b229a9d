/* A corpus: one or more texts as ids, each cut into a training and a validation part. Small ones
 * are held in memory; large ones in a file of ids, read piece by piece, so that memory does not
 * grow. */
#ifndef RUNE_CORPUS_H
#define RUNE_CORPUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "vocab.h"

#define CORPUS_IN_MEMORY ((uint64_t)64 << 20) /* bytes of text above which ids go to a file */
#define CORPUS_MIN_VALIDATION 1000            /* characters under which nothing is held out */

/* A stretch of ids without a break: the training or validation part of one file. */
struct corpus_segment {
    uint64_t start, length; /* in ids of the whole corpus; length ≥ 1 */
    uint64_t position;      /* of its first id in the part */
};

/* Segments end to end: position p of a part is the p-th id of its segments. */
struct corpus_part {
    struct corpus_segment *segments;
    size_t num_segments;
    uint64_t length; /* sum of the segments' lengths */
};

struct corpus {
    uint64_t length; /* ids in all */
    uint64_t hash; /* of the bytes of all files and their lengths: tells a change, not an attack */
    struct corpus_part training, validation; /* validation.length is 0 where nothing is held out */
    struct text_notes notes;                 /* sums over the files */
    uint64_t num_unknown;                    /* ids that are the unknown symbol */
    int id_bytes;                            /* 1, 2 or 4: the smallest type that holds V ids */
    void *ids;  /* [length] of that type, or NULL where they are in the file */
    FILE *file; /* of ids, without a name; NULL where they are in memory */
};

struct corpus_options {
    /* paths of regular files; each is read twice (counted, encoded) unless the vocabulary is fixed
     */
    const char *const *files;
    int num_files;
    double val_fraction;   /* of each file, its end: 0 (nothing) ≤ fraction < 1 */
    const char *temp_path; /* ids of a large corpus go to a file beside this path, without a name */
    uint64_t in_memory_max; /* bytes; CORPUS_IN_MEMORY, smaller in tests */
    bool fixed_vocab; /* use the vocabulary as it is: symbols it lacks are an error that names the
                         first ten of them and says how many there are */
    enum vocab_unit unit; /* from here on used only where the vocabulary is to be made */
    enum utf8_form form;
    uint64_t min_count;
    /* called now and then with bytes done of bytes in all (both passes); may be NULL */
    void (*progress)(void *context, uint64_t done, uint64_t total);
    void *context;
};

/* Reads, cuts and encodes the files in blocks. Fills a zeroed corpus and, unless it is fixed, a
 * zeroed vocabulary. An empty file, fewer than 2 symbols in all, and a single distinct symbol where
 * the vocabulary is to be made are errors, and so is it if nothing is left to train on. If the
 * validation parts have under CORPUS_MIN_VALIDATION symbols together, nothing is held out. Returns
 * 0, or −1 and a message with nothing kept. */
int corpus_open(struct corpus *corpus, struct vocab *vocab, const struct corpus_options *options);

/* Safe on a zeroed corpus. */
void corpus_release(struct corpus *corpus);

/* Copies ids [position, position + count) of a part, which must lie in it, to out[count]. Returns
 * 0, or −1 and a message. */
int corpus_read(const struct corpus *corpus, const struct corpus_part *part, uint64_t position,
                size_t count, int32_t *out);

/* The segment in which a position < part->length lies. */
const struct corpus_segment *corpus_segment_at(const struct corpus_part *part, uint64_t position);

/* Fills a zeroed corpus with ids in 0 … vocab_size − 1 (copied), as one training part; for text
 * that is already encoded. Returns 0, or −1 and a message. */
int corpus_from_ids(struct corpus *corpus, const int32_t *ids, size_t count, int vocab_size);

#endif
