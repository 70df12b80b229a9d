#include "trainer.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checkpoint.h"
#include "clock.h"
#include "error.h"
#include "fields.h"
#include "mem.h"
#include "utf8.h"

#define MAX_FILES (1 << 20)
#define SOURCE_CHECK 1000 /* characters on which an initial model is checked */

void trainer_note(const struct trainer *trainer, const char *format, ...)
{
    char text[TRAIN_MESSAGE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (trainer->observer.note)
        trainer->observer.note(trainer->observer.context, text);
}

/* --- statistics ------------------------------------------------------------------------------- */

bool trainer_reads_stretches(const struct trainer *trainer)
{
    return trainer->progress.validation_characters < trainer->corpus.validation.length;
}

/* Figures are compared with each other only if all validations of a run read the same. */
static void choose_characters(struct trainer *trainer, uint64_t total)
{
    const uint64_t part = trainer->corpus.validation.length;
    uint64_t *const characters = &trainer->progress.validation_characters;
    *characters = plan_validation_characters(&trainer->plan, total, part);
    if (trainer_reads_stretches(trainer))
        trainer_note(trainer,
                     "each validation reads %llu of the %llu characters that are held out, always "
                     "the same ones; rune eval reads all",
                     (unsigned long long)*characters, (unsigned long long)part);
}

void trainer_set_total(struct trainer *trainer, uint64_t total)
{
    struct train_progress *progress = &trainer->progress;
    struct pace *pace = &progress->pace;
    progress->total_steps = total;
    if (trainer->corpus.validation.length > 0 && progress->validation_characters == 0)
        choose_characters(trainer, total);
    const uint64_t characters = progress->validation_characters;
    trainer->validate_every = plan_validate_every(&trainer->plan, total, characters);
    if (trainer->corpus.validation.length > 0)
        evaluator_limit(&trainer->evaluator, characters);
    if (pace_step_seconds(pace) > 0) /* two files are saved */
        pace_expect(pace, plan_validation_steps(&trainer->plan, characters) +
                              2 * trainer->clock.save_seconds / pace_step_seconds(pace));
}

double trainer_now(const struct trainer *trainer)
{
    const struct train_observer *observer = &trainer->observer;
    return observer->now ? observer->now(observer->context) : clock_seconds();
}

double trainer_seconds(const struct trainer *trainer)
{
    return trainer->clock.before + trainer_now(trainer) - trainer->clock.started;
}

double trainer_done(const struct trainer *trainer)
{
    const struct train_progress *progress = &trainer->progress;
    if (trainer->plan.max_minutes > 0)
        return progress->pace.done;
    return progress->total_steps > progress->step
               ? (double)progress->step / (double)progress->total_steps
               : 1;
}

double trainer_epochs(const struct trainer *trainer)
{
    return (double)trainer->progress.characters / (double)trainer->corpus.training.length;
}

double trainer_speed(const struct trainer *trainer)
{
    const struct train_clock *clock = &trainer->clock;
    return clock->step_seconds > 0 ? (double)clock->characters / clock->step_seconds : 0;
}

/* --- saving ----------------------------------------------------------------------------------- */

#define INIT_FROM "train.init_from" /* path of the initial model, if any */
#define ENCODING "train.encoding"   /* of the texts, if it is not UTF-8 */
#define ON_UNKNOWN "train.on_unknown"
#define FILE_HASHES "train.file_hashes"
#define RECOVERY(field) offsetof(struct train_progress, recovery.field)

static const struct field progress_fields[] = {
    {"train.total_steps", FIELD_COUNT, offsetof(struct train_progress, total_steps), 0, 1e18},
    {"train.characters", FIELD_COUNT, offsetof(struct train_progress, characters), 0, 1e18},
    {"train.validated_step", FIELD_COUNT, offsetof(struct train_progress, validated_step), 0, 1e15},
    {"train.stale", FIELD_COUNT, offsetof(struct train_progress, bad_validations), 0, 1e15},
    {"train.log_rows", FIELD_COUNT, offsetof(struct train_progress, log_rows), 0, 1e15},
    {"train.log_step", FIELD_COUNT, offsetof(struct train_progress, log_step), 0, 1e15},
    {"train.corpus_hash", FIELD_COUNT, offsetof(struct train_progress, corpus_hash), 0, 0},
    {"train.best_loss", FIELD_REAL, offsetof(struct train_progress, best_loss), 0, 0},
    {"train.loss_sum", FIELD_REAL, offsetof(struct train_progress, since_row.sum), 0, 1e300},
    {"train.loss_steps", FIELD_COUNT, offsetof(struct train_progress, since_row.steps), 0, 1e15},
    {"train.lap_sum", FIELD_REAL, offsetof(struct train_progress, since_validation.sum), 0, 1e300},
    {"train.rate", FIELD_REAL, offsetof(struct train_progress, rate), 0, 1e300},
    {"train.grad_norm", FIELD_REAL, offsetof(struct train_progress, grad_norm), 0, 1e300},
    {"train.lap_steps", FIELD_COUNT, offsetof(struct train_progress, since_validation.steps), 0,
     1e15},
    {"train.unsaved_loss", FIELD_REAL | FIELD_OPTIONAL,
     offsetof(struct train_progress, unsaved_loss), 0, 0},
    {"train.validation_characters", FIELD_COUNT | FIELD_OPTIONAL,
     offsetof(struct train_progress, validation_characters), 0, 1e18},
    {"recovery.first_loss", FIELD_REAL | FIELD_OPTIONAL, RECOVERY(first_loss), 0, 1e300},
    {"recovery.lowest_loss", FIELD_REAL | FIELD_OPTIONAL, RECOVERY(lowest_loss), 0, 0},
    {"recovery.block_sum", FIELD_REAL | FIELD_OPTIONAL, RECOVERY(block_sum), 0, 1e300},
    {"recovery.block_steps", FIELD_COUNT | FIELD_OPTIONAL, RECOVERY(block_steps), 0, 1e6},
    {"recovery.bad_blocks", FIELD_COUNT | FIELD_OPTIONAL, RECOVERY(bad_blocks), 0, 1e15},
    {"recovery.asked_step", FIELD_COUNT | FIELD_OPTIONAL, RECOVERY(requested_step), 0, 1e15},
    {"recovery.count", FIELD_COUNT | FIELD_OPTIONAL, RECOVERY(count), 0, 1e6},
    {"recovery.since", FIELD_COUNT | FIELD_OPTIONAL, RECOVERY(restored_step), 0, 1e15},
    {"recovery.scale", FIELD_REAL | FIELD_OPTIONAL, RECOVERY(scale), 0, 1},
};

#define NUM_PROGRESS_FIELDS (sizeof progress_fields / sizeof *progress_fields)

#define PACE(field) offsetof(struct train_progress, pace.field)

/* Saved only with a time limit: a run without one has the same files on every machine. */
static const struct field pace_fields[] = {
    {"pace.limit", FIELD_REAL | FIELD_OPTIONAL, PACE(limit), 1e-9, 1e18},
    {"pace.deadline", FIELD_REAL | FIELD_OPTIONAL, PACE(deadline), 1e-9, 1e18},
    {"pace.elapsed", FIELD_REAL | FIELD_OPTIONAL, PACE(elapsed), 0, 1e18},
    {"pace.done", FIELD_REAL | FIELD_OPTIONAL, PACE(done), 0, 1},
    {"pace.time", FIELD_REAL | FIELD_OPTIONAL, PACE(time), 0, 1e18},
    {"pace.steps", FIELD_REAL | FIELD_OPTIONAL, PACE(steps), 0, 1e18},
    {"pace.validation", FIELD_REAL | FIELD_OPTIONAL, PACE(validation), 0, 1e18},
    {"pace.validations", FIELD_COUNT | FIELD_OPTIONAL, PACE(validations), 0, 1e15},
};

#define NUM_PACE_FIELDS (sizeof pace_fields / sizeof *pace_fields)

static void add_files(struct safetensors_out *out, const struct trainer *trainer)
{
    char key[32], count[16];
    if (trainer->init_from)
        safetensors_add_text(out, INIT_FROM, trainer->init_from);
    if (trainer->encoding)
        safetensors_add_text(out, ENCODING, trainer->encoding);
    if (trainer->on_unknown != ENCODE_ERROR)
        safetensors_add_text(out, ON_UNKNOWN, encode_unknown_names[trainer->on_unknown]);
    if (trainer->num_files > 1)
        safetensors_add_u64(out, FILE_HASHES, (size_t)trainer->num_files, trainer->corpus.hashes);
    snprintf(count, sizeof count, "%d", trainer->num_files);
    safetensors_add_text(out, "train.num_files", count);
    for (int k = 0; k < trainer->num_files; k++) {
        snprintf(key, sizeof key, "train.file_%d", k);
        safetensors_add_text(out, key, trainer->files[k]);
    }
}

int trainer_save(struct trainer *trainer)
{
    const double start = trainer_now(trainer);
    char *path = rundir_file(&trainer->rundir, RUNDIR_LAST);
    struct safetensors_out *out = safetensors_out_new();
    int result = -1;
    if (path && out && rundir_check(&trainer->rundir) == 0) {
        checkpoint_add_model(out, &trainer->model);
        checkpoint_add_training(out, &trainer->optimizer, &trainer->tape);
        plan_save(&trainer->plan, out);
        origin_save(&trainer->origin, out);
        add_files(out, trainer);
        safetensors_add_text(out, "train.kernels", trainer->model.engine->name);
        fields_save(progress_fields, NUM_PROGRESS_FIELDS, &trainer->progress, out);
        if (trainer->plan.max_minutes > 0)
            fields_save(pace_fields, NUM_PACE_FIELDS, &trainer->progress, out);
        safetensors_add_u64(out, "train.positions", (size_t)trainer->batch.B,
                            trainer->batch.position);
        result = safetensors_save(out, path);
    }
    safetensors_out_free(out);
    free(path);
    trainer->clock.save_seconds = trainer_now(trainer) - start;
    return result;
}

int trainer_save_best(struct trainer *trainer)
{
    char *path = rundir_file(&trainer->rundir, RUNDIR_BEST);
    struct safetensors_out *out = safetensors_out_new();
    int result = -1;
    if (path && out && rundir_check(&trainer->rundir) == 0) {
        checkpoint_add_model(out, &trainer->model);
        plan_save_fit(&trainer->plan, out);
        origin_save(&trainer->origin, out);
        result = safetensors_save(out, path);
    }
    safetensors_out_free(out);
    free(path);
    return result;
}

/* --- texts ------------------------------------------------------------------------------------ */

/* The absolute path, so that the run can be resumed from any directory. It must be UTF-8, as
 * metadata of a checkpoint is. */
static char *absolute(const char *path)
{
    int32_t point;
    char *found = realpath(path, NULL);
    if (!found) {
        error_set("%s: %s", path, strerror(errno));
        return NULL;
    }
    for (size_t at = 0, length = strlen(found); at < length;) {
        const int bytes = utf8_decode((const uint8_t *)found + at, length - at, &point);
        if (bytes <= 0) {
            error_set("%s: its name is not UTF-8 and cannot be stored in a run: rename it", found);
            free(found);
            return NULL;
        }
        at += (size_t)bytes;
    }
    return found;
}

/* Keeps a copy of stdin, which cannot be read a second time, neither now nor when the run is
 * resumed. */
static char *copy_stdin(struct trainer *trainer)
{
    char *path = NULL, *name = NULL;
    if (trainer->stdin_copy.path)
        error_set("-: standard input can be read only once");
    else if ((path = rundir_file(&trainer->rundir, "stdin")) != NULL &&
             file_copy_stdin(&trainer->stdin_copy, path) == 0)
        name = mem_copy("stdin", 5); /* until commit_stdin_copy */
    free(path);
    return name;
}

/* Gives the copy of stdin its final name, which contains the hash of the text. */
static int commit_stdin_copy(struct trainer *trainer)
{
    rundir_name_stdin(trainer->corpus.hash, trainer->stdin_name);
    for (int k = 0; k < trainer->num_files; k++)
        if (trainer->files[k][0] != '/') {
            free(trainer->files[k]);
            trainer->files[k] = mem_copy(trainer->stdin_name, strlen(trainer->stdin_name));
            if (!trainer->files[k])
                return -1;
        }
    free(trainer->stdin_copy.path);
    trainer->stdin_copy.path = rundir_file(&trainer->rundir, trainer->stdin_name);
    return trainer->stdin_copy.path ? file_commit(&trainer->stdin_copy) : -1;
}

static int name_files(struct trainer *trainer, const struct train_source *source)
{
    if (source->num_files > MAX_FILES)
        return error_set("%d texts are more than a run can have, which is %d: join some",
                         source->num_files, MAX_FILES);
    trainer->named = source->files;
    trainer->files = mem_new((size_t)source->num_files, sizeof *trainer->files);
    if (!trainer->files)
        return -1;
    for (; trainer->num_files < source->num_files; trainer->num_files++) {
        const char *path = source->files[trainer->num_files];
        const bool piped = strcmp(path, "-") == 0;
        if (!piped && rundir_check_text(&trainer->rundir, path) != 0)
            return -1;
        char *name = piped ? copy_stdin(trainer) : absolute(path);
        if (!name)
            return -1;
        trainer->files[trainer->num_files] = name;
    }
    return 0;
}

/* Copies a text of the checkpoint to *to; leaves it NULL if there is none. */
static int read_optional(const struct safetensors *in, const char *key, char **to)
{
    const char *const text = safetensors_text(in, key);
    return text && !(*to = mem_copy(text, strlen(text))) ? -1 : 0;
}

static enum encode_unknown read_on_unknown(const struct safetensors *in)
{
    const char *const name = safetensors_text(in, ON_UNKNOWN);
    for (int k = 0; name && encode_unknown_names[k]; k++)
        if (strcmp(name, encode_unknown_names[k]) == 0)
            return (enum encode_unknown)k;
    return ENCODE_ERROR;
}

static int read_paths(struct trainer *trainer, const struct safetensors *in)
{
    long long count;
    char key[32];
    trainer->on_unknown = read_on_unknown(in);
    if (read_optional(in, INIT_FROM, &trainer->init_from) != 0 ||
        read_optional(in, ENCODING, &trainer->encoding) != 0)
        return -1;
    if (safetensors_integer(in, "train.num_files", 1, MAX_FILES, &count) != 0 ||
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

/* The path from which a text is read; that of stdin's copy is temporary until it is committed. */
static char *text_path(const struct trainer *trainer, const char *directory, const char *file)
{
    const bool uncommitted = trainer->stdin_copy.temporary && trainer->stdin_copy.temporary[0];
    if (file[0] == '/')
        return mem_copy(file, strlen(file));
    if (uncommitted)
        return mem_copy(trainer->stdin_copy.temporary, strlen(trainer->stdin_copy.temporary));
    return file_join(directory, file);
}

static int open_corpus(struct trainer *trainer, const char *directory, struct vocab *vocab,
                       struct corpus_options options)
{
    char *temp_path = file_join(directory, "corpus.ids");
    char **paths = mem_new((size_t)trainer->num_files, sizeof *paths);
    const char **names = mem_new((size_t)trainer->num_files, sizeof *names);
    int result = temp_path && paths && names ? 0 : -1;
    for (int k = 0; k < trainer->num_files && result == 0; k++) {
        const char *const file = trainer->files[k];
        result = (paths[k] = text_path(trainer, directory, file)) ? 0 : -1;
        names[k] = trainer->named ? file_name(trainer->named[k]) : paths[k];
    }
    options.files = (const char *const *)paths;
    options.names = names;
    options.num_files = trainer->num_files;
    options.treatment.encoding = trainer->encoding;
    options.on_unknown = trainer->on_unknown;
    options.val_fraction = trainer->plan.val_fraction;
    options.val_required = trainer->plan.val_required;
    options.temp_path = temp_path;
    options.in_memory_max = CORPUS_IN_MEMORY;
    options.progress = trainer->observer.reading;
    options.context = trainer->observer.context;
    if (result == 0)
        result = corpus_open(&trainer->corpus, vocab, &options);
    for (int k = 0; paths && k < trainer->num_files; k++)
        free(paths[k]);
    free(names);
    free(paths);
    free(temp_path);
    return result;
}

/* Names the first text that has changed. */
static int refuse_texts(const struct trainer *trainer, const struct safetensors *in,
                        const char *directory, const char *advice)
{
    const size_t count = (size_t)trainer->num_files;
    uint64_t *hashes = mem_new(count, sizeof *hashes);
    if (!hashes)
        return -1;
    const bool known = count > 1 && safetensors_read_u64(in, FILE_HASHES, count, hashes) == 0;
    size_t changed = 0;
    while (known && changed + 1 < count && hashes[changed] == trainer->corpus.hashes[changed])
        changed++;
    free(hashes);
    const bool kept = trainer->files[changed][0] != '/'; /* a copy of stdin, in the run */
    return error_set("%s%s%s%s has changed since the run began: put it back as it was, or %s",
                     kept ? directory : "", kept ? "/" : "", trainer->files[changed],
                     count > 1 && !known ? " (or another of the run's texts)" : "", advice);
}

/* Reads the texts of a saved run, encoded with its vocabulary, and checks that they are unchanged.
 * Its plan must have been read. `advice`: what else the user can do than put them back. */
static int reopen_corpus(struct trainer *trainer, const char *directory, struct vocab *vocab,
                         const struct safetensors *in, const char *advice)
{
    /* Older runs always read the whole part. */
    uint64_t *const characters = &trainer->progress.validation_characters;
    *characters = UINT64_MAX;
    if (read_paths(trainer, in) != 0 ||
        fields_load(progress_fields, NUM_PROGRESS_FIELDS, &trainer->progress, in) != 0 ||
        fields_load(pace_fields, NUM_PACE_FIELDS, &trainer->progress, in) != 0)
        return -1;
    if (open_corpus(trainer, directory, vocab, (struct corpus_options){.fixed_vocab = true}) != 0)
        return error_set("the text of %s cannot be read as it was: %s; put it back, or %s",
                         directory, error_message(), advice);
    if (trainer->corpus.hash != trainer->progress.corpus_hash)
        return refuse_texts(trainer, in, directory, advice);
    if (*characters > trainer->corpus.validation.length)
        *characters = trainer->corpus.validation.length;
    return 0;
}

/* A copy of the last name of a path. */
static char *last_name(const char *path)
{
    const char *const slash = strrchr(path, '/'), *const name = slash ? slash + 1 : path;
    return mem_copy(name, strlen(name));
}

/* Fills the origin once the text is read. A file without a path is the copy of stdin. */
static int find_origin(struct trainer *trainer)
{
    struct origin *origin = &trainer->origin;
    const char *const file = trainer->files[0], *const init_from = trainer->init_from;
    origin->num_files = (uint64_t)trainer->num_files;
    return (origin->text = last_name(file[0] == '/' ? file : "stdin")) &&
                   (!init_from || (origin->init_from = last_name(init_from))) &&
                   origin_measure(origin, &trainer->corpus, trainer->model.vocab_size) == 0
               ? 0
               : -1;
}

/* What may have become a symbol against the user's wish, or has not become one. */
static void note_symbols(const struct trainer *trainer, const struct vocab *vocab)
{
    const struct text_notes *notes = &trainer->corpus.notes;
    const struct text_treatment *treatment = &vocab->treatment;
    const bool fixed = trainer->init_from != NULL; /* the initial model has its own treatment */
    if (notes->byte_order_mark && !treatment->strip_bom)
        trainer_note(
            trainer, "%s text begins with a byte order mark (U+FEFF), which is kept as a symbol%s",
            trainer->num_files > 1 ? "a" : "the", fixed ? "" : "; --strip-bom leaves it out");
    if (notes->nul_bytes > 0)
        trainer_note(trainer,
                     "the text has %llu NUL bytes, which are kept; if it is UTF-16, --encoding "
                     "UTF-16LE or UTF-16BE reads it",
                     (unsigned long long)notes->nul_bytes);
    if (notes->carriage_returns > 0 && treatment->newlines == VOCAB_KEEP)
        trainer_note(trainer,
                     "the text has %llu carriage returns (CR), which are kept as symbols%s",
                     (unsigned long long)notes->carriage_returns,
                     fixed ? "" : "; --newlines lf makes plain line ends of them");
}

static void note_unknown(const struct trainer *trainer, const struct vocab *vocab)
{
    static const char *const treatments[] = {
        [ENCODE_SKIP] = "left out", [ENCODE_REPLACE] = "replaced by similar ones or left out"};
    const unsigned long long unknown = trainer->corpus.num_unknown;
    if (unknown > 0 && vocab->unknown != VOCAB_NONE)
        trainer_note(trainer, "%llu characters %s the unknown symbol", unknown,
                     trainer->init_from ? "are not known to the model and become"
                                        : "are rarer than --min-count and become");
    else if (unknown > 0)
        trainer_note(trainer, "%llu characters that the model does not know are %s", unknown,
                     treatments[trainer->on_unknown]);
}

static void note_corpus(const struct trainer *trainer, const struct vocab *vocab)
{
    note_symbols(trainer, vocab);
    note_unknown(trainer, vocab);
    if (trainer->corpus.validation.length == 0 && trainer->plan.val_fraction > 0)
        trainer_note(
            trainer,
            "the text is too short to hold a part out unless --val-fraction is given: all of it is "
            "trained on, and the best model is the one with the lowest training loss");
}

/* --- memory and threads ----------------------------------------------------------------------- */

/* Checks the memory that training needs, of which some may already be allocated. */
static int check_memory(struct trainer *trainer)
{
    const struct model *model = &trainer->model;
    const struct plan *plan = &trainer->plan;
    const struct corpus *corpus = &trainer->corpus;
    const size_t free_bytes = mem_available();
    const size_t ids = corpus->ids ? (size_t)corpus->length * (size_t)corpus->id_bytes : 0;
    const size_t allocated = ids + (model->weights ? model_bytes(model) : 0);
    trainer->memory = model_bytes(model) + optimizer_bytes(model) + ids +
                      tape_bytes(model, plan->batch_size, plan->seq_length, true, plan->dropout);
    if (corpus->validation.length > 0) {
        const int B = evaluator_streams(&corpus->validation, plan->batch_size);
        trainer->memory += tape_bytes(model, B, evaluator_steps(B), false, 0);
    }
    if (trainer->memory - allocated > free_bytes)
        return error_set("this needs %.1f GB of memory and %.1f GB are free: take a smaller "
                         "--hidden-size, --num-layers, --batch-size or --seq-length",
                         (double)trainer->memory / 1e9,
                         ((double)free_bytes + (double)allocated) / 1e9);
    return 0;
}

/* Makes the team, the streams and all arrays, for a model whose shape is known. */
static int allocate(struct trainer *trainer, int threads)
{
    const struct plan *plan = &trainer->plan;
    const struct corpus *corpus = &trainer->corpus;
    if (check_memory(trainer) != 0)
        return -1;
    if (opening_find(&trainer->model.opening, corpus, &trainer->model.vocab) != 0)
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
    if (corpus->validation.length == 0)
        return 0;
    return evaluator_init(&trainer->evaluator, trainer->team, &trainer->model, corpus,
                          &corpus->validation, plan->batch_size, 0);
}

static int open_log(struct trainer *trainer, struct log_row *last)
{
    char *path = rundir_file(&trainer->rundir, RUNDIR_LOG);
    int result = path ? log_open(&trainer->log, path, trainer->progress.log_rows, last) : -1;
    free(path);
    return result;
}

/* The engine of the plan's precision, or of the nearest one that this machine has. NULL and a
 * message if there is none. */
static const struct engine *find_engine(const struct trainer *trainer)
{
    const struct engine *engine = engine_find(trainer->plan.precision);
    if (engine && engine->precision != trainer->plan.precision)
        trainer_note(trainer, "%s has no %s instructions: products are made in float32",
                     engine->name, precision_names[trainer->plan.precision]);
    return engine;
}

static void init(struct trainer *trainer, const struct train_observer *observer)
{
    trainer->progress.recovery = recovery_init();
    trainer->progress.unsaved_loss = INFINITY;
    trainer->observer = *observer;
    trainer->clock.started = trainer_now(trainer);
    trainer->val_loss = trainer->train_loss = NAN;
}

static void note_lock(const struct trainer *trainer)
{
    if (!trainer->rundir.locked)
        trainer_note(
            trainer,
            "the file system of %s has no locks: make sure that no other process trains there",
            trainer->rundir.path);
}

/* --- a new run -------------------------------------------------------------------------------- */

/* Reads the texts, and loads the initial model or makes one as planned. */
static int read_source(struct trainer *trainer, const struct engine *engine,
                       const struct train_source *source)
{
    struct plan *plan = &trainer->plan;
    struct model *model = &trainer->model;
    struct vocab vocab = {0};
    const bool given = source->init_from != NULL;
    if (given && (model_load(model, engine, source->init_from) != 0 ||
                  !(trainer->init_from = absolute(source->init_from))))
        return -1;
    if (source->treatment.encoding &&
        !(trainer->encoding =
              mem_copy(source->treatment.encoding, strlen(source->treatment.encoding))))
        return -1;
    trainer->on_unknown = source->on_unknown;
    free(model->history); /* of another run */
    model->history = NULL;
    model->opening.starts_seen = 0; /* which this run counts */
    if (open_corpus(trainer, trainer->rundir.path, given ? &model->vocab : &vocab,
                    (struct corpus_options){.fixed_vocab = given,
                                            .treatment = source->treatment,
                                            .min_count = source->min_count,
                                            .option = "--on-unknown skip or replace"}) != 0)
        return -1;
    note_corpus(trainer, given ? &model->vocab : &vocab);
    if (given)
        return 0;
    plan_model(plan, trainer->corpus.training.length);
    int result = model_init(model, engine, plan->cell, plan->cell_options, plan->num_layers,
                            plan->hidden_size, vocab.size, &vocab);
    vocab_release(&vocab);
    return result;
}

/* Saves the new run. An old one in the directory can be resumed until the atomic replacement of
 * last.safetensors; from then on, the new one can. */
static int save_new_run(struct trainer *trainer)
{
    if (trainer->stdin_copy.path && commit_stdin_copy(trainer) != 0)
        return -1;
    if (trainer_save(trainer) != 0)
        return -1;
    rundir_remove_old(&trainer->rundir, trainer->stdin_name);
    /* If the run diverges, its initial model is restored. */
    if (trainer->init_from && trainer_save_best(trainer) != 0)
        return -1;
    return open_log(trainer, NULL);
}

/* A step's decay must be smaller than the weight. */
static int check_decay(const struct plan *plan)
{
    if (plan->optim.weight_decay * plan->schedule.rate < 1)
        return 0;
    return error_set(
        "--weight-decay %g takes off more than a weight has, at a learning rate of %g: "
        "their product must be below 1",
        plan->optim.weight_decay, plan->schedule.rate);
}

/* Checks that the initial model has a finite loss on the start of the text. */
static int check_source(struct trainer *trainer, const char *path)
{
    struct corpus_segment start = trainer->corpus.training.segments[0];
    start.length = start.length < SOURCE_CHECK ? start.length : SOURCE_CHECK;
    const struct corpus_part part = {.segments = &start, .num_segments = 1, .length = start.length};
    struct evaluator evaluator = {0};
    struct evaluation evaluation;
    int result =
        evaluator_init(&evaluator, trainer->team, &trainer->model, &trainer->corpus, &part, 1, 0);
    if (result == 0)
        result = evaluate(&evaluator, &evaluation, NULL, NULL);
    if (result == 0 && !isfinite(evaluation.loss))
        result = error_set("%s: its loss on the text is not finite: " MODEL_UNSOUND, path);
    evaluator_release(&evaluator);
    return result;
}

static int start_run(struct trainer *trainer, const struct train_source *source, int threads)
{
    struct plan *plan = &trainer->plan;
    const struct engine *engine = find_engine(trainer);
    trainer->model.training = true;
    if (!engine || name_files(trainer, source) != 0 || read_source(trainer, engine, source) != 0 ||
        find_origin(trainer) != 0)
        return -1;
    const uint64_t training = trainer->corpus.training.length;
    if (plan_fit(plan, training, trainer->corpus.validation.length, trainer->model.hidden_size))
        trainer_note(trainer, "the text is short: the batch shrinks to %d streams of %d characters",
                     plan->batch_size, plan->seq_length);
    if (check_decay(plan) != 0 || allocate(trainer, threads) != 0)
        return -1;
    if (!source->init_from)
        params_start(&trainer->model.params, plan->seed, trainer->model.weights);
    else if (check_source(trainer, source->init_from) != 0)
        return -1;
    trainer->model.step = 0;
    trainer->model.val_loss = NAN;
    trainer->progress.best_loss = INFINITY;
    trainer->progress.corpus_hash = trainer->corpus.hash;
    if (plan->max_minutes > 0)
        pace_limit(&trainer->progress.pace, 0, plan->max_minutes * 60);
    else
        trainer_set_total(trainer, plan_steps(plan, training));
    return save_new_run(trainer);
}

int trainer_open(struct trainer *trainer, const char *directory, const struct train_source *source,
                 const struct plan *plan, int threads, const struct train_observer *observer)
{
    trainer->plan = *plan;
    init(trainer, observer);
    int result = rundir_create(&trainer->rundir, directory, source->force);
    if (result == 0) {
        note_lock(trainer);
        result = start_run(trainer, source, threads);
    }
    if (result != 0)
        trainer_close(trainer);
    return result;
}

/* --- resuming a run --------------------------------------------------------------------------- */

/* `need` ends the message where the file is missing. */
static struct safetensors *load_last(const char *directory, const char *need)
{
    struct safetensors *in = NULL;
    struct stat status;
    char *path = file_join(directory, RUNDIR_LAST);
    if (path && lstat(path, &status) != 0)
        error_set("%s: is not a run: it has no " RUNDIR_LAST "%s", directory, need);
    else if (path && S_ISLNK(status.st_mode))
        error_set("%s: is a symbolic link, which a run does not follow: put the file in its place",
                  path);
    else if (path)
        in = safetensors_load(path);
    free(path);
    return in;
}

/* Sets the run's times from its files. */
static void set_times(struct trainer *trainer, const struct log_row *last, bool timed)
{
    struct pace *pace = &trainer->progress.pace;
    const bool paced = timed && pace->limit > 0 && pace->deadline > 0;
    trainer->clock.before = paced ? fmax(pace->elapsed, last->seconds) : last->seconds;
    if (paced || trainer->plan.max_minutes == 0)
        return;
    pace_limit(pace, 0, trainer->plan.max_minutes * 60); /* an older run */
    pace->done = fmin(last->seconds / pace->deadline, 1);
}

/* New limits: the count of minutes begins again. */
static void begin_limits(struct trainer *trainer)
{
    const struct plan *plan = &trainer->plan;
    trainer->progress.total_steps = 0;
    if (plan->max_minutes > 0)
        pace_limit(&trainer->progress.pace, trainer_seconds(trainer), plan->max_minutes * 60);
    else
        trainer->progress.total_steps = plan_steps(plan, trainer->corpus.training.length);
}

/* Notes what was changed, and adds it to the history. */
static int record_change(struct trainer *trainer, const char *change)
{
    struct model *model = &trainer->model;
    const unsigned long long step = trainer->progress.step;
    const size_t before = model->history ? strlen(model->history) : 0;
    const size_t room = before + strlen(change) + 40;
    char *history = mem_new(room, 1);
    if (!history)
        return -1;
    snprintf(history, room, "%s%sstep %llu: %s", before > 0 ? model->history : "",
             before > 0 ? "\n" : "", step, change);
    free(model->history);
    model->history = history;
    trainer_note(trainer, "from step %llu on this is another run: %s", step, change);
    return 0;
}

static int check_positions(const struct trainer *trainer)
{
    for (int b = 0; b < trainer->batch.B; b++)
        if (trainer->batch.position[b] >= trainer->corpus.training.length)
            return error_set("%s: " RUNDIR_LAST
                             " is damaged: the position of a stream is beyond the end of the text",
                             trainer->rundir.path);
    return 0;
}

/* If the best model is missing or damaged, the next validated one replaces it. */
static void check_best(struct trainer *trainer)
{
    char *path = rundir_file(&trainer->rundir, RUNDIR_BEST);
    struct safetensors *in =
        path && isfinite(trainer->progress.best_loss) ? safetensors_load(path) : NULL;
    if (isfinite(trainer->progress.best_loss) && !in) {
        trainer_note(trainer,
                     "the best model cannot be read (%s): the best one from here on takes "
                     "its place",
                     error_message());
        trainer->progress.best_loss = INFINITY;
    }
    safetensors_free(in);
    free(path);
}

static int read_run(struct trainer *trainer, const struct safetensors *in,
                    const struct plan *changes, int threads)
{
    struct log_row last = {.train_loss = NAN};
    char change[TRAIN_MESSAGE / 2];
    const struct engine *engine;
    trainer->model.training = true;
    const char *kernels = safetensors_text(in, "train.kernels");
    if (!kernels || plan_load(&trainer->plan, in) != 0)
        return -1;
    const bool timed = trainer->plan.max_minutes > 0;
    const bool limits = plan_change(&trainer->plan, changes, change, sizeof change);
    if (check_decay(&trainer->plan) != 0 || !(engine = find_engine(trainer)) ||
        checkpoint_read_model(in, engine, &trainer->model) != 0 ||
        reopen_corpus(trainer, trainer->rundir.path, &trainer->model.vocab, in,
                      "start a new run from its model with --init-from") != 0 ||
        find_origin(trainer) != 0 || allocate(trainer, threads) != 0 ||
        checkpoint_read_training(in, &trainer->optimizer, &trainer->tape) != 0 ||
        safetensors_read_u64(in, "train.positions", (size_t)trainer->batch.B,
                             trainer->batch.position) != 0 ||
        check_positions(trainer) != 0)
        return -1;
    trainer->progress.step = trainer->model.step;
    check_best(trainer);
    if (strcmp(kernels, trainer->model.engine->name) != 0)
        trainer_note(trainer, "the run used %s so far and continues with %s: last bits may differ",
                     kernels, trainer->model.engine->name);
    const uint64_t rows = trainer->progress.log_rows;
    if (open_log(trainer, &last) != 0)
        return -1;
    if (trainer->log.rows < rows)
        trainer_note(trainer, "log.csv has lost rows: %llu of %llu are there",
                     (unsigned long long)trainer->log.rows, (unsigned long long)rows);
    trainer->progress.log_rows = trainer->log.rows;
    trainer->train_loss = last.train_loss;
    trainer->val_loss = trainer->model.val_loss;
    set_times(trainer, &last, timed);
    if (limits)
        begin_limits(trainer);
    if (limits || changes->patience != plan_unchanged.patience)
        trainer->progress.bad_validations = 0;
    if (trainer->progress.total_steps > 0)
        trainer_set_total(trainer, trainer->progress.total_steps);
    /* A run that was given up gets new attempts. */
    if (trainer->progress.recovery.count > RECOVERY_MAX)
        trainer->progress.recovery.count = 0;
    return change[0] ? record_change(trainer, change) : 0;
}

int trainer_resume(struct trainer *trainer, const char *directory, const struct plan *changes,
                   int threads, const struct train_observer *observer)
{
    init(trainer, observer);
    struct safetensors *in = NULL;
    int result = rundir_open(&trainer->rundir, directory);
    if (result == 0) {
        note_lock(trainer);
        result = (in = load_last(directory, "")) ? read_run(trainer, in, changes, threads) : -1;
    }
    safetensors_free(in);
    if (result != 0)
        trainer_close(trainer);
    return result;
}

int trainer_read_corpus(struct corpus *corpus, const char *model, struct vocab *vocab)
{
    struct trainer trainer = {0};
    char *directory;
    if (rundir_of(model, &directory) != 0)
        return -1;
    if (!directory)
        return error_set("%s: is a model without its run, which would name the text: give a FILE",
                         model);
    struct safetensors *in = load_last(directory, ", which names the text: give a FILE");
    int result = in ? plan_load(&trainer.plan, in) : -1;
    if (result == 0)
        result = reopen_corpus(&trainer, directory, vocab, in, "give a FILE");
    if (result == 0) {
        *corpus = trainer.corpus;
        trainer.corpus = (struct corpus){0};
    }
    safetensors_free(in);
    free(directory);
    trainer_close(&trainer);
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
    file_abandon(&trainer->stdin_copy);
    for (int k = 0; k < trainer->num_files; k++)
        free(trainer->files[k]);
    free(trainer->files);
    free(trainer->init_from);
    free(trainer->encoding);
    origin_release(&trainer->origin);
    rundir_close(&trainer->rundir);
    *trainer = (struct trainer){0};
}
