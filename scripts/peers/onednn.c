/* Times oneDNN's LSTM primitive on a stack of layers, and prints one JSON object.
 *
 * `train` is forward and backward through the layers alone, with the gradients of all weights and
 * of each layer's input: no logits, no loss, no clipping, no optimizer. The weights are packed
 * before the clock starts and the gradients are never cleared. With `repack` each step also packs
 * the weights, as it must when they are new, clears the gradients, and brings them into the layout
 * of the weights. `eval` is the forward pass for inference.
 *
 * oneDNN chooses every format. The first layer takes a dense vector of `vocab` numbers, because the
 * primitive has no one-hot input. In bf16 the vector is padded with zeros to a multiple of 32,
 * which makes it a third faster. Each layer is a primitive of its own. One primitive for all layers
 * would need a first input as wide as the others, which was slower. */
#include <math.h>
#include <omp.h>
#include <oneapi/dnnl/dnnl.h>
#include <oneapi/dnnl/dnnl_debug.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if DNNL_VERSION_MAJOR != 2
#error "this is written for oneDNN 2; version 3 has another interface"
#endif

#define MAX_LAYERS 8
#define MAX_ARGS 24

enum { GATES = 4 };

struct shape {
    int num_layers, hidden_size, batch_size, seq_length, vocab_size;
    int input_size; /* vocab_size, padded */
};

/* A primitive and its arguments. */
struct job {
    dnnl_primitive_t primitive;
    int num_args;
    dnnl_exec_arg_t args[MAX_ARGS];
};

struct layer {
    struct job forward, backward;
};

/* The work of a step with new weights: packing them, and unpacking their gradients. */
struct repacking {
    int num_packs, num_unpacks;
    struct job packs[MAX_LAYERS * 4], unpacks[MAX_LAYERS * 3];
    dnnl_memory_t gradients[MAX_LAYERS * 3];
};

static dnnl_engine_t engine;
static dnnl_stream_t stream;

static void check(dnnl_status_t status, const char *what)
{
    if (status == dnnl_success)
        return;
    fprintf(stderr, "onednn: %s: %s\n", what, dnnl_status2str(status));
    exit(1);
}

#define CHECK(call) check(call, #call)

static void job_run(const struct job *job)
{
    CHECK(dnnl_primitive_execute(job->primitive, stream, job->num_args, job->args));
}

static void job_add(struct job *job, int arg, dnnl_memory_t memory)
{
    job->args[job->num_args++] = (dnnl_exec_arg_t){arg, memory};
}

static dnnl_memory_t job_memory(const struct job *job, int arg)
{
    for (int i = 0; i < job->num_args; i++)
        if (job->args[i].arg == arg)
            return job->args[i].memory;
    return NULL;
}

static const dnnl_memory_desc_t *memory_format(const_dnnl_memory_t memory)
{
    const dnnl_memory_desc_t *format;
    CHECK(dnnl_memory_get_memory_desc(memory, &format));
    return format;
}

static dnnl_memory_t memory_new(const dnnl_memory_desc_t *format)
{
    dnnl_memory_t memory;
    void *data;
    CHECK(dnnl_memory_create(&memory, format, engine, DNNL_MEMORY_ALLOCATE));
    CHECK(dnnl_memory_get_data_handle(memory, &data));
    memset(data, 0, dnnl_memory_desc_get_size(format));
    return memory;
}

/* Memory of the same dimensions, as plain rows of float32. */
static dnnl_memory_t memory_new_plain(const dnnl_memory_desc_t *format)
{
    static const dnnl_format_tag_t plain[] = {[3] = dnnl_abc, [4] = dnnl_abcd, [5] = dnnl_abcde};
    dnnl_memory_desc_t rows;
    CHECK(dnnl_memory_desc_init_by_tag(&rows, format->ndims, format->dims, dnnl_f32,
                                       plain[format->ndims]));
    return memory_new(&rows);
}

