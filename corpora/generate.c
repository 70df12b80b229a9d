/* Synthetic corpora whose entropy is known, so that the loss of a model can be compared with the
 * best that any model can reach.
 *
 * A corpus is a sequence of lines, drawn independently. Its entropy in nats per character is the
 * mean loss of a predictor that knows the generator and sees all characters before:
 *
 *     entropy = E[−log p(line)] / E[characters of a line, newline included]
 *
 * By the law of large numbers, −log p of n lines divided by their characters tends to it. p(line)
 * is the probability of the text, not of the choices that made it. In every kind below the text
 * determines the choices, so that −log p(line) is the sum of −log p over the choices. What follows
 * from earlier characters (a closing bracket's kind, the digits of a sum) adds nothing.
 *
 * `draw` and `chance` are the only choices there are. They add up the surprisal (−log p), which
 * gives the sample's own value beside the expectation. */
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rng.h"

#define MAX_WORD 20

struct word {
    char letters[MAX_WORD + 1];
    double surprisal; /* −log p, in nats */
};

struct sample {
    struct rng rng;
    uint64_t draws;
    uint64_t characters;
    double surprisal; /* of what was written */
    struct word next; /* lines: the word that did not fit into the line before; "": none yet */
};

/* Expectations over one line, or over a part of one. */
struct expected {
    double surprisal, characters;
};

struct kind {
    const char *name, *help;
    const char *size_help; /* what --size means; NULL where it means nothing */
    long size, max_size;   /* default and limit of --size */
    void (*line)(struct sample *, long size);
    struct expected (*expect)(long size);
};

static void put(struct sample *sample, char character)
{
    putchar(character);
    sample->characters++;
}

static void put_text(struct sample *sample, const char *text)
{
    fputs(text, stdout);
    sample->characters += strlen(text);
}

static void put_repeated(struct sample *sample, char character, long count)
{
    for (long i = 0; i < count; i++)
        put(sample, character);
}

static double uniform(struct sample *sample)
{
    uint64_t n = sample->draws++;
    return rng_uniform(&sample->rng, (uint32_t[4]){(uint32_t)n, (uint32_t)(n >> 32), 0, 0});
}

/* One of 0 … count − 1, with equal probability. */
static long draw(struct sample *sample, long count)
{
    sample->surprisal += log((double)count);
    return (long)(uniform(sample) * (double)count);
}

/* True with probability p. */
static bool chance(struct sample *sample, double p)
{
    const bool happens = uniform(sample) < p;
    sample->surprisal -= log(happens ? p : 1 - p);
    return happens;
}

/* The entropy of `chance`. */
static double chance_entropy(double p)
{
    return -p * log(p) - (1 - p) * log(1 - p);
}

/* sums: the number of digits of each operand is uniform in 1 … size. The operand is uniform among
 * the numbers of that many digits (0 has one). The text determines both, for the sign that follows
 * ends the digits. The sum adds nothing:
 *
 *     E[−log p] = 2 (log size + mean over d of log N_d)      N_1 = 10, N_d = 9 · 10^(d−1)
 *
 * The sum has as many digits as the longer operand, m, and one more when it carries. Let b be the
 * shorter operand (or either, when they have the same length). The sum carries for every a of m
 * digits from 10^m − b on: for b of them, but no more than the N_m there are. */
static double power_of_ten(long exponent)
{
    double power = 1;
    for (long i = 0; i < exponent; i++)
        power *= 10;
    return power;
}

static double numbers_from(long digits)
{
    return digits == 1 ? 0 : power_of_ten(digits - 1);
}

static double numbers_of(long digits)
{
    return power_of_ten(digits) - numbers_from(digits);
}

static double carry_probability(long longer, long shorter)
{
    double first = numbers_from(shorter), last = power_of_ten(shorter) - 1;
    double all = numbers_of(longer);
    double below = fmin(last, all); /* b values of a carry for b up to here, above it all of them */
    double carrying = (first + below) * (below - first + 1) / 2 + (last - below) * all;
    return carrying / (all * numbers_of(shorter));
}

static long draw_operand(struct sample *sample, long size)
{
    long digits = 1 + draw(sample, size);
    return (long)numbers_from(digits) + draw(sample, (long)numbers_of(digits));
}

