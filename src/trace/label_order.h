/* Whether a label's pattern comes from the order of the characters: a text in random order has
 * capitals and even lines, but no words. */
#ifndef RUNE_LABEL_ORDER_H
#define RUNE_LABEL_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LABEL_COPIES 12 /* of a text, in random order, that it is compared with */
#define LABEL_PATTERN_BINS 64

/* How often a label's ups and downs are of which size. Of a label of 0 and 1: lengths of the
 * stretches of 1, and of 0. Of another: how high it climbs to its peaks, and how far these are
 * apart. Sizes that have as many binary digits are counted together. */
struct label_pattern_counts {
    uint32_t bins[LABEL_PATTERN_BINS];
};

void label_count_binary(const float *values, size_t length, struct label_pattern_counts *counts);
void label_count_scalar(const float *values, size_t length, struct label_pattern_counts *counts);

/* Puts points[length] in the random order of that number. */
void label_shuffle(int32_t *points, size_t length, uint32_t number);

/* Whether a text's pattern is one that its copies in random order do not have. By the likelihood
 * ratio of the counts (G-test), whose large values are rare with small counts, too: a copy comes as
 * far by chance with a probability of about e^(−G/2). That holds for stretches that are independent
 * of each other; where they are not, the copies are farther from each other as well, so the text
 * must be several times as far from them as they are. */
bool label_has_order(const struct label_pattern_counts *text,
                     const struct label_pattern_counts copies[LABEL_COPIES]);

#endif
