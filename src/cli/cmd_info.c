#include <jansson.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "about.h"
#include "checkpoint.h"
#include "commands.h"
#include "error.h"
#include "glyph.h"
#include "options.h"
#include "origin.h"
#include "progress.h"
#include "say.h"

struct request {
    bool json;
};

struct description {
    struct model model; /* without weights */
    struct origin origin;
    double seconds; /* of training; NAN if unknown */
};

/* Adds a key; takes the value. Returns the object; or NULL, both released, if memory runs out. */
static json_t *with(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) == 0)
        return object;
    json_decref(object);
    return NULL;
}

/* {"nonlinearity": "tanh", …} */
static json_t *cell_options_json(const struct model *model)
{
    json_t *object = json_object();
    for (int k = 0; object && k < model->cell->num_options; k++) {
        const struct layer_option *option = &model->cell->options[k];
        char text[64];
        layer_option_print(option, model->options[k], text, sizeof text);
        object = with(object, option->name,
                      option->choices ? json_string(text) : json_real(model->options[k]));
    }
    return object;
}

/* {"h": "hidden state", …} */
static json_t *quantities_json(const struct layer_kind *cell)
{
    json_t *object = json_object();
    for (int q = 0; object && q < cell->num_states + cell->num_gates; q++)
        object = with(object, cell->quantities[q], json_string(cell->descriptions[q]));
    return object;
}

/* ["step 1200: learning-rate 0.01 to 0.003", …] */
static json_t *history_json(const struct model *model)
{
    json_t *list = json_array();
    const char *at = model->history ? model->history : "";
    for (size_t length; list && *at; at += length + (at[length] == '\n')) {
        length = strcspn(at, "\n");
        json_array_append_new(list, json_stringn(at, length));
    }
    return list;
}

/* A number, left out (NULL is no key) where it is not known. */
static json_t *known(double number)
{
    return isnan(number) ? NULL : json_real(number);
}

/* Adds what is known of the training. */
static json_t *with_origin(json_t *object, const struct description *about)
{
    const struct origin *origin = &about->origin;
    const struct plan *plan = &origin->plan;
    json_t *more =
        origin->text
            ? json_pack(
                  "{s:s?, s:o*, s:{s:s, s:I, s:I, s:I, s:I}, s:{s:s, s:f, s:s, s:I, s:f, s:f, "
                  "s:f, s:i, s:i, s:f, s:s, s:f, s:I}, s:f, s:f, s:s*}",
                  "version", origin->version, "seconds", known(about->seconds), "text", "name",
                  origin->text, "files", (json_int_t)origin->num_files, "bytes",
                  (json_int_t)origin->bytes, "training", (json_int_t)origin->training, "held_out",
                  (json_int_t)origin->held_out, "fit", "optimizer", optim_names[plan->optim.kind],
                  "learning_rate", plan->schedule.rate, "schedule",
                  schedule_names[plan->schedule.kind], "warmup", (json_int_t)plan->schedule.warmup,
                  "weight_decay", plan->optim.weight_decay, "clip_norm", plan->optim.clip_norm,
                  "clip_value", plan->optim.clip_value, "batch_size", plan->batch_size,
                  "seq_length", plan->seq_length, "dropout", plan->dropout, "precision",
                  precision_names[plan->precision], "val_fraction", plan->val_fraction, "seed",
                  (json_int_t)plan->seed, "uniform_loss", log(about->model.vocab_size),
                  "unigram_loss", origin->unigram_loss, "init_from", origin->init_from)
            : json_object();
    const bool failed = !object || !more || json_object_update(object, more) != 0;
    json_decref(more);
    if (!failed)
        return object;
    json_decref(object);
    return NULL;
}

