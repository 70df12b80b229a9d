#include "train.h"

#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cell_options.h"
#include "commands.h"
#include "error.h"
#include "file.h"
#include "inputs.h"
#include "mem.h"
#include "options.h"
#include "progress.h"
#include "say.h"
#include "team.h"

static atomic_bool stop;
static volatile sig_atomic_t stopped_by; /* the signal that set it */

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

#define NUM_SIGNALS (sizeof signals / sizeof *signals)

static void on_signal(int number)
{
    stopped_by = number;
    atomic_store(&stop, true);
    for (size_t k = 0; k < NUM_SIGNALS; k++) {
        struct sigaction action;
        if (sigaction(signals[k], NULL, &action) == 0 && action.sa_handler == on_signal)
            signal(signals[k], SIG_DFL);
    }
    file_clean_on_signals(); /* a second signal of any kind ends the program */
}

/* The first signal (Ctrl-C, or the terminal closing) makes training stop and save; a second one
 * ends the program. Signals that were ignored at the start, as under nohup, stay ignored. */
static void catch_signals(void)
{
    for (size_t k = 0; k < NUM_SIGNALS; k++) {
        struct sigaction action;
        sigaction(signals[k], NULL, &action);
        if (action.sa_handler == SIG_IGN)
            continue;
        action = (struct sigaction){.sa_flags = (int)SA_RESETHAND | SA_RESTART};
        action.sa_handler = on_signal;
        sigaction(signals[k], &action, NULL);
    }
    signal(SIGPIPE, SIG_IGN); /* training goes on when the reader of its progress exits */
}

/* Ends the program by the signal that stopped training, so that a script that runs it stops too. */
static void end_by_signal(void)
{
    signal(stopped_by, SIG_DFL);
    raise(stopped_by);
}

struct request {
    struct plan plan;
    struct train_source source;
    const char *directory, *resume, *files_from;
    int unit, form, newlines, on_unknown; /* these and the next are indices of the choices */
    int optimizer, schedule, precision;
    const char *cell_options[CELL_OPTIONS_MAX]; /* as typed */
    int threads, samples;
    bool quiet;
};

static const struct request defaults = {
    .plan = {.num_layers = PLAN_AUTO,
             .hidden_size = PLAN_AUTO,
             .batch_size = PLAN_AUTO,
             .seq_length = PLAN_AUTO,
             .dropout = PLAN_AUTO,
             .max_epochs = PLAN_AUTO,
             .schedule = {.rate = PLAN_AUTO, .warmup = 100},
             .optim = {.clip_norm = 1},
             .seed = 1,
             .val_fraction = 0.1,
             .validate_every = 0,
             .save_every = 2,
             .patience = 10},
    .source = {.min_count = 1},
    .samples = PROGRESS_SAMPLES_AUTO,
};

#define AUTO "chosen from the text"

/* "runs/<name of the first file without its extension, or of a directory>", in new memory. A name
 * that consists of dots could be an existing directory, so it becomes "text". */
static char *default_directory(const char *file)
{
    struct stat status;
    size_t end = strlen(file), start;
    while (end > 0 && file[end - 1] == '/')
        end--;
    for (start = end; start > 0 && file[start - 1] != '/';)
        start--;
    const char *name = file + start;
    const size_t whole = end - start, leading = strspn(name, ".");
    const size_t dots = leading < whole ? leading : whole;
    const bool is_directory = stat(file, &status) == 0 && S_ISDIR(status.st_mode);
    const char *dot = is_directory ? NULL : memrchr(name, '.', whole);
    const size_t length = dot && dots < (size_t)(dot - name) ? (size_t)(dot - name) : whole;
    char *stem = strcmp(file, "-") == 0 ? mem_copy("stdin", 5)
                 : dots == whole        ? mem_copy("text", 4)
                                        : mem_copy(name, length);
    char *path = stem ? file_join("runs", stem) : NULL;
    free(stem);
    return path;
}

