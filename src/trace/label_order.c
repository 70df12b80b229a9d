#include "label_order.h"

#include <math.h>

#include "rng.h"

#define FARTHER 2.5 /* times as far as a copy */
#define FEW 8       /* stretches or sizes; a pattern of fewer is none */
#define RARE 40.0   /* and by this G more */

/* In one half of the bins or the other: 1, 2–3, 4–7, 8–15, … */
static void count_size(struct label_pattern_counts *counts, int half, size_t size)
{
    int bin = 63 - __builtin_clzll((unsigned long long)size);
    int last = LABEL_PATTERN_BINS / 2 - 1;
    counts->bins[half * LABEL_PATTERN_BINS / 2 + (bin < last ? bin : last)]++;
}

void label_count_binary(const float *values, size_t length, struct label_pattern_counts *counts)
{
    for (size_t t = 0, start = 0; t < length; t++)
        if (t + 1 == length || values[t + 1] != values[t]) {
            count_size(counts, values[t] > 0, t + 1 - start);
            start = t + 1;
        }
}

void label_count_scalar(const float *values, size_t length, struct label_pattern_counts *counts)
{
    float low = length > 0 ? values[0] : 0;
    bool rising = false;
    for (size_t t = 1, last = 0; t < length; t++) {
        if (values[t] < values[t - 1] && rising) {
            count_size(counts, 0, (size_t)(values[t - 1] - low));
            count_size(counts, 1, t - last);
            last = t;
        } else if (values[t] > values[t - 1] && !rising)
            low = values[t - 1];
        if (values[t] != values[t - 1])
            rising = values[t] > values[t - 1];
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

/* x log(x / expected), of which nothing is nothing. */
static double surprise(double x, double expected)
{
    return x > 0 ? x * log(x / expected) : 0;
}

/* G of one text's counts against the sums of `others` texts. */
static double distance(const struct label_pattern_counts *one, const uint32_t *sums, double others)
{
    double g = 0;
    for (int b = 0; b < LABEL_PATTERN_BINS; b++) {
        double x = one->bins[b], y = sums[b], each = (x + y) / (others + 1);
        g += 2 * (surprise(x, each) + surprise(y, others * each));
    }
    return g;
}

bool label_has_order(const struct label_pattern_counts *text,
                     const struct label_pattern_counts copies[LABEL_COPIES])
{
    uint32_t sums[LABEL_PATTERN_BINS] = {0}, rest[LABEL_PATTERN_BINS];
    uint32_t seen = 0;
    double usual = 0; /* what a copy's distance from the others is on average */
    for (int b = 0; b < LABEL_PATTERN_BINS; b++)
        seen += text->bins[b];
    for (int i = 0; i < LABEL_COPIES; i++)
        for (int b = 0; b < LABEL_PATTERN_BINS; b++)
            sums[b] += copies[i].bins[b];
    for (int i = 0; i < LABEL_COPIES; i++) {
        for (int b = 0; b < LABEL_PATTERN_BINS; b++)
            rest[b] = sums[b] - copies[i].bins[b];
        usual += distance(&copies[i], rest, LABEL_COPIES - 1) / LABEL_COPIES;
    }
    return seen >= FEW && distance(text, sums, LABEL_COPIES) > FARTHER * usual + RARE;
}
