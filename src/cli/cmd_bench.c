#include <jansson.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "bench.h"
#include "commands.h"
#include "error.h"
#include "evaluate.h"
#include "options.h"
#include "team.h"

#define MAX_CELLS 16

static const char
    *cell_names[MAX_CELLS + 1]; /* choices of --cell, in the engines' order; ends with NULL */

static void list_cells(void)
{
    for (int k = 0; k < MAX_CELLS && engine_at(0)->cells[k]; k++)
        cell_names[k] = engine_at(0)->cells[k]->name;
}

struct request {
    struct option_list works, cells, layers, units, batches, lengths, vocabs, precisions, threads;
    const struct engine *engines[PRECISION_INT8 + 1]; /* by precision, if requested */
    double seconds;
    bool json;
};

/* Reads *number as mixed-radix digits: the lowest digit selects the item of the list and is
 * removed. */
static int pick(const struct option_list *list, uint64_t *number)
{
    const int item = list->items[*number % (uint64_t)list->count];
    *number /= (uint64_t)list->count;
    return item;
}

/* Combination number k of the lists; false if there are no more. Lists that are picked first vary
 * fastest, so that rows to compare are neighbours. */
static bool combination(struct bench_config *config, const struct request *request,
                        enum bench_work work, uint64_t k)
{
    static const struct option_list
        one = {1, {1}},
        batches[] = {
            [BENCH_TRAIN] = {1, {50}}, [BENCH_EVAL] = {1, {64}}, [BENCH_SAMPLE] = {2, {1, 64}}};
    *config = (struct bench_config){.work = work};
    config->threads = pick(&request->threads, &k);
    config->engine = request->engines[pick(&request->precisions, &k)];
    config->vocab_size = pick(&request->vocabs, &k);
    config->seq_length = pick(work == BENCH_TRAIN ? &request->lengths : &one, &k);
    config->batch_size = pick(request->batches.count ? &request->batches : &batches[work], &k);
    if (work == BENCH_EVAL)
        config->seq_length = evaluator_steps(config->batch_size);
    config->cell = cell_names[pick(&request->cells, &k)];
    config->hidden_size = pick(&request->units, &k);
    config->num_layers = pick(&request->layers, &k);
    return k == 0;
}

static void print_heading(void)
{
    printf("%-6s %-4s %6s %6s %6s %5s %6s %7s %9s %-11s %10s %8s %6s\n", "work", "cell", "layers",
           "units", "batch", "T", "V", "threads", "precision", "engine", "chars/s", "GFLOP/s",
           "GB/s");
}

static void print_row(const struct bench_config *config, const struct bench_result *result)
{
    printf("%-6s %-4s %6d %6d %6d %5d %6d %7d %9s %-11s %10.0f %8.1f",
           bench_work_names[config->work], config->cell, config->num_layers, config->hidden_size,
           config->batch_size, config->seq_length, config->vocab_size, config->threads,
           precision_names[config->engine->precision], config->engine->name,
           result->chars_per_second, result->gflops);
    if (isnan(result->gbytes_per_second))
        printf(" %6s\n", "-");
    else
        printf(" %6.1f\n", result->gbytes_per_second);
    fflush(stdout);
}

static int append_json(json_t *rows, const struct bench_config *config,
                       const struct bench_result *result)
{
    const double read = result->gbytes_per_second;
    json_t *row = json_pack(
        "{s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:s, s:s, s:f, s:f, s:I, s:o?}", "work",
        bench_work_names[config->work], "cell", config->cell, "num_layers", config->num_layers,
        "hidden_size", config->hidden_size, "batch_size", config->batch_size, "seq_length",
        config->seq_length, "vocab_size", config->vocab_size, "threads", config->threads,
        "precision", precision_names[config->engine->precision], "engine", config->engine->name,
        "chars_per_second", result->chars_per_second, "gflops", result->gflops, "weight_bytes",
        (json_int_t)result->weight_bytes, "gbytes_per_second",
        isnan(read) ? NULL : json_real(read));
    return json_array_append_new(rows, row) == 0 ? 0 : error_set("no memory for the results");
}

/* Appends a row for each measurement to `rows`, or prints it if `rows` is NULL. */
static int measure(json_t *rows, const struct request *request)
{
    struct bench_config config;
    struct bench_result result;
    bool has_heading = rows != NULL;
    for (int w = 0; w < request->works.count; w++) {
        const enum bench_work work = (enum bench_work)request->works.items[w];
        for (uint64_t k = 0; combination(&config, request, work, k); k++) {
            if (bench_run(&result, &config, request->seconds) != 0)
                return -1;
            if (!has_heading)
                print_heading();
            has_heading = true;
            if (!rows)
                print_row(&config, &result);
            else if (append_json(rows, &config, &result) != 0)
                return -1;
        }
    }
    return 0;
}

