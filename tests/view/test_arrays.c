#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "example.h"
#include "rng.h"
#include "writers.h"

/* The value of a half-precision number by the definition of IEEE 754. */
static double value_of_half(unsigned half)
{
    int exponent = half >> 10 & 31;
    double mantissa = half & 1023;
    double magnitude = exponent == 0    ? ldexp(mantissa, -24)
                       : exponent == 31 ? (mantissa != 0 ? NAN : INFINITY)
                                        : ldexp(1024 + mantissa, exponent - 25);
    return half & 0x8000 ? -magnitude : magnitude;
}

/* The nearest half-precision number, found by trying all; ties to even. Values nearer to 2^16 than
 * to the largest one are infinite. */
static unsigned naive_half(float value)
{
    unsigned best = 0;
    double least = INFINITY, magnitude = fabs((double)value);
    if (isnan(value))
        return 0x7E00;
    for (unsigned half = 0; half <= 0x7C00; half++) {
        double candidate = half == 0x7C00 ? 65536 : value_of_half(half);
        double apart = isinf(magnitude) ? fabs(65536 - candidate) : fabs(magnitude - candidate);
        if (apart < least || (apart == least && half % 2 == 0)) {
            least = apart;
            best = half;
        }
    }
    if (magnitude > 65536)
        best = 0x7C00;
    return best | (signbit(value) ? 0x8000U : 0);
}

/* Values where rounding is hard: halves, the middles between two, their neighbours, and any bits.
 */
static void fill_hard(float *values, size_t count)
{
    const struct rng rng = {11, RNG_TEST};
    static const float fixed[] = {0.0F,     -0.0F,    INFINITY,   -INFINITY,   NAN,       65504,
                                  65519,    65520,    65536,      1e30F,       6.1e-5F,   0x1p-14F,
                                  0x1p-24F, 0x1p-25F, 0x1.8p-24F, 0x1.01p-25F, 0x1p-149F, 1.0F};
    for (uint32_t i = 0; i < count; i++) {
        uint32_t random[4];
        rng_block(&rng, (uint32_t[4]){i}, random);
        double half = value_of_half(random[0] % 0x7BFF),
               next = value_of_half(random[0] % 0x7BFF + 1);
        if (i < sizeof fixed / sizeof *fixed)
            values[i] = fixed[i];
        else if (i % 4 == 0)
            memcpy(&values[i], &random[1], sizeof values[i]);
        else if (i % 4 == 1)
            values[i] = (float)((half + next) / 2);
        else if (i % 4 == 2)
            values[i] = nextafterf((float)((half + next) / 2), random[1] % 2 ? 0 : 1e9F);
        else
            values[i] = (float)-half;
    }
}

static void npy_is_rounded_to_nearest(void **state)
{
    (void)state;
    struct example example;
    size_t length, count;
    example_awkward(&example, 3);
    count = example.inspection.trace.length * example.inspection.trace.num_signals;
    float values[4096];
    assert_true(count <= 4096);
    fill_hard(values, count);
    for (size_t i = 0; i < count; i++)
        *trace_place(&example.inspection.trace, i % example.inspection.trace.num_signals,
                     i / example.inspection.trace.num_signals) = values[i];
    assert_int_equal(npy_view.write(&example.inspection, &example.options, example.directory), 0);
    char *file = example_read(&example, "activations.npy", &length);
    assert_memory_equal(file, "\x93NUMPY\x01\x00", 8);
    size_t header = 10 + (unsigned char)file[8] + 256U * (unsigned char)file[9];
    assert_int_equal(header % 64, 0);
    assert_int_equal(file[header - 1], '\n');
    char expected[128];
    snprintf(expected, sizeof expected,
             "{'descr': '<f2', 'fortran_order': False, 'shape': (%zu, %zu), }",
             example.inspection.trace.length, example.inspection.trace.num_signals);
    assert_memory_equal(file + 10, expected, strlen(expected));
    assert_int_equal(strspn(file + 10 + strlen(expected), " ") + 11 + strlen(expected), header);
    assert_int_equal(length, header + 2 * count);
    for (size_t i = 0; i < count; i++) {
        const unsigned char *bytes = (unsigned char *)file + header + 2 * i;
        unsigned half = bytes[0] + 256U * bytes[1];
        if (isnan(values[i]))
            assert_true(isnan(value_of_half(half)));
        else
            assert_int_equal(half, naive_half(values[i]));
    }
    free(file);
    example_release(&example);
}

