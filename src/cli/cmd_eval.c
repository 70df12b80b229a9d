#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "about.h"
#include "checkpoint.h"
#include "commands.h"
#include "csv.h"
#include "error.h"
#include "evaluate.h"
#include "file.h"
#include "glyph.h"
#include "inputs.h"
#include "mem.h"
#include "options.h"
#include "team.h"
#include "trainer.h"
#include "view.h"

#define WINDOW_STREAMS 64 /* streams for --window; the count does not affect the result */

struct request {
    uint64_t window; /* characters from each fresh state; 0: the state is carried throughout */
    const char *files_from, *encoding;
    int on_unknown, streams, threads;
    bool json, per_char;
};

/* Sums over the text. */
struct tally {
    const char *model; /* path */
    const struct vocab *vocab;
    struct glyph *glyphs; /* for --per-char; else NULL */
    bool terminal;        /* stdout is one */
    uint64_t bytes;       /* of the symbols read */
    uint64_t unknown, position;
};

struct scores {
    double loss, bpc, bits_per_byte, perplexity; /* bits_per_byte: NAN if unknown */
    uint64_t characters, unknown, window;
};

static int add_character(void *context, int32_t id, double loss)
{
    struct tally *tally = context;
    tally->bytes += tally->vocab->symbols[id].length;
    tally->unknown += id == tally->vocab->unknown;
    if (!isfinite(loss))
        return error_set("%s: its loss on the text is not finite: " MODEL_UNSOUND, tally->model);
    if (!tally->glyphs)
        return 0;
    printf("%llu,", (unsigned long long)tally->position++);
    csv_put_text(stdout, tally->terminal ? tally->glyphs[id].shown : tally->glyphs[id].exact);
    printf(",%.6f\n", loss);
    return ferror(stdout) ? error_set("stdout: %s", strerror(errno)) : 0;
}

static int print_json(const struct scores *scores)
{
    json_t *object =
        json_pack("{s:o, s:o, s:o, s:o, s:I, s:I}", "loss", about_number(scores->loss), "bpc",
                  about_number(scores->bpc), "bits_per_byte", about_number(scores->bits_per_byte),
                  "perplexity", about_number(scores->perplexity), "characters",
                  (json_int_t)scores->characters, "unknown", (json_int_t)scores->unknown);
    bool failed = !object;
    if (scores->window > 0)
        failed |= json_object_set_new(object, "window", json_integer((json_int_t)scores->window));
    failed = failed || json_dumpf(object, stdout, JSON_INDENT(2)) != 0;
    json_decref(object);
    putchar('\n');
    return failed ? error_set("stdout: %s", strerror(errno)) : 0;
}

static void print_text(FILE *out, const struct scores *scores)
{
    fprintf(out, "loss           %.4f nats per character", scores->loss);
    if (scores->window > 0)
        fprintf(out, ", from a zero state every %llu characters",
                (unsigned long long)scores->window);
    fprintf(out, "\nbits per char  %.4f\n", scores->bpc);
    if (!isnan(scores->bits_per_byte))
        fprintf(out, "bits per byte  %.4f\n", scores->bits_per_byte);
    if (isfinite(scores->perplexity))
        fprintf(out, scores->perplexity < 1e6 ? "perplexity     %.3f\n" : "perplexity     %.3g\n",
                scores->perplexity);
    else
        fputs("perplexity     above 1e308\n", out);
    fprintf(out, "characters     %llu\n", (unsigned long long)scores->characters);
    if (scores->unknown > 0)
        fprintf(out, "unknown        %llu\n", (unsigned long long)scores->unknown);
}

/* Bytes that the text has in its files, as UTF-8; 0 if unknown, or if characters that the model
 * does not know were left out or replaced. For a part of the corpus they are counted from its
 * symbols, which differ from the file where characters are unknown, normalised or line ends that
 * were joined. */
