/* The vocabulary: the distinct symbols of a text, in byte order, and their ids. */
#ifndef RUNE_VOCAB_H
#define RUNE_VOCAB_H

#include <stddef.h>
#include <stdint.h>

#include "segmenter.h"
#include "utf8.h"

#define VOCAB_NONE (-1) /* no symbol: before the first character, or not in the vocabulary */

struct vocab {
    struct text_treatment treatment; /* of every text; its encoding is NULL */
    int size;                        /* V: number of symbols, the unknown one included */
    int unknown;                     /* id of the unknown symbol, or VOCAB_NONE if there is none */
    struct vocab_symbol *symbols;    /* [V]; the unknown symbol is U+FFFD */
    /* private to vocab.c */
    uint8_t *storage;  /* bytes of all symbols */
    int32_t *by_point; /* [num_points] id of each code point or byte, or VOCAB_NONE */
    size_t num_points;
    int32_t *by_cluster; /* [num_slots] hash table: ids of symbols of several code points */
    size_t num_slots;
};

/* Counts the symbols of a text, from which a vocabulary is made. */
struct vocab_counter;

struct vocab_counter *vocab_counter_new(enum vocab_unit unit);
void vocab_counter_free(struct vocab_counter *counter);

/* Counts the symbols of a run. Returns 0, or −1 and a message. */
int vocab_counter_add(struct vocab_counter *counter, const struct segmenter_run *run);

/* Fills a zeroed vocabulary with the symbols that occur at least min_count times, in byte order.
 * The counter was made for the unit of the treatment, whose encoding the vocabulary does not keep.
 * With min_count > 1, an unknown symbol of id V − 1 stands for the others. Errors are a text of a
 * single distinct symbol, and one in which no symbol occurs so often. Returns 0, or −1 and a
 * message. */
int vocab_from_counts(struct vocab *vocab, const struct vocab_counter *counter, uint64_t min_count,
                      const struct text_treatment *treatment);

/* Fills a zeroed vocabulary with a copy of the given symbols, in the order of their ids. `unknown`
 * is an id or VOCAB_NONE. Errors are empty and repeated symbols, and symbols that are not one byte
 * or code point if that is the unit. Clusters are not checked, as they depend on the version of
 * Unicode. Returns 0, or −1 and a message. */
int vocab_from_symbols(struct vocab *vocab, const struct text_treatment *treatment,
                       const struct vocab_symbol *symbols, int count, int unknown);

/* Safe on a zeroed vocabulary. */
void vocab_release(struct vocab *vocab);

/* The id of a symbol, or VOCAB_NONE if it is not in the vocabulary; never that of the unknown
 * symbol. */
int32_t vocab_find(const struct vocab *vocab, const uint8_t *symbol, size_t length);

/* The same for a symbol of one code point (or one byte, if that is the unit). */
int32_t vocab_find_point(const struct vocab *vocab, int32_t point);

/* The same for each symbol of a run, whose unit is the vocabulary's: fills ids[run->count]. Returns
 * how many are VOCAB_NONE. */
size_t vocab_find_all(const struct vocab *vocab, const struct segmenter_run *run, int32_t *ids);

/* Names in the order of the enums, NULL at the end: "codepoint", "grapheme", "byte"; "none", "nfc",
 * "nfkc"; "keep", "lf". */
extern const char *const vocab_unit_names[], *const vocab_form_names[],
                                                 *const vocab_newlines_names[];

/* The unit, form or treatment of line ends of that name; −1 and a message if there is none. */
int vocab_unit_parse(const char *name);
int vocab_form_parse(const char *name);
int vocab_newlines_parse(const char *name);

/* Describes a symbol for messages: 'a', '\n' (U+000A), U+0301, byte D0, a cluster with its points.
 * Writes at most `capacity` bytes with the NUL, and never part of a character. Returns `out`. */
char *vocab_describe(enum vocab_unit unit, const uint8_t *symbol, size_t length, char *out,
                     size_t capacity);

#endif
