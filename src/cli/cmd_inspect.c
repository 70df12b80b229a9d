#include <fnmatch.h>
#include <glob.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "checkpoint.h"
#include "commands.h"
#include "encode.h"
#include "error.h"
#include "file.h"
#include "inputs.h"
#include "inspect.h"
#include "mem.h"
#include "options.h"
#include "progress.h"
#include "say.h"
#include "team.h"
#include "trainer.h"
#include "units.h"
#include "view.h"

#define DRAWN_SIGNALS 4     /* default number of signals in pictures and on the terminal */
#define PASSAGE_LENGTH 2000 /* default number of characters in pictures and on the terminal */
#define SHORT_TEXT 10000    /* characters; in fewer, little differs significantly from chance */

static const char *const ablation_names[] = {"none", "best", "all", NULL};
static const char *const clamp_names[] = {"zero", "mean", NULL};

struct request {
    const char *directory, *encoding, *formats, *unit_list, *quantities, *passage, *labels_file;
    struct option_texts label_texts;
    int on_unknown, columns, threads, ablation, clamp;
    bool exact;

    /* parsed from the options */
    struct trace_signal *units; /* [num_units] */
    size_t num_units;
    struct label_pattern *patterns; /* [num_patterns] */
    size_t num_patterns;
    unsigned long long start, length; /* of the passage, in characters */
};

/* An inspection under way. */
struct task {
    const struct request *request;
    struct model *model;
    struct team *team;
    struct temp_mapping ids;  /* int32_t */
    size_t length, inspected; /* characters of the text; the first of them that are inspected */
    size_t num_unknown;       /* characters that the vocabulary lacks */
    time_t start;
    struct view_options view;
    struct inspect_options options;
};

/* --- parsing option values -------------------------------------------------------------------- */

/* The view named by an item of --format. NULL and a message if there is none. */
static const struct view *view_of(struct option_item item)
{
    char name[16];
    snprintf(name, sizeof name, "%.*s", (int)item.length, item.text);
    return view_find(name);
}

static int check_formats(const char *formats)
{
    struct option_item item;
    while (option_item_next(&formats, &item))
        if (!view_of(item))
            return -1;
    return 0;
}

static int parse_units(struct request *request)
{
    const char *list = request->unit_list;
    struct option_item item;
    size_t capacity = 0;
    while (option_item_next(&list, &item)) {
        struct trace_signal unit = {0};
        if (unit_parse("--units", item, &unit.layer, &unit.unit) != 0 ||
            mem_grow(&request->units, &capacity, request->num_units + 1, sizeof unit) != 0)
            return -1;
        request->units[request->num_units++] = unit;
    }
    return 0;
}

/* Reads "FROM:LENGTH" or "FROM". */
static int parse_passage(struct request *request)
{
    const char *text = request->passage;
    char end;
    request->start = 0;
    request->length = PASSAGE_LENGTH;
    if (text && (strchr(text, '-') ||
                 (sscanf(text, "%llu:%llu%c", &request->start, &request->length, &end) != 2 &&
                  sscanf(text, "%llu%c", &request->start, &end) != 1) ||
                 request->length == 0))
        return error_set("--passage: \"%s\" is not a passage: write FROM:LENGTH, like 1200:500",
                         text);
    return 0;
}

/* Splits each NAME=REGEX. */
static int parse_labels(struct request *request)
{
    const struct option_texts *labels = &request->label_texts;
    request->patterns = mem_new(labels->count, sizeof *request->patterns);
    for (size_t k = 0; request->patterns && k < labels->count; k++) {
        const char *text = labels->list[k], *equals = strchr(text, '=');
        if (!equals || equals == text)
            return error_set("--label: \"%s\" is not a label: write NAME=REGEX", text);
        char *name = mem_copy(text, (size_t)(equals - text));
        if (!name)
            return -1;
        request->patterns[request->num_patterns++] = (struct label_pattern){name, equals + 1};
    }
    return request->patterns ? 0 : -1;
}

static int check_output(const struct request *request)
{
    return request->formats && !request->directory
               ? error_set("--format: add -o DIR, the directory to write to")
               : 0;
}

static int parse(struct request *request)
{
    return check_output(request) == 0 && inputs_check_encoding(request->encoding) == 0 &&
                   check_formats(request->formats) == 0 && parse_units(request) == 0 &&
                   parse_passage(request) == 0 && parse_labels(request) == 0
               ? 0
               : -1;
}

