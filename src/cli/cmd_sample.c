#include "sample.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checkpoint.h"
#include "commands.h"
#include "encode.h"
#include "error.h"
#include "file.h"
#include "int8.h"
#include "mem.h"
#include "options.h"
#include "rng.h"
#include "say.h"
#include "team.h"
#include "units.h"

#define NO_LENGTH UINT64_MAX

struct request {
    const char *model; /* its path */
    struct sample_options options;
    const char *prompt, *prompt_file;
    struct option_texts stops, clamp_lists;
    uint64_t length; /* most new symbols of a sample */
    uint64_t lines;  /* 0: not given */
    int count, on_unknown, threads;
    bool chooses_seed, exact;
    bool shows;           /* to a terminal: control characters are shown */
    struct clamp *clamps; /* [num_clamps] what those lists say */
    size_t num_clamps;
};

/* One of the samples: its text so far. The first is printed as it is made, the others when they are
 * done. */
struct story {
    uint8_t *text;
    size_t length, capacity, printed;
    uint64_t symbols, lines;
    bool done;
};

/* Reads "1:37=2.5": a unit and its value. */
static int parse_clamp(struct option_item item, struct clamp *clamp)
{
    const char *equals = memchr(item.text, '=', item.length);
    const struct option_item unit = {item.text, equals ? (size_t)(equals - item.text) : 0};
    char *end = NULL;
    const double value = equals ? strtod(equals + 1, &end) : 0;
    if (!equals || unit_parse("--clamp", unit, &clamp->layer, &clamp->unit) != 0 ||
        end == equals + 1 || end != item.text + item.length)
        return error_set("--clamp: \"%.*s\" is no unit and value like 1:37=2.5 "
                         "(layer:unit=value)",
                         (int)item.length, item.text);
    if (!(fabs(value) <= (double)FLT_MAX))
        return error_set("--clamp: the value of \"%.*s\" is not finite", (int)item.length,
                         item.text);
    clamp->stream = CLAMP_ALL;
    clamp->value = (real)value;
    return 0;
}

/* Reads all lists of --clamp. */
static int parse_clamps(struct request *request)
{
    struct option_item item;
    size_t capacity = 0;
    for (size_t k = 0; k < request->clamp_lists.count; k++)
        for (const char *list = request->clamp_lists.list[k]; option_item_next(&list, &item);)
            if (mem_grow(&request->clamps, &capacity, request->num_clamps + 1,
                         sizeof *request->clamps) != 0 ||
                parse_clamp(item, &request->clamps[request->num_clamps++]) != 0)
                return -1;
    return 0;
}

/* Finds their units in the model. */
static int find_clamps(const struct model *model, const struct request *request)
{
    for (size_t k = 0; k < request->num_clamps; k++)
        if (unit_find("--clamp", model, request->clamps[k].layer, request->clamps[k].unit) != 0)
            return -1;
    return 0;
}

static int append(struct story *story, struct vocab_symbol symbol)
{
    if (mem_grow(&story->text, &story->capacity, story->length + symbol.length, 1) != 0)
        return -1;
    memcpy(story->text + story->length, symbol.bytes, symbol.length);
    story->length += symbol.length;
    return 0;
}

static bool ends_with(const struct story *story, const char *end)
{
    const size_t length = strlen(end);
    return length > 0 && story->length >= length &&
           memcmp(story->text + story->length - length, end, length) == 0;
}

static bool ends_line(struct vocab_symbol symbol)
{
    return symbol.bytes[symbol.length - 1] == '\n';
}

/* Whether a model that ends no line is asked for lines, and so would never end. */
static int check_lines(const struct vocab *vocab, const struct request *request)
{
    if (request->lines == 0 || request->length < NO_LENGTH)
        return 0;
    for (int id = 0; id < vocab->size; id++)
        if (id != vocab->unknown && ends_line(vocab->symbols[id]))
            return 0;
    return error_set("--lines: the model knows no line ends: give --length instead");
}

/* Adds a drawn symbol and sees whether the sample ends with it: at its length, its lines, or a stop
 * string. */
static int grow(struct story *story, struct vocab_symbol symbol, const struct request *request)
{
    if (append(story, symbol) != 0)
        return -1;
    story->symbols++;
    story->lines += ends_line(symbol);
    story->done =
        story->symbols >= request->length || (request->lines > 0 && story->lines >= request->lines);
    for (size_t k = 0; k < request->stops.count; k++)
        story->done = story->done || ends_with(story, request->stops.list[k]);
    return 0;
}

/* Bytes at the end of a text that what follows may belong to: the start of a character (with unit
 * byte), or of a line end. They are held back. */
