#include "bench.h"

#include <jansson.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "error.h"
#include "evaluate.h"
#include "mem.h"
#include "options.h"
#include "peak.h"
#include "team.h"

#define SGEMM_SECONDS 0.5 /* or less, where --seconds is */
#define READ_SECONDS 0.2

struct request {
    struct option_list works, layers, units, batches, lengths, vocabs, precisions, threads;
    const struct engine *engines[OPTION_LIST_MOST]; /* of the precisions */
    double seconds;
    bool json;
};

/* --- configurations --------------------------------------------------------------------------- */

/* The request as it is for one kind of work. */
static struct request request_of(const struct request *request, enum bench_work work)
{
    static const struct option_list batches[] = {
        [BENCH_TRAIN] = {1, {50}}, [BENCH_EVAL] = {1, {64}}, [BENCH_SAMPLE] = {2, {1, 64}}};
    struct request of = *request;
    if (of.batches.count == 0)
        of.batches = batches[work];
    if (work == BENCH_EVAL)
        of.lengths = (struct option_list){1, {0}}; /* as many as suit the streams */
    if (work == BENCH_SAMPLE)
        of.lengths = (struct option_list){1, {1}};
    return of;
}

static uint64_t num_combinations(const struct request *of)
{
    const int counts[] = {of->layers.count,  of->units.count,  of->batches.count,
                          of->lengths.count, of->vocabs.count, of->precisions.count,
                          of->threads.count};
    uint64_t product = 1;
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++)
        product *= (uint64_t)counts[k];
    return product;
}

/* Takes the last digit off a number that is written in that base. */
static uint64_t digit(uint64_t *number, int base)
{
    const uint64_t last = *number % (uint64_t)base;
    *number /= (uint64_t)base;
    return last;
}

static int pick(const struct option_list *list, uint64_t *number)
{
    return list->items[digit(number, list->count)];
}

/* The last lists vary fastest: what is to be compared stands together. */
static struct bench_config combination(const struct request *of, enum bench_work work, uint64_t k)
{
    struct bench_config config = {.work = work};
    config.threads = pick(&of->threads, &k);
    config.engine = of->engines[digit(&k, of->precisions.count)];
    config.vocab_size = pick(&of->vocabs, &k);
    config.seq_length = pick(&of->lengths, &k);
    config.batch_size = pick(&of->batches, &k);
    if (work == BENCH_EVAL)
        config.seq_length = evaluator_steps(config.batch_size);
    config.hidden_size = pick(&of->units, &k);
    config.num_layers = pick(&of->layers, &k);
    return config;
}

/* Configuration number *at, which is counted on. False behind the last. */
static bool next_config(const struct request *request, uint64_t *at, struct bench_config *config)
{
    uint64_t left = (*at)++;
    for (int w = 0; w < request->works.count; w++) {
        const enum bench_work work = (enum bench_work)request->works.items[w];
        const struct request of = request_of(request, work);
        const uint64_t count = num_combinations(&of);
        if (left < count) {
            *config = combination(&of, work, left);
            return true;
        }
        left -= count;
    }
    return false;
}

/* --- limits of the machine -------------------------------------------------------------------- */

struct limit {
    int threads;
    size_t bytes; /* that are read */
    double gflops, gbytes;
};

struct limits {
    struct limit *list;
    size_t count, capacity;
};

static const struct limit *find_limit(const struct limits *limits, int threads, size_t bytes)
{
    for (size_t k = 0; k < limits->count; k++)
        if (limits->list[k].threads == threads && limits->list[k].bytes == bytes)
            return &limits->list[k];
    return NULL;
}

/* What products reach with as many threads; measured unless it is known. */
static int sgemm_limit(const struct limits *limits, const struct blas *blas, int threads,
                       double seconds, double *gflops)
{
    for (size_t k = 0; k < limits->count; k++)
        if (limits->list[k].threads == threads) {
            *gflops = limits->list[k].gflops;
            return 0;
        }
    return peak_sgemm(blas, threads, fmin(seconds, SGEMM_SECONDS), gflops);
}

static int measure_limit(struct limits *limits, const struct blas *blas, int threads, size_t bytes,
                         double seconds)
{
    struct limit limit = {.threads = threads, .bytes = bytes};
    if (find_limit(limits, threads, bytes))
        return 0;
    if (sgemm_limit(limits, blas, threads, seconds, &limit.gflops) != 0 ||
        peak_read(threads, bytes, fmin(seconds, READ_SECONDS), &limit.gbytes) != 0 ||
        mem_grow(&limits->list, &limits->capacity, limits->count + 1, sizeof *limits->list) != 0)
        return -1;
    limits->list[limits->count++] = limit;
    return 0;
}

