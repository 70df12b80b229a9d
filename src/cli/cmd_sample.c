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
    const char *model; /* path */
    struct sample_options options;
    const char *prompt, *prompt_file;
    struct option_texts stops, clamp_lists;
    uint64_t length; /* new symbols per sample, at most */
    uint64_t lines;  /* new lines per sample, at most; 0: no limit */
    int count, on_unknown, threads;
    bool random_seed, exact;
    bool terminal;        /* stdout is one: control characters are escaped */
    struct clamp *clamps; /* [num_clamps] parsed from clamp_lists */
    size_t num_clamps;
};

/* A sample so far. The first one is printed as it grows, the others when all are done. */
struct sample_text {
    uint8_t *bytes;
    size_t length, capacity, printed;
    uint64_t symbols, lines;
    bool done;
};

/* Parses "layer:unit=value", such as "1:37=2.5". */
static int parse_clamp(struct option_item item, struct clamp *clamp)
{
    const char *equals = memchr(item.text, '=', item.length);
    const struct option_item unit = {item.text, equals ? (size_t)(equals - item.text) : 0};
    char *end = NULL;
    const double value = equals ? strtod(equals + 1, &end) : 0;
    if (!equals || unit_parse("--clamp", unit, &clamp->layer, &clamp->unit) != 0 ||
        end == equals + 1 || end != item.text + item.length)
        return error_set(
            "--clamp: \"%.*s\" is not a clamped unit: write layer:unit=value, like 1:37=2.5",
            (int)item.length, item.text);
    if (!(fabs(value) <= (double)FLT_MAX))
        return error_set("--clamp: the value of \"%.*s\" is not finite", (int)item.length,
                         item.text);
    clamp->stream = CLAMP_ALL;
    clamp->value = (real)value;
    return 0;
}

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

static int check_clamps(const struct model *model, const struct request *request)
{
    for (size_t k = 0; k < request->num_clamps; k++)
        if (unit_check("--clamp", model, request->clamps[k].layer, request->clamps[k].unit) != 0)
            return -1;
    return 0;
}

static int append(struct sample_text *text, struct vocab_symbol symbol)
{
    if (mem_grow(&text->bytes, &text->capacity, text->length + symbol.length, 1) != 0)
        return -1;
    memcpy(text->bytes + text->length, symbol.bytes, symbol.length);
    text->length += symbol.length;
    return 0;
}

static bool ends_with(const struct sample_text *text, const char *end)
{
    const size_t length = strlen(end);
    return length > 0 && text->length >= length &&
           memcmp(text->bytes + text->length - length, end, length) == 0;
}

static bool ends_line(struct vocab_symbol symbol)
{
    return symbol.bytes[symbol.length - 1] == '\n';
}

/* Refuses --lines without --length for a model that cannot end a line: it would never stop. */
static int check_lines(const struct vocab *vocab, const struct request *request)
{
    if (request->lines == 0 || request->length < NO_LENGTH)
        return 0;
    for (int id = 0; id < vocab->size; id++)
        if (id != vocab->unknown && ends_line(vocab->symbols[id]))
            return 0;
    return error_set("--lines: the model's vocabulary has no line ends: use --length instead");
}

/* Appends a drawn symbol; sets `done` at the length, the number of lines, or a stop string. */
static int add_symbol(struct sample_text *text, struct vocab_symbol symbol,
                      const struct request *request)
{
    if (append(text, symbol) != 0)
        return -1;
    text->symbols++;
    text->lines += ends_line(symbol);
    text->done =
        text->symbols >= request->length || (request->lines > 0 && text->lines >= request->lines);
    for (size_t k = 0; k < request->stops.count; k++)
        text->done = text->done || ends_with(text, request->stops.list[k]);
    return 0;
}

/* The number of bytes at the end that may be the start of a longer character (with unit byte) or
 * line end. They are printed later. */
static size_t incomplete_bytes(const uint8_t *text, size_t length)
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

static int print(const struct request *request, struct sample_text *text)
{
    const uint8_t *bytes = text->bytes + text->printed;
    size_t length = text->length - text->printed;
    length -= text->done ? 0 : incomplete_bytes(bytes, length);
    if (length == 0)
        return 0;
    if (request->terminal)
        say_text(stdout, bytes, length);
    else
        fwrite(bytes, 1, length, stdout);
    text->printed += length;
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : error_set("stdout: %s", strerror(errno));
}

