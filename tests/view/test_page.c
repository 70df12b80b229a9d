#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "block.h"
#include "colour.h"
#include "example.h"
#include "glyph.h"
#include "symbols.h"
#include "writers.h"

static char *write_page(const struct example *example, size_t *length)
{
    assert_int_equal(page_view.write(&example->inspection, &example->options, example->directory),
                     0);
    return example_read(example, "index.html", length);
}

/* The block with that id: its first byte and length. */
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

/* One character, of up to two bytes of UTF-8. */
static unsigned next_character(const char **text)
{
    unsigned first = (uint8_t) * (*text)++;
    return first < 0x80 ? first : (first & 0x1F) << 6 | ((unsigned)*(*text)++ & 0x3F);
}

/* The bytes that the septets of a block make; to free(). */
static uint8_t *read_septets(const char *text, size_t length, size_t *count)
{
    static const unsigned forbidden[] = {0, '\r', '<'};
    uint8_t *bytes = calloc(2 * length + 1, 1);
    size_t bits = 0;
    assert_non_null(bytes);
    for (const char *end = text + length; text < end;) {
        unsigned character = next_character(&text), septets[2], n = 1;
        if (character < 0x100)
            septets[0] = character;
        else if (character < 0x280) {
            septets[0] = forbidden[(character - 0x100) / 128];
            septets[n++] = character % 128;
        } else
            septets[0] = forbidden[character - 0x280];
        for (unsigned i = 0; i < n; i++)
            for (int bit = 6; bit >= 0; bit--, bits++)
                bytes[bits / 8] |= (uint8_t)((septets[i] >> bit & 1) << (7 - bits % 8));
    }
    *count = bits / 8;
    return bytes;
}

/* A block, unpacked; free() releases it. */
static uint8_t *decode(const char *page, const char *id, size_t *count)
{
    size_t length, packed_length;
    const char *text = find_block(page, id, &length);
    uint8_t *packed = read_septets(text, length, &packed_length);
    uLongf room = 1 << 21;
    uint8_t *bytes = calloc(room, 1);
    assert_non_null(bytes);
    assert_int_equal(uncompress(bytes, &room, packed, packed_length), Z_OK);
    *count = room;
    free(packed);
    return bytes;
}

static json_t *load_plain(const char *page, const char *id)
{
    size_t length;
    const char *block = find_block(page, id, &length);
    json_t *json = json_loadb(block, length, 0, NULL);
    assert_non_null(json);
    return json;
}

static json_t *load_packed(const char *page, const char *id)
{
    size_t count;
    uint8_t *bytes = decode(page, id, &count);
    json_t *json = json_loadb((const char *)bytes, count, 0, NULL);
    assert_non_null(json);
    free(bytes);
    return json;
}

static void blocks_hold_any_bytes(void **state)
{
    (void)state;
    uint32_t random = 1;
    for (size_t length = 0; length < 300; length++) {
        uint8_t bytes[300], *back;
        char *text = NULL;
        size_t size, count;
        for (size_t i = 0; i < length; i++) {
            random = random * 1664525 + 1013904223;
            bytes[i] = length % 3 == 0 ? 0 : (uint8_t)(random >> 24);
        }
        FILE *out = open_memstream(&text, &size);
        assert_int_equal(block_put(out, "x", bytes, length), 0);
        fclose(out);
        assert_null(strchr(text, '\r'));
        assert_int_equal(strlen(text), size); /* no NUL */
        back = decode(text, "x", &count);
        assert_int_equal(count, length);
        assert_memory_equal(back, bytes, length);
        free(back);
        free(text);
    }
}

static void values_are_exact_to_a_level(void **state)
{
    (void)state;
    struct example example;
    size_t length, count;
    char id[32];
    example_awkward(&example, 30);
    struct trace *trace = &example.inspection.trace;
    *trace_place(trace, 0, 5) = NAN;
    char *page = write_page(&example, &length);
    json_t *signals = load_plain(page, "signals");
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
    json_decref(signals);
    free(page);
    example_release(&example);
}

