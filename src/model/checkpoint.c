#include "checkpoint.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "error.h"
#include "file.h"
#include "mem.h"

/* Updates of any training, were it to last for ages. */
#define MOST_STEPS 1000000000000000

static void add_integer(struct safetensors_out *out, const char *key, long long number)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", number);
    safetensors_add_text(out, key, text);
}

/* --- vocabulary: symbols as hex bytes with a space between ------------------------------------ */

static void add_vocab(struct safetensors_out *out, const struct vocab *vocab)
{
    size_t room = 1;
    for (int id = 0; id < vocab->size; id++)
        room += 2 * vocab->symbols[id].length + 1;
    char *text = mem_new(room, 1), *to = text;
    for (int id = 0; text && id < vocab->size; id++) {
        for (size_t k = 0; k < vocab->symbols[id].length; k++)
            to += sprintf(to, "%02x", vocab->symbols[id].bytes[k]);
        if (id + 1 < vocab->size)
            *to++ = ' ';
    }
    safetensors_add_text(out, "vocab", text);
    free(text);
    safetensors_add_text(out, "unit", vocab_unit_name(vocab->unit));
    safetensors_add_text(out, "normalize", vocab_form_name(vocab->form));
    safetensors_add_text(out, "unicode_version", utf8_unicode_version());
    add_integer(out, "unknown_id", vocab->unknown);
}

static int hex_digit(char digit)
{
    const char *const digits = "0123456789abcdef", *at = digit ? strchr(digits, digit) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* Fills symbols[count] with stretches of `bytes`, which has half as much room as the text is long.
 */
static int parse_symbols(const char *text, long long count, struct vocab_symbol *symbols,
                         uint8_t *bytes)
{
    for (long long id = 0; id < count; id++) {
        symbols[id].bytes = bytes;
        for (; *text && *text != ' '; text += 2) {
            int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);
            if (low < 0)
                return error_set("its vocabulary is damaged");
            *bytes++ = (uint8_t)(high << 4 | low);
        }
        symbols[id].length = (size_t)(bytes - symbols[id].bytes);
        text += *text == ' ';
    }
    return *text ? error_set("its vocabulary has more than vocab_size symbols") : 0;
}

static int read_vocab(const struct safetensors *in, struct vocab *vocab)
{
    enum vocab_unit unit;
    enum utf8_form form;
    long long unknown, size;
    const char *text = safetensors_text(in, "vocab"), *unit_name = safetensors_text(in, "unit"),
               *form_name = safetensors_text(in, "normalize");
    if (!text || !unit_name || !form_name)
        return -1;
    if (vocab_unit_parse(unit_name, &unit) != 0 || vocab_form_parse(form_name, &form) != 0)
        return error_set("%s: %s", safetensors_path(in), error_message());
    if (safetensors_integer(in, "vocab_size", 1, (long long)strlen(text) / 2 + 1, &size) != 0 ||
        /* beside the unknown symbol there is one to be drawn */
        safetensors_integer(in, "unknown_id", VOCAB_NONE, size > 1 ? size - 1 : VOCAB_NONE,
                            &unknown) != 0)
        return -1;
    struct vocab_symbol *symbols = mem_new((size_t)size, sizeof *symbols);
    uint8_t *bytes = mem_new(strlen(text) / 2 + 1, 1);
    int result = -1;
    if (symbols && bytes &&
        (parse_symbols(text, size, symbols, bytes) != 0 ||
         (result = vocab_from_symbols(vocab, unit, form, symbols, (int)size, (int)unknown)) != 0))
        error_set("%s: %s", safetensors_path(in), error_message());
    free(symbols);
    free(bytes);
    return result;
}

/* --- model ------------------------------------------------------------------------------------ */