static float *memory_floats(dnnl_memory_t plain, size_t *count)
{
    void *data;
    CHECK(dnnl_memory_get_data_handle(plain, &data));
    *count = dnnl_memory_desc_get_size(memory_format(plain)) / sizeof(float);
    return data;
}

static struct job reorder_new(dnnl_memory_t from, dnnl_memory_t to)
{
    struct job job = {0};
    dnnl_primitive_desc_t desc;
    CHECK(dnnl_reorder_primitive_desc_create(&desc, memory_format(from), engine, memory_format(to),
                                             engine, NULL));
    CHECK(dnnl_primitive_create(&job.primitive, desc));
    CHECK(dnnl_primitive_desc_destroy(desc));
    job_add(&job, DNNL_ARG_FROM, from);
    job_add(&job, DNNL_ARG_TO, to);
    return job;
}

/* Fills memory with random numbers of [-bound, bound). Returns them in a plain layout. */
static dnnl_memory_t memory_fill(dnnl_memory_t memory, float bound)
{
    dnnl_memory_t plain = memory_new_plain(memory_format(memory));
    size_t count;
    float *numbers = memory_floats(plain, &count);
    for (size_t i = 0; i < count; i++)
        numbers[i] = bound * (2 * (float)rand() / ((float)RAND_MAX + 1) - 1);
    struct job reorder = reorder_new(plain, memory);
    job_run(&reorder);
    CHECK(dnnl_stream_wait(stream));
    return plain;
}

static void memory_fill_one_hot(dnnl_memory_t memory, const struct shape *shape)
{
    dnnl_memory_t plain = memory_new_plain(memory_format(memory));
    size_t count;
    float *numbers = memory_floats(plain, &count);
    for (size_t i = 0; i < count; i += (size_t)shape->input_size)
        numbers[i + (size_t)(rand() % shape->vocab_size)] = 1;
    struct job reorder = reorder_new(plain, memory);
    job_run(&reorder);
    CHECK(dnnl_stream_wait(stream));
}

/* The arguments of a layer: [T, B, D] and [T, B, H]; states [1, 1, B, H]; weights [1, 1, D or H, 4,
 * H] and bias [1, 1, 4, H]. */
struct formats {
    dnnl_memory_desc_t src_layer, dst_layer, h, c, weights_layer, weights_iter, bias;
};

static dnnl_memory_desc_t format_any(int ndims, const dnnl_dims_t dims, dnnl_data_type_t type)
{
    dnnl_memory_desc_t format;
    CHECK(dnnl_memory_desc_init_by_tag(&format, ndims, dims, type, dnnl_format_tag_any));
    return format;
}

static struct formats formats_of(const struct shape *shape, int width, dnnl_data_type_t type)
{
    dnnl_dim_t T = shape->seq_length, B = shape->batch_size, H = shape->hidden_size, D = width;
    return (struct formats){
        .src_layer = format_any(3, (dnnl_dims_t){T, B, D}, type),
        .dst_layer = format_any(3, (dnnl_dims_t){T, B, H}, type),
        .h = format_any(4, (dnnl_dims_t){1, 1, B, H}, type),
        .c = format_any(4, (dnnl_dims_t){1, 1, B, H}, dnnl_f32),
        .weights_layer = format_any(5, (dnnl_dims_t){1, 1, D, GATES, H}, type),
        .weights_iter = format_any(5, (dnnl_dims_t){1, 1, H, GATES, H}, type),
        .bias = format_any(4, (dnnl_dims_t){1, 1, GATES, H}, dnnl_f32),
    };
}

/* Adds argument `arg` of a primitive: the memory of `other`'s argument `other_arg` if it has the
 * format that the primitive needs, else new memory. */