static void text_losses_and_guesses_are_exact(void **state)
{
    (void)state;
    static const char *const symbols[] = {"a", "b", "\n"}; /* fewer than there are guesses */
    struct example example;
    size_t length, counts[5];
    example_init(&example, VOCAB_CODEPOINT, symbols, 3, 5);
    struct trace *trace = &example.inspection.trace;
    trace->losses[4] = INFINITY;
    char *page = write_page(&example, &length);
    uint8_t *ids = decode(page, "ids", &counts[0]), *losses = decode(page, "losses", &counts[1]),
            *ranks = decode(page, "ranks", &counts[2]),
            *guesses = decode(page, "guess_ids", &counts[3]),
            *probs = decode(page, "guess_probs", &counts[4]);
    const size_t N = trace->length, wanted[] = {N, 2 * N, N, TRACE_GUESSES * N, TRACE_GUESSES * N};
    assert_memory_equal(counts, wanted, sizeof wanted);
    for (size_t t = 0; t < N; t++) {
        assert_int_equal(ids[t], trace->ids[t]);
        assert_int_equal(ranks[t], trace->ranks[t]);
        int loss = losses[2 * t] + 256 * losses[2 * t + 1];
        if (t == 4)
            assert_int_equal(loss, 0xFFFF);
        else
            assert_true(fabs(loss / 1000.0 - (double)trace->losses[t]) <= 0.0005001);
        for (size_t k = 0; k < TRACE_GUESSES; k++) {
            const struct trace_guess *guess = &trace->guesses[t * TRACE_GUESSES + k];
            double root = probs[k * N + t] / 255.0;
            assert_int_equal(guesses[k * N + t], guess->id & 0xFF);
            assert_true(fabs(root - sqrt((double)guess->prob)) <= 0.5001 / 255);
        }
    }
    free(ids);
    free(losses);
    free(ranks);
    free(guesses);
    free(probs);
    free(page);
    example_release(&example);
}

/* Incompressible values of many units, and all other parts of a page. */
static void the_page_is_within_its_size(void **state)
{
    (void)state;
    struct example example;
    size_t length;
    uint32_t random = 3;
    example_full(&example, 60000, 150);
    struct trace *trace = &example.inspection.trace;
    for (size_t s = 0; s < trace->num_signals; s++)
        for (size_t t = 0; t < trace->length; t++) {
            random = random * 1664525 + 1013904223;
            *trace_place(trace, s, t) = (float)(int32_t)random;
        }
    example.options.max_bytes = 0;
    char *page = write_page(&example, &length);
    assert_true((double)length <= 1.2 * (double)(trace->length * trace->num_signals));
    free(page);
    example_release(&example);
}

static void the_best_signals_that_fit_are_kept(void **state)
{
    (void)state;
    struct example example;
    size_t length, all_length;
    example_full(&example, 6000, 20);
    const struct trace *trace = &example.inspection.trace;
    example.options.max_bytes = 0;
    free(write_page(&example, &all_length));
    example.options.max_bytes = all_length - 1;
    char *page = write_page(&example, &length);
    json_t *signals = load_plain(page, "signals");
    size_t kept = json_array_size(signals);
    assert_int_equal(kept, trace->num_signals - 1);
    free(page);
    json_decref(signals);
    example.options.max_bytes = 300000;
    page = write_page(&example, &length);
    signals = load_plain(page, "signals");
    kept = json_array_size(signals);
    assert_true(length <= 300000 && length > 280000);
    assert_true(kept > 5 && kept < trace->num_signals);
    for (size_t i = 0; i < kept; i++) {
        const struct trace_signal *signal = &trace->signals[example.shown[i]];
        json_t *named = json_array_get(signals, i);
        assert_int_equal(json_integer_value(json_array_get(named, 0)), signal->quantity);
        assert_int_equal(json_integer_value(json_array_get(named, 1)), signal->layer);
        assert_int_equal(json_integer_value(json_array_get(named, 2)), signal->unit);
    }
    json_decref(signals);
    free(page);
    example_release(&example);
}

static void the_page_has_the_start_of_a_long_text(void **state)
{
    (void)state;
    struct example example;
    size_t length, count;
    example_full(&example, 40000, 2);
    example.options.max_bytes = 600000;
    example.options.text_length = 41000; /* the trace holds its beginning */
    char *page = write_page(&example, &length);
    json_t *about = load_plain(page, "about");
    const size_t held = (size_t)json_integer_value(json_object_get(about, "length"));
    assert_int_equal(json_integer_value(json_object_get(about, "characters")), 41000);
    assert_true(length <= 600000 && held > 15000 && held < 40000);
    free(decode(page, "ids", &count));
    assert_int_equal(count, held);
    free(decode(page, "signal0", &count));
    assert_int_equal(count, held);
    json_t *unit = load_packed(page, "unit0"), *card = json_object_get(unit, "card"), *position;
    size_t i;
    json_array_foreach(json_object_get(card, "tenths"), i, position)
        assert_true((size_t)json_integer_value(position) < held);
    json_decref(unit);
    json_decref(about);
    free(page);
    example_release(&example);
}