static int run(struct request *request)
{
    for (int k = 0; k < request->precisions.count; k++) {
        const enum precision precision = (enum precision)request->precisions.items[k];
        if (!(request->engines[precision] = engine_find(precision)))
            return -1;
    }
    if (!request->json)
        return measure(NULL, request);
    json_t *rows = json_array();
    int result = rows ? measure(rows, request) : error_set("no memory for the results");
    if (result == 0 && (json_dumpf(rows, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) != 0 ||
                        putchar('\n') == EOF))
        result = error_set("the results could not be written");
    json_decref(rows);
    return result;
}

static bool includes(const struct option_list *list, int item)
{
    for (int k = 0; k < list->count; k++)
        if (list->items[k] == item)
            return true;
    return false;
}

#define AT(field) offsetof(struct request, field)

static struct option_row list[] = {
    {.kind = OPTION_GROUP, .help = "What to measure: every combination of the values in the LISTs"},
    {"work", 0, OPTION_CHOICES, AT(works), "LIST", "train, eval, sample",
     .choices = bench_work_names},
    {"cell", 0, OPTION_CHOICES, AT(cells), "LIST", "Recurrent cells", .choices = cell_names},
    {"num-layers", 0, OPTION_INTS, AT(layers), "LIST", "Recurrent layers", .min = 1, .max = 1000},
    {"hidden-size", 0, OPTION_INTS, AT(units), "LIST", "Units in each layer", .min = 1,
     .max = 1 << 20},
    {"batch-size", 0, OPTION_INTS, AT(batches), "LIST", "Streams read in parallel",
     .default_text = "train 50, eval 64, sample 1,64", .min = 1, .max = 1e6},
    {"seq-length", 0, OPTION_INTS, AT(lengths), "LIST", "Timesteps per chunk in training", .min = 1,
     .max = 1e6},
    {"vocab-size", 0, OPTION_INTS, AT(vocabs), "LIST", "Symbols of the vocabulary", .min = 1,
     .max = 1 << 24},
    {"threads", 0, OPTION_INTS, AT(threads), "LIST", "Threads", .min = 1, .max = 1024},
    {"precision", 0, OPTION_CHOICES, AT(precisions), "LIST",
     "Precision of the products: fp32, bf16, or int8 (of the weights; not for training). A machine "
     "without it measures fp32 instead, as the row says",
     .choices = precision_names},
    {.kind = OPTION_GROUP, .help = "How:"},
    {"seconds", 0, OPTION_REAL, AT(seconds), "N", "Duration of each measurement", .min = 1e-3,
     .max = 1e6},
    {"json", 0, OPTION_FLAG, AT(json), NULL, "Print a JSON list of objects", .default_text = NULL},
    {.kind = OPTION_GROUP, .help = "Help:"},
};

int command_bench(int argc, char **argv)
{
    const int cores = team_cores();
    struct request request = {
        .works = {3, {BENCH_TRAIN, BENCH_EVAL, BENCH_SAMPLE}},
        .cells = {1, {0}},
        .layers = {1, {2}},
        .units = {2, {128, 512}},
        .lengths = {1, {50}},
        .vocabs = {1, {65}},
        .precisions = {1, {PRECISION_FP32}},
        .threads = {cores > 1 ? 2 : 1, {1, cores}},
        .seconds = 1,
    };
    struct options options = {
        .command = "bench",
        .usage = "[OPTION...]",
        .summary = "Measures the speed of this machine: characters and floating-point operations "
                   "per second and, for one stream of samples, bytes of weights read. "
                   "scripts/bench compares it with the machine's limits and with other programs.",
        .list = list,
        .count = sizeof list / sizeof *list,
        .values = &request,
    };
    list_cells();
    int status = options_parse(&options, argc, argv);
    if (status == 0 && includes(&request.works, BENCH_TRAIN) &&
        includes(&request.precisions, PRECISION_INT8)) {
        error_set("--precision int8 cannot train; add --work eval,sample");
        status = STATUS_USAGE;
    }
    if (status == 0)
        status = run(&request) == 0 ? 0 : STATUS_FAILED;
    options_release(&options);
    return status < 0 ? 0 : status;
}