static void add_argument(struct job *job, const_dnnl_primitive_desc_t desc, int arg,
                         const struct job *other, int other_arg)
{
    const dnnl_memory_desc_t *format =
        arg == DNNL_ARG_WORKSPACE ? dnnl_primitive_desc_query_md(desc, dnnl_query_workspace_md, 0)
                                  : dnnl_primitive_desc_query_md(desc, dnnl_query_exec_arg_md, arg);
    dnnl_memory_t memory = other ? job_memory(other, other_arg) : NULL;
    if (memory && !dnnl_memory_desc_equal(memory_format(memory), format)) {
        if (arg != DNNL_ARG_WEIGHTS_LAYER && arg != DNNL_ARG_WEIGHTS_ITER) {
            fprintf(stderr, "onednn: argument %d has two formats\n", arg);
            exit(1);
        }
        memory = NULL;
    }
    job_add(job, arg, memory ? memory : memory_new(format));
}

static dnnl_primitive_desc_t forward_new(struct job *job, struct formats f, int training,
                                         const struct job *below)
{
    dnnl_rnn_desc_t rnn;
    dnnl_primitive_desc_t desc;
    CHECK(dnnl_lstm_forward_desc_init(
        &rnn, training ? dnnl_forward_training : dnnl_forward_inference,
        dnnl_unidirectional_left2right, &f.src_layer, &f.h, &f.c, &f.weights_layer, &f.weights_iter,
        &f.bias, &f.dst_layer, &f.h, &f.c, dnnl_rnn_flags_undef));
    CHECK(dnnl_primitive_desc_create(&desc, &rnn, NULL, engine, NULL));
    CHECK(dnnl_primitive_create(&job->primitive, desc));
    static const int args[] = {DNNL_ARG_SRC_ITER,     DNNL_ARG_SRC_ITER_C, DNNL_ARG_WEIGHTS_LAYER,
                               DNNL_ARG_WEIGHTS_ITER, DNNL_ARG_BIAS,       DNNL_ARG_DST_LAYER,
                               DNNL_ARG_DST_ITER,     DNNL_ARG_DST_ITER_C};
    add_argument(job, desc, DNNL_ARG_SRC_LAYER, below, DNNL_ARG_DST_LAYER);
    for (size_t i = 0; i < sizeof(args) / sizeof(args[0]); i++)
        add_argument(job, desc, args[i], NULL, 0);
    if (training)
        add_argument(job, desc, DNNL_ARG_WORKSPACE, NULL, 0);
    return desc;
}

static void backward_new(struct job *job, struct formats f, struct formats d,
                         dnnl_primitive_desc_t hint, const struct job *forward,
                         const struct job *above)
{
    dnnl_rnn_desc_t rnn;
    dnnl_primitive_desc_t desc;
    CHECK(dnnl_lstm_backward_desc_init(&rnn, dnnl_backward, dnnl_unidirectional_left2right,
                                       &f.src_layer, &f.h, &f.c, &f.weights_layer, &f.weights_iter,
                                       &f.bias, &f.dst_layer, &f.h, &f.c, &d.src_layer, &d.h, &d.c,
                                       &d.weights_layer, &d.weights_iter, &d.bias, &d.dst_layer,
                                       &d.h, &d.c, dnnl_rnn_flags_undef));
    CHECK(dnnl_primitive_desc_create(&desc, &rnn, NULL, engine, hint));
    CHECK(dnnl_primitive_create(&job->primitive, desc));
    static const int shared[] = {DNNL_ARG_SRC_LAYER,     DNNL_ARG_SRC_ITER,     DNNL_ARG_SRC_ITER_C,
                                 DNNL_ARG_WEIGHTS_LAYER, DNNL_ARG_WEIGHTS_ITER, DNNL_ARG_BIAS,
                                 DNNL_ARG_DST_LAYER,     DNNL_ARG_DST_ITER,     DNNL_ARG_DST_ITER_C,
                                 DNNL_ARG_WORKSPACE};
    static const int own[] = {DNNL_ARG_DIFF_SRC_LAYER,    DNNL_ARG_DIFF_SRC_ITER,
                              DNNL_ARG_DIFF_SRC_ITER_C,   DNNL_ARG_DIFF_WEIGHTS_LAYER,
                              DNNL_ARG_DIFF_WEIGHTS_ITER, DNNL_ARG_DIFF_BIAS,
                              DNNL_ARG_DIFF_DST_ITER,     DNNL_ARG_DIFF_DST_ITER_C};
    for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++)
        add_argument(job, desc, shared[i], forward, shared[i]);
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        add_argument(job, desc, own[i], NULL, 0);
    add_argument(job, desc, DNNL_ARG_DIFF_DST_LAYER, above, DNNL_ARG_DIFF_SRC_LAYER);
    CHECK(dnnl_primitive_desc_destroy(desc));
}