static void release(struct request *request)
{
    for (size_t k = 0; k < request->num_patterns; k++)
        free((char *)request->patterns[k].name);
    free(request->patterns);
    free(request->units);
}

/* --- checking them against the model and the text --------------------------------------------- */

/* Parses "h,c" into a set of the cell's quantities. NULL selects the states. */
static int find_quantities(const struct layer_kind *cell, const char *list, bool *wanted)
{
    struct option_item item;
    const int total = cell->num_states + cell->num_gates;
    for (int q = 0; q < total; q++)
        wanted[q] = !list && q < cell->num_states;
    while (option_item_next(&list, &item)) {
        int q = 0;
        while (q < total && !option_item_is(item, cell->quantities[q]))
            q++;
        if (q == total)
            return error_set("--quantities: the cell %s has no \"%.*s\"", cell->name,
                             (int)item.length, item.text);
        wanted[q] = true;
    }
    return 0;
}

static int check_units(const struct model *model, const struct request *request)
{
    for (size_t k = 0; k < request->num_units; k++)
        if (unit_check("--units", model, request->units[k].layer, request->units[k].unit) != 0)
            return -1;
    return 0;
}

static int find_passage(struct task *task)
{
    const struct request *request = task->request;
    if (request->start >= task->inspected)
        return error_set("--passage: \"%s\" starts after the end: %s characters are inspected%s",
                         request->passage, progress_number(task->inspected),
                         task->inspected < task->length ? "; split the file to inspect later ones"
                                                        : "");
    const size_t start = (size_t)request->start, left = task->inspected - start;
    task->view.start = task->options.start = start;
    task->view.length = request->length < left ? (size_t)request->length : left;
    return 0;
}

/* --- views ------------------------------------------------------------------------------------ */

static void print_path(void *context, const char *path)
{
    (void)context;
    say("%s", path);
}

/* Shows on a terminal what is being done. */
static void show_status(void *context, const char *what)
{
    (void)context;
    if (!isatty(STDERR_FILENO))
        return;
    fputs("\r\033[K", stderr);
    say_part("%s …", what);
    fflush(stderr);
}

static void clear_status(void)
{
    if (!isatty(STDERR_FILENO))
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
}

static bool includes(const size_t *list, size_t count, size_t signal)
{
    for (size_t k = 0; k < count; k++)
        if (list[k] == signal)
            return true;
    return false;
}

/* Chooses the signals to draw: all of the units in --units; without it the signals of the best
 * discoveries, then the first that are shown. */
static int choose_signals(struct task *task, const struct inspect_result *result)
{
    const struct discoveries *discoveries = &result->inspection.discoveries;
    const bool listed = task->request->num_units > 0;
    const size_t most = listed ? result->num_shown : DRAWN_SIGNALS;
    size_t *chosen = mem_new(result->num_shown + DRAWN_SIGNALS, sizeof *chosen), count = 0;
    if (!chosen)
        return -1;
    for (size_t u = 0; !listed && u < discoveries->num_units && count < most; u++) {
        const size_t signal = discoveries->list[discoveries->units[u]].signal;
        if (includes(result->shown, result->num_shown, signal))
            chosen[count++] = signal;
    }
    for (size_t k = 0; k < result->num_shown && count < most; k++)
        if (!includes(chosen, count, result->shown[k]))
            chosen[count++] = result->shown[k];
    task->view.chosen = chosen;
    task->view.num_chosen = count;
    return 0;
}

/* Lists files of an earlier inspection in the directory, so that they are not mistaken for new
 * ones. */
static void note_old_files(const char *directory, time_t start)
{
    const char *separator = "note: files of an earlier inspection are still there: ";
    for (const char *const *name = view_files; *name; name++) {
        glob_t found;
        char *pattern = file_pattern(directory, strlen(*name) + 1);
        if (pattern && glob(strcat(strcat(pattern, "/"), *name), 0, NULL, &found) == 0) {
            for (size_t k = 0; k < found.gl_pathc; k++) {
                struct stat status;
                if (stat(found.gl_pathv[k], &status) != 0 || status.st_mtime >= start)
                    continue;
                say_part("%s%s", separator, found.gl_pathv[k]);
                separator = ", ";
            }
            globfree(&found);
        }
        free(pattern);
    }
    if (separator[0] == ',')
        fputc('\n', stderr);
}

/* Writes the tables and what --format lists. Arrays hold the whole text; everything else holds the
 * inspected part. */
