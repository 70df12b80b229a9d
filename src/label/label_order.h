/* Whether a label depends on the order of the characters. A text in random order has capitals and
 * even lines, but no words. */
#ifndef RUNE_LABEL_ORDER_H
#define RUNE_LABEL_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LABEL_COPIES 12    /* of a text in random order, with which it is compared */
#define LABEL_SIZES 3      /* of a peak: its height, its length, its distance from the last */
#define LABEL_SIZE_BINS 32 /* one for each number of binary digits */

/* Histograms of the sizes of a label's peaks. A binary label has them where it is 1. */
struct label_pattern_counts {
    uint32_t sizes[LABEL_SIZES][LABEL_SIZE_BINS];
};

/* Fills zeroed counts. Values must be whole numbers, unless they only rise. */
void label_count_pattern(const float *values, size_t length, struct label_pattern_counts *counts);

/* Shuffles points[length]; `number` is the seed. */
void label_shuffle(int32_t *points, size_t length, uint32_t number);

/* Whether, in one of the sizes, a text's peaks differ from those of its copies. The G-test measures
 * it by the likelihood ratio of the counts, which is valid for small counts, too: by chance a copy
 * differs as much with a probability of about e^(−G/2). That assumes independent peaks; where they
 * are not, the copies also differ more from each other. So the text must differ from them several
 * times as much as they do. */
bool label_has_order(const struct label_pattern_counts *text,
                     const struct label_pattern_counts copies[LABEL_COPIES]);

#endif