static int print_json(const struct description *about)
{
    const struct model *model = &about->model;
    json_t *object = json_pack(
        "{s:s, s:o, s:o, s:i, s:i, s:i, s:I, s:s, s:s, s:s, s:b, s:I, s:o, s:o}", "cell",
        model->cell->name, "cell_options", cell_options_json(model), "quantities",
        quantities_json(model->cell), "num_layers", model->num_layers, "hidden_size",
        model->hidden_size, "vocab_size", model->vocab_size, "parameters",
        (json_int_t)model->params.total, "unit", vocab_unit_names[model->vocab.treatment.unit],
        "normalize", vocab_form_names[model->vocab.treatment.form], "newlines",
        vocab_newlines_names[model->vocab.treatment.newlines], "strip_bom",
        (int)model->vocab.treatment.strip_bom, "step", (json_int_t)model->step, "val_loss",
        about_number(model->val_loss), "history", history_json(model));
    object = with_origin(object, about);
    const bool failed = !object || json_dumpf(object, stdout, JSON_INDENT(2)) != 0;
    json_decref(object);
    putchar('\n');
    return failed ? error_set("the description could not be written") : 0;
}

static void print_history(const struct model *model)
{
    const char *at = model->history ? model->history : "";
    for (size_t length; *at; at += length + (at[length] == '\n')) {
        length = strcspn(at, "\n");
        printf("%-12s", at == model->history ? "changed" : "");
        say_text(stdout, at, length);
        putchar('\n');
    }
}

/* "name, and 3 other files: 1,000 characters, 1,010 bytes" */
static int print_sources(const struct origin *origin)
{
    char *name = glyph_shown(origin->text, strlen(origin->text));
    if (!name)
        return -1;
    printf("text        %s", name);
    if (origin->num_files > 1)
        printf(" and %s more", progress_number(origin->num_files - 1));
    printf(": %s characters, %s bytes\n", progress_number(origin->training + origin->held_out),
           progress_number(origin->bytes));
    printf("split       %s characters to train on, ", progress_number(origin->training));
    if (origin->held_out > 0)
        printf("%s held out: the last %g %% of each file\n", progress_number(origin->held_out),
               100 * origin->plan.val_fraction);
    else
        puts("none held out");
    free(name);
    return 0;
}

static int print_fit(const struct origin *origin)
{
    const struct plan *plan = &origin->plan;
    printf(
        "fit         %s, learning rate %g (%s, warm-up of %s steps), %d streams of %d characters,\n"
        "            dropout %g",
        optim_names[plan->optim.kind], plan->schedule.rate, schedule_names[plan->schedule.kind],
        progress_number(plan->schedule.warmup), plan->batch_size, plan->seq_length, plan->dropout);
    if (plan->optim.weight_decay > 0)
        printf(", weight decay %g", plan->optim.weight_decay);
    if (plan->optim.clip_norm > 0)
        printf(", clipped to a norm of %g", plan->optim.clip_norm);
    if (plan->optim.clip_value > 0)
        printf(", clipped to ±%g", plan->optim.clip_value);
    printf(", %s, seed %llu\n", precision_names[plan->precision], (unsigned long long)plan->seed);
    char *name =
        origin->init_from ? glyph_shown(origin->init_from, strlen(origin->init_from)) : NULL;
    if (name)
        printf("            from the model %s\n", name);
    const bool failed = origin->init_from && !name;
    free(name);
    return failed ? -1 : 0;
}

static void print_trained(const struct description *about)
{
    const double seconds = about->seconds;
    printf("trained     %llu steps", (unsigned long long)about->model.step);
    if (seconds >= 3600)
        printf(" in %.0f h %02.0f min", floor(seconds / 3600), floor(fmod(seconds, 3600) / 60));
    else if (seconds >= 60)
        printf(" in %.0f min %02.0f s", floor(seconds / 60), floor(fmod(seconds, 60)));
    else if (!isnan(seconds))
        printf(" in %.1f s", seconds);
    putchar('\n');
}