static int write_files(struct task *task, const struct inspect_result *result)
{
    const char *directory = task->request->directory;
    struct inspect_result whole = {0};
    struct view_options whole_options = task->view;
    struct option_item item;
    if (terminal_sentences(&result->inspection, stdout) != 0 ||
        tables_write(&result->inspection, &task->view, directory) != 0)
        return -1;
    int status = 0;
    for (const char *formats = task->request->formats ? task->request->formats : "page";
         status == 0 && option_item_next(&formats, &item);) {
        const struct view *view = view_of(item);
        const bool is_whole = view->whole && task->length > task->inspected;
        if (is_whole && whole.num_shown == 0) {
            status = inspect_whole(&whole, result, task->team, task->model, &task->ids,
                                   task->length, &task->options);
            whole_options.shown = whole.shown;
        }
        if (status == 0)
            status = is_whole ? view->write(&whole.inspection, &whole_options, directory)
                              : view->write(&result->inspection, &task->view, directory);
    }
    inspect_release(&whole);
    if (status == 0)
        note_old_files(directory, task->start);
    return status;
}

/* Follows bixense.com/clicolors. */
static bool uses_colour(void)
{
    const char *no = getenv("NO_COLOR"), *force = getenv("CLICOLOR_FORCE");
    return !(no && *no) && (isatty(STDOUT_FILENO) || (force && *force && strcmp(force, "0") != 0));
}

/* Notes on what the user might not expect. */
static void note_text(const struct task *task)
{
    static const char *const treatments[] = {"read as its unknown symbol", "left out",
                                             "replaced by similar ones or left out"};
    const bool has_unknown = task->model->vocab.unknown != VOCAB_NONE;
    if (task->num_unknown > 0)
        say("note: %s characters that the model does not know were %s",
            progress_number(task->num_unknown),
            treatments[has_unknown ? 0 : task->request->on_unknown]);
    if (task->inspected < task->length)
        say("note: the first %s of %s characters are inspected; arrays (npy, csv) hold all",
            progress_number(task->inspected), progress_number(task->length));
    if (task->inspected < SHORT_TEXT)
        say("note: so short a text shows little that could not be chance: inspect %s characters or "
            "more",
            progress_number(SHORT_TEXT));
    if (!task->request->directory && !uses_colour() &&
        (task->request->unit_list || task->request->quantities || task->request->passage))
        say("note: the text is drawn only in colour: on a terminal, or with CLICOLOR_FORCE=1");
}

static int show(struct task *task, const struct inspect_result *result)
{
    task->view.shown = result->shown;
    task->view.num_shown = result->num_shown;
    task->view.text_length = task->length;
    if (choose_signals(task, result) != 0)
        return -1;
    clear_status();
    note_text(task);
    return task->request->directory ? write_files(task, result)
           : uses_colour()          ? terminal_write(&result->inspection, &task->view, stdout)
                                    : terminal_sentences(&result->inspection, stdout);
}

/* --- the command ------------------------------------------------------------------------------ */

/* Refuses an input file that would be overwritten by an output. */
static int check_input(const char *path, const char *directory)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    struct stat input, output;
    char *there = file_join(directory, name);
    const bool same = there && stat(path, &input) == 0 && stat(there, &output) == 0 &&
                      input.st_dev == output.st_dev && input.st_ino == output.st_ino;
    free(there);
    for (const char *const *pattern = view_files; same && *pattern; pattern++)
        if (fnmatch(*pattern, name, 0) == 0)
            return error_set("%s: an output file would replace it: name another directory with -o",
                             path);
    return 0;
}

/* A path may be NULL. */
static int check_inputs(const struct request *request, const char *text)
{
    const char *const inputs[] = {text, request->labels_file};
    for (int k = 0; request->directory && k < 2; k++)
        if (inputs[k] && check_input(inputs[k], request->directory) != 0)
            return -1;
    return 0;
}

/* Notes what is inspected where no FILE was given. */
static void note_part(const struct task *task, const struct corpus *corpus)
{
    const uint64_t held_out = corpus->validation.length;
    clear_status();
    if (held_out == 0)
        say("note: the run held out nothing: this is the end of the text that it was trained on, "
            "of "
            "which the model may know much by heart");
    else if (task->length < held_out && corpus->validation.num_segments > 1)
        say("note: of the %s characters that the run held out, the last ones of each file are "
            "inspected, %s in all",
            progress_number(held_out), progress_number(task->length));
    else if (task->length < held_out)
        say("note: of the %s characters that the run held out, the last %s are inspected",
            progress_number(held_out), progress_number(task->length));
    else
        say("note: the %s characters that the run held out are inspected",
            progress_number(held_out));
}

