/* Every line of a synthetic corpus is parsed here by a reader of its own, which says how improbable
 * the line is; that is compared with what the generator counted and with what it expects. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct corpus {
    char *text;
    size_t length;
    double entropy, sample; /* as the generator prints them */
};

static void assert_near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.8f and %.8f are more than %g apart", a, b, tolerance);
}

/* What the generator writes, its figures (the last line) taken off. Size 0: --size is left out. */
static struct corpus generate(const char *kind, long size, long count, long seed)
{
    char command[4096], with_size[32] = "";
    if (size)
        snprintf(with_size, sizeof with_size, "--size %ld", size);
    snprintf(command, sizeof command, "\"%s\" %s --count %ld --seed %ld %s 2>&1",
             getenv("GENERATE"), kind, count, seed, with_size);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    struct corpus corpus = {0};
    size_t read, capacity = 0;
    do {
        capacity = capacity ? 2 * capacity : 1 << 16;
        corpus.text = realloc(corpus.text, capacity + 1);
        assert_non_null(corpus.text);
        read = fread(corpus.text + corpus.length, 1, capacity - corpus.length, pipe);
        corpus.length += read;
    } while (corpus.length == capacity);
    assert_int_equal(pclose(pipe), 0);
    corpus.text[corpus.length] = '\0';
    corpus.text[corpus.length - 1] = '\0';
    char *figures = strrchr(corpus.text, '\n') + 1;
    unsigned long long characters;
    assert_int_equal(sscanf(strchr(figures, ':'),
                            ": %llu characters; entropy %lf nats per character, of this sample %lf",
                            &characters, &corpus.entropy, &corpus.sample),
                     3);
    *figures = '\0';
    corpus.length = (size_t)(figures - corpus.text);
    assert_int_equal(characters, corpus.length);
    return corpus;
}

/* Readers: −log of the probability of the line that starts at *text, and *text moved behind its
 * newline; NAN if it is none. */

static double read_number(const char **text, long size, long *number)
{
    char *end;
    *number = strtol(*text, &end, 10);
    long digits = end - *text;
    if (digits < 1 || digits > size || (**text == '0' && digits > 1) || **text == '+')
        return NAN;
    *text = end;
    return log((double)size) + (digits == 1 ? log(10) : log(9) + (double)(digits - 1) * log(10));
}

static double read_sum(const char **text, long size)
{
    long a, b;
    double surprise = read_number(text, size, &a);
    if (isnan(surprise) || *(*text)++ != '+')
        return NAN;
    surprise += read_number(text, size, &b);
    char rest[64];
    int length = snprintf(rest, sizeof rest, "=%ld\n", a + b);
    if (strncmp(*text, rest, (size_t)length) != 0)
        return NAN;
    *text += length;
    return surprise;
}

static double read_brackets(const char **text, long size)
{
    static const char opening[] = "([{<", closing[] = ")]}>";
    char stack[256];
    long depth = 0;
    double surprise = 0;
    for (const char *start = *text;; ++*text) {
        char c = **text;
        if (depth<size && * text> start)
            surprise += log(2);
        if (c && strchr(opening, c) && depth < size) {
            stack[depth++] = closing[strchr(opening, c) - opening];
            surprise += log(4);
        } else if (depth > 0 && c == stack[depth - 1]) {
            depth--;
        } else {
            ++*text;
            return c == '\n' && depth == 0 && *text > start + 1 ? surprise : NAN;
        }
    }
}

/* Reads a word of the generator's; false if there is none. */
static int read_word(const char **text)
{
    static const char *const words[] = {"ash",   "bell", "candle", "dew",   "ember",  "field",
                                        "glass", "hill", "ink",    "jar",   "kettle", "lamp",
                                        "moss",  "nest", "oak",    "pebble"};
    size_t length = strspn(*text, "abcdefghijklmnopqrstuvwxyz"), i = 0;
    while (i < 16 && (strlen(words[i]) != length || strncmp(words[i], *text, length) != 0))
        i++;
    *text += length;
    return i < 16;
}

static double read_phrase(const char **text, long size, long depth)
{
    double surprise = 0;
    char mark = depth % 2 ? '\'' : '"';
    for (;; ++*text) {
        if (**text == mark && depth < size) {
            ++*text;
            surprise += read_phrase(text, size, depth + 1) - log(0.25);
            if (*(*text)++ != mark)
                return NAN;
        } else {
            if (!read_word(text))
                return NAN;
            surprise += log(16) - (depth < size ? log(0.75) : 0);
        }
        if (**text != ' ')
            return surprise - log(0.25);
        surprise -= log(0.75);
    }
}

static double read_quotes(const char **text, long size)
{
    double surprise = read_phrase(text, size, 0);
    return *(*text)++ == '\n' ? surprise : NAN;
}