static void findings_are_in_the_page(void **state)
{
    (void)state;
    struct example example;
    size_t length;
    char sentence[DISCOVERY_ROOM];
    example_full(&example, 2000, 4);
    const struct inspection *inspection = &example.inspection;
    char *page = write_page(&example, &length);
    json_t *findings = load_packed(page, "findings"), *first;
    first = json_array_get(json_object_get(findings, "discoveries"), 0);
    discovery_describe(inspection->discoveries.list, &inspection->trace, &inspection->labels,
                       sentence);
    assert_string_equal(json_string_value(json_array_get(first, 5)), sentence);
    json_t *gates = json_object_get(findings, "gates");
    assert_int_equal(json_array_size(gates), 4);
    assert_true(json_is_true(json_object_get(json_array_get(gates, 1), "keeps")));
    assert_int_equal(json_array_size(json_object_get(json_array_get(gates, 3), "high")), 1024);
    assert_int_equal(json_array_size(json_object_get(json_object_get(findings, "reach"), "curves")),
                     3);
    json_t *unit = load_packed(page, "unit2"); /* h of the last layer */
    json_t *weighed = json_object_get(unit, "output_weights"),
           *up = json_copy(json_array_get(weighed, 0));
    json_t *most = json_array_get(up, 0);
    const int symbol = (int)json_integer_value(json_array_get(most, 0));
    const float *weights = inspection->output_weights;
    const size_t H = 512, j = (size_t)inspection->trace.signals[example.shown[2]].unit;
    for (size_t v = 0; v < (size_t)example.vocab.size; v++)
        assert_true(weights[v * H + j] <= weights[(size_t)symbol * H + j]);
    json_t *ablation = json_object_get(unit, "ablation");
    assert_int_equal(json_array_size(json_object_get(ablation, "by_label")), 3); /* one is scalar */
    json_decref(unit);
    unit = load_packed(page, "unit3"); /* c of the same: its h has output weights */
    assert_true(json_equal(json_array_get(json_object_get(unit, "output_weights"), 0), up));
    json_decref(unit);
    unit = load_packed(page, "unit0"); /* of the first layer */
    assert_null(json_object_get(unit, "output_weights"));
    json_decref(unit);
    json_decref(up);
    json_decref(findings);
    free(page);
    example_release(&example);
}

/* Both ends of the list, the highest first. */
static void check_means(const char *page, const struct symbol_value *means, size_t count)
{
    json_t *unit = load_packed(page, "unit0"), *entry;
    json_t *lists = json_object_get(json_object_get(unit, "card"), "by_symbol");
    const json_t *highest = json_array_get(lists, 0), *lowest = json_array_get(lists, 1);
    size_t i;
    assert_true(json_array_size(highest) > 10);
    json_array_foreach(highest, i, entry)
        assert_int_equal(json_integer_value(json_array_get(entry, 0)), means[i].symbol);
    json_array_foreach(lowest, i, entry)
        assert_int_equal(json_integer_value(json_array_get(entry, 0)),
                         means[count - json_array_size(lowest) + i].symbol);
    json_decref(unit);
}

static void means_are_of_frequent_symbols(void **state)
{
    (void)state;
    struct example example;
    size_t length, i, left = SYMBOLS_MIN_COUNT - 1;
    example_full(&example, 2000, 4);
    struct trace *trace = &example.inspection.trace;
    const size_t V = (size_t)example.vocab.size;
    struct card *card = &example.inspection.cards.list[0];
    struct symbols symbols;
    card->by_symbol[5] = 1e6F; /* the highest by far, but met once too little */
    for (size_t t = 0; t < trace->length; t++)
        if (trace->ids[t] == 5 && left-- == 0) {
            trace->ids[t] = 4;
            left = 0;
        }
    assert_int_equal(symbols_init(&symbols, trace), 0);
    assert_int_equal(symbols.counts[5], SYMBOLS_MIN_COUNT - 1);
    symbols_list_means(&symbols, card);
    assert_int_equal(symbols.least, SYMBOLS_MIN_COUNT);
    for (int k = 0; k < symbols.count; k++) {
        assert_true(symbols.counts[symbols.list[k].symbol] >= SYMBOLS_MIN_COUNT);
        assert_true(k == 0 || symbols.list[k].value <= symbols.list[k - 1].value);
    }
    char *page = write_page(&example, &length);
    check_means(page, symbols.list, (size_t)symbols.count);
    json_t *findings = load_packed(page, "findings"), *times;
    json_array_foreach(json_object_get(findings, "times"), i, times)
        assert_int_equal(json_integer_value(times), symbols.counts[i]);
    memset(symbols.counts, 0, V * sizeof *symbols.counts);
    symbols.counts[5] = 1; /* where nothing is met often */
    symbols_list_means(&symbols, card);
    assert_int_equal(symbols.count, 1);
    assert_int_equal(symbols.list[0].symbol, 5);
    json_decref(findings);
    symbols_release(&symbols);
    free(page);
    example_release(&example);
}

