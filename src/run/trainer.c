#include "trainer.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checkpoint.h"
#include "error.h"
#include "file.h"
#include "mem.h"

static void note(const struct trainer *trainer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void note(const struct trainer *trainer, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (trainer->observer.note)
        trainer->observer.note(trainer->observer.context, text);
}

void trainer_set_total(struct trainer *trainer, uint64_t total)
{
    trainer->progress.total_steps = total;
    trainer->validate_every =
        plan_validate_every(&trainer->plan, total, trainer->corpus.validation.length);
}

/* --- checkpoint ------------------------------------------------------------------------------- */

static void add_number(struct safetensors_out *out, const char *key, double number)
{
    char text[32];
    snprintf(text, sizeof text, "%.17g", number);
    safetensors_add_text(out, key, text);
}

static void add_files(struct safetensors_out *out, const struct trainer *trainer)
{
    char key[32];
    add_number(out, "train.num_files", trainer->num_files);
    for (int k = 0; k < trainer->num_files; k++) {
        snprintf(key, sizeof key, "train.file_%d", k);
        safetensors_add_text(out, key, trainer->files[k]);
    }
}

/* What the progress consists of: whole numbers go into one array, in this order, the others into
 * texts. */
static const size_t counters[] = {
    offsetof(struct train_progress, step),       offsetof(struct train_progress, total_steps),
    offsetof(struct train_progress, characters), offsetof(struct train_progress, log_rows),
    offsetof(struct train_progress, stale),      offsetof(struct train_progress, corpus_hash),
};

#define NUM_COUNTERS (sizeof counters / sizeof *counters)

static const struct {
    const char *key;
    size_t offset;
} numbers[] = {
    {"train.best_loss", offsetof(struct train_progress, best_loss)},
    {"train.loss_sum", offsetof(struct train_progress, loss_sum)},
    {"train.loss_steps", offsetof(struct train_progress, loss_steps)},
    {"train.lap_sum", offsetof(struct train_progress, lap_sum)},
    {"train.lap_steps", offsetof(struct train_progress, lap_steps)},
};

#define NUM_NUMBERS (sizeof numbers / sizeof *numbers)

static int save_last(const struct trainer *trainer, const char *path)
{
    const char *progress = (const char *)&trainer->progress;
    uint64_t counts[NUM_COUNTERS];
    double number;
    struct safetensors_out *out = safetensors_out_new();
    if (!out)
        return -1;
    checkpoint_add_model(out, &trainer->model);
    checkpoint_add_training(out, &trainer->optimizer, &trainer->tape);
    plan_save(&trainer->plan, out);
    add_files(out, trainer);
    safetensors_add_text(out, "train.engine", trainer->model.engine->name);
    for (size_t k = 0; k < NUM_NUMBERS; k++) {
        memcpy(&number, progress + numbers[k].offset, sizeof number);
        add_number(out, numbers[k].key, number);
    }
    for (size_t k = 0; k < NUM_COUNTERS; k++)
        memcpy(&counts[k], progress + counters[k], sizeof counts[k]);
    safetensors_add_u64(out, "train.counters", NUM_COUNTERS, counts);
    safetensors_add_u64(out, "train.positions", (size_t)trainer->batch.B, trainer->batch.position);
    int result = safetensors_save(out, path);
    safetensors_out_free(out);
    return result;
}

static int save_model(const struct trainer *trainer, const char *path)
{
    return model_save(&trainer->model, path);
}

static int in_directory(const struct trainer *trainer, const char *name,
                        int (*act)(const struct trainer *trainer, const char *path))
{
    char *path = file_join(trainer->directory, name);
    int result = path ? act(trainer, path) : -1;
    free(path);
    return result;
}

int trainer_save(const struct trainer *trainer)
{
    return in_directory(trainer, "last.safetensors", save_last);
}

int trainer_save_best(const struct trainer *trainer)
{
    return in_directory(trainer, "best.safetensors", save_model);
}

/* --- a new run -------------------------------------------------------------------------------- */

static char *absolute(const char *path)
{
    char *found = realpath(path, NULL);
    if (!found)
        error_set("%s: %s", path, strerror(errno));
    return found;
}

#define STDIN_COPY "stdin.txt"

/* stdin cannot be read again, neither for a second look nor to go on later. */
static char *keep_stdin(const char *directory)
{
    char *path = file_join(directory, STDIN_COPY);
    struct file_out out;
    static char block[1 << 16];
    size_t got;
    if (!path || file_create(&out, path) != 0) {
        free(path);
        return NULL;
    }
    while ((got = fread(block, 1, sizeof block, stdin)) > 0)
        fwrite(block, 1, got, out.stream);
    char *found = NULL;
    if (ferror(stdin)) {
        error_set("stdin: %s", strerror(errno));
        file_abandon(&out);
    } else if (file_commit(&out) == 0) {
        found = absolute(path);
    }
    free(path);
    return found;
}

static int name_files(struct trainer *trainer, const struct train_source *source)
{
    trainer->files = mem_new((size_t)source->num_files, sizeof *trainer->files);
    if (!trainer->files)
        return -1;
    for (; trainer->num_files < source->num_files; trainer->num_files++) {
        const char *path = source->files[trainer->num_files];
        char *name = strcmp(path, "-") == 0 ? keep_stdin(trainer->directory) : absolute(path);
        if (!name)
            return -1;
        trainer->files[trainer->num_files] = name;
    }
    return 0;
}

/* The files that make a run; the checkpoint last, so that a replaced run is never half there. */
static const char *const run_files[] = {"best.safetensors", "log.csv", "loss.svg",
                                        "last.safetensors"};

/* Makes the directory; refuses one that holds a run unless it may be replaced. */
static int claim_directory(const char *directory, bool force)
{
    if (file_make_directory(directory) != 0)
        return -1;
    for (size_t k = 0; k < sizeof run_files / sizeof *run_files; k++) {
        char *path = file_join(directory, run_files[k]);
        if (!path)
            return -1;
        const bool there = access(path, F_OK) == 0;
        free(path);
        if (there && !force)
            return error_set(
                "%s: holds a run already; go on with it by --resume %s, replace it by --force, "
                "or name another with -o",
                directory, directory);
    }
    if (access(directory, W_OK) != 0)
        return error_set("%s: cannot be written: %s", directory, strerror(errno));
    return 0;
}

static void remove_from(const char *directory, const char *name)
{
    char *path = file_join(directory, name);
    if (path)
        unlink(path);
    free(path);
}

static void remove_old_run(const char *directory)
{
    for (size_t k = 0; k < sizeof run_files / sizeof *run_files; k++)
        remove_from(directory, run_files[k]);
}

/* Of a run that could not begin nothing is left, unless there was something before. */
static void give_up(const char *directory, const struct train_source *source)
{
    for (int k = 0; k < source->num_files; k++)
        if (strcmp(source->files[k], "-") == 0)
            remove_from(directory, STDIN_COPY);
    rmdir(directory);
}

static int open_corpus(struct trainer *trainer, struct vocab *vocab, struct corpus_options options)
{
    char *spool = file_join(trainer->directory, "corpus.ids");
    if (!spool)
        return -1;
    options.files = (const char *const *)trainer->files;
    options.num_files = trainer->num_files;
    options.val_fraction = trainer->plan.val_fraction;
    options.spool = spool;
    options.in_memory_max = CORPUS_IN_MEMORY;
    options.progress = trainer->observer.reading;
    options.context = trainer->observer.context;
    int result = corpus_open(&trainer->corpus, vocab, &options);
    free(spool);
    return result;
}

static void note_corpus(const struct trainer *trainer)
{
    const struct corpus *corpus = &trainer->corpus;
    const struct vocab_notes *notes = &corpus->notes;
    if (notes->byte_order_mark)
        note(trainer, "the text begins with a byte order mark (U+FEFF); it is kept as a symbol");
    if (notes->nul_bytes > 0)
        note(trainer, "the text has %llu NUL bytes; they are kept",
             (unsigned long long)notes->nul_bytes);
    if (notes->carriage_returns > 0)
        note(trainer, "the text has %llu carriage returns (CR); they are kept as symbols",
             (unsigned long long)notes->carriage_returns);
    if (corpus->num_unknown > 0)
        note(trainer, "%llu characters are rarer than --min-count and become the unknown symbol",
             (unsigned long long)corpus->num_unknown);
    if (corpus->validation.length == 0 && trainer->plan.val_fraction > 0)
        note(
            trainer,
            "the text is too short to hold a part out: all of it is trained on, and the best model "
            "is the one of the lowest training loss");
}

static int make_model(struct trainer *trainer, const struct engine *engine, struct vocab *vocab)
{
    struct plan *plan = &trainer->plan;
    plan_model(plan, trainer->corpus.training.length);
    if (model_init(&trainer->model, engine, plan->cell, plan->num_layers, plan->hidden_size,
                   vocab->size, vocab) != 0)
        return -1;
    return 0;
}

static int streams_for_validation(const struct trainer *trainer)
{
    return trainer->plan.batch_size;
}

/* Memory is counted before it is taken. */
static int check_memory(struct trainer *trainer)
{
    const struct model *model = &trainer->model;
    const struct plan *plan = &trainer->plan;
    const size_t free_bytes = mem_available();
    const size_t ids =
        trainer->corpus.ids ? trainer->corpus.length * (size_t)trainer->corpus.id_bytes : 0;
    trainer->memory = model_bytes(model) + optimizer_bytes(model) + ids +
                      tape_bytes(model, plan->batch_size, plan->seq_length, true, plan->dropout) +
                      tape_bytes(model, streams_for_validation(trainer), EVALUATE_T, false, 0);
    if (trainer->memory > free_bytes)
        return error_set(
            "this needs %.1f GB of memory and %.1f GB are free: take a smaller --hidden-size, "
            "--num-layers, --batch-size or --seq-length",
            (double)trainer->memory / 1e9, (double)free_bytes / 1e9);
    return 0;
}

/* Everything that a chunk passes through, for a model whose shape is known. */
static int make_machinery(struct trainer *trainer, int threads)
{
    const struct plan *plan = &trainer->plan;
    const struct corpus *corpus = &trainer->corpus;
    if (check_memory(trainer) != 0)
        return -1;
    if (!trainer->model.weights && model_allocate(&trainer->model) != 0)
        return -1;
    trainer->team = team_new(threads);
    if (!trainer->team ||
        batch_ring(&trainer->batch, corpus, &corpus->training, plan->batch_size,
                   plan->seq_length) != 0 ||
        tape_init(&trainer->tape, &trainer->model, plan->batch_size, plan->seq_length, true,
                  plan->dropout) != 0 ||
        optimizer_init(&trainer->optimizer, &plan->optim, &trainer->model) != 0)
        return -1;
    tape_set_input(&trainer->tape, trainer->batch.x);
    if (corpus->validation.length > 0)
        return evaluator_init(&trainer->evaluator, trainer->team, &trainer->model, corpus,
                              &corpus->validation, streams_for_validation(trainer), 0);
    return 0;
}

static void begin(struct trainer *trainer, const char *directory,
                  const struct train_observer *observer)
{
    trainer->directory = mem_copy(directory, strlen(directory));
    trainer->observer = *observer;
    trainer->val_loss = NAN;
    trainer->train_loss = NAN;
    trainer->ended = "";
}

static int open_log(struct trainer *trainer, struct log_row *last)
{
    char *path = file_join(trainer->directory, "log.csv");
    int result = path ? log_open(&trainer->log, path, trainer->progress.log_rows, last) : -1;
    free(path);
    return result;
}

static int start_run(struct trainer *trainer, const struct train_source *source, int threads)
{
    struct plan *plan = &trainer->plan;
    const struct engine *engine = engine_find(NULL);
    struct vocab vocab = {0};
    if (!engine || claim_directory(trainer->directory, source->force) != 0 ||
        name_files(trainer, source) != 0)
        return -1;
    if (source->init_from && model_load(&trainer->model, engine, source->init_from) != 0)
        return -1;
    if (open_corpus(trainer, source->init_from ? &trainer->model.vocab : &vocab,
                    (struct corpus_options){.fixed_vocab = source->init_from != NULL,
                                            .unit = source->unit,
                                            .form = source->form,
                                            .min_count = source->min_count}) != 0)
        return -1;
    note_corpus(trainer);
    if (!source->init_from && make_model(trainer, engine, &vocab) != 0) {
        vocab_release(&vocab);
        return -1;
    }
    const uint64_t training = trainer->corpus.training.length;
    if (plan_fit(plan, training, trainer->corpus.validation.length, trainer->model.hidden_size))
        note(trainer, "the text is short: the batch shrinks to %d streams of %d characters",
             plan->batch_size, plan->seq_length);
    if (make_machinery(trainer, threads) != 0)
        return -1;
    if (!source->init_from)
        params_start(&trainer->model.params, plan->seed, trainer->model.weights);
    trainer->model.step = 0;
    trainer->model.val_loss = NAN;
    trainer->progress.best_loss = INFINITY;
    trainer->progress.corpus_hash = trainer->corpus.hash;
    const uint64_t total = plan_steps(plan, training);
    if (total > 0 && plan->max_minutes == 0)
        trainer_set_total(trainer, total);
    remove_old_run(trainer->directory);
    return open_log(trainer, NULL);
}

int trainer_open(struct trainer *trainer, const char *directory, const struct train_source *source,
                 const struct plan *plan, int threads, const struct train_observer *observer)
{
    trainer->plan = *plan;
    begin(trainer, directory, observer);
    if (trainer->directory && start_run(trainer, source, threads) == 0)
        return 0;
    if (trainer->directory)
        give_up(trainer->directory, source);
    trainer_close(trainer);
    return -1;
}

/* --- going on --------------------------------------------------------------------------------- */

static struct safetensors *load_last(const char *directory)
{
    struct safetensors *in = NULL;
    char *path = file_join(directory, "last.safetensors");
    if (path && access(path, F_OK) != 0)
        error_set("%s: is not a run: it has no last.safetensors", directory);
    else if (path)
        in = safetensors_load(path);
    free(path);
    return in;
}

static int read_files(struct trainer *trainer, const struct safetensors *in)
{
    long long count;
    char key[32];
    if (safetensors_integer(in, "train.num_files", 1, 1 << 20, &count) != 0 ||
        !(trainer->files = mem_new((size_t)count, sizeof *trainer->files)))
        return -1;
    for (; trainer->num_files < (int)count; trainer->num_files++) {
        snprintf(key, sizeof key, "train.file_%d", trainer->num_files);
        const char *path = safetensors_text(in, key);
        if (!path || !(trainer->files[trainer->num_files] = mem_copy(path, strlen(path))))
            return -1;
    }
    return 0;
}

static int read_progress(struct trainer *trainer, const struct safetensors *in)
{
    char *progress = (char *)&trainer->progress;
    uint64_t counts[NUM_COUNTERS];
    double number;
    if (safetensors_read_u64(in, "train.counters", NUM_COUNTERS, counts) != 0)
        return -1;
    for (size_t k = 0; k < NUM_COUNTERS; k++)
        memcpy(progress + counters[k], &counts[k], sizeof counts[k]);
    for (size_t k = 0; k < NUM_NUMBERS; k++) {
        if (safetensors_number(in, numbers[k].key, &number) != 0)
            return -1;
        memcpy(progress + numbers[k].offset, &number, sizeof number);
    }
    return 0;
}

/* A run goes on only with the text that it began with. */
static int check_text(const struct trainer *trainer)
{
    if (trainer->corpus.hash == trainer->progress.corpus_hash)
        return 0;
    return error_set(
        "%s%s has changed since the run began; put the old text back, or start a new run with "
        "--init-from %s",
        trainer->files[0], trainer->num_files > 1 ? " (or another of its texts)" : "",
        trainer->directory);
}

/* New limits replace the old ones, all three, as soon as one is given. */
static void take_limits(struct trainer *trainer, const struct plan *limits)
{
    struct plan *plan = &trainer->plan;
    if (limits->max_epochs == PLAN_AUTO && limits->max_steps == 0 && limits->max_minutes == 0)
        return;
    plan->max_epochs = limits->max_epochs == PLAN_AUTO ? 0 : limits->max_epochs;
    plan->max_steps = limits->max_steps;
    plan->max_minutes = limits->max_minutes;
    trainer->progress.total_steps = 0;
    if (plan->max_minutes == 0)
        trainer->progress.total_steps = plan_steps(plan, trainer->corpus.training.length);
}

static int read_run(struct trainer *trainer, const struct safetensors *in,
                    const struct plan *limits, int threads)
{
    const struct engine *engine = engine_find(NULL);
    const char *engine_name = safetensors_text(in, "train.engine");
    struct log_row last = {0};
    if (!engine || !engine_name || checkpoint_read_model(in, engine, &trainer->model) != 0 ||
        plan_load(&trainer->plan, in) != 0 || read_files(trainer, in) != 0 ||
        open_corpus(trainer, &trainer->model.vocab, (struct corpus_options){.fixed_vocab = true}) !=
            0 ||
        read_progress(trainer, in) != 0 || check_text(trainer) != 0)
        return -1;
    if (strcmp(engine_name, engine->name) != 0)
        note(trainer,
             "the run began with the instruction set %s and goes on with %s: the last bits may "
             "differ",
             engine_name, engine->name);
    if (make_machinery(trainer, threads) != 0 ||
        checkpoint_read_training(in, &trainer->optimizer, &trainer->tape) != 0 ||
        safetensors_read_u64(in, "train.positions", (size_t)trainer->batch.B,
                             trainer->batch.position) != 0)
        return -1;
    for (int b = 0; b < trainer->batch.B; b++)
        if (trainer->batch.position[b] >= trainer->corpus.training.length)
            return error_set(
                "%s: last.safetensors is damaged: a stream stands behind the text's end",
                trainer->directory);
    take_limits(trainer, limits);
    if (trainer->progress.total_steps > 0)
        trainer_set_total(trainer, trainer->progress.total_steps);
    if (open_log(trainer, &last) != 0)
        return -1;
    trainer->seconds = last.seconds;
    trainer->train_loss = last.train_loss;
    trainer->val_loss = trainer->model.val_loss;
    return 0;
}

int trainer_read_corpus(struct corpus *corpus, const char *directory, struct vocab *vocab)
{
    struct trainer trainer = {0};
    begin(&trainer, directory, &(struct train_observer){0});
    struct safetensors *in = trainer.directory ? load_last(directory) : NULL;
    int result = -1;
    if (in && plan_load(&trainer.plan, in) == 0 && read_files(&trainer, in) == 0 &&
        open_corpus(&trainer, vocab, (struct corpus_options){.fixed_vocab = true}) == 0 &&
        read_progress(&trainer, in) == 0 && check_text(&trainer) == 0) {
        *corpus = trainer.corpus;
        trainer.corpus = (struct corpus){0};
        result = 0;
    }
    safetensors_free(in);
    trainer_close(&trainer);
    return result;
}

int trainer_resume(struct trainer *trainer, const char *directory, const struct plan *limits,
                   int threads, const struct train_observer *observer)
{
    begin(trainer, directory, observer);
    struct safetensors *in = trainer->directory ? load_last(directory) : NULL;
    int result = in ? read_run(trainer, in, limits, threads) : -1;
    safetensors_free(in);
    if (result != 0)
        trainer_close(trainer);
    return result;
}

void trainer_close(struct trainer *trainer)
{
    log_close(&trainer->log);
    evaluator_release(&trainer->evaluator);
    optimizer_release(&trainer->optimizer);
    tape_release(&trainer->tape);
    batch_release(&trainer->batch);
    model_release(&trainer->model);
    corpus_release(&trainer->corpus);
    team_free(trainer->team);
    for (int k = 0; k < trainer->num_files; k++)
        free(trainer->files[k]);
    free(trainer->files);
    free(trainer->directory);
    *trainer = (struct trainer){0};
}