static void sums_line(struct sample *sample, long size)
{
    long a = draw_operand(sample, size), b = draw_operand(sample, size);
    char text[64];
    snprintf(text, sizeof text, "%ld+%ld=%ld\n", a, b, a + b);
    put_text(sample, text);
}

static struct expected sums_expect(long size)
{
    double n = (double)size, operand = log(n), sum_digits = 0;
    for (long a = 1; a <= size; a++) {
        operand += log(numbers_of(a)) / n;
        for (long b = 1; b <= size; b++) {
            long longer = a > b ? a : b, shorter = a > b ? b : a;
            sum_digits += ((double)longer + carry_probability(longer, shorter)) / (n * n);
        }
    }
    double operand_digits = (n + 1) / 2;
    return (struct expected){2 * operand, 2 * operand_digits + sum_digits + 3};
}

/* brackets: a group is an opening bracket, groups, and the closing bracket. After the opening one
 * and after each group within, another group follows with probability OPEN, unless the nesting is
 * `size` deep. A line is one group and, with probability OPEN each, others. The kind of an opening
 * bracket is uniform, that of a closing one is given. One character shows each choice: it opens or
 * it does not.
 *
 * With group_d for a group at depth d, and rest_d for what follows its opening bracket:
 *
 *     group_d = log 4 + rest_d
 *     rest_d  = h(OPEN) + OPEN (group_{d+1} + rest_d)      rest_size = 0
 *
 * The number of characters obeys the same equations with 1 for log 4, 1 − OPEN for h(OPEN), and
 * rest_size = 1: the closing bracket. A line is group_1 and the rest_0 that ends in the newline. */
#define OPEN 0.5
static const char brackets[][2] = {"()", "[]", "{}", "<>"};
enum { BRACKETS = sizeof brackets / sizeof *brackets };

static void brackets_group(struct sample *sample, long depth)
{
    long kind = draw(sample, BRACKETS);
    put(sample, brackets[kind][0]);
    while (depth > 1 && chance(sample, OPEN))
        brackets_group(sample, depth - 1);
    put(sample, brackets[kind][1]);
}

static void brackets_line(struct sample *sample, long size)
{
    do
        brackets_group(sample, size);
    while (chance(sample, OPEN));
    put(sample, '\n');
}

static struct expected brackets_expect(long size)
{
    struct expected group = {0}, rest = {0, 1};
    for (long depth = size; depth > 0; depth--) {
        group = (struct expected){log(BRACKETS) + rest.surprisal, 1 + rest.characters};
        rest.surprisal = (chance_entropy(OPEN) + OPEN * group.surprisal) / (1 - OPEN);
        rest.characters = 1 + OPEN * group.characters / (1 - OPEN);
    }
    return (struct expected){group.surprisal + rest.surprisal, group.characters + rest.characters};
}

/* quotes: a phrase is one or more items with spaces between them; another item follows with
 * probability MORE. An item is a word or, with probability QUOTED while the nesting is not `size`
 * deep, a phrase in quotes, double and single in turn. A line is a phrase. A quote opens where an
 * item begins and closes after one, so that the text determines the choices:
 *
 *     item_d   = h(QUOTED) + (1 − QUOTED) log W + QUOTED phrase_{d+1}      item_size = log W
 *     phrase_d = item_d / (1 − MORE) + h(MORE) / (1 − MORE)                */
#define MORE 0.75
#define QUOTED 0.25
static const char *const words[] = {"ash",   "bell", "candle", "dew",   "ember",  "field",
                                    "glass", "hill", "ink",    "jar",   "kettle", "lamp",
                                    "moss",  "nest", "oak",    "pebble"};
enum { WORDS = sizeof words / sizeof *words };

static void quotes_phrase(struct sample *sample, long size, long depth)
{
    char mark = depth % 2 ? '\'' : '"';
    for (;;) {
        if (depth < size && chance(sample, QUOTED)) {
            put(sample, mark);
            quotes_phrase(sample, size, depth + 1);
            put(sample, mark);
        } else {
            put_text(sample, words[draw(sample, WORDS)]);
        }
        if (!chance(sample, MORE))
            return;
        put(sample, ' ');
    }
}

static void quotes_line(struct sample *sample, long size)
{
    quotes_phrase(sample, size, 0);
    put(sample, '\n');
}

