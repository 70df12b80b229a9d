#include "sample.h"

#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <poll.h>
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
#include "escapes.h"
#include "file.h"
#include "int8.h"
#include "mem.h"
#include "options.h"
#include "rng.h"
#include "sample_json.h"
#include "say.h"
#include "team.h"
#include "units.h"

#define NO_LENGTH UINT64_MAX

/* Any bytes; NULL if none are given. */
struct text {
    char *bytes;
    size_t length;
};

struct request {
    const char *model; /* path */
    struct sample_options options;
    const char *prompt_option, *prompt_file, *separator_option;
    struct option_texts stop_options, clamp_lists;
    struct text prompt, separator; /* copies of the options, and of each stop */
    struct text *stops;            /* [stop_options.count] */
    uint64_t length;               /* new symbols per sample, at most */
    uint64_t lines;                /* new lines per sample, at most; 0: no limit */
    int count, on_unknown, threads;
    bool random_seed, exact, escapes, no_prompt, json, interactive;
    bool terminal;        /* stdout is one: control characters are escaped */
    struct clamp *clamps; /* [num_clamps] parsed from clamp_lists */
    size_t num_clamps;
};

/* A sample so far. The first one is printed as it grows, the others when all are done. */
struct sample_text {
    uint8_t *bytes;
    size_t length, capacity;
    size_t prompt;           /* length of the prompt, with which it begins */
    size_t hidden;           /* length of the part of it that is not printed */
    size_t printed;          /* length up to which it was printed or is hidden */
    uint64_t symbols, lines; /* that were drawn */
    double log_prob;         /* of these, for JSON */
    bool done;
};

/* Ctrl-C in a conversation sets it, and the text ends there. It also writes to a pipe, for which
 * the wait for a line looks. */
static volatile sig_atomic_t interrupted;
static int wake[2];

/* --- options ---------------------------------------------------------------------------------- */

/* Copies an option's text, and decodes its escapes if these are asked for. */
static int copy_text(const struct request *request, const char *option, const char *given,
                     struct text *text)
{
    if (!given)
        return 0;
    text->length = strlen(given);
    text->bytes = mem_copy(given, text->length);
    if (!text->bytes)
        return -1;
    return request->escapes ? escapes_decode(option, text->bytes, &text->length) : 0;
}

static int copy_texts(struct request *request)
{
    const struct option_texts *given = &request->stop_options;
    request->stops = mem_new(given->count, sizeof *request->stops);
    if (!request->stops ||
        copy_text(request, "--prompt", request->prompt_option, &request->prompt) != 0 ||
        copy_text(request, "--separator", request->separator_option, &request->separator) != 0)
        return -1;
    for (size_t k = 0; k < given->count; k++)
        if (copy_text(request, "--stop", given->list[k], &request->stops[k]) != 0)
            return -1;
    return 0;
}

static void release_request(struct request *request)
{
    for (size_t k = 0; request->stops && k < request->stop_options.count; k++)
        free(request->stops[k].bytes);
    free(request->stops);
    free(request->prompt.bytes);
    free(request->separator.bytes);
    free(request->clamps);
}

/* Refuses options that contradict each other. */
static int check_combination(const struct request *request)
{
    if (request->prompt_option && request->prompt_file)
        return error_set("--prompt and --prompt-file cannot both be given");
    if (request->json && request->separator_option)
        return error_set("--separator cannot be combined with --json, which prints a line for "
                         "each sample");
    if (!request->interactive)
        return 0;
    if (request->json || request->count > 1)
        return error_set("--interactive cannot be combined with --count or --json");
    if (request->prompt_file && strcmp(request->prompt_file, "-") == 0)
        return error_set("--interactive reads stdin: it cannot be combined with --prompt-file -");
    return 0;
}

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

/* --- a sample's text -------------------------------------------------------------------------- */

static int append(struct sample_text *text, struct vocab_symbol symbol)
{
    if (mem_grow(&text->bytes, &text->capacity, text->length + symbol.length, 1) != 0)
        return -1;
    memcpy(text->bytes + text->length, symbol.bytes, symbol.length);
    text->length += symbol.length;
    return 0;
}