/* Prints the command that goes on with the run: beyond the limit that ended it, if one did. */
static void print_resume(const struct trainer *trainer)
{
    const struct plan *plan = &trainer->plan;
    const uint64_t step = trainer->progress.step;
    fputs("  ", stderr);
    say_program();
    fputs(" train --resume", stderr);
    say_path(trainer->rundir.path);
    if (trainer->end == TRAIN_TIME_LIMIT)
        say_part(" --max-minutes %g", plan->max_minutes);
    else if (trainer->end == TRAIN_PATIENCE)
        say_part(" --patience %d", plan->patience < INT_MAX / 2 ? 2 * plan->patience : 0);
    else if (trainer->end == TRAIN_COMPLETE && plan->max_steps > 0 && step >= plan->max_steps)
        say_part(" --max-steps %llu", 2 * (unsigned long long)step); /* which may be far beyond */
    else if (trainer->end == TRAIN_COMPLETE)
        say_part(" --max-epochs %g", 2 * fmax(plan->max_epochs, ceil(trainer_epochs(trainer))));
    fputc('\n', stderr);
}

/* Prints "  rune words RUN", quoted for a shell, and " -o RUN/name" if a name is given. */
static void print_command(const char *words, const char *directory, const char *name)
{
    char *output = name ? file_join(directory, name) : NULL;
    fputs("  ", stderr);
    say_program();
    fprintf(stderr, " %s", words);
    say_path(directory);
    if (output) {
        fputs(" -o", stderr);
        say_path(output);
    }
    fputc('\n', stderr);
    free(output);
}

/* Prints commands that use the run. None looks at a text that it was trained on. */
static void print_commands(const struct trainer *trainer)
{
    const char *const directory = trainer->rundir.path;
    fputs("\nNow try:\n", stderr);
    print_command("sample", directory, NULL);
    if (trainer->corpus.validation.length > 0)
        print_command("inspect", directory, "inspect");
    if (trainer->end == TRAIN_INTERRUPTED || trainer->end == TRAIN_TIME_LIMIT)
        print_resume(trainer);
}

/* A model that was trained on all of a text knows it by heart if its loss is below this share of
 * that of guessing by frequency. On new text, the best models reach about a quarter, after reading
 * many megabytes; what is below a fifth can only be memory. */
#define BY_HEART 0.2

static bool knows_by_heart(const struct trainer *trainer)
{
    return trainer->corpus.validation.length == 0 &&
           trainer->progress.best_loss < BY_HEART * trainer->origin.unigram_loss;
}

static void print_loss(const struct trainer *trainer)
{
    const double best = trainer->progress.best_loss;
    const bool validated = trainer->corpus.validation.length > 0;
    if (!isfinite(best))
        return;
    say_part("; best %s loss %.4f nats (%.3f bits) per character",
             validated ? "validation" : "training", best, best / log(2));
    if (trainer_reads_stretches(trainer))
        say_part(", of %s of the %s characters held out (rune eval reads all)",
                 progress_number(trainer->progress.validation_characters),
                 progress_number(trainer->corpus.validation.length));
}

static void print_end(const struct trainer *trainer)
{
    static const char *const reasons[] = {
        [TRAIN_COMPLETE] = "done",
        [TRAIN_TIME_LIMIT] = "done: the time is over",
        [TRAIN_PATIENCE] = "no improvement in the last validations",
        [TRAIN_INTERRUPTED] = "interrupted and saved",
    };
    say_part("%s, at step %llu", reasons[trainer->end], (unsigned long long)trainer->progress.step);
    print_loss(trainer);
    fputc('\n', stderr);
    if (knows_by_heart(trainer))
        say("The model knows the text by heart and will repeat it. Nothing was held out, so its "
            "loss does not tell how well it writes anything new.");
    if (trainer->progress.step == trainer->clock.first && trainer->end != TRAIN_INTERRUPTED &&
        trainer->progress.step > 0) {
        fputs("\nThe run had ended before. To train it further:\n", stderr);
        print_resume(trainer);
        return;
    }
    print_commands(trainer);
}

#define AT(field) offsetof(struct request, field)

/* An existing model has its own shape and symbols. */
static int check_init_from(const struct options *options)
{
    static const char *const fixed[] = {"cell",      "num-layers", "hidden-size", "unit",
                                        "normalize", "newlines",   "strip-bom",   "min-count"};
    const size_t cell_options_end = AT(cell_options) + sizeof defaults.cell_options;
    const char *refused = NULL;
    for (size_t k = 0; k < sizeof fixed / sizeof *fixed; k++)
        if (options_given(options, fixed[k]))
            refused = fixed[k];
    for (size_t k = 0; k < options->count; k++)
        if (options->list[k].given && options->list[k].value >= AT(cell_options) &&
            options->list[k].value < cell_options_end)
            refused = options->list[k].name;
    return refused
               ? error_set("--%s cannot be given with --init-from: the model has its own", refused)
               : 0;
}

