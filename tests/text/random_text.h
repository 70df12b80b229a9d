/* Random texts of all kinds that are difficult to segment. */
#ifndef RUNE_RANDOM_TEXT_H
#define RUNE_RANDOM_TEXT_H

#include <stdint.h>
#include <stdlib.h>

#include "rng.h"
#include "utf8.h"

struct random {
    uint64_t seed;
    uint32_t at;
};

/* A number in 0 … n − 1. */
static inline uint32_t random_below(struct random *random, uint32_t n)
{
    struct rng rng = {random->seed, RNG_TEST};
    uint32_t counter[4] = {random->at++}, word[4];
    rng_block(&rng, counter, word);
    return word[0] % n;
}

static inline int32_t random_between(struct random *random, int32_t first, int32_t last)
{
    return first + (int32_t)random_below(random, (uint32_t)(last - first + 1));
}

static inline int32_t random_of(struct random *random, const int32_t *points, size_t count)
{
    return points[random_below(random, (uint32_t)count)];
}

#define RANDOM_OF(random, ...)                                                                     \
    random_of(random, (const int32_t[]){__VA_ARGS__},                                              \
              sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t))

static inline int32_t random_point(struct random *random, uint32_t kind)
{
    switch (kind) {
    case 0:
        return random_between(random, 'a', 'e');
    case 1: /* line ends, NUL, byte order mark, replacement character, format characters */
        return RANDOM_OF(random, '\n', '\r', '\n', ' ', 0, 0xFEFF, 0xFFFD, 0x200D, 0x200C, 0xAD);
    case 2: /* marks of many classes */
        return RANDOM_OF(random, 0x300, 0x301, 0x323, 0x327, 0x345, 0x344, 0x334, 0x5B0, 0x64B,
                         0x3099, 0x302E, 0x1D165, 0x1D16E, 0x20DD, 0xFE0F, 0x16FF0);
    case 3: /* Hangul: leading, vowels, trailing, syllables */
        return RANDOM_OF(random, 0x1100, 0x1112, 0x1161, 0x1175, 0x11A8, 0x11C2, 0xAC00, 0xAC01,
                         0xD7A3, 0x3131, 0x314F, 0xA960, 0xD7B0);
    case 4: /* people, professions, hearts, skin tones, keycaps, tags */
        return RANDOM_OF(random, 0x1F468, 0x1F469, 0x200D, 0x2764, 0xFE0F, 0x1F3FB, 0x1F3FF, '3',
                         0x20E3, 0xE0067, 0xA9);
    case 5: /* flags */
        return random_between(random, 0x1F1E6, 0x1F1FF);
    case 6: /* Indic conjuncts, and vowel signs that compose */
        return RANDOM_OF(random, 0x915, 0x94D, 0x937, 0x93F, 0x928, 0x93C, 0x958, 0x9C7, 0x9BE,
                         0x9D7, 0xBC6, 0xBBE, 0xBD7, 0xDD9, 0xDCF, 0xDCA, 0x1025, 0x102E, 0x1B05,
                         0x1B35, 0x600, 0x110BD);
    case 7: /* changed by normalisation */
        return RANDOM_OF(random, 0xC5, 0x212B, 0x1E9B, 0xFB01, 0xFDFA, 0xFF9E, 0xFF76, 0x2126, 0xB4,
                         0x1F71, 0x1D15E, 0x2F800, 0xFF21, 0xBD, 0x226F, 0x338);
    default: { /* any code point */
        int32_t point = random_between(random, 0, UTF8_NUM_POINTS - 1 - 0x800);
        return point < 0xD800 ? point : point + 0x800;
    }
    }
}

/* Fills points[count] with runs of one kind each. */
static inline void random_points(struct random *random, int32_t *points, size_t count)
{
    for (size_t i = 0; i < count;) {
        uint32_t kind = random_below(random, 9);
        for (uint32_t n = 1 + random_below(random, 5); n > 0 && i < count; n--)
            points[i++] = random_point(random, kind);
    }
}

/* UTF-8 of `count` random code points to text[4 · count]; returns its length. */
static inline size_t random_text(struct random *random, size_t count, uint8_t *text)
{
    size_t length = 0;
    int32_t *points = malloc((count + 1) * sizeof *points);
    random_points(random, points, count);
    for (size_t i = 0; i < count; i++)
        length += (size_t)utf8_encode(points[i], text + length);
    free(points);
    return length;
}

#endif