/* --- results ---------------------------------------------------------------------------------- */

struct row {
    struct bench_config config;
    const struct limit *limit;
    double chars_per_second, gflops;
    double peak_share, read_share; /* of the limits; NAN where there is no meaning in it */
};

static int measure_row(struct row *row, const struct limits *limits, double seconds)
{
    const struct bench_config *config = &row->config;
    struct bench_cost cost;
    if (bench_cost(&cost, config) != 0 || bench_run(&row->chars_per_second, config, seconds) != 0)
        return -1;
    const bool reads_alone = config->work == BENCH_SAMPLE && config->batch_size == 1;
    row->limit = find_limit(limits, config->threads, cost.weight_bytes);
    row->gflops = 1e-9 * cost.flops * row->chars_per_second;
    row->peak_share = row->gflops / row->limit->gflops;
    row->read_share =
        reads_alone ? 1e-9 * (double)cost.bytes_read * row->chars_per_second / row->limit->gbytes
                    : (double)NAN;
    return 0;
}

static void print_head(const struct blas *blas, const struct limits *limits)
{
    printf("sgemm of OpenBLAS, %s\n\n%7s %13s %10s %9s\n", blas->core, "threads", "sgemm GFLOP/s",
           "weights MB", "read GB/s");
    for (size_t k = 0; k < limits->count; k++) {
        const struct limit *limit = &limits->list[k];
        printf("%7d %13.1f %10.2f %9.1f\n", limit->threads, limit->gflops,
               1e-6 * (double)limit->bytes, limit->gbytes);
    }
    printf("\n%-6s %6s %6s %6s %5s %6s %7s %9s %-11s %10s %8s %5s %5s\n", "work", "layers", "units",
           "batch", "T", "V", "threads", "precision", "engine", "chars/s", "GFLOP/s", "peak",
           "read");
    fflush(stdout);
}

static void print_row(const struct row *row)
{
    const struct bench_config *config = &row->config;
    printf("%-6s %6d %6d %6d %5d %6d %7d %9s %-11s %10.0f %8.1f %4.0f%%",
           bench_work_names[config->work], config->num_layers, config->hidden_size,
           config->batch_size, config->seq_length, config->vocab_size, config->threads,
           precision_names[config->engine->precision], config->engine->name, row->chars_per_second,
           row->gflops, 100 * row->peak_share);
    if (isnan(row->read_share))
        printf(" %5s\n", "-");
    else
        printf(" %4.0f%%\n", 100 * row->read_share);
    fflush(stdout);
}

static int append_json(json_t *array, const struct row *row)
{
    const struct bench_config *config = &row->config;
    json_t *share = isnan(row->read_share) ? json_null() : json_real(row->read_share);
    json_t *object = json_pack(
        "{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:o}", "work",
        bench_work_names[config->work], "num_layers", config->num_layers, "hidden_size",
        config->hidden_size, "batch_size", config->batch_size, "seq_length", config->seq_length,
        "vocab_size", config->vocab_size, "threads", config->threads, "precision",
        precision_names[config->engine->precision], "engine", config->engine->name,
        "chars_per_second", row->chars_per_second, "gflops", row->gflops, "sgemm_gflops",
        row->limit->gflops, "read_gbytes_per_second", row->limit->gbytes, "peak_share",
        row->peak_share, "read_share", share);
    return json_array_append_new(array, object) == 0 ? 0 : error_set("no memory for the results");
}

/* --- the command ------------------------------------------------------------------------------ */

/* Puts what failed before why. */
static int name_failure(const struct bench_config *config)
{
    return error_set("%s, %d layers of %d units, %d streams of %d: %s",
                     bench_work_names[config->work], config->num_layers, config->hidden_size,
                     config->batch_size, config->seq_length, error_message());
}

static int measure_limits(struct limits *limits, const struct request *request,
                          const struct blas *blas)
{
    struct bench_config config;
    struct bench_cost cost;
    for (uint64_t at = 0; next_config(request, &at, &config);)
        if (bench_cost(&cost, &config) != 0 ||
            measure_limit(limits, blas, config.threads, cost.weight_bytes, request->seconds) != 0)
            return name_failure(&config);
    return 0;
}