static int check_text(const struct request *request, const struct options *options)
{
    if (options_given(options, "on-unknown") && !request->source.init_from)
        return error_set("--on-unknown is for --init-from: a new model knows every character of "
                         "its text");
    return inputs_check_encoding(request->source.treatment.encoding);
}

static int check_cell(struct request *request)
{
    const struct engine *engine = engine_find((enum precision)request->precision);
    const struct layer_kind *cell = engine ? engine_cell(engine, request->plan.cell) : NULL;
    return cell ? cell_options_read(cell, request->cell_options, request->plan.cell_options) : -1;
}

/* What may be given with --resume: the plan's changes, and what is not of the run. */
static int check_resume(const struct options *options)
{
    static const char *const allowed[] = {
        "max-epochs", "max-steps", "max-minutes",    "learning-rate", "dropout", "patience",
        "samples",    "threads",   "validate-every", "save-every",    "quiet",   "resume"};
    const size_t count = sizeof allowed / sizeof *allowed;
    char names[256] = "", name[32];
    for (size_t a = 0; a + 2 < count; a++) {
        snprintf(name, sizeof name, "--%s", allowed[a]);
        options_append(names, sizeof names, name);
    }
    for (size_t k = 0; k < options->count; k++) {
        bool is_allowed = !options->list[k].given;
        for (size_t a = 0; a < count && !is_allowed; a++)
            is_allowed = strcmp(options->list[k].name, allowed[a]) == 0;
        if (!is_allowed)
            return error_set("--%s cannot be given with --resume; only %s and --%s can",
                             options->list[k].name, names, allowed[count - 2]);
    }
    if (options->num_arguments > 0)
        return error_set("\"%s\": FILE cannot be given with --resume: a run keeps its text",
                         options->arguments[0]);
    return 0;
}

static int open_trainer(struct trainer *trainer, struct request *request,
                        const struct options *options, const struct train_observer *observer)
{
    if (request->resume) {
        struct plan changes = request->plan;
        if (!options_given(options, "patience"))
            changes.patience = plan_unchanged.patience;
        if (!options_given(options, "save-every"))
            changes.save_every = plan_unchanged.save_every;
        return trainer_resume(trainer, request->resume, &changes, request->threads, observer);
    }
    const char *first = options->num_arguments > 0 ? options->arguments[0] : request->files_from;
    struct sources sources = {0};
    char *directory = request->directory ? mem_copy(request->directory, strlen(request->directory))
                                         : default_directory(first);
    int result =
        directory ? inputs_gather(&sources, options->arguments, options->num_arguments,
                                  request->files_from, &request->source.treatment, request->quiet)
                  : -1;
    request->source.files = (const char *const *)sources.files;
    request->source.num_files = (int)sources.count;
    if (result == 0)
        result = trainer_open(trainer, directory, &request->source, &request->plan,
                              request->threads, observer);
    sources_release(&sources);
    free(directory);
    return result;
}

static int run(struct request *request, const struct options *options)
{
    struct trainer trainer = {0};
    struct progress progress;
    progress_init(&progress, request->quiet, request->samples);
    const struct train_observer observer = progress_observer(&progress);
    int status = open_trainer(&trainer, request, options, &observer) == 0 ? 0 : STATUS_FAILED;
    if (status == 0) {
        catch_signals();
        status = train_run(&trainer, &stop) == 0 ? 0 : STATUS_FAILED;
    }
    progress_break(&progress);
    if (status == 0 && !request->quiet)
        print_end(&trainer);
    const bool interrupted = status == 0 && trainer.end == TRAIN_INTERRUPTED;
    trainer_close(&trainer);
    if (interrupted)
        end_by_signal();
    return status;
}

static const char *const precisions[] = {
    [PRECISION_FP32] = "fp32", [PRECISION_BF16] = "bf16", NULL};