/* The number of bounds 0.05, 0.25, 0.45, … of the largest that are exceeded. */
static void attributions_are_strengths(void **state)
{
    (void)state;
    struct example example;
    size_t length, count, at = 0, i;
    example_full(&example, 400, 2); /* attributions of 100 … 499 */
    struct attributions *attributions = &example.inspection.attributions;
    const size_t K = attributions->steps;
    attributions->positions[0] = 90;
    memset(attributions->weights, 0, K * sizeof *attributions->weights);
    char *page = write_page(&example, &length);
    const int8_t *strengths = (const int8_t *)decode(page, "attributions", &count);
    assert_int_equal(count, attributions->count * K);
    for (i = 0; i < count; i++) {
        float largest = 0;
        int expected = 0;
        for (size_t k = 0; k < K; k++)
            largest = fmaxf(largest, fabsf(attributions->weights[i / K * K + k]));
        const float share = largest > 0 ? fabsf(attributions->weights[i]) / largest : 0;
        while (expected < 5 && share > 0.05F + 0.2F * (float)expected)
            expected++;
        assert_int_equal(abs(strengths[i]), expected);
        assert_true(expected == 0 || (strengths[i] < 0) == (attributions->weights[i] < 0));
    }
    json_t *findings = load_packed(page, "findings"), *distance;
    json_t *distances = json_object_get(json_object_get(findings, "attributions"), "distances");
    json_array_foreach(distances, i, distance)
    {
        at += (size_t)json_integer_value(distance);
        assert_int_equal(at, attributions->positions[i]);
    }
    assert_int_equal(i, 300); /* those within the text */
    json_decref(findings);
    free((void *)strengths);
    free(page);
    example_release(&example);
}

static void unknown_parts_are_left_out(void **state)
{
    (void)state;
    struct example example;
    size_t length;
    example_awkward(&example, 2);
    char *page = write_page(&example, &length);
    json_t *findings = load_packed(page, "findings"), *unit = load_packed(page, "unit0");
    assert_int_equal(json_array_size(json_object_get(findings, "discoveries")), 0);
    assert_null(json_object_get(findings, "gates"));
    assert_null(json_object_get(findings, "reach"));
    assert_null(json_object_get(findings, "attributions"));
    assert_int_equal(json_object_size(unit), 0);
    json_decref(unit);
    json_decref(findings);
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

static void text_is_never_markup(void **state)
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
            json_t *about = load_plain(page, "about");
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
    json_t *about = load_plain(page, "about"), *symbols = json_object_get(about, "symbols");
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

static void it_is_self_contained(void **state)
{
    (void)state;
    struct example example;
    size_t length;
    example_awkward(&example, 1);
    char *page = write_page(&example, &length);
    assert_non_null(strstr(page, "default-src 'none'"));
    assert_int_equal(occurrences(page, "http://"), occurrences(page, "http://www.w3.org/2000/svg"));
    assert_null(strstr(page, "https://"));
    assert_null(strstr(page, " src="));
    assert_null(strstr(page, "{{"));
    free(page);
    example_release(&example);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_hold_any_bytes),
        cmocka_unit_test(values_are_exact_to_a_level),
        cmocka_unit_test(text_losses_and_guesses_are_exact),
        cmocka_unit_test(the_page_is_within_its_size),
        cmocka_unit_test(the_best_signals_that_fit_are_kept),
        cmocka_unit_test(the_page_has_the_start_of_a_long_text),
        cmocka_unit_test(findings_are_in_the_page),
        cmocka_unit_test(means_are_of_frequent_symbols),
        cmocka_unit_test(attributions_are_strengths),
        cmocka_unit_test(unknown_parts_are_left_out),
        cmocka_unit_test(text_is_never_markup),
        cmocka_unit_test(symbols_and_colours_are_those_of_the_other_views),
        cmocka_unit_test(it_is_self_contained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
