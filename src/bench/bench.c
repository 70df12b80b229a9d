#include "bench.h"

#include <math.h>
#include <stdlib.h>

#include "clock.h"
#include "error.h"
#include "mem.h"
#include "optimizer.h"
#include "rng.h"
#include "sample.h"
#include "tape.h"
#include "team.h"
#include "train.h"

#define SEED 1
#define WARMUP 3       /* steps */
#define MEASUREMENTS 9 /* odd, for the median */

const char *const bench_work_names[] = {
    [BENCH_TRAIN] = "train", [BENCH_EVAL] = "eval", [BENCH_SAMPLE] = "sample", NULL};

struct bench {
    const struct bench_config *config;
    struct team *team;
    struct model model;
    /* to train and to evaluate: */
    int32_t *x, *y; /* [T][B] */
    struct tape tape;
    struct optimizer optimizer;
    uint64_t step;
    /* to sample: */
    struct sampler sampler;
};

static int init_model(struct model *model, const struct bench_config *config)
{
    model->training = config->work == BENCH_TRAIN;
    if (model_init(model, config->engine, config->cell, NULL, config->num_layers,
                   config->hidden_size, config->vocab_size, NULL) != 0)
        return -1;
    model->vocab.unknown = VOCAB_NONE;
    return 0;
}

int bench_cost(struct bench_cost *cost, const struct bench_config *config)
{
    struct model model = {0};
    size_t matrices = 0, vectors = 0, row = 0;
    if (init_model(&model, config) != 0)
        return -1;
    for (int p = 0; p < model.params.count; p++) {
        const struct param *param = &model.params.list[p];
        const size_t size = (size_t)param->rows * (size_t)param->columns;
        if (param->transposed)
            row += (size_t)param->rows;
        else if (param->vector)
            vectors += size;
        else
            matrices += size;
    }
    const size_t packed = config->engine->precision == PRECISION_FP32
                              ? matrices * sizeof(real)
                              : model_bytes(&model) - model.params.size * sizeof(real);
    *cost = (struct bench_cost){
        .flops = (config->work == BENCH_TRAIN ? 6 : 2) * (double)(matrices + vectors),
        .bytes_read = packed + (vectors + row) * sizeof(real),
        .weight_bytes = packed + (model.params.total - matrices) * sizeof(real),
    };
    model_release(&model);
    return 0;
}

/* --- the works -------------------------------------------------------------------------------- */

static int32_t *random_ids(const struct bench_config *config, uint32_t which)
{
    const struct rng rng = {SEED, RNG_DATA};
    const size_t count = (size_t)config->batch_size * (size_t)config->seq_length;
    int32_t *ids = mem_new(count, sizeof *ids);
    for (uint64_t k = 0; ids && k < count; k++) {
        const uint32_t counter[4] = {(uint32_t)k, (uint32_t)(k >> 32), which, 0};
        ids[k] = (int32_t)(rng_uniform(&rng, counter) * config->vocab_size);
    }
    return ids;
}

static int init_chunk(struct bench *bench)
{
    const struct bench_config *config = bench->config;
    if (tape_init(&bench->tape, &bench->model, config->batch_size, config->seq_length,
                  bench->model.training, 0) != 0 ||
        !(bench->x = random_ids(config, 0)) || !(bench->y = random_ids(config, 1)))
        return -1;
    tape_set_input(&bench->tape, bench->x);
    model_prepare(bench->team, &bench->model);
    return 0;
}

static int init_training(struct bench *bench)
{
    const struct optim optim = {.kind = OPTIM_ADAM, .clip_norm = 5};
    return init_chunk(bench) == 0 ? optimizer_init(&bench->optimizer, &optim, &bench->model) : -1;
}

static void train(struct bench *bench)
{
    struct train_step step = {
        .model = &bench->model,
        .tape = &bench->tape,
        .optimizer = &bench->optimizer,
        .targets = bench->y,
        .step = bench->step,
        .update = bench->step + 1,
        .rate = 1e-3,
    };
    bench->step++;
    team_run(bench->team, train_step, &step);
}

static void read_chunk(struct member *member, void *argument)
{
    struct bench *bench = argument;
    model_forward(member, &bench->tape, NULL, 0, 0);
    model_loss(member, &bench->tape, bench->y);
}

static void evaluate_chunk(struct bench *bench)
{
    team_run(bench->team, read_chunk, bench);
}

static int init_sampling(struct bench *bench)
{
    const struct sample_options options = {.temperature = 1, .top_p = 1, .seed = SEED};
    return sampler_init(&bench->sampler, bench->team, &bench->model, bench->config->batch_size,
                        &options);
}

static void sample(struct bench *bench)
{
    sampler_next(&bench->sampler);
}

static const struct {
    int (*init)(struct bench *);
    void (*step)(struct bench *);
} works[] = {
    [BENCH_TRAIN] = {init_training, train},
    [BENCH_EVAL] = {init_chunk, evaluate_chunk},
    [BENCH_SAMPLE] = {init_sampling, sample},
};

/* --- the measurement -------------------------------------------------------------------------- */

static int bench_init(struct bench *bench)
{
    const struct bench_config *config = bench->config;
    if (!(bench->team = team_new(config->threads)) || init_model(&bench->model, config) != 0 ||
        model_allocate(&bench->model) != 0)
        return -1;
    params_start(&bench->model.params, SEED, bench->model.weights);
    return works[config->work].init(bench);
}

static void bench_release(struct bench *bench)
{
    sampler_release(&bench->sampler);
    optimizer_release(&bench->optimizer);
    tape_release(&bench->tape);
    free(bench->x);
    free(bench->y);
    model_release(&bench->model);
    team_free(bench->team);
}

/* Steps a second, over as many steps as fill that time. */
static double measure(struct bench *bench, double seconds)
{
    const double start = clock_seconds();
    double passed;
    uint64_t steps = 0;
    do {
        works[bench->config->work].step(bench);
        steps++;
    } while ((passed = clock_seconds() - start) < seconds);
    return (double)steps / passed;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_speed(struct bench *bench, double seconds)
{
    double speeds[MEASUREMENTS];
    for (int k = 0; k < WARMUP; k++)
        works[bench->config->work].step(bench);
    for (int k = 0; k < MEASUREMENTS; k++)
        speeds[k] = measure(bench, seconds / MEASUREMENTS);
    qsort(speeds, MEASUREMENTS, sizeof *speeds, ascending);
    return speeds[MEASUREMENTS / 2];
}

int bench_run(struct bench_result *result, const struct bench_config *config, double seconds)
{
    struct bench bench = {.config = config};
    struct bench_cost cost;
    const int status = bench_cost(&cost, config) == 0 ? bench_init(&bench) : -1;
    if (status == 0) {
        const bool one_stream = config->work == BENCH_SAMPLE && config->batch_size == 1;
        const double chars_per_second =
            median_speed(&bench, seconds) * (double)config->batch_size * (double)config->seq_length;
        *result = (struct bench_result){
            .chars_per_second = chars_per_second,
            .gflops = 1e-9 * cost.flops * chars_per_second,
            .gbytes_per_second =
                one_stream ? 1e-9 * (double)cost.bytes_read * chars_per_second : (double)NAN,
            .weight_bytes = cost.weight_bytes,
        };
    }
    bench_release(&bench);
    return status == 0
               ? 0
               : error_set("%s, %d layers of %d units, %d streams of %d: %s",
                           bench_work_names[config->work], config->num_layers, config->hidden_size,
                           config->batch_size, config->seq_length, error_message());
}