/* Takes up to INSPECT_LENGTH characters of a part, from the end of each file as many as is its
 * share. */
static int take_part(struct task *task, const struct corpus *corpus, const struct corpus_part *part)
{
    const uint64_t most = part->length < INSPECT_LENGTH ? part->length : INSPECT_LENGTH;
    if (temp_mapping_init(&task->ids, most * sizeof(int32_t), TRACE_IN_MEMORY, NULL) != 0)
        return -1;
    int32_t *const ids = task->ids.bytes;
    task->length = 0;
    for (size_t k = 0; k < part->num_segments; k++) {
        const uint64_t end = part->segments[k].position + part->segments[k].length;
        const size_t share = (size_t)(end * most / part->length) - task->length;
        if (corpus_read(corpus, part, end - share, share, ids + task->length) != 0)
            return -1;
        task->length += share;
    }
    for (size_t k = 0; k < task->length; k++)
        task->num_unknown += ids[k] == task->model->vocab.unknown;
    task->inspected = task->length;
    return 0;
}

/* Takes what the model's run held out or, if that is nothing, the end of its text. */
static int read_part(struct task *task, const char *model_path)
{
    struct corpus corpus = {0};
    int result = trainer_read_corpus(&corpus, model_path, &task->model->vocab);
    const bool held_out = corpus.validation.length > 0;
    if (result == 0)
        result = take_part(task, &corpus, held_out ? &corpus.validation : &corpus.training);
    if (result == 0)
        note_part(task, &corpus);
    task->options.text_name = held_out ? "held-out text" : "end of the training text";
    corpus_release(&corpus);
    return result;
}

static int read_file(struct task *task, const char *path)
{
    const struct encode_options options = {(enum encode_unknown)task->request->on_unknown,
                                           "--on-unknown skip or replace", task->request->encoding};
    char *temp_path = file_temporary("rune-text");
    int result = temp_path ? temp_mapping_init(&task->ids, 0, TRACE_IN_MEMORY, temp_path) : -1;
    if (result == 0)
        result = encode_file(&task->model->vocab, path, &options, &task->ids, &task->length,
                             &task->num_unknown);
    task->ids.path = NULL; /* it is complete */
    free(temp_path);
    if (result == 0 && task->length == 0)
        result = error_set("%s: has no characters to inspect", file_name(path));
    task->inspected = task->length < INSPECT_LENGTH ? task->length : INSPECT_LENGTH;
    task->options.text_name = file_name(path);
    return result;
}

/* `path` is NULL without a FILE. */
static int read_text(struct task *task, const char *model_path, const char *path)
{
    return path ? read_file(task, path) : read_part(task, model_path);
}

/* `path` is NULL without a FILE. */
static int inspect_text(struct task *task, const char *model_path, const char *path)
{
    const struct request *request = task->request;
    struct inspect_result result = {0};
    char *temp_path =
        request->directory ? file_join(request->directory, "trace") : file_temporary("rune-trace");
    task->options.ablation =
        request->directory ? (enum inspect_ablation)request->ablation : INSPECT_ABLATE_NONE;
    task->options.exact = request->exact;
    task->options.ablation_kind = request->clamp == 0 ? ABLATION_ZERO : ABLATION_MEAN;
    task->options.units = request->units;
    task->options.num_units = request->num_units;
    task->options.patterns = request->patterns;
    task->options.num_patterns = request->num_patterns;
    task->options.labels_file = request->labels_file;
    task->options.model_name = model_path;
    task->options.temp_path = temp_path;
    task->options.progress = show_status;
    task->view.columns = request->columns;
    task->view.max_bytes = request->num_units > 0 ? 0 : VIEW_PAGE_BYTES;
    task->view.wrote = print_path;
    int status = temp_path &&
                         find_quantities(task->model->cell, request->quantities,
                                         task->options.quantities) == 0 &&
                         check_inputs(request, path) == 0 &&
                         read_text(task, model_path, path) == 0 && find_passage(task) == 0
                     ? 0
                     : -1;
    task->options.text_length = task->length;
    const size_t kept = request->directory ? file_existing_part(request->directory) : 0;
    if (status == 0 && request->directory) {
        status = file_make_directory(request->directory);
        file_sweep(request->directory);
    }
    if (status == 0)
        status =
            inspect(&result, task->team, task->model, &task->ids, task->inspected, &task->options);
    if (status == 0)
        status = show(task, &result);
    clear_status();
    inspect_release(&result);
    if (status != 0 && request->directory)
        file_unmake_directory(request->directory, kept);
    free(temp_path);
    return status;
}