/* Fills the weights of a layer's forward and backward primitives with the same numbers. */
static void fill_weights(struct layer *layer, int training, struct repacking *repacking,
                         float bound)
{
    static const int weights[] = {DNNL_ARG_WEIGHTS_LAYER, DNNL_ARG_WEIGHTS_ITER};
    for (int i = 0; i < 2; i++) {
        dnnl_memory_t forward = job_memory(&layer->forward, weights[i]);
        dnnl_memory_t plain = memory_fill(forward, bound);
        repacking->packs[repacking->num_packs++] = reorder_new(plain, forward);
        dnnl_memory_t backward = training ? job_memory(&layer->backward, weights[i]) : forward;
        if (backward == forward)
            continue;
        struct job pack = reorder_new(plain, backward);
        job_run(&pack);
        repacking->packs[repacking->num_packs++] = pack;
    }
    CHECK(dnnl_stream_wait(stream));
    memory_fill(job_memory(&layer->forward, DNNL_ARG_BIAS), bound);
}

static void add_gradients(const struct layer *layer, struct repacking *repacking)
{
    static const int gradients[] = {DNNL_ARG_DIFF_WEIGHTS_LAYER, DNNL_ARG_DIFF_WEIGHTS_ITER,
                                    DNNL_ARG_DIFF_BIAS};
    for (int i = 0; i < 3; i++) {
        dnnl_memory_t gradient = job_memory(&layer->backward, gradients[i]);
        dnnl_memory_t plain = memory_new_plain(memory_format(gradient));
        repacking->gradients[repacking->num_unpacks] = gradient;
        repacking->unpacks[repacking->num_unpacks++] = reorder_new(gradient, plain);
    }
}

static void stack_init(struct layer *layers, struct repacking *repacking, const struct shape *shape,
                       dnnl_data_type_t type, int training)
{
    int L = shape->num_layers;
    float bound = 1 / sqrtf((float)shape->hidden_size);
    struct formats f[MAX_LAYERS];
    dnnl_primitive_desc_t hints[MAX_LAYERS];
    for (int l = 0; l < L; l++) {
        f[l] = formats_of(shape, l == 0 ? shape->input_size : shape->hidden_size, type);
        hints[l] =
            forward_new(&layers[l].forward, f[l], training, l > 0 ? &layers[l - 1].forward : NULL);
    }
    for (int l = L - 1; l >= 0 && training; l--) {
        struct formats d =
            formats_of(shape, l == 0 ? shape->input_size : shape->hidden_size, dnnl_f32);
        backward_new(&layers[l].backward, f[l], d, hints[l], &layers[l].forward,
                     l < L - 1 ? &layers[l + 1].backward : NULL);
        add_gradients(&layers[l], repacking);
    }
    for (int l = 0; l < L; l++) {
        fill_weights(&layers[l], training, repacking, bound);
        CHECK(dnnl_primitive_desc_destroy(hints[l]));
    }
    memory_fill_one_hot(job_memory(&layers[0].forward, DNNL_ARG_SRC_LAYER), shape);
    if (training)
        memory_fill(job_memory(&layers[L - 1].backward, DNNL_ARG_DIFF_DST_LAYER), 1e-3f);
}