static struct expected quotes_expect(long size)
{
    struct expected word = {log(WORDS), 0}, phrase = {0};
    for (int i = 0; i < WORDS; i++)
        word.characters += (double)strlen(words[i]) / WORDS;
    for (long depth = size; depth >= 0; depth--) {
        struct expected item = word;
        if (depth < size) {
            item.surprisal =
                chance_entropy(QUOTED) + (1 - QUOTED) * word.surprisal + QUOTED * phrase.surprisal;
            item.characters = (1 - QUOTED) * word.characters + QUOTED * (2 + phrase.characters);
        }
        phrase.surprisal = (item.surprisal + chance_entropy(MORE)) / (1 - MORE);
        phrase.characters = (item.characters + MORE) / (1 - MORE);
    }
    return (struct expected){phrase.surprisal, phrase.characters + 1};
}

/* A random word: each letter is one of LETTERS with equal probability, and another one follows with
 * probability LETTER_MORE while there are fewer than MAX_WORD. With n letters:
 *
 *     word = E[n] log LETTERS + E[min(n, MAX_WORD − 1)] h(LETTER_MORE)
 *     E[min(n, m)] = (1 − LETTER_MORE^m) / (1 − LETTER_MORE)            for n ≤ MAX_WORD */
#define LETTERS 8
#define LETTER_MORE 0.75

static struct word draw_word(struct sample *sample)
{
    struct word word = {.surprisal = sample->surprisal};
    int n = 0;
    do
        word.letters[n++] = (char)('a' + draw(sample, LETTERS));
    while (n < MAX_WORD && chance(sample, LETTER_MORE));
    word.surprisal = sample->surprisal - word.surprisal;
    return word;
}

static struct expected word_expect(void)
{
    const double n = (1 - pow(LETTER_MORE, MAX_WORD)) / (1 - LETTER_MORE);
    const double chances = (1 - pow(LETTER_MORE, MAX_WORD - 1)) / (1 - LETTER_MORE);
    return (struct expected){n * log(LETTERS) + chances * chance_entropy(LETTER_MORE), n};
}

/* lines: random words with a space between two of them. A line breaks where the next word would
 * pass `size` characters, so whether a space or a newline follows a word is known only with the
 * next word: the two belong together, and a word counts with the character behind it. Lines are not
 * independent, but the words are. */
static void lines_line(struct sample *sample, long size)
{
    long used = 0;
    if (sample->next.letters[0] == '\0')
        sample->next = draw_word(sample);
    else
        sample->surprisal += sample->next.surprisal;
    for (;;) {
        put_text(sample, sample->next.letters);
        used += (long)strlen(sample->next.letters);
        sample->next = draw_word(sample);
        if (used + 1 + (long)strlen(sample->next.letters) > size)
            break;
        put(sample, ' ');
        used++;
    }
    sample->surprisal -= sample->next.surprisal; /* the word is not written yet */
    put(sample, '\n');
}

static struct expected lines_expect(long size)
{
    (void)size;
    struct expected word = word_expect();
    word.characters += 1;
    return word;
}

/* indents: a statement is a line of one or more random words; another word follows with probability
 * STATEMENT_MORE. With probability BLOCK, unless it is `size` deep, it ends in a colon and has a
 * block: one or more statements that are indented by INDENT more, another one following with
 * probability STATEMENT_MORE. The next line's indentation shows which blocks have ended.
 *
 *     statement_d = word / (1 − M) + h(M) / (1 − M) + h(BLOCK) + BLOCK block_{d+1}
 *     block_d     = statement_d / (1 − M) + h(M) / (1 − M)              block_{size+1}: none */
#define STATEMENT_MORE 0.6
#define BLOCK 0.4
#define INDENT 2

static void indents_statement(struct sample *sample, long size, long depth)
{
    put_repeated(sample, ' ', INDENT * depth);
    put_text(sample, draw_word(sample).letters);
    while (chance(sample, STATEMENT_MORE)) {
        put(sample, ' ');
        put_text(sample, draw_word(sample).letters);
    }
    if (depth >= size || !chance(sample, BLOCK)) {
        put(sample, '\n');
        return;
    }
    put_text(sample, ":\n");
    do
        indents_statement(sample, size, depth + 1);
    while (chance(sample, STATEMENT_MORE));
}

