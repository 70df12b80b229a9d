#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "error.h"
#include "parse.h"
#include "random.h"
#include "safetensors.h"
#include "scratch.h"

enum { ROWS = 5, COLUMNS = 3, LENGTH = 7, COUNTS = 2 };

struct sample {
    real vector[LENGTH], matrix[ROWS * COLUMNS], turned[ROWS * COLUMNS];
    uint64_t counts[COUNTS];
};

static void fill(struct sample *sample, uint64_t seed)
{
    struct random random = {seed, 0};
    for (int k = 0; k < LENGTH; k++)
        sample->vector[k] = (real)random_between(&random, -1, 1);
    for (int k = 0; k < ROWS * COLUMNS; k++) {
        sample->matrix[k] = (real)random_between(&random, -1e30, 1e30);
        sample->turned[k] = (real)random_between(&random, -1e-30, 1e-30);
    }
    sample->counts[0] = UINT64_MAX - seed;
    sample->counts[1] = 0x0123456789abcdef;
}

static int save(const struct sample *sample, const char *path)
{
    struct safetensors_out *out = safetensors_out_new();
    safetensors_add_text(out, "number", "-12");
    safetensors_add_reals(out, "vector", LENGTH, 0, sample->vector, false);
    safetensors_add_reals(out, "matrix", ROWS, COLUMNS, sample->matrix, false);
    safetensors_add_text(out, "text", "quotes \" and \\, \n, é");
    safetensors_add_reals(out, "turned", ROWS, COLUMNS, sample->turned, true);
    safetensors_add_reals(out, "zeros", LENGTH, 0, NULL, false);
    safetensors_add_u64(out, "counts", COUNTS, sample->counts);
    int result = safetensors_save(out, path);
    safetensors_out_free(out);
    return result;
}

/* Reads everything that save() wrote. Returns how many of the arrays could be read. */
static int read_all(const struct safetensors *in, struct sample *sample)
{
    real zeros[LENGTH];
    return (safetensors_read_reals(in, "vector", LENGTH, 0, sample->vector, false) == 0) +
           (safetensors_read_reals(in, "matrix", ROWS, COLUMNS, sample->matrix, false) == 0) +
           (safetensors_read_reals(in, "turned", ROWS, COLUMNS, sample->turned, true) == 0) +
           (safetensors_read_reals(in, "zeros", LENGTH, 0, zeros, false) == 0) +
           (safetensors_read_u64(in, "counts", COUNTS, sample->counts) == 0);
}

#define ALL 5

static void what_goes_in_comes_out(void **state)
{
    (void)state;
    struct sample written = {0}, read = {0}; /* of which the padding is compared too */
    long long number;
    double real_number;
    for (uint64_t seed = 0; seed < 20; seed++) {
        fill(&written, seed);
        assert_int_equal(save(&written, scratch_path("file")), 0);
        struct safetensors *in = safetensors_load(scratch_path("file"));
        assert_non_null(in);
        assert_int_equal(read_all(in, &read), ALL);
        assert_memory_equal(&read, &written, sizeof read);
        assert_string_equal(safetensors_text(in, "text"), "quotes \" and \\, \n, é");
        assert_int_equal(safetensors_integer(in, "number", -12, 5, &number), 0);
        assert_int_equal(number, -12);
        assert_int_equal(safetensors_number(in, "number", &real_number), 0);
        assert_true(real_number == -12);
        assert_string_equal(safetensors_path(in), scratch_path("file"));
        safetensors_free(in);
    }
}