/* A line ends where the next word, which the next line begins with, would not have fitted. */
static double read_lines(const char **text, long size)
{
    const char *start = *text;
    double surprise = 0;
    do {
        if (!read_word(text))
            return NAN;
        surprise += log(16);
    } while (*(*text)++ == ' ');
    long used = *text - 1 - start, next = (long)strspn(*text, "abcdefghijklmnopqrstuvwxyz");
    int fits = used <= size || !memchr(start, ' ', (size_t)used);
    return (*text)[-1] == '\n' && fits && (!**text || used + 1 + next > size) ? surprise : NAN;
}

static double read_statement(const char **text, long size, long depth)
{
    if ((long)strspn(*text, " ") != 2 * depth)
        return NAN;
    *text += 2 * depth;
    double surprise = log(16) - log(0.4);
    for (;; ++*text, surprise += log(16) - log(0.6)) {
        if (!read_word(text))
            return NAN;
        if (**text != ' ')
            break;
    }
    if (*(*text)++ == '\n')
        return surprise - (depth < size ? log(0.6) : 0);
    if (strncmp(*text - 1, ":\n", 2) != 0 || depth >= size)
        return NAN;
    ++*text;
    surprise -= log(0.4) + log(0.4);
    for (surprise += read_statement(text, size, depth + 1);
         (long)strspn(*text, " ") == 2 * (depth + 1);
         surprise += read_statement(text, size, depth + 1) - log(0.6))
        ;
    return surprise;
}

static double read_indents(const char **text, long size)
{
    return read_statement(text, size, 0);
}

static double read_runs(const char **text, long size, const char *letters)
{
    long n = (long)strspn(*text, "a");
    for (; *letters; letters++) {
        const char run[] = {*letters, '\0'};
        if ((long)strspn(*text, run) != n)
            return NAN;
        *text += n;
    }
    return *(*text)++ == '\n' && n >= 1 && n <= size ? log((double)size) : NAN;
}

static double read_anbn(const char **text, long size)
{
    return read_runs(text, size, "ab");
}

static double read_anbncn(const char **text, long size)
{
    return read_runs(text, size, "abc");
}

/* The Reber grammar as what may follow which letter; the states tell the two T, P, S, X and V
 * apart: "state letter next". */
static double read_reber(const char **text, long size)
{
    static const char arrows[][4] = {"0T1", "0P2", "1S1", "1X3", "2T2",
                                     "2V4", "3X2", "3S5", "4P3", "4V5"};
    (void)size;
    const char *at = *text;
    char outer = at[1], state = '0';
    if (at[0] != 'B' || (outer != 'T' && outer != 'P') || at[2] != 'B')
        return NAN;
    double surprise = log(2);
    for (at += 3; state != '5'; at++) {
        size_t i = 0;
        while (i < 10 && (arrows[i][0] != state || arrows[i][1] != *at))
            i++;
        if (i == 10)
            return NAN;
        state = arrows[i][2];
        surprise += log(2);
    }
    const char end[] = {'E', outer, 'E', '\n', '\0'};
    *text = at + 4;
    return strncmp(at, end, 4) == 0 ? surprise : NAN;
}

static double read_tmaze(const char **text, long size)
{
    char sign = *(*text)++;
    long corridor = (long)strspn(*text, ".");
    const char end[] = {'T', sign, '\n', '\0'};
    if ((sign != 'L' && sign != 'R') || corridor < 1 || corridor > size ||
        strncmp(*text + corridor, end, 3) != 0)
        return NAN;
    *text += corridor + 3;
    return log(2) + log((double)size);
}

/* The sizes under test, the default first; `lines` of each. */
static const struct reader {
    const char *kind;
    double (*read)(const char **text, long size);
    long size, other[2], lines;
} readers[] = {
    {"sums", read_sum, 3, {1, 9}, 50000},        {"brackets", read_brackets, 6, {1, 3}, 50000},
    {"quotes", read_quotes, 3, {1, 2}, 20000},   {"lines", read_lines, 40, {5, 80}, 20000},
    {"indents", read_indents, 4, {1, 2}, 50000}, {"anbn", read_anbn, 20, {2, 7}, 20000},
    {"anbncn", read_anbncn, 20, {2, 7}, 20000},  {"reber", read_reber, 0, {0, 0}, 50000},
    {"tmaze", read_tmaze, 30, {1, 4}, 20000},
};
#define READERS (sizeof readers / sizeof *readers)

/* The surprise of all lines of a corpus; fails at a line that is not of the language. */
static double read_all(const struct reader *reader, long size, const struct corpus *corpus)
{
    double surprise = 0;
    long lines = 0;
    for (const char *at = corpus->text; *at; lines++) {
        const char *line = at;
        double of_line = reader->read(&at, size);
        if (isnan(of_line))
            fail_msg("%s: not of the language: %.*s", reader->kind, (int)strcspn(line, "\n"), line);
        surprise += of_line;
    }
    assert_int_equal(lines, reader->lines);
    return surprise;
}

