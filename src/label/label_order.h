/* Whether a label's pattern comes from the order of the characters: a text in random order has
 * capitals and even lines, but no words. */
#ifndef RUNE_LABEL_ORDER_H
#define RUNE_LABEL_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LABEL_COPIES 12    /* of a text, in random order, that it is compared with */
#define LABEL_SIZES 3      /* that a peak has */
#define LABEL_SIZE_BINS 32 /* those with as many binary digits are counted together */

/* How often a label has peaks of which size: how high it climbs to them, how long they last, how
 * far they are apart. A label of 0 and 1 has them where it is 1. */
struct label_pattern_counts {
    uint32_t sizes[LABEL_SIZES][LABEL_SIZE_BINS];
};

/* Counts into zeroed counts. Values that are no whole numbers may only rise. */
void label_count_pattern(const float *values, size_t length, struct label_pattern_counts *counts);

/* Puts points[length] in the random order of that number. */
void label_shuffle(int32_t *points, size_t length, uint32_t number);

/* Whether a text's pattern is one that its copies in random order do not have, in one of the sizes.
 * By the likelihood ratio of the counts (G-test), whose large values are rare with small counts,
 * too: a copy comes as far by chance with a probability of about e^(−G/2). That holds for peaks
 * that are independent of each other; where they are not, the copies are farther from each other as
 * well, so the text must be several times as far from them as they are. */
bool label_has_order(const struct label_pattern_counts *text,
                     const struct label_pattern_counts copies[LABEL_COPIES]);

#endif