/* The file as another program sees it. */
static void others_can_read_it(void **state)
{
    (void)state;
    struct sample sample;
    uint8_t *file;
    size_t length;
    fill(&sample, 1);
    assert_int_equal(save(&sample, scratch_path("file")), 0);
    assert_int_equal(file_read(scratch_path("file"), &file, &length), 0);
    assert_int_equal(parse_header(file, length) % 64, 0); /* for readers that map the file */
    const struct parsed vector = parse_array(file, length, "vector"),
                        matrix = parse_array(file, length, "matrix"),
                        turned = parse_array(file, length, "turned"),
                        zeros = parse_array(file, length, "zeros"),
                        counts = parse_array(file, length, "counts");
    assert_string_equal(vector.type, "F32");
    assert_string_equal(vector.shape, "[7]");
    assert_string_equal(matrix.shape, "[5,3]");
    assert_string_equal(turned.shape, "[5,3]");
    assert_string_equal(counts.type, "U64");
    assert_int_equal(counts.bytes, 16);
    for (size_t k = 0; k < LENGTH; k++) {
        assert_true(parse_float(&vector, k) == (float)sample.vector[k]);
        assert_true(parse_float(&zeros, k) == 0);
    }
    for (size_t r = 0; r < ROWS; r++)
        for (size_t c = 0; c < COLUMNS; c++) {
            assert_true(parse_float(&matrix, r * COLUMNS + c) ==
                        (float)sample.matrix[r * COLUMNS + c]);
            assert_true(parse_float(&turned, r * COLUMNS + c) ==
                        (float)sample.turned[c * ROWS + r]);
        }
    assert_memory_equal(counts.data + 8, "\xef\xcd\xab\x89\x67\x45\x23\x01", 8);
    assert_ptr_equal(vector.data, file + parse_header(file, length)); /* no holes */
    assert_ptr_equal(counts.data + counts.bytes, file + length);
    free(file);
}

/* Puts ∞ into number `at` of an array of a file. */
static void damage(const char *path, const char *name, size_t at)
{
    static const uint8_t infinity[4] = {0, 0, 0x80, 0x7F};
    uint8_t *file;
    size_t length;
    assert_int_equal(file_read(path, &file, &length), 0);
    const struct parsed array = parse_array(file, length, name);
    memcpy(file + (array.data - file) + at * sizeof infinity, infinity, sizeof infinity);
    scratch_write(path, file, length);
    free(file);
}

static void drop_checksum(const char *path)
{
    uint8_t *file;
    size_t length;
    assert_int_equal(file_read(path, &file, &length), 0);
    parse_drop_checksum(file, length);
    scratch_write(path, file, length);
    free(file);
}

static void what_is_not_there_is_refused(void **state)
{
    (void)state;
    struct sample sample;
    real numbers[ROWS * COLUMNS];
    uint64_t counts[COUNTS];
    long long number;
    double real_number;
    fill(&sample, 2);
    assert_int_equal(save(&sample, scratch_path("file")), 0);
    damage(scratch_path("file"), "matrix", 7);
    damage(scratch_path("file"), "vector", 0);
    drop_checksum(scratch_path("file"));
    struct safetensors *in = safetensors_load(scratch_path("file"));
    assert_int_equal(safetensors_read_reals(in, "nothing", 1, 0, numbers, false), -1);
    assert_non_null(strstr(error_message(), "no array \"nothing\""));
    assert_int_equal(safetensors_read_reals(in, "counts", COUNTS, 0, numbers, false), -1);
    assert_non_null(strstr(error_message(), "not of type F32"));
    assert_int_equal(safetensors_read_u64(in, "vector", LENGTH, counts), -1);
    assert_int_equal(safetensors_read_reals(in, "matrix", COLUMNS, ROWS, numbers, false), -1);
    assert_non_null(strstr(error_message(), "[5, 3]"));
    assert_non_null(strstr(error_message(), "[3, 5]"));
    assert_int_equal(safetensors_read_reals(in, "matrix", ROWS * COLUMNS, 0, numbers, false), -1);
    assert_int_equal(safetensors_read_reals(in, "zeros", LENGTH, 1, numbers, false), -1);
    assert_int_equal(safetensors_read_u64(in, "counts", COUNTS - 1, counts), -1);
    assert_int_equal(safetensors_read_reals(in, "matrix", ROWS, COLUMNS, numbers, false), -1);
    assert_non_null(strstr(error_message(), "[2, 1]")); /* where the number is not finite */
    assert_int_equal(safetensors_read_reals(in, "vector", LENGTH, 0, numbers, false), -1);
    assert_null(safetensors_text(in, "nothing"));
    assert_int_equal(safetensors_integer(in, "text", 0, 9, &number), -1);
    assert_int_equal(safetensors_integer(in, "number", -11, 9, &number), -1);
    assert_int_equal(safetensors_integer(in, "number", -99, -13, &number), -1);
    assert_int_equal(safetensors_number(in, "text", &real_number), -1);
    safetensors_free(in);
    assert_null(safetensors_load(scratch_path("missing")));
    assert_non_null(strstr(error_message(), "missing"));
    assert_null(safetensors_load(scratch_directory));
    assert_int_equal(save(&sample, scratch_path("missing/file")), -1);
    assert_non_null(strstr(error_message(), "missing/file"));
}

