#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"
#include "commands.h"
#include "error.h"
#include "evaluate.h"
#include "glyph.h"
#include "options.h"
#include "team.h"
#include "trainer.h"
#include "view.h"

struct request {
    uint64_t window; /* 0: the state is carried */
    int streams, threads;
    bool json, per_char;
};

/* What is summed while a text is read. */
struct tally {
    const struct vocab *vocab;
    struct glyph *glyphs; /* for --per-char, else NULL */
    uint64_t bytes, unknown, position;
};

static int count(void *context, int32_t id, double loss)
{
    struct tally *tally = context;
    tally->bytes += tally->vocab->symbols[id].length;
    tally->unknown += id == tally->vocab->unknown;
    if (!tally->glyphs)
        return 0;
    printf("%llu,", (unsigned long long)tally->position++);
    glyph_put_csv(&tally->glyphs[id], stdout);
    printf(",%.6f\n", loss);
    return ferror(stdout) ? error_set("stdout: %s", strerror(errno)) : 0;
}

static int print_json(const struct request *request, const struct evaluation *result,
                      const struct tally *tally)
{
    const double bits = result->loss / log(2);
    json_t *object = json_pack(
        "{s:f, s:f, s:f, s:f, s:I, s:I}", "loss", result->loss, "bpc", bits, "bits_per_byte",
        bits * (double)result->characters / (double)tally->bytes, "perplexity", exp(result->loss),
        "characters", (json_int_t)result->characters, "unknown", (json_int_t)tally->unknown);
    if (object && request->window > 0)
        json_object_set_new(object, "window", json_integer((json_int_t)request->window));
    int failed = !object || json_dumpf(object, stdout, JSON_INDENT(2)) != 0;
    json_decref(object);
    putchar('\n');
    return failed ? error_set("stdout: %s", strerror(errno)) : 0;
}

static void print_text(FILE *out, const struct request *request, const struct evaluation *result,
                       const struct tally *tally)
{
    const double bits = result->loss / log(2);
    fprintf(out, "loss           %.4f nats per character", result->loss);
    if (request->window > 0)
        fprintf(out, ", from a fresh state every %llu characters",
                (unsigned long long)request->window);
    fprintf(
        out,
        "\nbits per char  %.4f\nbits per byte  %.4f\nperplexity     %.3f\ncharacters     %llu\n",
        bits, bits * (double)result->characters / (double)tally->bytes, exp(result->loss),
        (unsigned long long)result->characters);
    if (tally->unknown > 0)
        fprintf(out, "unknown        %llu\n", (unsigned long long)tally->unknown);
}

static int evaluate_part(const struct request *request, struct team *team, struct model *model,
                         const struct corpus *corpus, const struct corpus_part *part)
{
    struct evaluator evaluator = {0};
    struct evaluation result;
    struct tally tally = {.vocab = &model->vocab};
    if (request->per_char && !(tally.glyphs = glyphs_new(&model->vocab)))
        return -1;
    int status =
        evaluator_init(&evaluator, team, model, corpus, part, request->streams, request->window);
    if (status == 0 && request->per_char)
        puts("position,character,loss");
    if (status == 0)
        status = evaluate(&evaluator, &result, count, &tally);
    if (status == 0 && request->json)
        status = print_json(request, &result, &tally);
    else if (status == 0)
        print_text(request->per_char ? stderr : stdout, request, &result, &tally);
    evaluator_release(&evaluator);
    glyphs_free(tally.glyphs);
    return status;
}

/* The files in the model's symbols; nothing is held out. */
static int open_files(struct corpus *corpus, struct vocab *vocab, const struct options *options)
{
    const char *spool = getenv("TMPDIR");
    char path[4096];
    snprintf(path, sizeof path, "%s/rune.ids", spool && *spool ? spool : "/tmp");
    const struct corpus_options corpus_options = {
        .files = options->arguments + 1,
        .num_files = options->num_arguments - 1,
        .spool = path,
        .in_memory_max = CORPUS_IN_MEMORY,
        .fixed_vocab = true,
    };
    return corpus_open(corpus, vocab, &corpus_options);
}

static int run(const struct request *request, const struct options *options)
{
    struct model model = {0};
    struct corpus corpus = {0};
    const struct engine *engine = engine_find(NULL);
    struct team *team = team_new(request->threads);
    const char *path = options->arguments[0];
    int result = engine && team ? model_load(&model, engine, path) : -1;
    if (result == 0 && options->num_arguments > 1)
        result = open_files(&corpus, &model.vocab, options);
    else if (result == 0)
        result = trainer_read_corpus(&corpus, path, &model.vocab);
    const struct corpus_part *part =
        options->num_arguments > 1 ? &corpus.training : &corpus.validation;
    if (result == 0 && part->length == 0)
        result = error_set("%s: the run held nothing out to validate; name a FILE", path);
    if (result == 0)
        result = evaluate_part(request, team, &model, &corpus, part);
    corpus_release(&corpus);
    model_release(&model);
    team_free(team);
    return result == 0 ? 0 : STATUS_FAILED;
}

#define AT(field) offsetof(struct request, field)

static struct option list[] = {
    {.kind = OPTION_GROUP, .help = "Options:"},
    {"json", 0, OPTION_FLAG, AT(json), NULL, "Print an object for other programs", .unset = NULL},
    {"per-char", 0, OPTION_FLAG, AT(per_char), NULL, "Print each character with its loss, as CSV",
     .unset = NULL},
    {"window", 0, OPTION_COUNT, AT(window), "N", "Read every N characters as a text of its own",
     .unset = "the state is carried", .min = 1, .max = 1e15},
    {"streams", 0, OPTION_INT, AT(streams), "N",
     "Read N parts of the text side by side: faster, and nearly the same", .min = 1, .max = 1e6},
    {"threads", 0, OPTION_INT, AT(threads), "N", "Threads", .unset = "all cores", .min = 1,
     .max = 1024},
};

int command_eval(int argc, char **argv)
{
    struct request request = {.streams = 1, .threads = team_cores()};
    struct options options = {
        .command = "eval",
        .usage = "MODEL [FILE...]",
        .summary = "\nMeasures how well a model predicts a text: FILE, or the part that MODEL's "
                   "run held out.",
        .list = list,
        .count = sizeof list / sizeof *list,
        .values = &request,
        .least = 1,
        .most = -1,
        .wanted = "a MODEL",
    };
    int status = options_parse(&options, argc, argv);
    if (status == 0 && request.per_char && (request.json || request.streams > 1))
        status = (error_set("--per-char goes with neither --json nor --streams"), STATUS_USAGE);
    if (status == 0)
        status = run(&request, &options);
    options_release(&options);
    return status < 0 ? 0 : status;
}