static uint64_t text_bytes(const struct corpus *corpus, const struct corpus_part *part,
                           const struct tally *tally)
{
    const struct text_treatment *treatment = &tally->vocab->treatment;
    const bool joined = treatment->newlines == VOCAB_LF && corpus->notes.carriage_returns > 0;
    if (corpus->num_unknown > 0 && tally->vocab->unknown == VOCAB_NONE)
        return 0;
    if (part->length == corpus->length)
        return corpus->notes.bytes;
    return tally->unknown > 0 || treatment->form != UTF8_NONE || joined ? 0 : tally->bytes;
}

static struct scores scores_of(const struct evaluation *result, const struct tally *tally,
                               uint64_t bytes, uint64_t window)
{
    const double bpc = result->loss / log(2);
    return (struct scores){
        .loss = result->loss,
        .bpc = bpc,
        .bits_per_byte = bytes > 0 ? bpc * (double)result->characters / (double)bytes : (double)NAN,
        .perplexity = exp(result->loss),
        .characters = result->characters,
        .unknown = tally->unknown,
        .window = window,
    };
}

static int evaluate_part(const struct request *request, struct team *team, struct model *model,
                         const char *path, const struct corpus *corpus,
                         const struct corpus_part *part)
{
    struct evaluator evaluator = {0};
    struct evaluation result;
    struct tally tally = {
        .model = path, .vocab = &model->vocab, .terminal = isatty(STDOUT_FILENO) != 0};
    if (request->per_char && !(tally.glyphs = glyphs_new(&model->vocab)))
        return -1;
    int status =
        evaluator_init(&evaluator, team, model, corpus, part, request->streams, request->window);
    if (status == 0 && request->per_char)
        puts("position,character,loss");
    if (status == 0)
        status = evaluate(&evaluator, &result, add_character, &tally);
    if (part->length == corpus->length)
        tally.unknown = corpus->num_unknown; /* those left out or replaced, too */
    if (status == 0) {
        const struct scores scores =
            scores_of(&result, &tally, text_bytes(corpus, part, &tally), request->window);
        if (request->json)
            status = print_json(&scores);
        else
            print_text(request->per_char ? stderr : stdout, &scores);
    }
    evaluator_release(&evaluator);
    glyphs_free(tally.glyphs);
    return status;
}

/* Whether the command line names texts; if not, it is what the run held out. */
static bool names_texts(const struct request *request, const struct options *options)
{
    return options->num_arguments > 1 || request->files_from;
}

/* Encodes the files in the model's vocabulary; nothing is held out. */
static int read_files(struct corpus *corpus, struct vocab *vocab, const struct request *request,
                      const char *const *files, const char *const *names, size_t num_files)
{
    char *temp_path = file_temporary("rune-ids");
    const struct corpus_options options = {
        .files = files,
        .names = names,
        .num_files = (int)num_files,
        .temp_path = temp_path,
        .in_memory_max = CORPUS_IN_MEMORY,
        .treatment = {.encoding = request->encoding},
        .fixed_vocab = true,
        .on_unknown = (enum encode_unknown)request->on_unknown,
        .option = "--on-unknown skip or replace",
    };
    int result = temp_path ? corpus_open(corpus, vocab, &options) : -1;
    free(temp_path);
    return result;
}

/* The same; "-" stands for stdin, which is copied to a temporary file first. */
static int open_files(struct corpus *corpus, struct vocab *vocab, const struct request *request,
                      const struct sources *sources)
{
    struct file_out copy = {0};
    char *path = file_temporary("rune-stdin");
    const char **files = mem_new(sources->count, sizeof *files);
    const char **names = mem_new(sources->count, sizeof *names);
    int result = path && files && names ? 0 : -1;
    for (size_t k = 0; k < sources->count && result == 0; k++) {
        const bool piped = strcmp(sources->files[k], "-") == 0;
        if (piped && !copy.temporary)
            result = file_copy_stdin(&copy, path);
        files[k] = piped ? copy.temporary : sources->files[k];
        names[k] = file_name(sources->files[k]);
    }
    if (result == 0)
        result = read_files(corpus, vocab, request, files, names, sources->count);
    file_abandon(&copy);
    free(names);
    free(files);
    free(path);
    return result;
}