static bool ends_with(const struct sample_text *text, const char *end, size_t length)
{
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
    for (size_t k = 0; k < request->stop_options.count; k++)
        text->done =
            text->done || ends_with(text, request->stops[k].bytes, request->stops[k].length);
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

static void put(const struct request *request, const void *bytes, size_t length)
{
    if (request->terminal)
        say_text(stdout, bytes, length);
    else
        fwrite(bytes, 1, length, stdout);
}

static int flush(void)
{
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : error_set("stdout: %s", strerror(errno));
}

static int print(const struct request *request, struct sample_text *text)
{
    const uint8_t *bytes = text->bytes + text->printed;
    size_t length = text->length - text->printed;
    length -= text->done ? 0 : incomplete_bytes(bytes, length);
    if (length == 0)
        return 0;
    put(request, bytes, length);
    text->printed += length;
    return flush();
}

static int print_json(const struct request *request, const struct sample_text *text, int b)
{
    const struct sample_record record = {.prompt = request->no_prompt ? NULL : text->bytes,
                                         .prompt_length = text->prompt,
                                         .text = text->bytes + text->prompt,
                                         .text_length = text->length - text->prompt,
                                         .sample = b,
                                         .seed = request->options.seed,
                                         .characters = text->symbols,
                                         .log_prob = text->log_prob};
    return sample_json_print(&record);
}

/* Prints what stands between two samples, or after the last. */
static void end_sample(const struct request *request, const struct sample_text *text, bool last)
{
    const bool several = request->count > 1;
    const bool open = !ends_with(text, "\n", 1) || interrupted; /* the terminal shows ^C */
    if (request->separator.bytes && !last)
        put(request, request->separator.bytes, request->separator.length);
    else if ((several && !request->separator.bytes && open) ||
             ((request->terminal || request->interactive) && open && text->length > text->hidden))
        putchar('\n');
    if (!request->separator.bytes && !last)
        putchar('\n');
}

static int print_all(const struct request *request, struct sample_text *texts)
{
    for (int b = 0; b < request->count; b++) {
        texts[b].done = true;
        if ((request->json ? print_json(request, &texts[b], b) : print(request, &texts[b])) != 0)
            return -1;
        if (!request->json)
            end_sample(request, &texts[b], b + 1 == request->count);
    }
    return flush();
}

/* --- sampling --------------------------------------------------------------------------------- */

static void tell_seed(const struct request *request)
{
    if (request->random_seed && !request->json)
        say("seed %llu", (unsigned long long)request->options.seed);
}

static int generate(struct sampler *sampler, const struct request *request,
                    struct sample_text *texts)
{
    const struct vocab *vocab = &sampler->model->vocab;
    int left = request->length > 0 ? request->count : 0;
    for (int b = 0; b < request->count; b++)
        texts[b].done = left == 0;
    while (left > 0 && !interrupted) {
        if (sampler_next(sampler) != 0)
            return error_set("%s: %s", request->model, error_message());
        for (int b = 0; b < request->count; b++) {
            if (texts[b].done || sampler->leads[b].silent)
                continue;
            if (add_symbol(&texts[b], vocab->symbols[sampler->ids[b]], request) != 0)
                return -1;
            if (request->json)
                texts[b].log_prob += sampler_log_prob(sampler, b);
            left -= texts[b].done;
        }
        if (!request->json && print(request, &texts[0]) != 0)
            return -1;
    }
    return print_all(request, texts);
}

/* Where a prompt stands. */
enum place { TEXT_START, LINE_START, WITHIN_LINE };

/* Feeds a prompt to the samplers and starts each text with it. Without one, or with an empty one,
 * they begin as texts begin. Within a line, the usual break of the model's text goes before it. */
static int read_prompt(struct sampler *sampler, const struct request *request, const char *name,
                       const struct text *prompt, enum place place, struct sample_text *texts)
{
    size_t count = 0;
    int32_t *ids = NULL;
    const struct vocab *vocab = &sampler->model->vocab;
    const struct text_break *usual = &sampler->model->opening.usual_break;
    const struct encode_options options = {(enum encode_unknown)request->on_unknown,
                                           "--on-unknown skip or replace", NULL};
    int result = encode_text(vocab, name, (const uint8_t *)prompt->bytes, prompt->length, &options,
                             &ids, &count, NULL);
    if (result == 0 && count == 0 && place == TEXT_START)
        sampler_start(sampler);
    if (result == 0 && count > 0 && place == WITHIN_LINE)
        sampler_prompt(sampler, usual->ids, usual->length);
    if (result == 0)
        sampler_prompt(sampler, ids, count);
    for (int b = 0; b < request->count && result == 0; b++) {
        for (size_t k = 0; k < count && result == 0; k++)
            result = append(&texts[b], vocab->symbols[ids[k]]);
        texts[b].prompt = texts[b].length;
        texts[b].hidden = texts[b].printed = request->no_prompt ? texts[b].length : 0;
    }
    free(ids);
    return result;
}

/* --- conversation ----------------------------------------------------------------------------- */

static void interrupt(int signal_number)
{
    (void)signal_number;
    const int number = errno;
    interrupted = 1;
    if (write(wake[1], "", 1) < 0)
        interrupted = 1; /* the pipe is full of earlier ones */
    errno = number;
}

static int catch_interrupts(void)
{
    const struct sigaction action = {.sa_handler = interrupt, .sa_flags = SA_RESTART};
    if (pipe2(wake, O_NONBLOCK | O_CLOEXEC) != 0)
        return error_set("--interactive: %s", strerror(errno));
    sigaction(SIGINT, &action, NULL);
    return 0;
}

static void forget_interrupts(void)
{
    char bytes[64];
    while (read(wake[0], bytes, sizeof bytes) > 0)
        ;
    interrupted = 0;
}

/* Waits for a line on a terminal, or for Ctrl-C. */
static void wait_for_line(void)
{
    struct pollfd inputs[] = {{STDIN_FILENO, POLLIN, 0}, {wake[0], POLLIN, 0}};
    while (poll(inputs, 2, -1) < 0 && errno == EINTR)
        ;
}

/* Reads a line, without its end, after a "> " on a terminal. Returns its length; or −1 at the end
 * of stdin, which on a terminal is Ctrl-D, or after Ctrl-C twice. */
static ssize_t ask(char **line, size_t *room)
{
    const bool terminal = isatty(STDIN_FILENO) != 0;
    for (bool warned = false;; warned = true) {
        forget_interrupts();
        if (terminal) {
            fputs("> ", stderr);
            fflush(stderr);
            wait_for_line();
        }
        const ssize_t length = interrupted ? -1 : getline(line, room, stdin);
        if (length >= 0)
            return length - (length > 0 && (*line)[length - 1] == '\n');
        if (terminal)
            fputc('\n', stderr);
        if (!interrupted || warned)
            return -1;
        say("Ctrl-C again, or Ctrl-D, ends");
    }
}

/* Lets the model go on from a prompt, and moves *place to the end of its text. Returns 0; 1 and a
 * message if the prompt cannot be read; or −1 and a message. */
static int reply(struct sampler *sampler, const struct request *request, const char *name,
                 const struct text *prompt, enum place *place)
{
    struct sample_text text = {0};
    int result = 1;
    if (read_prompt(sampler, request, name, prompt, *place, &text) == 0)
        result = generate(sampler, request, &text);
    if (text.length > 0)
        *place = ends_with(&text, "\n", 1) ? LINE_START : WITHIN_LINE;
    free(text.bytes);
    return result;
}

/* Goes on from the prompt, if there is one, and then from each line that is typed. After an empty
 * line the text goes on from where it is. */
static int converse(struct sampler *sampler, const struct request *request, const char *prompt_name)
{
    struct request turn = *request;
    enum place place = TEXT_START;
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    int result = catch_interrupts();
    if (result == 0)
        tell_seed(request);
    if (result == 0 && request->prompt.bytes)
        result = reply(sampler, request, prompt_name, &request->prompt, &place) == 0 ? 0 : -1;
    turn.no_prompt = true; /* a line was seen when it was typed */
    while (result == 0 && (length = ask(&line, &room)) >= 0) {
        struct text typed = {line, (size_t)length};
        result = request->escapes && escapes_decode("the line", line, &typed.length) != 0
                     ? 1
                     : reply(sampler, &turn, "the line", &typed, &place);
        if (result > 0) {
            say("%s", error_message());
            result = 0;
        }
    }
    free(line);
    return result;
}

/* --- the command ------------------------------------------------------------------------------ */

static int sample_texts(struct sampler *sampler, const struct request *request,
                        const char *prompt_name)
{
    struct sample_text *texts = mem_new((size_t)request->count, sizeof *texts);
    int result =
        texts ? read_prompt(sampler, request, prompt_name, &request->prompt, TEXT_START, texts)
              : -1;
    if (result == 0)
        tell_seed(request);
    if (result == 0)
        result = generate(sampler, request, texts);
    for (int b = 0; texts && b < request->count; b++)
        free(texts[b].bytes);
    free(texts);
    return result;
}

static int sample(struct model *model, struct team *team, struct request *request)
{
    struct sampler sampler = {0};
    uint8_t *text = NULL;
    const char *name = request->prompt_file ? file_name(request->prompt_file) : "--prompt";
    if (request->prompt_file) {
        if (file_read(request->prompt_file, &text, &request->prompt.length) != 0)
            return -1;
        request->prompt.bytes = (char *)text;
    }
    if (request->random_seed)
        request->options.seed = rng_entropy();
    if (sampler_init(&sampler, team, model, request->count, &request->options) != 0)
        return -1;
    sampler_clamp(&sampler, request->clamps, request->num_clamps);
    const int result = request->interactive ? converse(&sampler, request, name)
                                            : sample_texts(&sampler, request, name);
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
     "Stop at the end of the Nth line, the one that a prompt begins included; --length then "
     "applies only if given",
     .default_text = "no limit", .min = 1, .max = 1e15},
    {"stop", 0, OPTION_TEXTS, AT(stop_options), "TEXT",
     "Stop when the text ends with TEXT; may be repeated", .default_text = NULL},
    {"count", 0, OPTION_INT, AT(count), "N",
     "Number of samples, generated in parallel and printed one after the other", .min = 1,
     .max = 1e6},
    {.kind = OPTION_GROUP, .help = "Prompt:"},
    {"prompt", 'p', OPTION_TEXT, AT(prompt_option), "TEXT",
     "Continue TEXT. Without it, or if it is empty, a sample begins as texts begin, or, where the "
     "model saw few texts, as they go on after what usually separates their parts, such as an "
     "empty line",
     .default_text = NULL},
    {"prompt-file", 0, OPTION_TEXT, AT(prompt_file), "FILE", "Continue the text of FILE; -: stdin",
     .default_text = NULL},
    {"on-unknown", 0, OPTION_CHOICE, AT(on_unknown), "WHAT",
     "What to do with characters of the prompt that the model does not know: error, skip or "
     "replace",
     .choices = encode_unknown_names},
    {"escapes", 0, OPTION_FLAG, AT(escapes), NULL,
     "Read \\n, \\r, \\t, \\\\, \\xHH, \\uHHHH and \\UHHHHHHHH in --prompt, --stop, "
     "--separator and typed lines",
     .default_text = NULL},
    {"interactive", 'i', OPTION_FLAG, AT(interactive), NULL,
     "Go on from each line that is typed, with all before in mind; after an empty line, from where "
     "the text is. Ctrl-C stops the text, Ctrl-D ends the program",
     .default_text = NULL},
    {.kind = OPTION_GROUP, .help = "Output:"},
    {"separator", 0, OPTION_TEXT, AT(separator_option), "TEXT",
     "What to print between two samples, exactly", .default_text = "an empty line"},
    {"no-prompt", 0, OPTION_FLAG, AT(no_prompt), NULL, "Do not print the prompt",
     .default_text = NULL},
    {"json", 0, OPTION_FLAG, AT(json), NULL,
     "Print a JSON object for each sample, on one line: prompt, text (without the prompt), sample, "
     "seed, characters, and log_probability, the sum of ln p over the text's characters at "
     "temperature 1 with nothing cut off. A text that is not UTF-8 also has its bytes, as text_hex",
     .default_text = NULL},
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
    if (status == 0 && check_combination(&request) != 0)
        status = STATUS_USAGE;
    if (status == 0 && (copy_texts(&request) != 0 || parse_clamps(&request) != 0))
        status = options_status();
    request.random_seed = !options_given(&options, "seed");
    if (request.lines > 0 && !options_given(&options, "length"))
        request.length = NO_LENGTH;
    if (status == 0)
        status = run(&request, options.arguments[0]);
    release_request(&request);
    options_release(&options);
    return status < 0 ? 0 : status;
}