static const struct option_row list[] = {
    {.kind = OPTION_GROUP, .help = "The run:"},
    {"output", 'o', OPTION_TEXT, AT(directory), "RUN", "Directory for the run",
     .default_text = "runs/<name of the first file>"},
    {"resume", 0, OPTION_TEXT, AT(resume), "RUN", "Continue a run exactly where it stopped",
     .default_text = NULL},
    {"force", 0, OPTION_FLAG, AT(source.force), NULL, "Replace an existing run",
     .default_text = NULL},
    {"init-from", 0, OPTION_TEXT, AT(source.init_from), "MODEL",
     "Start from a trained model, with its vocabulary and shape", .default_text = NULL},
    {"val-fraction", 0, OPTION_REAL, AT(plan.val_fraction), "F",
     "Fraction of each file, at its end, that is held out for validation; unless given, nothing is "
     "if it would be under 1000 characters",
     .max = 1, .max_excluded = true},
    {"validate-every", 0, OPTION_COUNT, AT(plan.validate_every), "N", "Steps between validations",
     .default_text = "about 40 per run", .min = 1, .max = 1e15},
    {"save-every", 0, OPTION_REAL, AT(plan.save_every), "MINUTES", "Also save at this interval",
     .max = 1e6},
    {"patience", 0, OPTION_INT, AT(plan.patience), "N",
     "Stop after N validations without improvement; 0: never", .max = 1e9},
    {"samples", 0, OPTION_INT, AT(samples), "N|none",
     "Samples of text to show, spread over the run",
     .default_text = "one each 10 seconds, up to 20", .max = 1e6, .zero = "none"},
    {"threads", 0, OPTION_INT, AT(threads), "N",
     "Threads; the result does not depend on their number", .default_text = "all cores", .min = 1,
     .max = 1024},
    {"quiet", 'q', OPTION_FLAG, AT(quiet), NULL, "Print only errors", .default_text = NULL},
    {.kind = OPTION_GROUP, .help = "The text:"},
    INPUTS_FILES_FROM(AT(files_from)),
    INPUTS_ENCODING(AT(source.treatment.encoding)),
    {"newlines", 0, OPTION_CHOICE, AT(newlines), "WHAT",
     "Line ends: keep, or lf (CR LF and CR become LF), here and in all that the model reads later",
     .choices = vocab_newlines_names},
    {"strip-bom", 0, OPTION_FLAG, AT(source.treatment.strip_bom), NULL,
     "Leave out a byte order mark at the start of a text, here and later", .default_text = NULL},
    {"unit", 0, OPTION_CHOICE, AT(unit), "UNIT", "What a symbol is: codepoint, grapheme or byte",
     .choices = vocab_unit_names},
    {"normalize", 0, OPTION_CHOICE, AT(form), "FORM",
     "Unicode normal form of the text: none, nfc or nfkc", .choices = vocab_form_names},
    {"min-count", 0, OPTION_COUNT, AT(source.min_count), "N",
     "Symbols that occur fewer than N times become one unknown symbol", .min = 1, .max = 1e15},
    {"on-unknown", 0, OPTION_CHOICE, AT(on_unknown), "WHAT",
     "With --init-from, what to do with characters that the model does not know: error, skip or "
     "replace",
     .choices = encode_unknown_names},
    {.kind = OPTION_GROUP, .help = "The model:"},
    {"cell", 0, OPTION_TEXT, AT(plan.cell), "CELL", NULL,
     .default_text = NULL}, /* see complete_options */
    {"num-layers", 0, OPTION_INT, AT(plan.num_layers), "N", "Recurrent layers", .default_text = "2",
     .min = 1, .max = 1000},
    {"hidden-size", 0, OPTION_INT, AT(plan.hidden_size), "N", "Units in each layer",
     .default_text = AUTO, .min = 1, .max = 1 << 20},
    {"dropout", 0, OPTION_REAL, AT(plan.dropout), "P",
     "Probability of dropping a layer's output in training", .default_text = AUTO, .max = 1,
     .max_excluded = true},
    {.kind = OPTION_GROUP, .help = "Training:"},
    {"batch-size", 0, OPTION_INT, AT(plan.batch_size), "N", "Streams read in parallel",
     .default_text = AUTO, .min = 1, .max = 1e6},
    {"seq-length", 0, OPTION_INT, AT(plan.seq_length), "N",
     "Timesteps of backpropagation through time", .default_text = AUTO, .min = 1, .max = 1e6},
    {"max-epochs", 0, OPTION_REAL, AT(plan.max_epochs), "N", "Stop after N passes over the text",
     .default_text = AUTO, .min = 1e-9, .max = 1e9},
    {"max-steps", 0, OPTION_COUNT, AT(plan.max_steps), "N", "Stop after N updates",
     .default_text = "no limit", .min = 1, .max = 1e15},
    {"max-minutes", 0, OPTION_REAL, AT(plan.max_minutes), "N",
     "Stop after N minutes, of which reading, validating and saving are a part; with --resume, N "
     "more",
     .default_text = "no limit", .min = 1e-3, .max = 1e6},
    {"optimizer", 0, OPTION_CHOICE, AT(optimizer), "NAME", "Optimizer: adam, rmsprop or sgd",
     .choices = optim_names},
    {"learning-rate", 0, OPTION_REAL, AT(plan.schedule.rate), "RATE", "Peak learning rate",
     .default_text = AUTO, .max = 1e3},
    {"schedule", 0, OPTION_CHOICE, AT(schedule), "NAME",
     "Decay of the learning rate: cosine, step (to a tenth, twice) or constant",
     .choices = schedule_names},
    {"warmup", 0, OPTION_COUNT, AT(plan.schedule.warmup), "N",
     "Steps over which the learning rate rises", .max = 1e15},
    {"weight-decay", 0, OPTION_REAL, AT(plan.optim.weight_decay), "D",
     "Decoupled weight decay (with adam: AdamW)", .max = 1e3},
    {"clip-norm", 0, OPTION_REAL, AT(plan.optim.clip_norm), "NORM",
     "Scale the gradient down to this global norm; 0: off", .max = 1e9},
    {"clip-value", 0, OPTION_REAL, AT(plan.optim.clip_value), "LIMIT",
     "Clip each element of the gradient to ±LIMIT; 0: off", .max = 1e9},
    {"precision", 0, OPTION_CHOICE, AT(precision), "NAME",
     "Precision of the products: fp32, or bf16 (faster where the machine has it); the rest is fp32",
     .choices = precisions},
    {"seed", 0, OPTION_COUNT, AT(plan.seed), "N", "Seed of the initial weights and of dropout",
     .max = 0x1p53},
    {.kind = OPTION_GROUP, .help = "Help:"},
};

