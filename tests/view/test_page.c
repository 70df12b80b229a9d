#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "colour.h"
#include "example.h"
#include "glyph.h"
#include "writers.h"

static char *write_page(const struct example *example, size_t *length)
{
    assert_int_equal(page_view.write(&example->inspection, &example->options, example->directory),
                     0);
    return example_read(example, "index.html", length);
}

/* The block of that id: its first byte and length. */
static const char *find_block(const char *page, const char *id, size_t *length)
{
    char mark[64];
    snprintf(mark, sizeof mark, " id=\"%s\">", id);
    const char *block = strstr(page, mark);
    assert_non_null(block);
    block += strlen(mark);
    *length = (size_t)(strstr(block, "</script>") - block);
    return block;
}

/* A block of base64, decoded digit by digit; free() releases it. */
static uint8_t *decode(const char *page, const char *id, size_t *count)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t length;
    const char *text = find_block(page, id, &length);
    uint8_t *bytes = calloc(length + 1, 1);
    unsigned bits = 0;
    assert_non_null(bytes);
    assert_int_equal(length % 4, 0);
    *count = 0;
    for (size_t i = 0; i < length && text[i] != '='; i++) {
        const char *digit = strchr(digits, text[i]);
        assert_non_null(digit);
        bits = bits << 6 | (unsigned)(digit - digits);
        if (i % 4 != 0)
            bytes[(*count)++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    return bytes;
}

static json_t *load_about(const char *page)
{
    size_t length;
    const char *block = find_block(page, "about", &length);
    json_t *about = json_loadb(block, length, 0, NULL);
    assert_non_null(about);
    return about;
}

static void values_come_back_within_a_level(void **state)
{
    (void)state;
    struct example example;
    size_t length, count;
    char id[32];
    example_awkward(&example, 4);
    struct trace *trace = &example.inspection.trace;
    *trace_place(trace, 0, 5) = NAN;
    char *page = write_page(&example, &length);
    json_t *about = load_about(page), *signals = json_object_get(about, "signals");
    assert_int_equal(json_array_size(signals), trace->num_signals);
    for (size_t s = 0; s < trace->num_signals; s++) {
        json_t *signal = json_array_get(signals, s);
        double range = json_number_value(json_array_get(signal, 3));
        assert_true(fabs(range / (double)trace_range(trace, s) - 1) < 1e-6);
        snprintf(id, sizeof id, "signal%zu", s);
        uint8_t *levels = decode(page, id, &count);
        assert_int_equal(count, trace->length);
        for (size_t t = 0; t < count; t++) {
            int level = (int8_t)levels[t];
            double value = (double)*trace_place(trace, s, t);
            if (isnan(value))
                assert_int_equal(level, -128);
            else
                assert_true(fabs(level / 127.0 * range - value) <= range / 254 * 1.0001);
        }
        free(levels);
    }
    json_decref(about);
    free(page);
    example_release(&example);
}

static void text_losses_and_guesses_come_back(void **state)
{
    (void)state;
    static const char *const symbols[] = {"a", "b", "\n"}; /* fewer than there are guesses */
    struct example example;
    size_t length, count;
    example_init(&example, VOCAB_CODEPOINT, symbols, 3, 5);
    const struct trace *trace = &example.inspection.trace;
    char *page = write_page(&example, &length);
    uint8_t *ids = decode(page, "ids", &count);
    assert_int_equal(count, 2 * trace->length);
    uint8_t *losses = decode(page, "losses", &count);
    assert_int_equal(count, 4 * trace->length);
    assert_memory_equal(losses, trace->losses, count); /* on a little-endian machine */
    uint8_t *guesses = decode(page, "guess_ids", &count);
    assert_int_equal(count, 2 * TRACE_GUESSES * trace->length);
    uint8_t *probs = decode(page, "guess_probs", &count);
    assert_int_equal(count, 2 * TRACE_GUESSES * trace->length);
    for (size_t t = 0; t < trace->length; t++)
        assert_int_equal(ids[2 * t] + 256 * ids[2 * t + 1], trace->ids[t]);
    for (size_t i = 0; i < TRACE_GUESSES * trace->length; i++) {
        assert_int_equal(guesses[2 * i] + 256 * guesses[2 * i + 1], trace->guesses[i].id & 0xFFFF);
        double prob = (probs[2 * i] + 256 * probs[2 * i + 1]) / 65535.0;
        assert_true(fabs(prob - (double)trace->guesses[i].prob) < 1e-5);
    }
    free(probs);
    free(guesses);
    free(losses);
    free(ids);
    free(page);
    example_release(&example);
}

static int occurrences(const char *page, const char *text)
{
    int count = 0;
    for (; (page = strstr(page, text)); page++)
        count++;
    return count;
}

static void nothing_of_the_text_is_markup(void **state)
{
    (void)state;
    static const char *const harmless[] = {"a", "b", "c", "d"};
    static const char *const harmful[] = {"</script><script>alert(1)</script>", "<!--", "]]>",
                                          "<img src=x onerror=alert(1)>\u2028"};
    struct example example;
    size_t length;
    int scripts[2], tags[2];
    for (int i = 0; i < 2; i++) {
        example_init(&example, VOCAB_GRAPHEME, i == 0 ? harmless : harmful, 4, 3);
        if (i == 0)
            example.inspection.trace.model = example.inspection.trace.text = "x";
        char *page = write_page(&example, &length);
        assert_int_equal(strlen(page), length);
        scripts[i] = occurrences(page, "</script>");
        tags[i] = occurrences(page, "<");
        assert_null(strstr(page, "<img"));
        assert_null(strstr(page, "\u2028"));
        if (i == 1) {
            json_t *about = load_about(page);
            json_t *symbols = json_object_get(about, "symbols");
            assert_string_equal(json_string_value(json_array_get(json_array_get(symbols, 0), 0)),
                                harmful[0]);
            json_decref(about);
        }
        free(page);
        example_release(&example);
    }
    assert_int_equal(scripts[0], scripts[1]);
    assert_int_equal(tags[0], tags[1]);
}

static void symbols_and_colours_are_those_of_the_other_views(void **state)
{
    (void)state;
    struct example example;
    size_t length;
    char name[8];
    example_awkward(&example, 1);
    char *page = write_page(&example, &length);
    json_t *about = load_about(page), *symbols = json_object_get(about, "symbols");
    struct glyph *glyphs = glyphs_new(&example.vocab);
    assert_int_equal(json_array_size(symbols), example.vocab.size);
    for (int i = 0; i < example.vocab.size; i++)
        assert_string_equal(
            json_string_value(json_array_get(json_array_get(symbols, (size_t)i), 0)),
            glyphs[i].shown);
    for (int level = -127; level <= 127; level++) {
        struct colour colour = colour_of((float)level, 127);
        snprintf(name, sizeof name, "#%02x%02x%02x", colour.red, colour.green, colour.blue);
        assert_string_equal(json_string_value(json_array_get(json_object_get(about, "light"),
                                                             (size_t)(level + 127))),
                            name);
    }
    glyphs_free(glyphs);
    json_decref(about);
    free(page);
    example_release(&example);
}

static void it_needs_nothing_else(void **state)
{
    (void)state;
    struct example example;
    size_t length;
    example_awkward(&example, 1);
    char *page = write_page(&example, &length);
    assert_non_null(strstr(page, "default-src 'none'"));
    assert_null(strstr(page, "http://"));
    assert_null(strstr(page, "https://"));
    assert_null(strstr(page, " src="));
    assert_null(strstr(page, "{{"));
    free(page);
    example_release(&example);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_back_within_a_level),
        cmocka_unit_test(text_losses_and_guesses_come_back),
        cmocka_unit_test(nothing_of_the_text_is_markup),
        cmocka_unit_test(symbols_and_colours_are_those_of_the_other_views),
        cmocka_unit_test(it_needs_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
