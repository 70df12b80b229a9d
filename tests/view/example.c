#include "example.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "file.h"

#define MAX_SYMBOLS 64
#define UNITS 3
#define SIGNALS (2 * 2 * UNITS)

static const char *const quantities[] = {"h", "c"};

static void fill(struct trace *trace, int count)
{
    for (size_t t = 0; t < trace->length; t++) {
        trace->ids[t] = (int32_t)(t % (size_t)count);
        trace->losses[t] = (float)(t % 7) / 2;
        trace->ranks[t] = (int32_t)(t % (size_t)count) + 1;
        for (int k = 0; k < TRACE_GUESSES; k++)
            trace->guesses[t * TRACE_GUESSES + (size_t)k] = (struct trace_guess){
                k < count ? (int32_t)((t + 1 + (size_t)k) % (size_t)count) : VOCAB_NONE,
                k < count ? 0.5F / (float)(1 << k) : 0};
        for (size_t s = 0; s < SIGNALS; s++)
            *trace_place(trace, s, t) =
                (s < SIGNALS / 2 ? 1.0F : 7.5F) * sinf((float)(t * (s + 1)) / 9);
    }
}

void example_init(struct example *example, enum vocab_unit unit, const char *const *symbols,
                  int count, int rounds)
{
    struct vocab_symbol list[MAX_SYMBOLS];
    struct trace_signal signals[SIGNALS];
    *example = (struct example){.directory = "/tmp/rune-view-XXXXXX"};
    assert_non_null(mkdtemp(example->directory));
    assert_true(count <= MAX_SYMBOLS);
    for (int i = 0; i < count; i++)
        list[i] = (struct vocab_symbol){(const uint8_t *)symbols[i], strlen(symbols[i])};
    assert_int_equal(vocab_from_symbols(&example->vocab, unit, UTF8_NONE, list, count, VOCAB_NONE),
                     0);
    for (int s = 0; s < SIGNALS; s++)
        signals[s] = (struct trace_signal){s / (2 * UNITS), s / UNITS % 2, s % UNITS};
    struct trace *trace = &example->inspection.trace;
    assert_int_equal(trace_init(trace, (size_t)(count * rounds), signals, SIGNALS, NULL), 0);
    trace->vocab = &example->vocab;
    trace->model = "runs/</script><b>\xFF/best.safetensors";
    trace->text = "awkward & text.txt";
    trace->cell = "lstm";
    trace->num_layers = 2;
    trace->hidden_size = UNITS;
    trace->num_quantities = 2;
    trace->quantities = quantities;
    fill(trace, count);
    static const size_t shown[SIGNALS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    example->options = (struct view_options){.shown = shown,
                                             .num_shown = SIGNALS,
                                             .chosen = shown,
                                             .num_chosen = 3,
                                             .length = trace->length,
                                             .columns = 40};
}

void example_awkward(struct example *example, int rounds)
{
    static const char *const symbols[] = {"<",
                                          "/",
                                          "s",
                                          "&",
                                          "\"",
                                          ",",
                                          "\t",
                                          "\n",
                                          "\r",
                                          "\x07",
                                          "\x7F",
                                          " ",
                                          "\u00A0",
                                          "\u0301",
                                          "\u200B",
                                          "\u200D",
                                          "\u2028",
                                          "\u202E",
                                          "\u4E2D",
                                          "\u0633",
                                          "\u05D0",
                                          "\u0939",
                                          "\u093F",
                                          "\U0001F44D",
                                          "\U0001F3FD",
                                          "\uFFFD",
                                          "\uFEFF",
                                          "\uE000",
                                          "\xC2\x85",
                                          "-",
                                          "!",
                                          ">",
                                          "\U0010FFFF",
                                          "\U000E0041",
                                          "\U0001D11E",
                                          "e\u0301",
                                          "</script><i title=x>&lt;</i>"};
    example_init(example, VOCAB_GRAPHEME, symbols, sizeof symbols / sizeof *symbols, rounds);
}

void example_release(struct example *example)
{
    char path[512];
    DIR *directory = opendir(example->directory);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));)
        if (entry->d_name[0] != '.') {
            snprintf(path, sizeof path, "%s/%s", example->directory, entry->d_name);
            unlink(path);
        }
    closedir(directory);
    assert_int_equal(rmdir(example->directory), 0); /* no temporary file is left behind */
    trace_release(&example->inspection.trace);
    vocab_release(&example->vocab);
}

char *example_read(const struct example *example, const char *name, size_t *length)
{
    uint8_t *data;
    char *path = file_join(example->directory, name);
    assert_non_null(path);
    assert_int_equal(file_read(path, &data, length), 0);
    free(path);
    return (char *)data;
}