static size_t unfinished(const uint8_t *text, size_t length)
{
    if (length > 0 && text[length - 1] == '\r')
        return 1;
    for (size_t back = 1; back <= 3 && back <= length; back++) {
        int32_t point;
        const int found = utf8_decode(text + length - back, back, &point);
        if (found == 0)
            return back;
        if (found > 0)
            break;
    }
    return 0;
}

static int print(const struct request *request, struct story *story)
{
    const uint8_t *text = story->text + story->printed;
    size_t length = story->length - story->printed;
    length -= story->done ? 0 : unfinished(text, length);
    if (length == 0)
        return 0;
    if (request->shows)
        say_text(stdout, text, length);
    else
        fwrite(text, 1, length, stdout);
    story->printed += length;
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : error_set("stdout: %s", strerror(errno));
}

static int print_all(const struct request *request, struct story *stories)
{
    const int count = request->count;
    for (int b = 0; b < count; b++) {
        if (print(request, &stories[b]) != 0)
            return -1;
        if (count > 1 &&
            printf("%s%s", ends_with(&stories[b], "\n") ? "" : "\n", b + 1 < count ? "\n" : "") < 0)
            return error_set("stdout: %s", strerror(errno));
    }
    return 0;
}

static int write_stories(struct sampler *sampler, const struct request *request,
                         struct story *stories)
{
    const struct vocab *vocab = &sampler->model->vocab;
    int left = request->length > 0 ? request->count : 0;
    for (int b = 0; b < request->count; b++)
        stories[b].done = left == 0;
    while (left > 0) {
        if (sampler_next(sampler) != 0)
            return error_set("%s: %s", request->model, error_message());
        for (int b = 0; b < request->count; b++) {
            if (stories[b].done)
                continue;
            if (grow(&stories[b], vocab->symbols[sampler->ids[b]], request) != 0)
                return -1;
            left -= stories[b].done;
        }
        if (print(request, &stories[0]) != 0)
            return -1;
    }
    return print_all(request, stories);
}

/* Lets the samples read the prompt, and print it. */
static int read_prompt(struct sampler *sampler, const struct request *request,
                       struct story *stories)
{
    uint8_t *text = NULL;
    size_t length = 0, count = 0;
    int32_t *ids = NULL;
    const char *name = request->prompt_file ? file_name(request->prompt_file) : "--prompt";
    const struct vocab *vocab = &sampler->model->vocab;
    if (request->prompt_file
            ? file_read(request->prompt_file, &text, &length) != 0
            : !(text = (uint8_t *)mem_copy(request->prompt, length = strlen(request->prompt))))
        return -1;
    const struct encode_options options = {(enum encode_unknown)request->on_unknown,
                                           "--on-unknown skip or replace"};
    int result = encode_text(vocab, name, text, length, &options, &ids, &count, NULL);
    if (result == 0)
        sampler_prompt(sampler, ids, count);
    for (int b = 0; b < request->count; b++)
        for (size_t k = 0; k < count && result == 0; k++)
            result = append(&stories[b], vocab->symbols[ids[k]]);
    free(ids);
    free(text);
    return result;
}

static int sample(struct model *model, struct team *team, struct request *request)
{
    struct sampler sampler = {0};
    if (request->chooses_seed)
        request->options.seed = rng_entropy();
    struct story *stories = mem_new((size_t)request->count, sizeof *stories);
    int result =
        stories ? sampler_init(&sampler, team, model, request->count, &request->options) : -1;
    if (result == 0)
        sampler_clamp(&sampler, request->clamps, request->num_clamps);
    if (result == 0 && (request->prompt || request->prompt_file))
        result = read_prompt(&sampler, request, stories);
    if (result == 0 && request->chooses_seed)
        say("seed %llu", (unsigned long long)request->options.seed);
    if (result == 0)
        result = write_stories(&sampler, request, stories);
    for (int b = 0; stories && b < request->count; b++)
        free(stories[b].text);
    free(stories);
    sampler_release(&sampler);
    return result;
}

/* Reads the weights in 8 bits if they allow it. */
static int make_quick(struct model *model, struct team *team, const struct engine *engine,
                      const char *path)
{
    double divergence;
    if (try_int8(model, team, engine, &divergence) != 0)
        return error_set("%s: %s", path, error_message());
    if (model->engine != engine && isfinite(divergence))
        say("note: weights of 8 bits would change what the model writes (by %.2g nats a "
            "character): it is sampled in float32",
            divergence);
    else if (model->engine != engine)
        say("note: weights of 8 bits would not do for this model: it is sampled in float32");
    return 0;
}