/* Writes a file of that header and so many bytes behind it, and loads it. */
static struct safetensors *load_header(const char *header, uint64_t said_length, size_t bytes)
{
    static char file[1 << 12];
    const size_t length = strlen(header);
    for (int k = 0; k < 8; k++)
        file[k] = (char)(said_length >> 8 * k);
    memcpy(file + 8, header, length);
    memset(file + 8 + length, 0, bytes);
    scratch_write(scratch_path("header"), file, 8 + length + bytes);
    return safetensors_load(scratch_path("header"));
}

/* A header of two arrays of four numbers. */
#define PAIR(first, second)                                                                        \
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":" first "},"                         \
    "\"b\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":" second "}}"

#define ARRAY(shape, offsets)                                                                      \
    "{\"a\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

static void hostile_headers_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *header, *says;
    } bad[] = {
        {ARRAY("[4]", "[0,17]"), "bytes of its shape"},
        {ARRAY("[4]", "[-1,15]"), "bytes of its shape"},
        {ARRAY("[4]", "[16,0]"), "bytes of its shape"},
        {ARRAY("[4]", "[-9223372036854775808,9223372036854775807]"), "bytes of its shape"},
        {ARRAY("[0]", "[9223372036854775807,9223372036854775807]"), "belong to none"},
        {ARRAY("[3]", "[4,16]"), "belong to none"},
        {ARRAY("[5]", "[0,20]"), "cut off"},
        {ARRAY("[1000000000000]", "[0,4000000000000]"), "cut off"},
        {ARRAY("[3]", "[0,12]"), "behind its last array"},
        {"{}", "behind its last array"},
        {PAIR("[0,16]", "[0,16]"), "overlaps"},
        {PAIR("[0,16]", "[12,28]"), "overlaps"},
        {PAIR("[0,16]", "[16,32]"), "cut off"},
        {ARRAY("[4]", "[0,12]"), "bytes of its shape"},
        {ARRAY("[3]", "[0,16]"), "bytes of its shape"},
        {ARRAY("[-4]", "[0,16]"), "impossible shape"},
        {ARRAY("[4.0]", "[0,16]"), "impossible shape"},
        {ARRAY("[4294967296,4294967296,4]", "[0,16]"), "impossible shape"},
        {ARRAY("[4611686018427387905]", "[0,4]"), "impossible shape"},
        {ARRAY("4", "[0,16]"), "not an array's"},
        {ARRAY("[4]", "[0]"), "not an array's"},
        {ARRAY("[4]", "[0,1e400]"), "damaged"},
        {"{\"a\":{\"dtype\":\"F33\",\"shape\":[4],\"data_offsets\":[0,16]}}", "unknown type"},
        {"{\"a\":{\"dtype\":5,\"shape\":[4],\"data_offsets\":[0,16]}}", "not an array's"},
        {"{\"a\":[]}", "not an array's"},
        {"{\"a\":{},\"a\":{}}", "damaged"},
        {"{\"__metadata__\":[]}", "not an object"},
        {"{\"__metadata__\":{\"a\":1}}", "not a text"},
        {"{\"__metadata__\":{\"a\":\"\\u0000\"}}", "damaged"},
        {"[]", "is not a model"},
        {"{", "is not a model"},
        {"{ ", "damaged"},
        {"{}{}", "damaged"},
        {"{\"\xff\":{}}", "damaged"},
    };
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        assert_null(load_header(bad[k].header, strlen(bad[k].header), 16));
        if (!strstr(error_message(), bad[k].says) || !strstr(error_message(), "header: "))
            fail_msg("%s: \"%s\" where \"%s\" was expected", bad[k].header, error_message(),
                     bad[k].says);
    }
    static const uint64_t lengths[] = {
        0, 1, 3, 1000, (uint64_t)1 << 63, UINT64_MAX, UINT64_MAX - 7};
    for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++)
        assert_null(load_header("{}", lengths[k], 16));
    struct safetensors *in =
        load_header(ARRAY("[4]", "[0,16]"), strlen(ARRAY("[4]", "[0,16]")), 16);
    assert_non_null(in); /* the sound one among them */
    safetensors_free(in);
}

