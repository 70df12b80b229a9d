#include "ranks.h"

#include <assert.h>
#include <string.h>

/* Bits whose order as an integer is the order of the numbers. */
static uint64_t rising_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

#define DIGIT_BITS 11
#define DIGITS (1u << DIGIT_BITS)
#define PASSES 3

/* A radix sort, lowest digit first, of (bits << 32 | index). */
void ranks_order(const float *values, size_t n, uint32_t *order, uint64_t *pairs)
{
    uint32_t starts[PASSES][DIGITS] = {{0}};
    uint64_t *from = pairs, *to = pairs + n;
    assert(n <= UINT32_MAX);
    for (size_t i = 0; i < n; i++) {
        const uint64_t bits = rising_bits(values[i]);
        from[i] = bits << 32 | i;
        for (int pass = 0; pass < PASSES; pass++)
            starts[pass][bits >> (pass * DIGIT_BITS) & (DIGITS - 1)]++;
    }
    for (int pass = 0; pass < PASSES; pass++) {
        const int shift = 32 + pass * DIGIT_BITS;
        uint32_t sum = 0;
        for (size_t digit = 0; digit < DIGITS; digit++) {
            const uint32_t count = starts[pass][digit];
            starts[pass][digit] = sum;
            sum += count;
        }
        for (size_t i = 0; i < n; i++)
            to[starts[pass][from[i] >> shift & (DIGITS - 1)]++] = from[i];
        uint64_t *swap = from;
        from = to;
        to = swap;
    }
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)from[i];
}

/* The end of the run of equal values that begins at `start` of the order. */
static size_t run_end(const float *values, const uint32_t *order, size_t n, size_t start)
{
    size_t end = start + 1;
    while (end < n && values[order[end]] == values[order[start]])
        end++;
    return end;
}

void ranks_centred(const float *values, const uint32_t *order, size_t n, float *ranks)
{
    for (size_t start = 0, end; start < n; start = end) {
        end = run_end(values, order, n, start);
        const double middle = (double)(start + end) / 2 / (double)n - 0.5;
        for (size_t i = start; i < end; i++)
            ranks[order[i]] = (float)middle;
    }
}

void bins_fit(struct bins *bins, const float *values, const uint32_t *order, size_t n, int most)
{
    size_t first = 0; /* of the bin */
    bins->count = 1;
    for (size_t start = 0, end; start < n; start = end) {
        end = run_end(values, order, n, start);
        /* A bin ends where its count is nearest to its share of the values left. */
        const size_t left = (size_t)(most - bins->count + 1);
        if (start > first && left > 1 && (start - first + end - first) * left > 2 * (n - first)) {
            bins->edges[bins->count++ - 1] = values[order[start]];
            first = start;
        }
    }
}

void bins_place(const struct bins *bins, const float *values, size_t n, uint8_t *out)
{
    memset(out, 0, n);
    for (int edge = 0; edge < bins->count - 1; edge++)
        for (size_t i = 0; i < n; i++)
            out[i] = (uint8_t)(out[i] + (values[i] >= bins->edges[edge]));
}