static void json_describes_the_array(void **state)
{
    (void)state;
    struct example example;
    size_t length;
    example_awkward(&example, 2);
    example.inspection.trace.losses[3] = NAN;
    assert_int_equal(npy_view.write(&example.inspection, &example.options, example.directory), 0);
    char *file = example_read(&example, "activations.json", &length);
    json_t *about = json_loadb(file, length, 0, NULL);
    assert_non_null(about);
    assert_string_equal(json_string_value(json_object_get(about, "model")),
                        "runs/</script><b>\\xFF/best.safetensors");
    assert_string_equal(json_string_value(json_object_get(about, "text")), "awkward & text.txt");
    assert_string_equal(json_string_value(json_object_get(about, "cell")), "lstm");
    assert_int_equal(json_array_size(json_object_get(about, "quantities")), 2);
    json_t *signal = json_array_get(json_object_get(about, "signals"), 10);
    assert_int_equal(json_integer_value(json_object_get(signal, "layer")), 1);
    assert_int_equal(json_integer_value(json_object_get(signal, "unit")), 1);
    assert_string_equal(json_string_value(json_object_get(signal, "quantity")), "c");
    for (size_t t = 0; t < example.inspection.trace.length; t++) {
        int32_t id = example.inspection.trace.ids[t];
        json_t *character = json_array_get(json_object_get(about, "characters"), t);
        const struct vocab_symbol *symbol = &example.vocab.symbols[id];
        assert_int_equal(json_string_length(character), symbol->length);
        assert_memory_equal(json_string_value(character), symbol->bytes, symbol->length);
        assert_int_equal(json_integer_value(json_array_get(json_object_get(about, "ids"), t)), id);
        assert_int_equal(json_integer_value(json_array_get(json_object_get(about, "ranks"), t)),
                         example.inspection.trace.ranks[t]);
        json_t *loss = json_array_get(json_object_get(about, "losses"), t);
        if (t == 3)
            assert_true(json_is_null(loss));
        else
            assert_true(fabs(json_real_value(loss) - (double)example.inspection.trace.losses[t]) <
                        1e-6);
    }
    json_decref(about);
    free(file);
    example_release(&example);
}

static void csv_is_quoted(void **state)
{
    (void)state;
    static const char *const symbols[] = {"\"", ",", "\n", "a"};
    struct example example;
    size_t length;
    example_init(&example, VOCAB_CODEPOINT, symbols, 4, 1);
    for (size_t i = 0; i < 4 * example.inspection.trace.num_signals; i++)
        *trace_place(&example.inspection.trace, i % example.inspection.trace.num_signals,
                     i / example.inspection.trace.num_signals) = (float)i / 8;
    *trace_place(&example.inspection.trace, 1, 0) = NAN;
    example.inspection.trace.losses[3] = INFINITY;
    assert_int_equal(csv_view.write(&example.inspection, &example.options, example.directory), 0);
    char *file = example_read(&example, "activations.csv", &length);
    assert_string_equal(
        file, "position,character,loss,h 0:0,h 0:1,h 0:2,h 1:0,h 1:1,h 1:2,c 0:0,c 0:1,c 0:2,c "
              "1:0,c 1:1,c 1:2\n"
              "0,\"\"\"\",0,0,,0.25,0.375,0.5,0.625,0.75,0.875,1,1.125,1.25,1.375\n"
              "1,\",\",0.5,1.5,1.625,1.75,1.875,2,2.125,2.25,2.375,2.5,2.625,2.75,2.875\n"
              "2,\"\n\",1,3,3.125,3.25,3.375,3.5,3.625,3.75,3.875,4,4.125,4.25,4.375\n"
              "3,\"a\",,4.5,4.625,4.75,4.875,5,5.125,5.25,5.375,5.5,5.625,5.75,5.875\n");
    free(file);
    example_release(&example);
}