/* What a header says is held against the file before any of it is read. */
static void a_large_file_is_looked_at_first(void **state)
{
    (void)state;
    static const char *const headers[] = {"{", "{}", ARRAY("[4]", "[0,16]")};
    static const uint64_t lengths[] = {2, 100000000, 100000001, UINT64_C(1) << 35};
    for (size_t k = 0; k < 3; k++)
        for (size_t l = 0; l < 4; l++) {
            safetensors_free(load_header(headers[k], lengths[l], 0));
            assert_int_equal(truncate(scratch_path("header"), (off_t)1 << 36), 0); /* sparse */
            assert_null(safetensors_load(scratch_path("header")));
        }
    /* One whose header is sound takes no memory until its arrays are asked for. */
    struct rusage before, after;
    const char *sound = ARRAY("[17179869184]", "[0,68719476736]");
    assert_null(load_header(sound, strlen(sound), 0));
    assert_int_equal(truncate(scratch_path("header"), (off_t)(8 + strlen(sound) + (1ULL << 36))),
                     0);
    getrusage(RUSAGE_SELF, &before);
    struct safetensors *in = safetensors_open(scratch_path("header"));
    assert_non_null(in);
    assert_int_equal(safetensors_check_reals(in, "a", (size_t)1 << 34, 0), 0);
    assert_int_equal(safetensors_check_reals(in, "a", 1 << 20, 0), -1);
    assert_int_equal(safetensors_check_reals(in, "b", 1 << 20, 0), -1);
    getrusage(RUSAGE_SELF, &after);
    assert_true(after.ru_maxrss - before.ru_maxrss < 16 << 10); /* kilobytes */
    safetensors_free(in);
    remove(scratch_path("header"));
}

/* Writes a file to a pipe; the process that does so ends by itself. */
static FILE *pipe_of(const uint8_t *file, size_t length)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    if (fork() == 0) {
        close(ends[0]);
        signal(SIGPIPE, SIG_IGN);
        for (size_t at = 0, n; at < length; at += n) {
            n = length - at < 7 ? length - at : 7;
            if (write(ends[1], file + at, n) != (ssize_t)n)
                break;
        }
        _exit(0);
    }
    close(ends[1]);
    return fdopen(ends[0], "rb");
}

static struct safetensors *load_pipe(const uint8_t *file, size_t length)
{
    char path[40];
    FILE *pipe = pipe_of(file, length);
    snprintf(path, sizeof path, "/dev/fd/%d", fileno(pipe));
    struct safetensors *in = safetensors_load(path);
    fclose(pipe);
    wait(NULL);
    return in;
}

static void a_pipe_is_read_as_a_file(void **state)
{
    (void)state;
    struct sample written = {0}, read = {0};
    uint8_t *file;
    size_t length;
    fill(&written, 7);
    assert_int_equal(save(&written, scratch_path("file")), 0);
    assert_int_equal(file_read(scratch_path("file"), &file, &length), 0);
    struct safetensors *in = load_pipe(file, length);
    assert_non_null(in);
    assert_int_equal(read_all(in, &read), ALL);
    assert_memory_equal(&read, &written, sizeof read);
    safetensors_free(in);
    for (size_t cut = 0; cut < length; cut += 11) {
        assert_null(load_pipe(file, cut));
        assert_non_null(strstr(error_message(), cut < 8 ? "not a safetensors" : "cut off"));
    }
    uint8_t *longer = calloc(1, length + 1);
    memcpy(longer, file, length);
    assert_null(load_pipe(longer, length + 1));
    assert_non_null(strstr(error_message(), "behind its last array"));
    longer[length - 1] ^= 1;
    assert_null(load_pipe(longer, length));
    assert_non_null(strstr(error_message(), "not what was saved"));
    free(longer);
    free(file);
}