static int print_all(const struct request *request, struct sample_text *texts)
{
    const int count = request->count;
    for (int b = 0; b < count; b++) {
        if (print(request, &texts[b]) != 0)
            return -1;
        if (count > 1 &&
            printf("%s%s", ends_with(&texts[b], "\n") ? "" : "\n", b + 1 < count ? "\n" : "") < 0)
            return error_set("stdout: %s", strerror(errno));
    }
    return 0;
}

static int generate(struct sampler *sampler, const struct request *request,
                    struct sample_text *texts)
{
    const struct vocab *vocab = &sampler->model->vocab;
    int left = request->length > 0 ? request->count : 0;
    for (int b = 0; b < request->count; b++)
        texts[b].done = left == 0;
    while (left > 0) {
        if (sampler_next(sampler) != 0)
            return error_set("%s: %s", request->model, error_message());
        for (int b = 0; b < request->count; b++) {
            if (texts[b].done)
                continue;
            if (add_symbol(&texts[b], vocab->symbols[sampler->ids[b]], request) != 0)
                return -1;
            left -= texts[b].done;
        }
        if (print(request, &texts[0]) != 0)
            return -1;
    }
    return print_all(request, texts);
}

/* Feeds the prompt to the samplers and starts each text with it. */
static int read_prompt(struct sampler *sampler, const struct request *request,
                       struct sample_text *texts)
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
            result = append(&texts[b], vocab->symbols[ids[k]]);
    free(ids);
    free(text);
    return result;
}

static int sample(struct model *model, struct team *team, struct request *request)
{
    struct sampler sampler = {0};
    if (request->random_seed)
        request->options.seed = rng_entropy();
    struct sample_text *texts = mem_new((size_t)request->count, sizeof *texts);
    int result =
        texts ? sampler_init(&sampler, team, model, request->count, &request->options) : -1;
    if (result == 0)
        sampler_clamp(&sampler, request->clamps, request->num_clamps);
    if (result == 0 && (request->prompt || request->prompt_file))
        result = read_prompt(&sampler, request, texts);
    if (result == 0 && request->random_seed)
        say("seed %llu", (unsigned long long)request->options.seed);
    if (result == 0)
        result = generate(&sampler, request, texts);
    for (int b = 0; texts && b < request->count; b++)
        free(texts[b].bytes);
    free(texts);
    sampler_release(&sampler);
    return result;
}

/* Switches the model to int8 weights if these keep its distribution; else says why not. */
static int try_int8_weights(struct model *model, struct team *team, const struct engine *engine,
                            const char *path)
{
    double divergence;
    if (try_int8(model, team, engine, &divergence) != 0)
        return error_set("%s: %s", path, error_message());
    if (model->engine != engine && isfinite(divergence))
        say("note: sampling in float32: int8 weights would change the distribution by %.2g nats "
            "per character",
            divergence);
    else if (model->engine != engine)
        say("note: sampling in float32: int8 weights do not suit this model");
    return 0;
}

static int run(struct request *request, const char *path)
{
    struct model model = {0};
    /* The divergence of int8 weights is measured without clamps. */
    const bool in_float =
        request->exact || request->num_clamps > 0 || request->count > INT8_STREAMS;
    const struct engine *quick = engine_find(in_float ? PRECISION_FP32 : PRECISION_INT8);
    const bool rounds = quick && quick->precision == PRECISION_INT8;
    const struct engine *exact = rounds ? engine_of(PRECISION_FP32, 0) : quick;
    struct team *team = team_new(request->threads);
    request->model = path;
    int result = exact && team ? model_load(&model, exact, path) : -1;
    if (result == 0)
        result = check_lines(&model.vocab, request);
    if (result == 0)
        result = check_clamps(&model, request);
    if (result == 0 && rounds)
        result = try_int8_weights(&model, team, quick, path);
    if (result == 0)
        result = sample(&model, team, request);
    model_release(&model);
    team_free(team);
    return result == 0 ? 0 : STATUS_FAILED;
}

#define AT(field) offsetof(struct request, field)