static void bytes_are_escaped(void **state)
{
    (void)state;
    static const char *const symbols[] = {"\xD0", "A"};
    struct example example;
    size_t length;
    example_init(&example, VOCAB_BYTE, symbols, 2, 1);
    assert_int_equal(csv_view.write(&example.inspection, &example.options, example.directory), 0);
    char *file = example_read(&example, "activations.csv", &length);
    assert_non_null(strstr(file, "\n0,\"\\xD0\",0,"));
    assert_non_null(strstr(file, "\n1,\"A\",0.5,"));
    free(file);
    example_release(&example);
}

/* Signals in another order, over a number of characters that is not a multiple of the block. */
static void only_shown_signals_are_written(void **state)
{
    (void)state;
    static const size_t shown[] = {10, 2, 7};
    static const char *const symbols[] = {"a", "b", "c"};
    struct example example;
    size_t length;
    example_init(&example, VOCAB_CODEPOINT, symbols, 3, 100);
    const struct trace *trace = &example.inspection.trace;
    example.options.shown = shown;
    example.options.num_shown = 3;
    assert_int_equal(npy_view.write(&example.inspection, &example.options, example.directory), 0);
    char *file = example_read(&example, "activations.npy", &length);
    assert_non_null(strstr(file + 10, "'shape': (300, 3)"));
    assert_int_equal(length, 128 + 2 * 300 * 3);
    for (size_t i = 0; i < 300 * 3; i++) {
        const unsigned char *half = (unsigned char *)file + 128 + 2 * i;
        assert_int_equal(half[0] + 256U * half[1],
                         naive_half(*trace_place(trace, shown[i % 3], i / 3)));
    }
    free(file);
    file = example_read(&example, "activations.json", &length);
    json_t *about = json_loadb(file, length, JSON_REJECT_DUPLICATES, NULL);
    json_t *signals = json_object_get(about, "signals");
    assert_int_equal(json_array_size(signals), 3);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(signals, 0), "unit")), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(signals, 1), "quantity")),
                        "h");
    json_decref(about);
    free(file);
    assert_int_equal(csv_view.write(&example.inspection, &example.options, example.directory), 0);
    file = example_read(&example, "activations.csv", &length);
    const char *line = file, *header = "position,character,loss,c 1:1,h 0:2,c 0:1\n";
    assert_memory_equal(line, header, strlen(header));
    for (size_t t = 0; t < 300; t++) {
        char expected[128];
        line = strchr(line, '\n') + 1;
        int used =
            snprintf(expected, sizeof expected, "%zu,\"%s\",%.6g,%.6g,%.6g,%.6g\n", t,
                     symbols[t % 3], (double)trace->losses[t], (double)*trace_place(trace, 10, t),
                     (double)*trace_place(trace, 2, t), (double)*trace_place(trace, 7, t));
        assert_memory_equal(line, expected, (size_t)used);
    }
    assert_int_equal(strchr(line, '\n')[1], '\0');
    free(file);
    example_release(&example);
}

/* Peak memory of this process, in bytes. */
static size_t peak(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (size_t)usage.ru_maxrss * 1024;
}

static void memory_does_not_grow_with_the_text(void **state)
{
    (void)state;
    static const char *const symbols[] = {"a", "b", "c", "d"};
    struct example example;
    example_init(&example, VOCAB_CODEPOINT, symbols, 4, 100);
    assert_int_equal(npy_view.write(&example.inspection, &example.options, example.directory), 0);
    assert_int_equal(csv_view.write(&example.inspection, &example.options, example.directory), 0);
    example_release(&example);
    example_init(&example, VOCAB_CODEPOINT, symbols, 4, 25000);
    const size_t before = peak();
    assert_int_equal(npy_view.write(&example.inspection, &example.options, example.directory), 0);
    assert_int_equal(csv_view.write(&example.inspection, &example.options, example.directory), 0);
    assert_true(peak() - before < 4 << 20);
    example_release(&example);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(npy_is_rounded_to_nearest),
        cmocka_unit_test(json_describes_the_array),
        cmocka_unit_test(csv_is_quoted),
        cmocka_unit_test(bytes_are_escaped),
        cmocka_unit_test(only_shown_signals_are_written),
        cmocka_unit_test(memory_does_not_grow_with_the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
