#include "opening.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "corpus.h"
#include "mem.h"

#define STRETCHES 64
#define STRETCH 16384 /* symbols */
#define USUAL 2000    /* a usual break occurs at least once in so many symbols */

/* The strongest first. Of the same strength, the longer ones come first: they end with the
 * others. */
static const struct candidate {
    int strength;
    const char *text;
} candidates[] = {
    {4, "\r\n\r\n\r\n"}, {4, "\n\n\n"}, {3, "\r\n\r\n"}, {3, "\n\n"}, {2, "\r\n"}, {2, "\n"},
    {1, ". "},           {1, "। "},     {1, "۔ "},       {1, "。"},   {0, " "},
};

#define NUM_CANDIDATES (sizeof candidates / sizeof *candidates)

/* The length of the symbol that a text begins with. Of the texts here, the clusters of several code
 * points are line ends. */
static size_t symbol_length(enum vocab_unit unit, const char *text)
{
    int32_t point;
    if (unit == VOCAB_BYTE)
        return 1;
    if (unit == VOCAB_GRAPHEME && text[0] == '\r' && text[1] == '\n')
        return 2;
    return (size_t)utf8_decode((const uint8_t *)text, strlen(text), &point);
}

/* A text as symbols; none if the vocabulary lacks one of them. */
static struct text_break find_break(const struct vocab *vocab, const char *text)
{
    struct text_break found = {0};
    for (size_t length; *text; text += length) {
        length = symbol_length(vocab->treatment.unit, text);
        const int32_t id = vocab_find(vocab, (const uint8_t *)text, length);
        if (id == VOCAB_NONE)
            return (struct text_break){0};
        found.ids[found.length++] = id;
    }
    return found;
}

/* Counts the candidates in a stretch; of each strength, at most one ends at the same symbol. */
static void count_breaks(const int32_t *ids, size_t length, const struct text_break *breaks,
                         uint64_t *counts)
{
    for (size_t end = 1; end <= length; end++) {
        int counted = -1; /* strength */
        for (size_t k = 0; k < NUM_CANDIDATES; k++) {
            const size_t n = breaks[k].length;
            if (n == 0 || n > end || ids[end - 1] != breaks[k].ids[n - 1] ||
                candidates[k].strength == counted ||
                memcmp(ids + end - n, breaks[k].ids, n * sizeof *ids) != 0)
                continue;
            counted = candidates[k].strength;
            counts[k]++;
        }
    }
}

/* Reads stretches of the training part. Returns how many symbols they have, or 0 and a message. */
static uint64_t read_stretches(const struct corpus *corpus, const struct text_break *breaks,
                               uint64_t *counts)
{
    const uint64_t length = corpus->training.length;
    const uint64_t spacing = length / STRETCHES > STRETCH ? length / STRETCHES : STRETCH;
    uint64_t seen = 0;
    int32_t *ids = mem_new(STRETCH, sizeof *ids);
    for (uint64_t at = 0; ids && at < length; at += spacing) {
        const size_t n = length - at < STRETCH ? (size_t)(length - at) : STRETCH;
        if (corpus_read(corpus, &corpus->training, at, n, ids) != 0) {
            seen = 0;
            break;
        }
        count_breaks(ids, n, breaks, counts);
        seen += n;
    }
    free(ids);
    return seen;
}

/* Whether a break is frequent, and more so than starts of text. A single line that ends with the
 * text, for one, is no example of what follows a line. */
static bool is_usual(uint64_t count, uint64_t seen, const struct corpus_part *part)
{
    return (double)count * USUAL >= (double)seen &&
           (double)count * (double)part->length > (double)part->num_segments * (double)seen;
}

static int count_starts(struct opening *opening, const struct corpus *corpus,
                        const struct text_break *mark)
{
    const struct corpus_part *part = &corpus->training;
    int32_t ids[OPENING_MAX];
    opening->starts = part->num_segments;
    for (size_t k = 0; k < part->num_segments && mark->length > 0; k++) {
        const struct corpus_segment *segment = &part->segments[k];
        if (segment->length < mark->length)
            continue;
        if (corpus_read(corpus, part, segment->position, mark->length, ids) != 0)
            return -1;
        opening->starts -= memcmp(ids, mark->ids, mark->length * sizeof *ids) == 0;
    }
    return 0;
}

int opening_find(struct opening *opening, const struct corpus *corpus, const struct vocab *vocab)
{
    struct text_break breaks[NUM_CANDIDATES];
    uint64_t counts[NUM_CANDIDATES] = {0};
    const struct text_break mark = find_break(vocab, "\uFEFF");
    opening->usual_break = (struct text_break){0};
    for (size_t k = 0; k < NUM_CANDIDATES; k++)
        breaks[k] = find_break(vocab, candidates[k].text);
    const uint64_t seen = read_stretches(corpus, breaks, counts);
    if (seen == 0 || count_starts(opening, corpus, &mark) != 0)
        return -1;
    const struct candidate *best = NULL;
    for (size_t k = 0; k < NUM_CANDIDATES; k++) {
        const struct candidate *candidate = &candidates[k];
        if (is_usual(counts[k], seen, &corpus->training) &&
            (!best ||
             (candidate->strength == best->strength && counts[k] > counts[best - candidates])))
            best = candidate;
    }
    if (best)
        opening->usual_break = breaks[best - candidates];
    return 0;
}

void opening_count(struct opening *opening, double passes)
{
    const double counted = passes < OPENING_PASSES ? passes : OPENING_PASSES;
    opening->starts_seen = (uint64_t)((double)opening->starts * counted);
}

struct opening opening_guess(const struct vocab *vocab)
{
    static const char *const likely[] = {"\n", "\r\n", " "};
    struct opening opening = {0};
    for (size_t k = 0; k < sizeof likely / sizeof *likely && opening.usual_break.length == 0; k++)
        opening.usual_break = find_break(vocab, likely[k]);
    return opening;
}