static struct option_row list[] = {
    {.kind = OPTION_GROUP, .help = "How much:"},
    {"length", 'n', OPTION_COUNT, AT(length), "N", "Number of new characters", .max = 1e15},
    {"lines", 0, OPTION_COUNT, AT(lines), "N",
     "Number of new lines; --length then applies only if given", .default_text = "no limit",
     .min = 1, .max = 1e15},
    {"stop", 0, OPTION_TEXTS, AT(stops), "TEXT",
     "Stop when the text ends with TEXT; may be repeated", .default_text = NULL},
    {"count", 0, OPTION_INT, AT(count), "N",
     "Number of samples, generated in parallel and printed one after the other", .min = 1,
     .max = 1e6},
    {.kind = OPTION_GROUP, .help = "Prompt:"},
    {"prompt", 'p', OPTION_TEXT, AT(prompt), "TEXT", "Continue TEXT",
     .default_text = "the start of a text"},
    {"prompt-file", 0, OPTION_TEXT, AT(prompt_file), "FILE", "Continue the text of FILE; -: stdin",
     .default_text = NULL},
    {"on-unknown", 0, OPTION_CHOICE, AT(on_unknown), "WHAT",
     "What to do with characters of the prompt that the model does not know: error, skip or "
     "replace",
     .choices = encode_unknown_names},
    {.kind = OPTION_GROUP, .help = "How:"},
    {"temperature", 't', OPTION_REAL, AT(options.temperature), "T",
     "Divides the logits: below 1 likely characters become likelier; 0: always the likeliest",
     .max = INFINITY},
    {"top-k", 0, OPTION_INT, AT(options.top_k), "K",
     "Draw only from the K likeliest characters; 0: off", .max = 1e9},
    {"top-p", 0, OPTION_REAL, AT(options.top_p), "P",
     "Draw only from the likeliest characters whose probabilities add up to P; 1: off", .max = 1},
    {"min-p", 0, OPTION_REAL, AT(options.min_p), "P",
     "Draw only characters at least P times as likely as the likeliest; 0: off", .max = 1},
    {"seed", 0, OPTION_COUNT, AT(options.seed), "N", "The same seed gives the same text",
     .default_text = "random, and printed", .max = 0x1p53},
    {"clamp", 0, OPTION_TEXTS, AT(clamp_lists), "LIST",
     "Clamp units to values, each layer:unit=value, like 1:37=2.5,0:5=-1; may be repeated",
     .default_text = NULL},
    {"exact", 0, OPTION_FLAG, AT(exact), NULL,
     "Use float32 weights, as --clamp does. By default int8 weights are used where they change the "
     "distribution by less than 1e-3 nats",
     .default_text = NULL},
    {"threads", 0, OPTION_INT, AT(threads), "N", "Threads", .default_text = "all cores", .min = 1,
     .max = 1024},
    {.kind = OPTION_GROUP, .help = "Help:"},
};

int command_sample(int argc, char **argv)
{
    struct request request = {.options = {.temperature = 0.8, .top_p = 1},
                              .length = 1000,
                              .count = 1,
                              .threads = team_cores(),
                              .terminal = isatty(STDOUT_FILENO) != 0};
    struct options options = {
        .command = "sample",
        .usage = "MODEL [--prompt TEXT]",
        .summary = "Prints text that the model generates. MODEL is a .safetensors file or the "
                   "directory of a run.",
        .list = list,
        .count = sizeof list / sizeof *list,
        .values = &request,
        .min_arguments = 1,
        .max_arguments = 1,
        .required = "a MODEL",
        .example = "runs/book",
    };
    /* A closed pipe ends the program quietly, even if the parent process ignored SIGPIPE. */
    signal(SIGPIPE, SIG_DFL);
    int status = options_parse(&options, argc, argv);
    if (status == 0 && request.prompt && request.prompt_file)
        status = (error_set("--prompt and --prompt-file cannot both be given"), STATUS_USAGE);
    if (status == 0 && parse_clamps(&request) != 0)
        status = options_status();
    request.random_seed = !options_given(&options, "seed");
    if (request.lines > 0 && !options_given(&options, "length"))
        request.length = NO_LENGTH;
    if (status == 0)
        status = run(&request, options.arguments[0]);
    free(request.clamps);
    options_release(&options);
    return status < 0 ? 0 : status;
}