static void print_loss(const char *name, double loss, const char *what)
{
    printf("%-11s %.4f nats, %.3f bits per character%s\n", name, loss, loss / log(2), what);
}

static void print_losses(const struct description *about)
{
    const struct model *model = &about->model;
    if (isfinite(model->val_loss))
        print_loss("val_loss", model->val_loss, "");
    if (!about->origin.text)
        return;
    print_loss("unigram", about->origin.unigram_loss, ", guessing by frequency alone");
    print_loss("uniform", log(model->vocab_size), ", guessing blindly");
}

static void print_vocab(const struct vocab *vocab)
{
    char name[64];
    printf("vocabulary  %d symbols (%s, normalised: %s, line ends: %s%s):", vocab->size,
           vocab_unit_names[vocab->treatment.unit], vocab_form_names[vocab->treatment.form],
           vocab_newlines_names[vocab->treatment.newlines],
           vocab->treatment.strip_bom ? ", without byte order mark" : "");
    for (int id = 0; id < vocab->size; id++)
        printf(" %s", id == vocab->unknown
                          ? "(unknown)"
                          : vocab_describe(vocab->treatment.unit, vocab->symbols[id].bytes,
                                           vocab->symbols[id].length, name, sizeof name));
    putchar('\n');
}

static int print_text(const struct description *about)
{
    const struct model *model = &about->model;
    const struct origin *origin = &about->origin;
    char name[64];
    printf("cell        %s", model->cell->name);
    for (int k = 0; k < model->cell->num_options; k++) {
        layer_option_print(&model->cell->options[k], model->options[k], name, sizeof name);
        printf(", %s %s", model->cell->options[k].name, name);
    }
    printf("\nlayers      %d of %d units\nparameters  %zu\nquantities ", model->num_layers,
           model->hidden_size, model->params.total);
    for (int q = 0; q < model->cell->num_states + model->cell->num_gates; q++)
        printf("%s %s %s", q ? "," : "", model->cell->quantities[q], model->cell->descriptions[q]);
    putchar('\n');
    if (origin->text && (print_sources(origin) != 0 || print_fit(origin) != 0))
        return -1;
    print_trained(about);
    print_losses(about);
    print_history(model);
    if (origin->version)
        printf("version     rune %s\n", origin->version);
    print_vocab(&model->vocab);
    return 0;
}

static int run(const char *path, bool json)
{
    struct description about = {0};
    const struct engine *engine = engine_find(PRECISION_FP32);
    struct safetensors *in = engine ? model_open(path) : NULL;
    int result = in ? checkpoint_describe_model(in, engine, &about.model) : -1;
    if (result == 0)
        result = origin_load(&about.origin, in);
    if (result == 0)
        result = origin_seconds(path, about.model.step, &about.seconds);
    if (result == 0)
        result = json ? print_json(&about) : print_text(&about);
    safetensors_free(in);
    origin_release(&about.origin);
    model_release(&about.model);
    return result == 0 ? 0 : STATUS_FAILED;
}

#define AT(field) offsetof(struct request, field)

static struct option_row list[] = {
    {.kind = OPTION_GROUP, .help = "Options:"},
    {"json", 0, OPTION_FLAG, AT(json), NULL, "Print a JSON object", .default_text = NULL},
};

int command_info(int argc, char **argv)
{
    struct request request = {0};
    struct options options = {
        .command = "info",
        .usage = "MODEL",
        .summary = "Describes a model: its shape, the text and options of its training, and its "
                   "loss beside that "
                   "of guessing. MODEL is a .safetensors file or the directory of a run.",
        .list = list,
        .count = sizeof list / sizeof *list,
        .values = &request,
        .min_arguments = 1,
        .max_arguments = 1,
        .required = "a MODEL",
        .example = "runs/book",
    };
    int status = options_parse(&options, argc, argv);
    if (status == 0)
        status = run(options.arguments[0], request.json);
    options_release(&options);
    return status < 0 ? 0 : status;
}
