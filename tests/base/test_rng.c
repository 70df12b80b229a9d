#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rng.h"

/* The purpose is mixed into the upper half of the key; this undoes it. */
static struct rng with_key(uint32_t k0, uint32_t k1, enum rng_purpose purpose)
{
    return (struct rng){k0 | (uint64_t)(k1 ^ (uint32_t)purpose << 24) << 32, purpose};
}

/* philox4x32 10 in kat_vectors of the Random123 distribution, of the authors of the paper. */
static void known_answers(void **state)
{
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } known[] = {
        {{0}, {0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
        for (enum rng_purpose purpose = RNG_INIT; purpose <= RNG_TEST; purpose++) {
            const struct rng rng = with_key(known[k].key[0], known[k].key[1], purpose);
            uint32_t out[4];
            rng_block(&rng, known[k].counter, out);
            assert_memory_equal(out, known[k].out, sizeof out);
        }
}

static void everything_in_the_key_and_counter_counts(void **state)
{
    (void)state;
    const struct rng rng = {7, RNG_SAMPLE};
    const uint32_t counter[4] = {1, 2, 3, 4};
    const double number = rng_uniform(&rng, counter);
    assert_true(number == rng_uniform(&rng, counter));
    for (int k = 0; k < 4; k++)
        for (int bit = 0; bit < 32; bit++) {
            uint32_t other[4];
            memcpy(other, counter, sizeof other);
            other[k] ^= 1u << bit;
            assert_true(rng_uniform(&rng, other) != number);
        }
    for (int bit = 0; bit < 64; bit++)
        assert_true(rng_uniform(&(struct rng){7 ^ (uint64_t)1 << bit, RNG_SAMPLE}, counter) !=
                    number);
    for (enum rng_purpose purpose = RNG_INIT; purpose <= RNG_TEST; purpose++)
        assert_true((rng_uniform(&(struct rng){7, purpose}, counter) == number) ==
                    (purpose == RNG_SAMPLE));
}

/* Mean, variance, and χ² over boxes, of the numbers of consecutive counters. Each is within five
 * standard deviations. */
static void uniform_is_uniform(void **state)
{
    (void)state;
    enum { N = 200000, BOXES = 256 };
    for (int place = 0; place < 4; place++) {
        const struct rng rng = {123, RNG_TEST};
        double sum = 0, squares = 0, chi = 0, neighbours = 0, before = 0.5;
        int box[BOXES] = {0};
        for (uint32_t k = 0; k < N; k++) {
            uint32_t counter[4] = {0};
            counter[place] = k;
            const double number = rng_uniform(&rng, counter);
            assert_true(number >= 0 && number < 1);
            sum += number - 0.5;
            squares += (number - 0.5) * (number - 0.5);
            neighbours += (number - 0.5) * (before - 0.5);
            box[(int)(number * BOXES)]++;
            before = number;
        }
        for (int k = 0; k < BOXES; k++)
            chi += pow(box[k] - (double)N / BOXES, 2) / ((double)N / BOXES);
        assert_true(fabs(sum / N) < 5 * sqrt(1.0 / 12 / N));
        assert_true(fabs(squares / N - 1.0 / 12) < 5 * sqrt(1.0 / 180 / N));
        assert_true(fabs(neighbours / N) < 5 * sqrt(1.0 / 144 / N));
        assert_true(fabs(chi - (BOXES - 1)) < 5 * sqrt(2.0 * (BOXES - 1)));
    }
}

/* All 53 bits are drawn: each is set about half of the time. */
static void every_bit_is_random(void **state)
{
    (void)state;
    enum { N = 20000 };
    int set[53] = {0};
    for (uint32_t k = 0; k < N; k++) {
        const uint64_t bits =
            (uint64_t)(rng_uniform(&(struct rng){5, RNG_TEST}, (uint32_t[4]){k}) * 0x1p53);
        for (int bit = 0; bit < 53; bit++)
            set[bit] += (int)(bits >> bit & 1);
    }
    for (int bit = 0; bit < 53; bit++)
        assert_true(abs(set[bit] - N / 2) < 5 * sqrt(N) / 2);
}

static void entropy_is_short_and_varies(void **state)
{
    (void)state;
    const uint64_t first = rng_entropy();
    int same = 0;
    for (int k = 0; k < 8; k++) {
        const uint64_t seed = rng_entropy();
        assert_true(seed <= UINT32_MAX);
        same += seed == first;
    }
    assert_true(same < 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(everything_in_the_key_and_counter_counts),
        cmocka_unit_test(uniform_is_uniform),
        cmocka_unit_test(every_bit_is_random),
        cmocka_unit_test(entropy_is_short_and_varies),
    };
    return cmocka_run_group_tests_name("rng", tests, NULL, NULL);
}