/* Of arrays as long as several blocks, turned and not, every single bit. */
static void the_checksum_tells_every_flipped_bit(void **state)
{
    (void)state;
    enum { SIZE = 300 };
    struct random random = {8, 0};
    static real matrix[SIZE * SIZE], read[SIZE * SIZE];
    uint8_t *file;
    size_t length;
    for (size_t k = 0; k < SIZE * SIZE; k++)
        matrix[k] = (real)random_between(&random, -1, 1);
    struct safetensors_out *out = safetensors_out_new();
    safetensors_add_reals(out, "straight", SIZE, SIZE, matrix, false);
    safetensors_add_reals(out, "turned", SIZE, SIZE, matrix, true);
    assert_int_equal(safetensors_save(out, scratch_path("file")), 0);
    assert_int_equal(safetensors_save(out, scratch_path("again")), 0);
    safetensors_out_free(out);
    assert_int_equal(file_read(scratch_path("file"), &file, &length), 0);
    assert_true(scratch_holds(scratch_path("again"), file, length));
    struct safetensors *in = safetensors_load(scratch_path("file"));
    assert_non_null(in);
    assert_int_equal(safetensors_read_reals(in, "straight", SIZE, SIZE, read, false), 0);
    assert_memory_equal(read, matrix, sizeof read);
    assert_int_equal(safetensors_read_reals(in, "turned", SIZE, SIZE, read, true), 0);
    assert_memory_equal(read, matrix, sizeof read);
    assert_int_equal(safetensors_read_reals(in, "turned", SIZE, SIZE, read, false), 0);
    assert_true(read[SIZE] == matrix[1] && read[1] == matrix[SIZE]);
    safetensors_free(in);
    const size_t start = parse_header(file, length);
    for (int round = 0; round < 300; round++) {
        const size_t at = start + (size_t)random_below(&random, (int)(length - start));
        const uint8_t bit = (uint8_t)(1 << random_below(&random, 8));
        file[at] ^= bit;
        scratch_write(scratch_path("file"), file, length);
        assert_null(safetensors_load(scratch_path("file")));
        assert_non_null(strstr(error_message(), "not what was saved"));
        assert_non_null(strstr(error_message(), scratch_path("file")));
        in = safetensors_open(scratch_path("file")); /* its header alone is sound */
        assert_non_null(in);
        safetensors_free(in);
        file[at] ^= bit;
    }
    parse_drop_checksum(file, length);
    file[length - 1] ^= 1;
    scratch_write(scratch_path("file"), file, length);
    in = safetensors_load(scratch_path("file"));
    assert_non_null(in); /* a file without one is taken as it is */
    safetensors_free(in);
    free(file);
}

/* The CRC-32 of zlib, PNG and gzip over the bytes of the file, whatever the machine. */
static void the_checksum_is_as_others_compute_it(void **state)
{
    (void)state;
    static const uint64_t digits = UINT64_C(0x3837363534333231); /* "12345678" */
    struct safetensors_out *out = safetensors_out_new();
    safetensors_add_u64(out, "digits", 1, &digits);
    assert_int_equal(safetensors_save(out, scratch_path("digits")), 0);
    safetensors_out_free(out);
    struct safetensors *in = safetensors_load(scratch_path("digits"));
    assert_string_equal(safetensors_text(in, "data_crc32"), "9ae0daaf");
    safetensors_free(in);
}

static void every_truncation_is_an_error(void **state)
{
    (void)state;
    struct sample sample;
    struct random random = {3, 0};
    uint8_t *file;
    size_t length;
    fill(&sample, 3);
    assert_int_equal(save(&sample, scratch_path("file")), 0);
    assert_int_equal(file_read(scratch_path("file"), &file, &length), 0);
    const size_t header = parse_header(file, length);
    for (size_t cut = 0; cut < length;
         cut += cut < header + 4 ? 1 : (size_t)(1 + random_below(&random, 9))) {
        scratch_write(scratch_path("cut"), file, cut);
        error_set("%s", "");
        assert_null(safetensors_load(scratch_path("cut")));
        assert_non_null(strstr(error_message(), scratch_path("cut")));
    }
    free(file);
}