static void indents_line(struct sample *sample, long size)
{
    indents_statement(sample, size, 0);
}

static struct expected indents_expect(long size)
{
    const double again = 1 / (1 - STATEMENT_MORE);
    struct expected word = lines_expect(size), statement = {0}, block = {0};
    for (long depth = size; depth >= 0; depth--) {
        statement.surprisal = (word.surprisal + chance_entropy(STATEMENT_MORE)) * again;
        statement.characters = (double)(INDENT * depth) + word.characters * again;
        if (depth < size) {
            statement.surprisal += chance_entropy(BLOCK) + BLOCK * block.surprisal;
            statement.characters += BLOCK * (1 + block.characters);
        }
        block.surprisal = (statement.surprisal + chance_entropy(STATEMENT_MORE)) * again;
        block.characters = statement.characters * again;
    }
    return statement;
}

/* anbn, anbncn: n is uniform in 1 … size. The number of a shows it. */
static void anbn_line(struct sample *sample, long size)
{
    long n = 1 + draw(sample, size);
    put_repeated(sample, 'a', n);
    put_repeated(sample, 'b', n);
    put(sample, '\n');
}

static struct expected anbn_expect(long size)
{
    return (struct expected){log((double)size), (double)size + 1 + 1};
}

static void anbncn_line(struct sample *sample, long size)
{
    long n = 1 + draw(sample, size);
    put_repeated(sample, 'a', n);
    put_repeated(sample, 'b', n);
    put_repeated(sample, 'c', n);
    put(sample, '\n');
}

static struct expected anbncn_expect(long size)
{
    return (struct expected){log((double)size), 1.5 * ((double)size + 1) + 1};
}

/* reber: the embedded Reber grammar (Hochreiter & Schmidhuber 1997, experiment 1): B, one of T and
 * P, a string of the Reber grammar, the same one of T and P again, E. Two transitions lead from
 * each inner state, with equal probability and different letters.
 *
 * The expected number of choices x_i from state i on is 1 plus the mean of its two targets':
 * x_4 = 8/3, x_3 = 10/3, x_2 = 14/3, x_1 = 16/3, x_0 = 6. With the choice of T or P the surprisal
 * is 7 log 2. The characters are 6 letters, the inner B and E, the outer B, E and twice T or P, and
 * the newline. */
#define REBER_END 5
static const struct {
    char letter[2];
    int target[2];
} reber_states[REBER_END] = {
    {{'T', 'P'}, {1, 2}}, {{'S', 'X'}, {1, 3}}, {{'T', 'V'}, {2, 4}},
    {{'X', 'S'}, {2, 5}}, {{'P', 'V'}, {3, 5}},
};

static void reber_line(struct sample *sample, long size)
{
    (void)size;
    char outer = draw(sample, 2) ? 'P' : 'T';
    put(sample, 'B');
    put(sample, outer);
    put(sample, 'B');
    for (int state = 0; state != REBER_END;) {
        long transition = draw(sample, 2);
        put(sample, reber_states[state].letter[transition]);
        state = reber_states[state].target[transition];
    }
    put(sample, 'E');
    put(sample, outer);
    put_text(sample, "E\n");
}

static struct expected reber_expect(long size)
{
    (void)size;
    return (struct expected){7 * log(2), 6 + 2 + 4 + 1};
}

/* tmaze (after Bakker 2002): a sign, L or R, at the start of a corridor whose length is uniform in
 * 1 … size. At the junction, T, the sign of the start is repeated, which adds nothing. */
static void tmaze_line(struct sample *sample, long size)
{
    char sign = draw(sample, 2) ? 'R' : 'L';
    put(sample, sign);
    put_repeated(sample, '.', 1 + draw(sample, size));
    put(sample, 'T');
    put(sample, sign);
    put(sample, '\n');
}

static struct expected tmaze_expect(long size)
{
    return (struct expected){log(2) + log((double)size), 4 + ((double)size + 1) / 2};
}