/* Reads what the command line names, or what the run held out. */
static int open_texts(struct corpus *corpus, struct vocab *vocab, const struct request *request,
                      const struct options *options)
{
    struct text_treatment treatment = vocab->treatment;
    struct sources sources = {0};
    if (!names_texts(request, options))
        return trainer_read_corpus(corpus, options->arguments[0], vocab);
    treatment.encoding = request->encoding;
    int result = inputs_gather(&sources, options->arguments + 1, options->num_arguments - 1,
                               request->files_from, &treatment, false);
    if (result == 0)
        result = open_files(corpus, vocab, request, &sources);
    sources_release(&sources);
    return result;
}

static int run(const struct request *request, const struct options *options)
{
    struct model model = {0};
    struct corpus corpus = {0};
    const struct engine *engine = engine_find(PRECISION_FP32);
    struct team *team = team_new(request->threads);
    const char *path = options->arguments[0];
    int result = engine && team ? model_load(&model, engine, path) : -1;
    if (result == 0)
        result = open_texts(&corpus, &model.vocab, request, options);
    const struct corpus_part *part =
        names_texts(request, options) ? &corpus.training : &corpus.validation;
    if (result == 0 && part->length == 0)
        result = error_set("%s: the run held out nothing for validation: give a FILE", path);
    if (result == 0)
        result = evaluate_part(request, team, &model, path, &corpus, part);
    corpus_release(&corpus);
    model_release(&model);
    team_free(team);
    return result == 0 ? 0 : STATUS_FAILED;
}

#define AT(field) offsetof(struct request, field)

static struct option_row list[] = {
    {.kind = OPTION_GROUP, .help = "Options:"},
    {"json", 0, OPTION_FLAG, AT(json), NULL, "Print a JSON object", .default_text = NULL},
    {"per-char", 0, OPTION_FLAG, AT(per_char), NULL, "Print the loss of each character as CSV",
     .default_text = NULL},
    {"window", 0, OPTION_COUNT, AT(window), "N", "Start from a zero state every N characters",
     .default_text = "the state is carried", .min = 1, .max = 1e15},
    {"streams", 0, OPTION_INT, AT(streams), "N",
     "Read N parts of the text in parallel: faster, nearly the same result",
     .default_text = "1, or 64 with --window", .min = 1, .max = 1e6},
    {"threads", 0, OPTION_INT, AT(threads), "N", "Threads", .default_text = "all cores", .min = 1,
     .max = 1024},
    {.kind = OPTION_GROUP, .help = "The text:"},
    INPUTS_FILES_FROM(AT(files_from)),
    INPUTS_ENCODING(AT(encoding)),
    INPUTS_ON_UNKNOWN(AT(on_unknown)),
    {.kind = OPTION_GROUP, .help = "Help:"},
};

/* Of the text of a run, the run knows how it is read. */
static int check_text(const struct request *request, const struct options *options)
{
    static const char *const names[] = {"encoding", "on-unknown"};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (options_given(options, names[k]) && !names_texts(request, options))
            return error_set(
                "--%s needs a FILE: without one, the text of the run is read as it was "
                "in training",
                names[k]);
    return inputs_check_encoding(request->encoding);
}

int command_eval(int argc, char **argv)
{
    struct request request = {.streams = 1, .threads = team_cores()};
    struct options options = {
        .command = "eval",
        .usage = "MODEL [FILE...]",
        .summary =
            "Measures how well a model predicts the text of FILE (-: stdin), of a directory's "
            "files or, without FILE, of the validation part of its run.",
        .list = list,
        .count = sizeof list / sizeof *list,
        .values = &request,
        .min_arguments = 1,
        .max_arguments = -1,
        .required = "a MODEL",
        .example = "runs/book",
    };
    int status = options_parse(&options, argc, argv);
    if (status == 0 && request.per_char && (request.json || request.streams > 1))
        status =
            (error_set("--per-char cannot be combined with --json or --streams"), STATUS_USAGE);
    if (status == 0)
        status = check_text(&request, &options) == 0 ? 0 : STATUS_USAGE;
    if (request.window > 0 && !request.per_char && !options_given(&options, "streams"))
        request.streams = WINDOW_STREAMS;
    if (status == 0)
        status = run(&request, &options);
    options_release(&options);
    return status < 0 ? 0 : status;
}