void checkpoint_add_model(struct safetensors_out *out, const struct model *model)
{
    char number[32];
    safetensors_add_text(out, "format", "rune");
    add_integer(out, "format_version", CHECKPOINT_VERSION);
    safetensors_add_text(out, "cell", model->cell->name);
    add_integer(out, "num_layers", model->num_layers);
    add_integer(out, "hidden_size", model->hidden_size);
    add_integer(out, "vocab_size", model->vocab_size);
    for (int k = 0; k < model->cell->num_options; k++) {
        const struct layer_option *option = &model->cell->options[k];
        layer_option_print(option, model->options[k], number, sizeof number);
        safetensors_add_text(out, option->name, number);
    }
    snprintf(number, sizeof number, "%.17g", model->val_loss);
    safetensors_add_text(out, "val_loss", number);
    if (model->history)
        safetensors_add_text(out, "history", model->history);
    add_vocab(out, &model->vocab);
    safetensors_add_u64(out, "step", 1, &model->step);
    for (int k = 0; k < model->params.count; k++) {
        const struct param *param = &model->params.list[k];
        const size_t rows = (size_t)param->rows,
                     columns = param->vector ? 0 : (size_t)param->columns;
        safetensors_add_reals(out, param->name, rows, columns, model->weights + param->offset,
                              param->transposed);
        if (param->zero_bias[0])
            safetensors_add_reals(out, param->zero_bias, rows, columns, NULL, false);
    }
}

static int check_param(const struct safetensors *in, const struct param *param)
{
    const size_t rows = (size_t)param->rows, columns = param->vector ? 0 : (size_t)param->columns;
    if (safetensors_check_reals(in, param->name, rows, columns) != 0)
        return -1;
    return param->zero_bias[0] ? safetensors_check_reals(in, param->zero_bias, rows, 0) : 0;
}

static int read_param(const struct safetensors *in, const struct param *param, real *weights)
{
    const size_t rows = (size_t)param->rows, columns = param->vector ? 0 : (size_t)param->columns;
    if (safetensors_read_reals(in, param->name, rows, columns, weights, param->transposed) != 0)
        return -1;
    if (!param->zero_bias[0])
        return 0;
    real *zero_bias = mem_new(rows, sizeof *zero_bias);
    int result =
        zero_bias ? safetensors_read_reals(in, param->zero_bias, rows, 0, zero_bias, false) : -1;
    for (size_t k = 0; result == 0 && k < rows; k++) {
        weights[k] += zero_bias[k];
        if (!isfinite((float)weights[k]))
            result = error_set("%s: the sum of \"%s\" and \"%s\" is not finite, at [%zu]: the file "
                               "is damaged",
                               safetensors_path(in), param->name, param->zero_bias, k);
    }
    free(zero_bias);
    return result;
}

/* What the file does not name is as it is by default: the file may be older than the option. */
static int read_options(const struct safetensors *in, const struct layer_kind *cell,
                        double options[LAYER_OPTIONS])
{
    for (int k = 0; k < cell->num_options; k++) {
        const char *text = safetensors_find_text(in, cell->options[k].name);
        options[k] = cell->options[k].default_value;
        if (text && layer_option_parse(&cell->options[k], text, &options[k]) != 0)
            return error_set("%s: %s", safetensors_path(in), error_message());
    }
    return 0;
}

/* All but the weights, which must be there, each in its shape. */
static int read_shape(const struct safetensors *in, const struct engine *engine,
                      struct model *model)
{
    long long version, layers, hidden;
    struct vocab vocab = {0};
    const char *format = safetensors_text(in, "format"), *name;
    double options[LAYER_OPTIONS];
    if (!format || safetensors_integer(in, "format_version", 1, LLONG_MAX, &version) != 0)
        return -1;
    if (version > CHECKPOINT_VERSION)
        return error_set(
            "%s: is of format version %lld, and this rune reads up to %d: take a newer rune",
            safetensors_path(in), version, CHECKPOINT_VERSION);
    if (!(name = safetensors_text(in, "cell")))
        return -1;
    const struct layer_kind *cell = engine_cell(engine, name);
    if (!cell)
        return error_set("%s: %s", safetensors_path(in), error_message());
    if (read_options(in, cell, options) != 0 ||
        safetensors_integer(in, "num_layers", 1, 1000, &layers) != 0 ||
        safetensors_integer(in, "hidden_size", 1, 1 << 20, &hidden) != 0 ||
        read_vocab(in, &vocab) != 0)
        return -1;
    if (model_init(model, engine, name, options, (int)layers, (int)hidden, vocab.size, &vocab) !=
        0) {
        vocab_release(&vocab);
        return -1;
    }
    int result = safetensors_read_u64(in, "step", 1, &model->step);
    if (result == 0 && model->step > MOST_STEPS)
        result = error_set("%s: its step, %llu, is more than any training has: the file is damaged",
                           safetensors_path(in), (unsigned long long)model->step);
    if (result == 0)
        result = safetensors_number(in, "val_loss", &model->val_loss);
    const char *const history = result == 0 ? safetensors_find_text(in, "history") : NULL;
    if (history && !(model->history = mem_copy(history, strlen(history))))
        result = -1;
    for (int k = 0; k < model->params.count && result == 0; k++)
        result = check_param(in, &model->params.list[k]);
    if (result != 0)
        model_release(model);
    return result;
}