static int run(struct request *request, const char *path)
{
    struct model model = {0};
    /* How near 8 bits come is not known of a model whose units are held. */
    const bool exactly = request->exact || request->num_clamps > 0 || request->count > INT8_STREAMS;
    const struct engine *quick = engine_find(exactly ? PRECISION_FP32 : PRECISION_INT8);
    const bool rounds = quick && quick->precision == PRECISION_INT8;
    const struct engine *exact = rounds ? engine_of(PRECISION_FP32, 0) : quick;
    struct team *team = team_new(request->threads);
    request->model = path;
    int result = exact && team ? model_load(&model, exact, path) : -1;
    if (result == 0)
        result = check_lines(&model.vocab, request);
    if (result == 0)
        result = find_clamps(&model, request);
    if (result == 0 && rounds)
        result = make_quick(&model, team, quick, path);
    if (result == 0)
        result = sample(&model, team, request);
    model_release(&model);
    team_free(team);
    return result == 0 ? 0 : STATUS_FAILED;
}

#define AT(field) offsetof(struct request, field)

static struct option_row list[] = {
    {.kind = OPTION_GROUP, .help = "How much:"},
    {"length", 'n', OPTION_COUNT, AT(length), "N", "New characters", .max = 1e15},
    {"lines", 0, OPTION_COUNT, AT(lines), "N", "New lines, however long unless --length is given",
     .unset = "by characters", .min = 1, .max = 1e15},
    {"stop", 0, OPTION_TEXTS, AT(stops), "TEXT", "Stop when the text ends so; may be given again",
     .unset = NULL},
    {"count", 0, OPTION_INT, AT(count), "N", "Samples, made side by side and printed in turn",
     .min = 1, .max = 1e6},
    {.kind = OPTION_GROUP, .help = "From where:"},
    {"prompt", 'p', OPTION_TEXT, AT(prompt), "TEXT", "Go on from this text",
     .unset = "as a text begins"},
    {"prompt-file", 0, OPTION_TEXT, AT(prompt_file), "FILE", "Go on from this file; -: stdin",
     .unset = NULL},
    {"on-unknown", 0, OPTION_CHOICE, AT(on_unknown), "WHAT",
     "With characters of the prompt that the model does not know: error, skip or replace",
     .choices = encode_unknown_names},
    {.kind = OPTION_GROUP, .help = "How:"},
    {"temperature", 't', OPTION_REAL, AT(options.temperature), "T",
     "Above 1 bolder, below 1 safer; 0: always the most likely", .max = INFINITY},
    {"top-k", 0, OPTION_INT, AT(options.top_k), "K", "Draw only from the K most likely; 0: off",
     .max = 1e9},
    {"top-p", 0, OPTION_REAL, AT(options.top_p), "P",
     "Draw only from the most likely that have this probability together; 1: off", .max = 1},
    {"min-p", 0, OPTION_REAL, AT(options.min_p), "P",
     "Draw only those at least P times as likely as the most likely; 0: off", .max = 1},
    {"seed", 0, OPTION_COUNT, AT(options.seed), "N", "The same seed gives the same text",
     .unset = "drawn, and printed", .max = 0x1p53},
    {"clamp", 0, OPTION_TEXTS, AT(clamp_lists), "LIST",
     "Hold units at values, as layer:unit=value, like 1:37=2.5,0:5=-1; may be given again",
     .unset = NULL},
    {"exact", 0, OPTION_FLAG, AT(exact), NULL,
     "Read weights in float32, as with --clamp; else in 8 bits, where that keeps the distribution "
     "to "
     "1e-3 nats",
     .unset = NULL},
    {"threads", 0, OPTION_INT, AT(threads), "N", "Threads", .unset = "all cores", .min = 1,
     .max = 1024},
    {.kind = OPTION_GROUP, .help = "Help:"},
};

int command_sample(int argc, char **argv)
{
    struct request request = {.options = {.temperature = 0.8, .top_p = 1},
                              .length = 1000,
                              .count = 1,
                              .threads = team_cores(),
                              .shows = isatty(STDOUT_FILENO) != 0};
    struct options options = {
        .command = "sample",
        .usage = "MODEL",
        .summary = "Prints text that the model makes. MODEL is a .safetensors file or a run's "
                   "directory.",
        .list = list,
        .count = sizeof list / sizeof *list,
        .values = &request,
        .least = 1,
        .most = 1,
        .wanted = "a MODEL",
    };
    /* A reader that has seen enough ends the program quietly, also where SIGPIPE was ignored by
     * whoever started it. */
    signal(SIGPIPE, SIG_DFL);
    int status = options_parse(&options, argc, argv);
    if (status == 0 && request.prompt && request.prompt_file)
        status = (error_set("--prompt and --prompt-file cannot both be given"), STATUS_USAGE);
    if (status == 0 && parse_clamps(&request) != 0)
        status = options_refused();
    request.chooses_seed = !options_given(&options, "seed");
    if (request.lines > 0 && !options_given(&options, "length"))
        request.length = NO_LENGTH;
    if (status == 0)
        status = run(&request, options.arguments[0]);
    free(request.clamps);
    options_release(&options);
    return status < 0 ? 0 : status;
}