/* The table completed by the names of the cells and, after --cell, their options. Returns its
 * length. */
static size_t complete_options(struct option_row rows[])
{
    static char help[300];
    size_t count = 0;
    for (size_t k = 0; k < sizeof list / sizeof *list; k++) {
        rows[count++] = list[k];
        if (!list[k].name || strcmp(list[k].name, "cell") != 0)
            continue;
        snprintf(help, sizeof help, "Recurrent cell: %s", cell_options_cells());
        rows[count - 1].help = help;
        count += cell_options_rows(rows + count, AT(cell_options));
    }
    return count;
}

int command_train(int argc, char **argv)
{
    struct option_row rows[sizeof list / sizeof *list + CELL_OPTIONS_MAX];
    struct request request = defaults;
    request.plan.cell = engine_at(0)->cells[0]->name;
    struct plan *plan = &request.plan;
    struct train_source *source = &request.source;
    request.threads = team_cores();
    struct options options = {
        .command = "train",
        .usage = "FILE... [-o RUN] | --resume RUN",
        .summary =
            "Trains a model on text files and on those in directories (-: stdin). The run's "
            "directory holds the best and the newest model, log.csv and loss.svg. Ctrl-C saves and "
            "ends with status 130; --resume continues, and options that are given with it change "
            "the run from there on.",
        .list = rows,
        .count = complete_options(rows),
        .values = &request,
        .max_arguments = -1,
    };
    int status = options_parse(&options, argc, argv);
    if (status == 0 && request.resume)
        status = check_resume(&options) == 0 ? 0 : STATUS_USAGE;
    else if (status == 0 && options.num_arguments == 0 && !request.files_from)
        status = (error_set("a FILE is needed, as in: rune train book.txt"), STATUS_USAGE);
    else if (status == 0 && request.source.init_from)
        status = check_init_from(&options) == 0 ? 0 : STATUS_USAGE;
    else if (status == 0)
        status = check_cell(&request) == 0 ? 0 : STATUS_USAGE;
    if (status == 0)
        status = check_text(&request, &options) == 0 ? 0 : STATUS_USAGE;
    source->treatment.unit = (enum vocab_unit)request.unit;
    source->treatment.form = (enum utf8_form)request.form;
    source->treatment.newlines = (enum vocab_newlines)request.newlines;
    source->on_unknown = (enum encode_unknown)request.on_unknown;
    plan->optim.kind = (enum optim_kind)request.optimizer;
    plan->schedule.kind = (enum schedule_kind)request.schedule;
    plan->precision = (enum precision)request.precision;
    plan->val_required = options_given(&options, "val-fraction");
    if (status == 0)
        status = run(&request, &options);
    options_release(&options);
    return status < 0 ? 0 : status;
}