/* Prints rows as they come, or, where `array` is not NULL, puts them there. */
static int measure_rows(json_t *array, const struct request *request, const struct limits *limits)
{
    struct row row;
    for (uint64_t at = 0; next_config(request, &at, &row.config);) {
        if (measure_row(&row, limits, request->seconds) != 0)
            return name_failure(&row.config);
        if (!array)
            print_row(&row);
        else if (append_json(array, &row) != 0)
            return -1;
    }
    return 0;
}

/* Each precision's engine on this machine. */
static int find_engines(struct request *request)
{
    for (int k = 0; k < request->precisions.count; k++)
        if (!(request->engines[k] = engine_find((enum precision)request->precisions.items[k])))
            return -1;
    return 0;
}

/* Weights of 8 bits are for reading alone. */
static int check_precisions(const struct request *request)
{
    for (int w = 0; w < request->works.count; w++)
        for (int k = 0; k < request->precisions.count; k++)
            if (request->works.items[w] == BENCH_TRAIN &&
                request->precisions.items[k] == PRECISION_INT8)
                return error_set("--precision %s is not to train with; give --work eval,sample",
                                 precision_names[request->precisions.items[k]]);
    return 0;
}

static int run(struct request *request)
{
    struct blas blas = {0};
    struct limits limits = {0};
    json_t *array = request->json ? json_array() : NULL;
    int result = find_engines(request) == 0 ? blas_open(&blas) : -1;
    if (result == 0)
        result = measure_limits(&limits, request, &blas);
    if (result == 0 && !request->json)
        print_head(&blas, &limits);
    if (result == 0)
        result = measure_rows(array, request, &limits);
    if (result == 0 && request->json &&
        json_dumpf(array, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) != 0)
        result = error_set("the results could not be written");
    if (result == 0 && request->json)
        putchar('\n');
    json_decref(array);
    free(limits.list);
    blas_close(&blas);
    return result == 0 ? 0 : STATUS_FAILED;
}

#define AT(field) offsetof(struct request, field)

static struct option_row list[] = {
    {.kind = OPTION_GROUP, .help = "What is measured: every combination of the values in LISTs"},
    {"work", 0, OPTION_CHOICES, AT(works), "LIST", "Of train, eval and sample",
     .choices = bench_work_names},
    {"num-layers", 0, OPTION_INTS, AT(layers), "LIST", "Recurrent layers", .min = 1, .max = 1000},
    {"hidden-size", 0, OPTION_INTS, AT(units), "LIST", "Units in each layer", .min = 1,
     .max = 1 << 20},
    {"batch-size", 0, OPTION_INTS, AT(batches), "LIST", "Streams that are read side by side",
     .unset = "train 50, eval 64, sample 1,64", .min = 1, .max = 1e6},
    {"seq-length", 0, OPTION_INTS, AT(lengths), "LIST", "Timesteps of a chunk in training",
     .min = 1, .max = 1e6},
    {"vocab-size", 0, OPTION_INTS, AT(vocabs), "LIST", "Symbols", .min = 1, .max = 1 << 24},
    {"threads", 0, OPTION_INTS, AT(threads), "LIST", "Threads", .min = 1, .max = 1024},
    {"precision", 0, OPTION_CHOICES, AT(precisions), "LIST",
     "Of the products: fp32, bf16, or int8 (weights alone; not to train); fp32 where the machine "
     "lacks it, as the row then says",
     .choices = precision_names},
    {.kind = OPTION_GROUP, .help = "How:"},
    {"seconds", 0, OPTION_REAL, AT(seconds), "N", "Length of a measurement", .min = 1e-3,
     .max = 1e6},
    {"json", 0, OPTION_FLAG, AT(json), NULL, "Print a list of objects for other programs",
     .unset = NULL},
    {.kind = OPTION_GROUP, .help = "Help:"},
};

int command_bench(int argc, char **argv)
{
    const int cores = team_cores();
    struct request request = {
        .works = {3, {BENCH_TRAIN, BENCH_EVAL, BENCH_SAMPLE}},
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
        .summary = "\nMeasures the engine on this machine: characters a second, and how near that "
                   "is to what the\nmachine can do at most (products of large matrices, and for "
                   "one stream of samples the\nreading of the weights).",
        .list = list,
        .count = sizeof list / sizeof *list,
        .values = &request,
    };
    int status = options_parse(&options, argc, argv);
    if (status == 0)
        status = check_precisions(&request) == 0 ? run(&request) : STATUS_USAGE;
    options_release(&options);
    return status < 0 ? 0 : status;
}
