#include "label_order.h"

#include <math.h>

#include "rng.h"

#define FEW 4       /* peaks; fewer say nothing */
#define FARTHER 2.5 /* times the distance of a copy */
#define RARE 30.0   /* and this G more */

/* 1, 2–3, 4–7, 8–15, … */
static void count_size(uint32_t bins[LABEL_SIZE_BINS], size_t size)
{
    int bin = 63 - __builtin_clzll((unsigned long long)size);
    bins[bin < LABEL_SIZE_BINS ? bin : LABEL_SIZE_BINS - 1]++;
}

void label_count_pattern(const float *values, size_t length, struct label_pattern_counts *counts)
{
    float low = length > 0 ? values[0] : 0; /* where the rise began */
    bool rising = false;
    for (size_t t = 1, top = 0, last = 0; t < length; t++) {
        if (values[t] > values[t - 1]) {
            low = rising ? low : values[t - 1];
            rising = true;
            top = t;
        } else if (values[t] < values[t - 1]) {
            if (rising) {
                count_size(counts->sizes[0], (size_t)(values[t - 1] - low));
                count_size(counts->sizes[1], t - top);
                count_size(counts->sizes[2], t - last);
                last = t;
            }
            rising = false;
        }
    }
}

void label_shuffle(int32_t *points, size_t length, uint32_t number)
{
    const struct rng rng = {number, RNG_DATA};
    uint32_t words[4];
    for (size_t i = length; i > 1; i--) { /* Fisher and Yates */
        uint32_t draw = (uint32_t)(length - i);
        if (draw % 4 == 0)
            rng_block(&rng, (uint32_t[4]){draw / 4}, words);
        size_t other = (size_t)((uint64_t)words[draw % 4] * i >> 32);
        int32_t point = points[other];
        points[other] = points[i - 1];
        points[i - 1] = point;
    }
}

/* x log(x / expected); 0 for 0. */
static double surprise(double x, double expected)
{
    return x > 0 ? x * log(x / expected) : 0;
}

/* G of one text's counts against the sums of `others` texts. */
static double distance(const uint32_t *one, const uint32_t *sums, double others)
{
    double g = 0;
    for (int b = 0; b < LABEL_SIZE_BINS; b++) {
        double x = one[b], y = sums[b], each = (x + y) / (others + 1);
        g += 2 * (surprise(x, each) + surprise(y, others * each));
    }
    return g;
}

static bool is_ordered(const struct label_pattern_counts *text,
                       const struct label_pattern_counts copies[LABEL_COPIES], int size)
{
    uint32_t sums[LABEL_SIZE_BINS] = {0}, rest[LABEL_SIZE_BINS], peaks = 0;
    double usual = 0; /* the mean distance of a copy from the others */
    for (int b = 0; b < LABEL_SIZE_BINS; b++) {
        peaks += text->sizes[size][b];
        for (int i = 0; i < LABEL_COPIES; i++)
            sums[b] += copies[i].sizes[size][b];
    }
    for (int i = 0; i < LABEL_COPIES; i++) {
        for (int b = 0; b < LABEL_SIZE_BINS; b++)
            rest[b] = sums[b] - copies[i].sizes[size][b];
        usual += distance(copies[i].sizes[size], rest, LABEL_COPIES - 1) / LABEL_COPIES;
    }
    return peaks >= FEW && distance(text->sizes[size], sums, LABEL_COPIES) > FARTHER * usual + RARE;
}

bool label_has_order(const struct label_pattern_counts *text,
                     const struct label_pattern_counts copies[LABEL_COPIES])
{
    bool ordered = false;
    for (int size = 0; size < LABEL_SIZES; size++)
        ordered = ordered || is_ordered(text, copies, size);
    return ordered;
}