int checkpoint_read_model(const struct safetensors *in, const struct engine *engine,
                          struct model *model)
{
    if (read_shape(in, engine, model) != 0)
        return -1;
    int result = model_allocate(model);
    for (int k = 0; k < model->params.count && result == 0; k++)
        result =
            read_param(in, &model->params.list[k], model->weights + model->params.list[k].offset);
    if (result != 0)
        model_release(model);
    return result;
}

/* --- training --------------------------------------------------------------------------------- */

/* Calls `each` for every state of the chain, named "state.h_l0", until it returns other than 0. */
static int each_state(const struct tape *tape, void *context,
                      int (*each)(void *context, const char *name, const struct layer *layer,
                                  real *state))
{
    for (int l = 0; l < tape->model->depth; l++)
        for (int s = 0; s < tape->layers[l].kind->num_states; s++) {
            const struct layer *layer = &tape->layers[l];
            char name[48];
            snprintf(name, sizeof name, "state.%s_l%d", layer->kind->quantities[s], layer->number);
            if (each(context, name, layer, layer_state(layer, s)) != 0)
                return -1;
        }
    return 0;
}

static int add_state(void *out, const char *name, const struct layer *layer, real *state)
{
    safetensors_add_reals(out, name, (size_t)layer->B, (size_t)layer->N, state, false);
    return 0;
}

static int read_state(void *in, const char *name, const struct layer *layer, real *state)
{
    return safetensors_read_reals(*(const struct safetensors **)in, name, (size_t)layer->B,
                                  (size_t)layer->N, state, false);
}

void checkpoint_add_training(struct safetensors_out *out, const struct optimizer *optimizer,
                             const struct tape *tape)
{
    safetensors_add_reals(out, "optimizer.m", optimizer->size, 0, optimizer->m, false);
    safetensors_add_reals(out, "optimizer.v", optimizer->size, 0, optimizer->v, false);
    each_state(tape, out, add_state);
}

int checkpoint_read_training(const struct safetensors *in, struct optimizer *optimizer,
                             struct tape *tape)
{
    if (safetensors_read_reals(in, "optimizer.m", optimizer->size, 0, optimizer->m, false) != 0 ||
        safetensors_read_reals(in, "optimizer.v", optimizer->size, 0, optimizer->v, false) != 0)
        return -1;
    return each_state(tape, &in, read_state);
}

/* --- files ------------------------------------------------------------------------------------ */

/* The file of a model, or of the best one in a run directory, in new memory. NULL and a message if
 * there is none. */
static char *find_file(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode))
        return mem_copy(path, strlen(path));
    char *inside = file_join(path, "best.safetensors");
    if (inside && stat(inside, &status) != 0) {
        free(inside);
        if ((inside = file_join(path, "last.safetensors")) && stat(inside, &status) == 0)
            error_set("%s: has no best.safetensors yet: rune train --resume goes on with it", path);
        else
            error_set("%s: is not a run: it has no best.safetensors", path);
        free(inside);
        inside = NULL;
    }
    return inside;
}

int model_load(struct model *model, const struct engine *engine, const char *path)
{
    char *file = find_file(path);
    struct safetensors *in = file ? safetensors_load(file) : NULL;
    int result = in ? checkpoint_read_model(in, engine, model) : -1;
    safetensors_free(in);
    free(file);
    return result;
}

int model_describe(struct model *model, const struct engine *engine, const char *path)
{
    char *file = find_file(path);
    struct safetensors *in = file ? safetensors_open(file) : NULL;
    int result = in ? read_shape(in, engine, model) : -1;
    safetensors_free(in);
    free(file);
    return result;
}

int model_save(const struct model *model, const char *path)
{
    struct safetensors_out *out = safetensors_out_new();
    if (!out)
        return -1;
    checkpoint_add_model(out, model);
    int result = safetensors_save(out, path);
    safetensors_out_free(out);
    return result;
}