static const struct kind kinds[] = {
    {"sums", "additions, a+b=c", "most digits of an operand", 3, 9, sums_line, sums_expect},
    {"brackets", "nested brackets of four kinds", "deepest nesting", 6, 100, brackets_line,
     brackets_expect},
    {"quotes", "words and nested quotes", "deepest nesting", 3, 100, quotes_line, quotes_expect},
    {"lines", "words in lines of a fixed width", "the width", 40, 1000, lines_line, lines_expect},
    {"indents", "statements and indented blocks", "deepest indentation", 4, 20, indents_line,
     indents_expect},
    {"anbn", "n times a, n times b", "largest n", 20, 1000000, anbn_line, anbn_expect},
    {"anbncn", "n times a, n times b, n times c", "largest n", 20, 1000000, anbncn_line,
     anbncn_expect},
    {"reber", "the embedded Reber grammar", NULL, 0, 0, reber_line, reber_expect},
    {"tmaze", "a sign, a corridor, and the same sign again", "longest corridor", 30, 1000000,
     tmaze_line, tmaze_expect},
};
#define KINDS (sizeof kinds / sizeof *kinds)

static void print_help(void)
{
    printf("Usage: generate [OPTION...] KIND\n"
           "  -n, --count=N     lines (default: 10000)\n"
           "  -s, --seed=N      the same seed gives the same text (default: 1)\n"
           "  -z, --size=N      limit of a line's size; its meaning depends on KIND\n"
           "  -h, --help        show this\n");
    printf("\nKinds, and what --size means for each (default; largest):\n");
    for (size_t i = 0; i < KINDS; i++) {
        printf("  %-9s %s", kinds[i].name, kinds[i].help);
        if (kinds[i].size_help)
            printf("; %s (%ld; %ld)", kinds[i].size_help, kinds[i].size, kinds[i].max_size);
        putchar('\n');
    }
}

static const struct kind *kind_find(const char *name)
{
    for (size_t i = 0; i < KINDS; i++)
        if (!strcmp(kinds[i].name, name))
            return &kinds[i];
    return NULL;
}

static int usage_error(const char *what, const char *argument)
{
    fprintf(stderr, "generate: %s: %s; see generate --help\n", argument, what);
    return 2;
}

/* Writes the corpus to stdout and its figures to stderr; returns the exit status. */
static int generate(const struct kind *kind, long size, long lines, long seed)
{
    struct sample sample = {.rng = {(uint64_t)seed, RNG_DATA}};
    for (long i = 0; i < lines && !ferror(stdout); i++)
        kind->line(&sample, size);
    if (fflush(stdout) || ferror(stdout)) {
        perror("generate: standard output");
        return 1;
    }
    struct expected expected = kind->expect(size);
    fprintf(stderr, "%s: %llu characters; entropy %.6f nats per character, of this sample %.6f\n",
            kind->name, (unsigned long long)sample.characters,
            expected.surprisal / expected.characters, sample.surprisal / (double)sample.characters);
    return 0;
}

static bool parse_number(const char *text, long *number)
{
    char *end;
    *number = strtol(text, &end, 10);
    return end != text && *end == '\0';
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"count", required_argument, NULL, 'n'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"size", required_argument, NULL, 'z'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const long UNSET = LONG_MIN;
    long lines = 10000, seed = 1, size = UNSET;
    for (int found; (found = getopt_long(argc, argv, "n:s:z:h", options, NULL)) != -1;) {
        long *number = found == 'n' ? &lines : found == 's' ? &seed : found == 'z' ? &size : NULL;
        if (found == 'h') {
            print_help();
            return 0;
        }
        if (!number) /* getopt_long has said what is wrong */
            return 2;
        if (!parse_number(optarg, number))
            return usage_error("not a whole number", optarg);
    }
    const struct kind *kind = optind < argc ? kind_find(argv[optind]) : NULL;
    if (!kind)
        return usage_error(optind < argc ? "no such kind of corpus" : "missing",
                           optind < argc ? argv[optind] : "KIND");
    if (optind + 1 < argc)
        return usage_error("only one KIND can be given", argv[optind + 1]);
    if (lines < 1 || seed < 0)
        return usage_error("the count must be at least 1, the seed at least 0", "--count, --seed");
    if (size != UNSET && (size < 1 || size > kind->max_size))
        return usage_error("out of range for this kind", "--size");
    return generate(kind, size == UNSET ? kind->size : size, lines, seed);
}
