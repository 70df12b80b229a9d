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
#include "options.h"
#include "say.h"

struct request {
    bool json;
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

static int print_json(const struct model *model)
{
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

static void print_text(const struct model *model)
{
    const struct vocab *vocab = &model->vocab;
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
    printf("trained     %llu steps\n", (unsigned long long)model->step);
    if (isfinite(model->val_loss))
        printf("val_loss    %.4f nats, %.3f bits per character\n", model->val_loss,
               model->val_loss / log(2));
    print_history(model);
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

static int run(const char *path, bool json)
{
    struct model model = {0};
    const struct engine *engine = engine_find(PRECISION_FP32);
    int result = engine ? model_describe(&model, engine, path) : -1;
    if (result == 0 && json)
        result = print_json(&model);
    else if (result == 0)
        print_text(&model);
    model_release(&model);
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
        .summary = "Describes a model. MODEL is a .safetensors file or the directory of a run.",
        .list = list,
        .count = sizeof list / sizeof *list,
        .values = &request,
        .min_arguments = 1,
        .max_arguments = 1,
        .required = "a MODEL",
    };
    int status = options_parse(&options, argc, argv);
    if (status == 0)
        status = run(options.arguments[0], request.json);
    options_release(&options);
    return status < 0 ? 0 : status;
}
