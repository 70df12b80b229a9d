/* The vocabulary: the distinct symbols of a text, in byte order, and their ids. */
#ifndef RUNE_VOCAB_H
#define RUNE_VOCAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "segmenter.h"
#include "utf8.h"

#define VOCAB_NONE (-1) /* no symbol: before the first character, or not in the vocabulary */

struct vocab {
    enum vocab_unit unit;
    enum utf8_form form;          /* what text is normalised to before it is cut into symbols */
    int size;                     /* V: number of symbols, the unknown one included */
    int unknown;                  /* id of the unknown symbol, or VOCAB_NONE if there is none */
    struct vocab_symbol *symbols; /* [V]; that of the unknown symbol is U+FFFD */
    /* what follows is vocab.c's alone */
    uint8_t *storage;  /* the symbols' bytes, end to end */
    int32_t *by_point; /* [num_points] id of each code point or byte, or VOCAB_NONE */
    size_t num_points;
    int32_t *by_cluster; /* [num_slots] ids of symbols of several code points, as a hash table */
    size_t num_slots;
};

/* Counts symbols on the way to a vocabulary. */
struct vocab_counter;

struct vocab_counter *vocab_counter_new(enum vocab_unit unit);
void vocab_counter_free(struct vocab_counter *counter);
/* Counts the symbols of a run. Returns 0, or −1 and a message. */
int vocab_counter_add(struct vocab_counter *counter, const struct segmenter_run *run);

/* Fills a zeroed vocabulary with the symbols seen at least min_count times, in byte order; with
 * min_count > 1 an unknown symbol, of id V − 1, stands for the others. A single distinct symbol is
 * an error, and so is it if none is seen so often. Returns 0, or −1 and a message. */
int vocab_from_counts(struct vocab *vocab, const struct vocab_counter *counter, uint64_t min_count,
                      enum utf8_form form);

/* Fills a zeroed vocabulary with given symbols in the order of their ids (copied); `unknown` is an
 * id or VOCAB_NONE. Refuses empty and repeated symbols, and such as are not one byte or code point
 * where that is the unit; what is one cluster depends on the version of Unicode, so any text may be
 * one. Returns 0, or −1 and a message. */
int vocab_from_symbols(struct vocab *vocab, enum vocab_unit unit, enum utf8_form form,
                       const struct vocab_symbol *symbols, int count, int unknown);

/* Safe on a zeroed vocabulary. */
void vocab_release(struct vocab *vocab);

/* The id of a symbol; VOCAB_NONE if it is not in the vocabulary (the unknown symbol is not
 * returned). */
int32_t vocab_find(const struct vocab *vocab, const uint8_t *symbol, size_t length);

/* The same for a symbol that is one code point, or byte where that is the unit. */
int32_t vocab_find_point(const struct vocab *vocab, int32_t point);

/* The same for the symbols of a run of the vocabulary's unit: ids[run->count]. Returns how many are
 * VOCAB_NONE. */
size_t vocab_find_all(const struct vocab *vocab, const struct segmenter_run *run, int32_t *ids);

/* Names in the order of the enums, NULL at the end: "codepoint", "grapheme", "byte"; "none", "nfc",
 * "nfkc". */
extern const char *const vocab_unit_names[], *const vocab_form_names[];

/* The name of a unit or a form, and back: −1 and a message if there is none of that name. */
const char *vocab_unit_name(enum vocab_unit unit);
const char *vocab_form_name(enum utf8_form form);
int vocab_unit_parse(const char *name, enum vocab_unit *unit);
int vocab_form_parse(const char *name, enum utf8_form *form);

/* How a symbol is named in messages: 'a', '\n' (U+000A), U+0301, byte D0, a cluster's points.
 * Writes at most `room` bytes with the NUL, never half a character; returns out. */
char *vocab_describe(enum vocab_unit unit, const uint8_t *symbol, size_t length, char *out,
                     size_t room);

#endif
