#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "corpus.h"
#include "error.h"
#include "made_corpus.h"
#include "random_text.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static char directory[] = "/tmp/rune-test-corpus.XXXXXX";
static char paths[4][64], temp_path[64];
static const char *files[4];

static int make_directory(void **state)
{
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    for (int i = 0; i < 4; i++) {
        snprintf(paths[i], sizeof paths[i], "%s/%c.txt", directory, 'a' + i);
        files[i] = paths[i];
    }
    snprintf(temp_path, sizeof temp_path, "%s/ids", directory);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        unlink(paths[i]);
    return rmdir(directory); /* fails if a temporary file is left behind */
}

static void write_file(int i, const void *text, size_t length)
{
    FILE *file = fopen(paths[i], "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static struct corpus_options make_options(int num_files)
{
    return (struct corpus_options){.files = files,
                                   .num_files = num_files,
                                   .val_fraction = 0.1,
                                   .temp_path = temp_path,
                                   .in_memory_max = CORPUS_IN_MEMORY,
                                   .min_count = 1};
}

static void check_part(const struct corpus *corpus, const struct corpus_part *part)
{
    uint64_t position = 0;
    for (size_t i = 0; i < part->num_segments; i++) {
        assert_true(part->segments[i].length > 0);
        assert_int_equal(part->segments[i].position, position);
        assert_true(part->segments[i].start + part->segments[i].length <= corpus->length);
        position += part->segments[i].length;
    }
    assert_int_equal(part->length, position);
}

/* The bytes of a part. */
static size_t decode_part(const struct corpus *corpus, const struct vocab *vocab,
                          const struct corpus_part *part, uint8_t *out)
{
    size_t used = 0;
    int32_t *ids = malloc((size_t)(part->length + 1) * sizeof *ids);
    assert_int_equal(corpus_read(corpus, part, 0, (size_t)part->length, ids), 0);
    for (uint64_t i = 0; i < part->length; i++) {
        const struct vocab_symbol *symbol = &vocab->symbols[ids[i]];
        memcpy(out + used, symbol->bytes, symbol->length);
        used += symbol->length;
    }
    free(ids);
    return used;
}

/* Three files, of several blocks in all units, held in memory and in a file. */
static void test_files_come_back(void **state)
{
    (void)state;
    struct random random = {6, 0};
    static const size_t sizes[] = {700000, 1, 9000}; /* code points: the first is over a block */
    uint8_t *text[3], *back = malloc(4 * 710000);
    size_t length[3];
    for (int i = 0; i < 3; i++) {
        text[i] = malloc(4 * sizes[i]);
        length[i] = random_text(&random, sizes[i], text[i]);
        write_file(i, text[i], length[i]);
    }
    assert_true(length[0] > (1 << 20));
    for (int unit = VOCAB_CODEPOINT; unit <= VOCAB_BYTE; unit++)
        for (int in_memory = 0; in_memory < 2; in_memory++) {
            struct corpus corpus;
            struct vocab vocab = {0};
            struct corpus_options options = make_options(3);
            options.treatment.unit = (enum vocab_unit)unit;
            options.in_memory_max = in_memory ? 1 << 30 : 1000;
            assert_int_equal(corpus_open(&corpus, &vocab, &options), 0);
            assert_int_equal(corpus.ids != NULL, in_memory);
            assert_int_equal(corpus.file != NULL, !in_memory);
            assert_int_equal(corpus.notes.bytes, length[0] + length[1] + length[2]);
            assert_int_equal(corpus.length, corpus.notes.symbols);
            assert_int_equal(corpus.id_bytes, vocab.size <= 256 ? 1 : vocab.size <= 65536 ? 2 : 4);
            check_part(&corpus, &corpus.training);
            check_part(&corpus, &corpus.validation);
            assert_int_equal(corpus.training.length + corpus.validation.length, corpus.length);
            /* the parts of a file end to end are the file */
            size_t at[2] = {0, 0}, used[2];
            uint8_t *part = malloc(4 * 710000);
            used[0] = decode_part(&corpus, &vocab, &corpus.training, back);
            used[1] = decode_part(&corpus, &vocab, &corpus.validation, part);
            for (int i = 0; i < 3; i++) {
                size_t matched = 0;
                while (matched < length[i] && at[0] < used[0] && back[at[0]] == text[i][matched])
                    matched++, at[0]++;
                while (matched < length[i] && at[1] < used[1] && part[at[1]] == text[i][matched])
                    matched++, at[1]++;
                assert_int_equal(matched, length[i]);
            }
            assert_true(at[0] == used[0] && at[1] == used[1]);
            free(part);
            corpus_release(&corpus);
            vocab_release(&vocab);
        }
    for (int i = 0; i < 3; i++)
        free(text[i]);
    free(back);
}

/* Random reads agree between memory and file, for ids of 1, 2 and 4 bytes. */
static void test_memory_and_file_give_the_same(void **state)
{
    (void)state;
    struct random random = {7, 0};
    static const int32_t points[] = {200, 3000, 100000}; /* distinct symbols */
    static uint8_t text[4 * 130000];
    for (size_t k = 0; k < COUNT(points); k++) {
        struct corpus corpora[2];
        struct vocab vocabs[2] = {0};
        for (int i = 0; i < 2; i++) {
            size_t length = 0;
            for (int32_t n = 0; n < 120000; n++) {
                int32_t point =
                    0x10000 + (n < points[k] ? n : random_between(&random, 0, points[k] - 1));
                length += (size_t)utf8_encode(point, text + length);
            }
            if (i == 0)
                write_file(0, text, length), write_file(1, text, length / 8 * 4);
        }
        for (int i = 0; i < 2; i++) {
            struct corpus_options options = make_options(2);
            options.in_memory_max = i ? 0 : CORPUS_IN_MEMORY;
            assert_int_equal(corpus_open(&corpora[i], &vocabs[i], &options), 0);
            assert_int_equal(corpora[i].id_bytes, k == 0 ? 1 : k == 1 ? 2 : 4);
        }
        assert_int_equal(corpora[0].hash, corpora[1].hash);
        const struct corpus_part *parts[] = {&corpora[0].training, &corpora[1].training,
                                             &corpora[0].validation, &corpora[1].validation};
        static int32_t whole[200000], a[5000], b[5000];
        for (int p = 0; p < 4; p += 2) {
            assert_int_equal(parts[p]->length, parts[p + 1]->length);
            corpus_read(&corpora[0], parts[p], 0, (size_t)parts[p]->length, whole);
            for (int round = 0; round < 200; round++) {
                uint64_t position = random_below(&random, (uint32_t)parts[p]->length + 1);
                uint64_t left = parts[p]->length - position;
                size_t count = random_below(&random, left < 5000 ? (uint32_t)left + 1 : 5000);
                assert_int_equal(corpus_read(&corpora[0], parts[p], position, count, a), 0);
                assert_int_equal(corpus_read(&corpora[1], parts[p + 1], position, count, b), 0);
                assert_memory_equal(a, whole + position, count * sizeof *a);
                assert_memory_equal(b, whole + position, count * sizeof *b);
            }
        }
        for (int i = 0; i < 2; i++) {
            corpus_release(&corpora[i]);
            vocab_release(&vocabs[i]);
        }
    }
}

static void check_split_of(size_t length, double fraction, bool required, uint64_t training,
                           uint64_t validation)
{
    struct corpus corpus;
    struct vocab vocab = {0};
    struct corpus_options options = make_options(1);
    char *text = malloc(length);
    for (size_t i = 0; i < length; i++)
        text[i] = i % 3 ? 'a' : 'b';
    write_file(0, text, length);
    options.val_fraction = fraction;
    options.val_required = required;
    assert_int_equal(corpus_open(&corpus, &vocab, &options), 0);
    assert_int_equal(corpus.training.length, training);
    assert_int_equal(corpus.validation.length, validation);
    corpus_release(&corpus);
    vocab_release(&vocab);
    free(text);
}

static void check_split(size_t length, double fraction, uint64_t training, uint64_t validation)
{
    check_split_of(length, fraction, false, training, validation);
}

static void test_split(void **state)
{
    (void)state;
    check_split(1115394, 0.1, 1003854, 111540);
    check_split(10000, 0.1, 9000, 1000);
    check_split(9999, 0.1, 8999, 1000);
    check_split(9989, 0.1, 9989, 0); /* 999 would be held out */
    check_split(100000, 0, 100000, 0);
    check_split(100000, 0.9, 10000, 90000); /* 1 − 0.9 is a little under 0.1 */
    check_split(2, 0.5, 2, 0);
}

/* A fraction that was asked for is held out, however little it is. */
static void test_required_validation(void **state)
{
    (void)state;
    check_split_of(9989, 0.1, true, 8990, 999);
    check_split_of(2, 0.5, true, 1, 1);
    check_split_of(1000, 0.001, true, 999, 1);
    check_split_of(1000, 0, true, 1000, 0); /* nothing was asked for */
    struct corpus corpus;
    struct vocab vocab = {0};
    struct corpus_options options = make_options(1);
    options.val_fraction = 1e-10;
    options.val_required = true;
    assert_int_equal(corpus_open(&corpus, &vocab, &options), -1);
    assert_non_null(strstr(error_message(), "--val-fraction 1e-10 of 1000 characters"));
}

static uint64_t hash_of(int num_files)
{
    struct corpus corpus;
    struct vocab vocab = {0};
    struct corpus_options options = make_options(num_files);
    assert_int_equal(corpus_open(&corpus, &vocab, &options), 0);
    uint64_t hash = corpus.hash;
    corpus_release(&corpus);
    vocab_release(&vocab);
    return hash;
}

static void test_hash_tells_texts_apart(void **state)
{
    (void)state;
    const char *const texts[][2] = {{"abcdefgh", "ij"}, {"abcdefg", "hij"}, {"abcdefghi", "j"},
                                    {"abcdefgh", "ik"}, {"bacdefgh", "ij"}, {"ij", "abcdefgh"}};
    uint64_t hashes[COUNT(texts) + 2];
    for (size_t i = 0; i < COUNT(texts); i++) {
        write_file(0, texts[i][0], strlen(texts[i][0]));
        write_file(1, texts[i][1], strlen(texts[i][1]));
        hashes[i] = hash_of(2);
        assert_int_equal(hash_of(2), hashes[i]);
    }
    write_file(0, "abc", 3);
    hashes[COUNT(texts)] = hash_of(1);
    write_file(0, "abc\0", 4);
    hashes[COUNT(texts) + 1] = hash_of(1);
    for (size_t i = 0; i < COUNT(hashes); i++)
        for (size_t k = 0; k < i; k++)
            assert_true(hashes[i] != hashes[k]);
}

/* The hash is the same on every machine. */
static void test_hash_is_the_same_on_every_machine(void **state)
{
    (void)state;
    write_file(0, "abcdefghij", 10);
    assert_true(hash_of(1) == UINT64_C(0x7e079c5c92502372));
}

static void check_refused(const struct corpus_options *options, struct vocab *vocab,
                          const char *const *complaints)
{
    struct corpus corpus;
    error_set("none");
    assert_int_equal(corpus_open(&corpus, vocab, options), -1);
    for (; *complaints; complaints++)
        if (!strstr(error_message(), *complaints))
            fail_msg("'%s' is not in: %s", *complaints, error_message());
    assert_null(corpus.ids);
    assert_null(corpus.file);
}

#define CHECK_REFUSED(options, vocab, ...)                                                         \
    check_refused(options, vocab, (const char *const[]){__VA_ARGS__, NULL})

static void test_files_that_cannot_be_used(void **state)
{
    (void)state;
    struct vocab vocab = {0};
    struct corpus_options options = make_options(2);
    write_file(0, "some text", 9);
    write_file(1, "", 0);
    CHECK_REFUSED(&options, &vocab, paths[1], "empty");
    write_file(1, "good\xC3(", 6);
    CHECK_REFUSED(&options, &vocab, paths[1], "0xC3", "offset 4", "--unit byte");
    unlink(paths[1]);
    CHECK_REFUSED(&options, &vocab, paths[1], "No such file");
    assert_int_equal(mkfifo(paths[1], 0600), 0);
    CHECK_REFUSED(&options, &vocab, paths[1], "regular file");
    unlink(paths[1]);
    options.num_files = 1;
    write_file(0, "\n\n\n\n", 4);
    CHECK_REFUSED(&options, &vocab, paths[0], "'\\n' (U+000A)");
    write_file(0, "abc", 3);
    options.min_count = 2;
    CHECK_REFUSED(&options, &vocab, paths[0], "--min-count");
    options = make_options(1);
    options.treatment.unit = VOCAB_BYTE;
    options.treatment.form = UTF8_NFC;
    CHECK_REFUSED(&options, &vocab, "--normalize");
    options = make_options(1);
    char text[2000];
    memset(text, 'a', sizeof text);
    text[0] = 'b';
    write_file(0, text, sizeof text);
    options.val_fraction = 0.9999; /* of 2000 characters 1 − 0.9999 is none */
    CHECK_REFUSED(&options, &vocab, "--val-fraction");
    options = make_options(1);
    options.in_memory_max = 0;
    options.temp_path = "/nowhere/at/all";
    CHECK_REFUSED(&options, &vocab, "/nowhere/at/all", "No such file");
    assert_null(vocab.symbols);
}

struct change {
    const char *text;
    uint64_t last;
    bool done;
};

static void change_file(void *context, uint64_t done, uint64_t total)
{
    struct change *change = context;
    assert_true(done >= change->last);
    change->last = done;
    if (change->text && 2 * done >= total && !change->done) {
        write_file(0, change->text, strlen(change->text));
        change->done = true;
    }
}

/* A file that changes between the passes: longer, shorter, other symbols, same symbols. */
static void test_file_changes_while_it_is_read(void **state)
{
    (void)state;
    const char *const changes[] = {"abcabcabca", "abcab", "", "abcabx", "abcacb", "ab\xFF"};
    for (size_t i = 0; i < COUNT(changes); i++)
        for (int in_memory = 0; in_memory < 2; in_memory++) {
            struct vocab vocab = {0};
            struct change change = {changes[i], 0, false};
            struct corpus_options options = make_options(1);
            options.in_memory_max = in_memory ? CORPUS_IN_MEMORY : 0;
            options.progress = change_file;
            options.context = &change;
            write_file(0, "abcabc", 6);
            CHECK_REFUSED(&options, &vocab, paths[0], i == 5 ? "UTF-8" : "changed");
        }
}

static void test_progress_counts_both_passes(void **state)
{
    (void)state;
    struct corpus corpus;
    struct vocab vocab = {0};
    struct change change = {NULL, 0, false};
    struct corpus_options options = make_options(1);
    options.progress = change_file;
    options.context = &change;
    write_file(0, "abcabc", 6);
    assert_int_equal(corpus_open(&corpus, &vocab, &options), 0);
    assert_int_equal(change.last, 12);
    corpus_release(&corpus);
    options.fixed_vocab = true;
    change.last = 0;
    assert_int_equal(corpus_open(&corpus, &vocab, &options), 0);
    assert_int_equal(change.last, 6);
    corpus_release(&corpus);
    vocab_release(&vocab);
}

static void test_fixed_vocabulary(void **state)
{
    (void)state;
    struct corpus corpus;
    struct vocab vocab = {0};
    struct corpus_options options = make_options(2);
    int32_t ids[16];
    write_file(0, "cab", 3);
    write_file(1, "abc", 3);
    assert_int_equal(corpus_open(&corpus, &vocab, &options), 0);
    corpus_release(&corpus);

    options.fixed_vocab = true;
    options.treatment.unit = VOCAB_BYTE; /* not used: the vocabulary says what a symbol is */
    write_file(0, "bbb", 3);             /* a single distinct symbol is fine here */
    write_file(1, "b", 1);
    assert_int_equal(corpus_open(&corpus, &vocab, &options), 0);
    assert_int_equal(corpus.length, 4);
    corpus_release(&corpus);

    write_file(0, "abc", 3);
    write_file(1, "zaézyxwvutsrqéz", 17);
    CHECK_REFUSED(&options, &vocab, paths[1], ": 14 symbols",
                  "'z', 'é', 'y', 'x', 'w', 'v', 'u', 't', 's', 'r' …");
    assert_int_equal(vocab.size, 3); /* the caller's is kept */
    options.num_files = 1;
    write_file(0, "b", 1);
    CHECK_REFUSED(&options, &vocab, paths[0], "single symbol");
    vocab_release(&vocab);

    options = make_options(1);
    options.min_count = 2;
    write_file(0, "aabbc", 5);
    assert_int_equal(corpus_open(&corpus, &vocab, &options), 0);
    assert_int_equal(corpus.num_unknown, 1);
    corpus_release(&corpus);
    options.fixed_vocab = true;
    write_file(0, "axbcy", 5);
    assert_int_equal(corpus_open(&corpus, &vocab, &options), 0);
    assert_int_equal(corpus.num_unknown, 3);
    corpus_read(&corpus, &corpus.training, 0, 5, ids);
    const int32_t expected[] = {0, 2, 1, 2, 2};
    assert_memory_equal(ids, expected, sizeof expected);
    corpus_release(&corpus);
    vocab_release(&vocab);
}

/* What the vocabulary lacks is left out or replaced; parts and boundaries are those of what is
 * left. */
static void test_unknown_symbols(void **state)
{
    (void)state;
    struct corpus corpus;
    struct vocab vocab = {0};
    struct corpus_options options = make_options(1);
    uint8_t text[64];
    write_file(0, "abcE? ", 6);
    assert_int_equal(corpus_open(&corpus, &vocab, &options), 0);
    corpus_release(&corpus);
    write_file(0, "xaby", 4);
    write_file(1, "eAcz", 4);
    options = make_options(2);
    options.fixed_vocab = true;
    options.option = "--on-unknown skip";
    CHECK_REFUSED(&options, &vocab, paths[0], "5 symbols",
                  "to go on without them: --on-unknown skip");
    static const struct {
        enum encode_unknown on_unknown;
        const char *text;
        uint64_t second; /* where the second file begins */
    } cases[] = {{ENCODE_SKIP, "abc", 2}, {ENCODE_REPLACE, "?ab?Eac?", 4}};
    for (size_t k = 0; k < COUNT(cases); k++)
        for (int in_memory = 0; in_memory < 2; in_memory++) {
            options.on_unknown = cases[k].on_unknown;
            options.in_memory_max = in_memory ? CORPUS_IN_MEMORY : 0;
            assert_int_equal(corpus_open(&corpus, &vocab, &options), 0);
            assert_int_equal(corpus.num_unknown, 5);
            assert_int_equal(corpus.length, strlen(cases[k].text));
            assert_int_equal(corpus.training.segments[1].start, cases[k].second);
            check_part(&corpus, &corpus.training);
            assert_int_equal(decode_part(&corpus, &vocab, &corpus.training, text),
                             strlen(cases[k].text));
            assert_memory_equal(text, cases[k].text, strlen(cases[k].text));
            corpus_release(&corpus);
        }
    write_file(0, "xyz", 3);
    write_file(1, "XYZ", 3);
    options.on_unknown = ENCODE_SKIP;
    CHECK_REFUSED(&options, &vocab, "no symbols");
    vocab_release(&vocab);
}

/* A text gives the same symbols in any encoding, also when the vocabulary is fixed. */
static void test_treatment(void **state)
{
    (void)state;
    struct corpus corpus;
    struct vocab vocab = {0};
    struct corpus_options options = make_options(1);
    uint8_t text[64];
    write_file(0,
               "\xFF\xFE"
               "a\0\r\0\n\0\xE9\0\r\0b\0",
               14);
    options.treatment = (struct text_treatment){
        .encoding = "UTF-16", .newlines = VOCAB_LF, .strip_bom = true, .unit = VOCAB_GRAPHEME};
    assert_int_equal(corpus_open(&corpus, &vocab, &options), 0);
    assert_int_equal(decode_part(&corpus, &vocab, &corpus.training, text), 6);
    assert_memory_equal(text,
                        "a\n\xC3\xA9\n"
                        "b",
                        6);
    assert_int_equal(corpus.notes.bytes, 7); /* of UTF-8 */
    assert_null(vocab.treatment.encoding);
    assert_true(vocab.treatment.strip_bom);
    corpus_release(&corpus);
    write_file(0,
               "\xEF\xBB\xBF"
               "a\r\nb\r\xC3\xA9",
               10);
    options = make_options(1);
    options.fixed_vocab = true;
    assert_int_equal(corpus_open(&corpus, &vocab, &options), 0);
    assert_int_equal(decode_part(&corpus, &vocab, &corpus.training, text), 6);
    assert_memory_equal(text, "a\nb\n\xC3\xA9", 6);
    corpus_release(&corpus);
    write_file(0, "caf\xE9\x81", 5);
    options.treatment.encoding = "WINDOWS-1252";
    CHECK_REFUSED(&options, &vocab, paths[0], "0x81 at offset 4 is not WINDOWS-1252");
    vocab_release(&vocab);
}

/* Messages give the names of files, not the paths that they are read from. */
static void test_names(void **state)
{
    (void)state;
    struct vocab vocab = {0};
    struct corpus_options options = make_options(2);
    const char *const names[] = {"the first", "the second"};
    options.names = names;
    write_file(0, "abc", 3);
    const char *const bad[] = {"", "a\xFF", "\x1F\x8B\x08"};
    for (size_t k = 0; k < COUNT(bad); k++) {
        write_file(1, bad[k], strlen(bad[k]));
        CHECK_REFUSED(&options, &vocab, "the second: ");
        assert_null(strstr(error_message(), paths[1]));
    }
    unlink(paths[1]);
    CHECK_REFUSED(&options, &vocab, "the second: ");
}

/* The hash up to each file tells which one has changed. */
static void test_hashes_of_files(void **state)
{
    (void)state;
    struct corpus corpus;
    struct vocab vocab = {0};
    struct corpus_options options = make_options(2);
    uint64_t before[2];
    write_file(0, "abc", 3);
    write_file(1, "cab", 3);
    assert_int_equal(corpus_open(&corpus, &vocab, &options), 0);
    memcpy(before, corpus.hashes, sizeof before);
    assert_true(before[1] == corpus.hash);
    corpus_release(&corpus);
    vocab_release(&vocab);
    write_file(1, "cbb", 3);
    assert_int_equal(corpus_open(&corpus, &vocab, &options), 0);
    assert_true(corpus.hashes[0] == before[0] && corpus.hashes[1] != before[1]);
    corpus_release(&corpus);
    vocab_release(&vocab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_come_back),
        cmocka_unit_test(test_memory_and_file_give_the_same),
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_required_validation),
        cmocka_unit_test(test_hash_tells_texts_apart),
        cmocka_unit_test(test_hash_is_the_same_on_every_machine),
        cmocka_unit_test(test_files_that_cannot_be_used),
        cmocka_unit_test(test_file_changes_while_it_is_read),
        cmocka_unit_test(test_progress_counts_both_passes),
        cmocka_unit_test(test_fixed_vocabulary),
        cmocka_unit_test(test_unknown_symbols),
        cmocka_unit_test(test_treatment),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_hashes_of_files),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
