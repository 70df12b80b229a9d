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
#define BREAK_BYTES 64 /* of a text's usual break, at most */

static void add_integer(struct safetensors_out *out, const char *key, long long number)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", number);
    safetensors_add_text(out, key, text);
}

/* --- symbols: hex bytes with a space between -------------------------------------------------- */

/* Adds the symbols of ids[0..count), or of 0 … count − 1 if `ids` is NULL. */
static void add_symbols(struct safetensors_out *out, const char *key, const struct vocab *vocab,
                        const int32_t *ids, int count)
{
    size_t room = 1;
    for (int i = 0; i < count; i++)
        room += 2 * vocab->symbols[ids ? ids[i] : i].length + 1;
    char *text = mem_new(room, 1), *to = text;
    for (int i = 0; text && i < count; i++) {
        const struct vocab_symbol symbol = vocab->symbols[ids ? ids[i] : i];
        for (size_t k = 0; k < symbol.length; k++)
            to += sprintf(to, "%02x", symbol.bytes[k]);
        if (i + 1 < count)
            *to++ = ' ';
    }
    safetensors_add_text(out, key, text);
    free(text);
}

static void add_vocab(struct safetensors_out *out, const struct vocab *vocab)
{
    add_symbols(out, "vocab", vocab, NULL, vocab->size);
    safetensors_add_text(out, "unit", vocab_unit_names[vocab->treatment.unit]);
    safetensors_add_text(out, "normalize", vocab_form_names[vocab->treatment.form]);
    safetensors_add_text(out, "newlines", vocab_newlines_names[vocab->treatment.newlines]);
    safetensors_add_text(out, "strip_bom", vocab->treatment.strip_bom ? "1" : "0");
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

/* How the model treats texts. Older files do not say it of line ends and byte order marks, which
 * are then kept. */
static int read_treatment(const struct safetensors *in, struct text_treatment *treatment)
{
    const char *newlines = safetensors_find_text(in, "newlines"),
               *strip_bom = safetensors_find_text(in, "strip_bom"),
               *unit_name = safetensors_text(in, "unit"),
               *form_name = unit_name ? safetensors_text(in, "normalize") : NULL;
    if (!unit_name || !form_name)
        return -1;
    const int unit = vocab_unit_parse(unit_name),
              form = unit < 0 ? -1 : vocab_form_parse(form_name);
    const int ends = form < 0 ? -1 : newlines ? vocab_newlines_parse(newlines) : VOCAB_KEEP;
    if (ends < 0)
        return error_set("%s: %s", safetensors_path(in), error_message());
    *treatment = (struct text_treatment){.unit = (enum vocab_unit)unit,
                                         .form = (enum utf8_form)form,
                                         .newlines = (enum vocab_newlines)ends,
                                         .strip_bom = strip_bom && strcmp(strip_bom, "1") == 0};
    return 0;
}

static int read_vocab(const struct safetensors *in, struct vocab *vocab)
{
    struct text_treatment treatment;
    long long unknown, size;
    const char *text = safetensors_text(in, "vocab");
    if (!text || read_treatment(in, &treatment) != 0)
        return -1;
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
         (result = vocab_from_symbols(vocab, &treatment, symbols, (int)size, (int)unknown)) != 0))
        error_set("%s: %s", safetensors_path(in), error_message());
    free(symbols);
    free(bytes);
    return result;
}

/* --- opening ---------------------------------------------------------------------------------- */

static void add_opening(struct safetensors_out *out, const struct model *model)
{
    const struct text_break *usual = &model->opening.usual_break;
    add_integer(out, "starts_seen", (long long)model->opening.starts_seen);
    add_symbols(out, "text_break", &model->vocab, usual->ids, (int)usual->length);
}

static int read_break(const char *text, const struct vocab *vocab, struct text_break *found)
{
    struct vocab_symbol symbols[OPENING_MAX] = {0};
    uint8_t bytes[BREAK_BYTES];
    size_t count = *text != '\0';
    for (const char *at = text; *at; at++)
        count += *at == ' ';
    if (count > OPENING_MAX || strlen(text) / 2 > BREAK_BYTES ||
        parse_symbols(text, (long long)count, symbols, bytes) != 0)
        return -1;
    for (; found->length < count; found->length++) {
        const struct vocab_symbol symbol = symbols[found->length];
        const int32_t id =
            symbol.length > 0 ? vocab_find(vocab, symbol.bytes, symbol.length) : VOCAB_NONE;
        if (id == VOCAB_NONE)
            return -1;
        found->ids[found->length] = id;
    }
    return 0;
}

/* Models of earlier versions lack it. */
static int read_opening(const struct safetensors *in, struct model *model)
{
    long long seen;
    const char *const text = safetensors_find_text(in, "text_break");
    if (!text) {
        model->opening = opening_guess(&model->vocab);
        return 0;
    }
    if (safetensors_integer(in, "starts_seen", 0, LLONG_MAX, &seen) != 0)
        return -1;
    model->opening.starts_seen = (uint64_t)seen;
    if (read_break(text, &model->vocab, &model->opening.usual_break) != 0)
        return error_set("%s: is damaged: its \"text_break\" is \"%.40s\"", safetensors_path(in),
                         text);
    return 0;
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
    add_opening(out, model);
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

int checkpoint_describe_model(const struct safetensors *in, const struct engine *engine,
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
    if (result == 0)
        result = read_opening(in, model);
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
    if (checkpoint_describe_model(in, engine, model) != 0)
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

/* "state.h_l0" */
static const char *name_state(const struct layer *layer, int s, char name[48])
{
    snprintf(name, 48, "state.%s_l%d", layer->kind->quantities[s], layer->number);
    return name;
}

void checkpoint_add_training(struct safetensors_out *out, const struct optimizer *optimizer,
                             const struct tape *tape)
{
    char name[48];
    safetensors_add_reals(out, "optimizer.m", optimizer->size, 0, optimizer->m, false);
    safetensors_add_reals(out, "optimizer.v", optimizer->size, 0, optimizer->v, false);
    for (int l = 0; l < tape->model->depth; l++) {
        const struct layer *layer = &tape->layers[l];
        for (int s = 0; s < layer->kind->num_states; s++)
            safetensors_add_reals(out, name_state(layer, s, name), (size_t)layer->B,
                                  (size_t)layer->N, layer_state(layer, s), false);
    }
}

int checkpoint_read_training(const struct safetensors *in, struct optimizer *optimizer,
                             struct tape *tape)
{
    char name[48];
    int result =
        safetensors_read_reals(in, "optimizer.m", optimizer->size, 0, optimizer->m, false) == 0
            ? safetensors_read_reals(in, "optimizer.v", optimizer->size, 0, optimizer->v, false)
            : -1;
    for (int l = 0; l < tape->model->depth; l++) {
        const struct layer *layer = &tape->layers[l];
        for (int s = 0; s < layer->kind->num_states && result == 0; s++)
            result = safetensors_read_reals(in, name_state(layer, s, name), (size_t)layer->B,
                                            (size_t)layer->N, layer_state(layer, s), false);
    }
    return result;
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
            error_set("%s: has no best.safetensors yet: rune train --resume goes on with the run",
                      path);
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

struct safetensors *model_open(const char *path)
{
    char *file = find_file(path);
    struct safetensors *in = file ? safetensors_open(file) : NULL;
    free(file);
    return in;
}