/* Whatever bytes the header has, a file is refused or its arrays lie in it. */
static void damaged_headers_do_no_harm(void **state)
{
    (void)state;
    struct sample sample;
    struct random random = {4, 0};
    uint8_t *file, *damaged;
    size_t length;
    int loaded = 0;
    fill(&sample, 4);
    assert_int_equal(save(&sample, scratch_path("file")), 0);
    assert_int_equal(file_read(scratch_path("file"), &file, &length), 0);
    damaged = malloc(length);
    for (int round = 0; round < 10000; round++) {
        memcpy(damaged, file, length);
        for (int flips = 1 + random_below(&random, 3); flips > 0; flips--)
            damaged[random_below(&random, (int)parse_header(file, length))] ^=
                (uint8_t)(1 + random_below(&random, 255));
        scratch_write(scratch_path("damaged"), damaged, length);
        error_set("%s", "");
        struct safetensors *in = safetensors_load(scratch_path("damaged"));
        if (in && read_all(in, &sample) == ALL)
            loaded++; /* a blank, or a letter of a text */
        else
            assert_true(strlen(error_message()) > 0);
        safetensors_free(in);
    }
    print_message("# %d of 10000 damaged files were still whole\n", loaded);
    assert_true(loaded < 5000);
    free(file);
    free(damaged);
}

/* A file that could not be read back is not written over one that can. */
static void what_is_not_finite_is_not_written(void **state)
{
    (void)state;
    struct sample good, bad;
    uint8_t *before;
    size_t length;
    fill(&good, 5);
    assert_int_equal(save(&good, scratch_path("kept")), 0);
    assert_int_equal(file_read(scratch_path("kept"), &before, &length), 0);
    const struct {
        const char *name;
        real *number;
        real value;
    } cases[] = {{"\"vector\"", &bad.vector[LENGTH - 1], (real)NAN},
                 {"\"matrix\"", &bad.matrix[0], (real)INFINITY},
                 {"\"turned\"", &bad.turned[4], (real)-INFINITY}};
    for (size_t k = 0; k < 3; k++) {
        fill(&bad, 6);
        *cases[k].number = cases[k].value;
        assert_int_equal(save(&bad, scratch_path("kept")), -1);
        assert_non_null(strstr(error_message(), cases[k].name));
        assert_non_null(strstr(error_message(), scratch_path("kept")));
        assert_true(scratch_holds(scratch_path("kept"), before, length));
    }
    free(before);
}

static void texts_that_are_not_utf8_are_not_written(void **state)
{
    (void)state;
    struct safetensors_out *out = safetensors_out_new();
    safetensors_add_text(out, "name", "caf\xe9");
    assert_int_equal(safetensors_save(out, scratch_path("latin")), -1);
    assert_non_null(strstr(error_message(), "\"name\" is not UTF-8"));
    assert_int_equal(access(scratch_path("latin"), F_OK), -1);
    safetensors_out_free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_comes_out),
        cmocka_unit_test(others_can_read_it),
        cmocka_unit_test(what_is_not_finite_is_not_written),
        cmocka_unit_test(texts_that_are_not_utf8_are_not_written),
        cmocka_unit_test(what_is_not_there_is_refused),
        cmocka_unit_test(hostile_headers_are_refused),
        cmocka_unit_test(a_large_file_is_looked_at_first),
        cmocka_unit_test(a_pipe_is_read_as_a_file),
        cmocka_unit_test(the_checksum_tells_every_flipped_bit),
        cmocka_unit_test(the_checksum_is_as_others_compute_it),
        cmocka_unit_test(every_truncation_is_an_error),
        cmocka_unit_test(damaged_headers_do_no_harm),
    };
    return cmocka_run_group_tests_name("safetensors", tests, scratch_make, scratch_remove);
}