static void step(const struct layer *layers, int num_layers, int training,
                 const struct repacking *repacking)
{
    for (int i = 0; repacking && i < repacking->num_packs; i++)
        job_run(&repacking->packs[i]);
    for (int i = 0; repacking && i < repacking->num_unpacks; i++) {
        void *data;
        CHECK(dnnl_memory_get_data_handle(repacking->gradients[i], &data));
        memset(data, 0, dnnl_memory_desc_get_size(memory_format(repacking->gradients[i])));
    }
    for (int l = 0; l < num_layers; l++)
        job_run(&layers[l].forward);
    for (int l = num_layers - 1; l >= 0 && training; l--)
        job_run(&layers[l].backward);
    for (int i = 0; repacking && i < repacking->num_unpacks; i++)
        job_run(&repacking->unpacks[i]);
    CHECK(dnnl_stream_wait(stream));
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

struct request {
    struct shape shape;
    int training, bf16, repack, threads;
    double seconds;
};

static int request_read(struct request *request, int argc, char **argv)
{
    if (argc < 10 || argc > 11)
        return -1;
    int numbers[6];
    for (int i = 0; i < 6; i++)
        if ((numbers[i] = atoi(argv[3 + i])) < 1)
            return -1;
    *request = (struct request){
        .shape = {.num_layers = numbers[0],
                  .hidden_size = numbers[1],
                  .batch_size = numbers[2],
                  .seq_length = numbers[3],
                  .vocab_size = numbers[4],
                  .input_size = numbers[4]},
        .training = strcmp(argv[1], "train") == 0,
        .bf16 = strcmp(argv[2], "bf16") == 0,
        .repack = argc == 11,
        .threads = numbers[5],
        .seconds = atof(argv[9]),
    };
    if (request->bf16)
        request->shape.input_size = (numbers[4] + 31) / 32 * 32;
    return (request->training || strcmp(argv[1], "eval") == 0) &&
                   (request->bf16 || strcmp(argv[2], "fp32") == 0) &&
                   (!request->repack || strcmp(argv[10], "repack") == 0) &&
                   numbers[0] <= MAX_LAYERS && request->seconds > 0
               ? 0
               : -1;
}

static double measure(const struct layer *layers, const struct repacking *repacking,
                      const struct request *request)
{
    const struct shape *shape = &request->shape;
    for (int i = 0; i < 3; i++)
        step(layers, shape->num_layers, request->training, repacking);
    double start = now(), elapsed;
    long chars = 0;
    do {
        step(layers, shape->num_layers, request->training, repacking);
        chars += (long)shape->batch_size * shape->seq_length;
        elapsed = now() - start;
    } while (elapsed < request->seconds);
    return (double)chars / elapsed;
}

int main(int argc, char **argv)
{
    static struct layer layers[MAX_LAYERS];
    static struct repacking repacking;
    struct request request;
    if (request_read(&request, argc, argv) != 0) {
        fprintf(stderr, "Usage: onednn train|eval fp32|bf16 layers hidden batch seq vocab threads "
                        "seconds [repack]\n");
        return 2;
    }

    omp_set_num_threads(request.threads);
    CHECK(dnnl_engine_create(&engine, dnnl_cpu, 0));
    CHECK(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags));
    const struct shape *shape = &request.shape;
    stack_init(layers, &repacking, shape, request.bf16 ? dnnl_bf16 : dnnl_f32, request.training);
    double speed = measure(layers, request.repack ? &repacking : NULL, &request);

    printf("{\"work\": \"%s\", \"num_layers\": %d, \"hidden_size\": %d, \"batch_size\": %d, "
           "\"seq_length\": %d, \"vocab_size\": %d, \"threads\": %d, \"precision\": \"%s\", "
           "\"chars_per_second\": %.1f}\n",
           argv[1], shape->num_layers, shape->hidden_size, shape->batch_size, shape->seq_length,
           shape->vocab_size, request.threads, argv[2], speed);
    return 0;
}