static int run(const struct request *request, const char *model_path, const char *path)
{
    struct model model = {.training = true, .input_gradient = true};
    struct task task = {.request = request, .model = &model, .start = time(NULL)};
    const struct engine *engine = engine_find(PRECISION_FP32);
    task.team = team_new(request->threads);
    int result = engine && task.team ? model_load(&model, engine, model_path) : -1;
    if (result == 0)
        result = check_units(&model, request);
    if (result == 0)
        result = inspect_text(&task, model_path, path);
    temp_mapping_release(&task.ids);
    free((size_t *)task.view.chosen);
    model_release(&model);
    team_free(task.team);
    return result == 0 ? 0 : STATUS_FAILED;
}

#define AT(field) offsetof(struct request, field)

static struct option_row list[] = {
    {.kind = OPTION_GROUP, .help = "Options:"},
    {"output", 'o', OPTION_TEXT, AT(directory), "DIR", "Write files to DIR",
     .default_text = "print on the terminal"},
    {"format", 'f', OPTION_TEXT, AT(formats), "LIST",
     "What -o writes besides the tables, from page,npy,csv,png,svg,pdf", .default_text = "page"},
    {"units", 'u', OPTION_TEXT, AT(unit_list), "LIST",
     "Units to show, each layer:unit, like 1:37,0:5",
     .default_text = "all, best first; the best in pictures"},
    {"quantities", 'q', OPTION_TEXT, AT(quantities), "LIST",
     "States and gates of the cell to compare and show, like h,c; rune info lists them",
     .default_text = "the states"},
    {"passage", 'p', OPTION_TEXT, AT(passage), "FROM[:LENGTH]",
     "Characters to draw in pictures and on the terminal; their predictions are attributed to "
     "earlier characters",
     .default_text = "the first 2000"},
    {"columns", 0, OPTION_INT, AT(columns), "N",
     "Characters per line in pictures and on the terminal", .min = 8, .max = 1000},
    {.kind = OPTION_GROUP, .help = "Discovery:"},
    {"label", 'l', OPTION_TEXTS, AT(label_texts), "NAME=REGEX",
     "Also look for units that are on where REGEX (PCRE2) matches; may be repeated",
     .default_text = NULL},
    {"labels", 0, OPTION_TEXT, AT(labels_file), "FILE.csv",
     "Also look for units that follow the columns of FILE.csv: a line of names, then a line of "
     "numbers for each character",
     .default_text = NULL},
    {"ablate", 0, OPTION_CHOICE, AT(ablation), "WHICH",
     "With -o, measure the loss without each of these units: none, best (the 32 shown first) or "
     "all",
     .choices = ablation_names},
    {"hold", 0, OPTION_CHOICE, AT(clamp), "AT",
     "What ablated units are clamped to: zero, or mean (their own)", .choices = clamp_names},
    {"exact", 0, OPTION_FLAG, AT(exact), NULL,
     "Ablate in float32. By default bf16 is used where the machine has it and it changes the loss "
     "by less than 1e-3 nats",
     .default_text = NULL},
    {.kind = OPTION_GROUP, .help = "Other:"},
    INPUTS_ENCODING(AT(encoding)),
    INPUTS_ON_UNKNOWN(AT(on_unknown)),
    {"threads", 0, OPTION_INT, AT(threads), "N", "Threads", .default_text = "all cores", .min = 1,
     .max = 1024},
};

int command_inspect(int argc, char **argv)
{
    struct request request = {
        .columns = 80, .threads = team_cores(), .ablation = INSPECT_ABLATE_BEST};
    struct options options = {
        .command = "inspect",
        .usage = "MODEL [FILE] [-o DIR]",
        .summary =
            "Shows what each neuron of a model does while it reads the text of FILE (-: stdin) or, "
            "without FILE, the held-out part of its run's texts, and describes those that follow a "
            "property of the text.",
        .list = list,
        .count = sizeof list / sizeof *list,
        .values = &request,
        .min_arguments = 1,
        .max_arguments = 2,
        .required = "a MODEL",
        .example = "runs/book",
    };
    int status = options_parse(&options, argc, argv);
    if (status == 0 && parse(&request) != 0)
        status = options_status();
    if (status == 0)
        status = run(&request, options.arguments[0], options.arguments[1]);
    release(&request);
    options_release(&options);
    return status < 0 ? 0 : status;
}