static void test_every_line_is_of_its_language_and_as_improbable_as_said(void **state)
{
    (void)state;
    for (size_t i = 0; i < READERS; i++) {
        const struct reader *reader = &readers[i];
        const long sizes[] = {reader->size, reader->other[0], reader->other[1]};
        for (int j = 0; j < 3; j++) {
            /* --size is left out where the default is under test. */
            struct corpus corpus = generate(reader->kind, j ? sizes[j] : 0, reader->lines, 7 + j);
            double surprise = read_all(reader, sizes[j], &corpus) / (double)corpus.length;
            assert_near(surprise, corpus.sample, 1e-5);
            assert_near(surprise, corpus.entropy, 0.01 * corpus.entropy + 1e-5);
            free(corpus.text);
        }
    }
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The entropy of the lines' frequencies, over characters: it knows nothing of how they are made. */
static double frequency_entropy(struct corpus *corpus, size_t count)
{
    char **lines = calloc(count, sizeof *lines);
    assert_non_null(lines);
    size_t length = corpus->length;
    char *at = corpus->text;
    for (size_t i = 0; i < count; i++)
        lines[i] = strsep(&at, "\n");
    qsort(lines, count, sizeof *lines, compare_lines);
    double entropy = 0;
    for (size_t i = 0, first = 0; i < count; i++)
        if (i + 1 == count || strcmp(lines[i], lines[i + 1]) != 0) {
            double p = (double)(i + 1 - first) / (double)count;
            entropy -= p * log(p);
            first = i + 1;
        }
    free(lines);
    return entropy * (double)count / (double)length;
}

static void test_entropy_is_that_of_the_frequencies(void **state)
{
    (void)state;
    /* Sizes at which the lines are few enough to be counted, most of them; what is rarer than that
     * takes 2.5 % off the entropy of the brackets. */
    static const struct {
        const char *kind;
        long size;
    } small[] = {{"sums", 1},   {"brackets", 1}, {"anbn", 9},
                 {"anbncn", 9}, {"reber", 0},    {"tmaze", 9}};
    enum { LINES = 100000 };
    for (size_t i = 0; i < sizeof small / sizeof *small; i++) {
        struct corpus corpus = generate(small[i].kind, small[i].size, LINES, 3);
        assert_near(frequency_entropy(&corpus, LINES), corpus.entropy, 0.04 * corpus.entropy);
        free(corpus.text);
    }
}

static int digits_of(long number)
{
    return snprintf(NULL, 0, "%ld", number);
}

static void test_entropy_of_sums_is_that_of_all_pairs(void **state)
{
    (void)state;
    for (long size = 1, end = 10; size <= 3; size++, end *= 10) {
        double surprise = 0, characters = 0;
        for (long a = 0; a < end; a++)
            for (long b = 0; b < end; b++) {
                double pa =
                    1 / (double)size / (digits_of(a) == 1 ? 10 : 9 * pow(10, digits_of(a) - 1));
                double pb =
                    1 / (double)size / (digits_of(b) == 1 ? 10 : 9 * pow(10, digits_of(b) - 1));
                surprise -= pa * pb * log(pa * pb);
                characters += pa * pb * (digits_of(a) + digits_of(b) + digits_of(a + b) + 3);
            }
        struct corpus corpus = generate("sums", size, 10, 1);
        assert_near(corpus.entropy, surprise / characters, 1e-6);
        free(corpus.text);
    }
}

static void test_a_seed_is_a_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < READERS; i++) {
        struct corpus one = generate(readers[i].kind, 0, 100, 5);
        struct corpus same = generate(readers[i].kind, 0, 100, 5);
        struct corpus longer = generate(readers[i].kind, 0, 200, 5);
        struct corpus other = generate(readers[i].kind, 0, 100, 6);
        assert_string_equal(one.text, same.text);
        assert_string_not_equal(one.text, other.text);
        assert_memory_equal(one.text, longer.text, one.length);
        free(one.text);
        free(same.text);
        free(longer.text);
        free(other.text);
    }
}

static void test_wrong_usage_is_refused(void **state)
{
    (void)state;
    static const char *const arguments[] = {"",
                                            "nonsense",
                                            "sums anbn",
                                            "sums --size 0",
                                            "sums --size 10",
                                            "reber --size 3",
                                            "sums --count 0",
                                            "sums --seed -1",
                                            "sums --count many",
                                            "--colour sums"};
    for (size_t i = 0; i < sizeof arguments / sizeof *arguments; i++) {
        char command[4096];
        snprintf(command, sizeof command, "\"%s\" %s >/dev/null 2>&1", getenv("GENERATE"),
                 arguments[i]);
        assert_int_equal(system(command), 2 << 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_line_is_of_its_language_and_as_improbable_as_said),
        cmocka_unit_test(test_entropy_is_that_of_the_frequencies),
        cmocka_unit_test(test_entropy_of_sums_is_that_of_all_pairs),
        cmocka_unit_test(test_a_seed_is_a_text),
        cmocka_unit_test(test_wrong_usage_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
