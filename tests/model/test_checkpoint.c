/* Models in files. */
#include <endian.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "checkpoint.h"
#include "error.h"
#include "parse.h"
#include "scratch.h"
#include "stack.h"

static const struct shape shape = {3, 5, 4, 2, 3, NULL};

/* A model of code points, one of them in four bytes, and the unknown symbol. */
static void make_of(struct stack *stack, const char *cell)
{
    static const struct vocab_symbol symbols[] = {{(const uint8_t *)"\n", 1},
                                                  {(const uint8_t *)"\"", 1},
                                                  {(const uint8_t *)"\xF0\x9F\x98\x80", 4},
                                                  {(const uint8_t *)"\xEF\xBF\xBD", 3}};
    static const struct text_treatment treatment = {
        .form = UTF8_NFC, .newlines = VOCAB_LF, .strip_bom = true, .encoding = "UTF-16"};
    struct shape of_cell = shape;
    of_cell.cell = cell;
    stack_init(stack, engine_at(0), of_cell, 0, 1);
    assert_int_equal(
        vocab_from_symbols(&stack->model.vocab, &treatment, symbols, shape.V, shape.V - 1), 0);
    stack->model.step = 0x123456789a;
    stack->model.val_loss = 1.0 / 3;
    stack->model.opening = (struct opening){.starts_seen = 0x123456789,
                                            .usual_break = {.length = 3, .ids = {1, 0, 0}}};
}

static void make(struct stack *stack)
{
    make_of(stack, NULL);
}

static void assert_same_model(const struct model *a, const struct model *b)
{
    assert_string_equal(a->cell->name, b->cell->name);
    assert_int_equal(a->num_layers, b->num_layers);
    assert_int_equal(a->hidden_size, b->hidden_size);
    assert_int_equal(a->vocab_size, b->vocab_size);
    assert_int_equal(a->step, b->step);
    assert_true(a->val_loss == b->val_loss || (isnan(a->val_loss) && isnan(b->val_loss)));
    for (int k = 0; k < a->params.count; k++) { /* between them the block has padding */
        const struct param *param = &a->params.list[k];
        assert_memory_equal(a->weights + param->offset, b->weights + param->offset,
                            (size_t)param->rows * (size_t)param->columns * sizeof(real));
    }
    assert_int_equal(a->opening.starts_seen, b->opening.starts_seen);
    assert_int_equal(a->opening.usual_break.length, b->opening.usual_break.length);
    assert_memory_equal(a->opening.usual_break.ids, b->opening.usual_break.ids,
                        a->opening.usual_break.length * sizeof(int32_t));
    assert_int_equal(a->vocab.treatment.unit, b->vocab.treatment.unit);
    assert_int_equal(a->vocab.treatment.form, b->vocab.treatment.form);
    assert_int_equal(a->vocab.treatment.newlines, b->vocab.treatment.newlines);
    assert_int_equal(a->vocab.treatment.strip_bom, b->vocab.treatment.strip_bom);
    assert_null(b->vocab.treatment.encoding); /* which is that of a file */
    assert_int_equal(a->vocab.unknown, b->vocab.unknown);
    assert_int_equal(a->vocab.size, b->vocab.size);
    for (int id = 0; id < a->vocab.size; id++) {
        assert_int_equal(a->vocab.symbols[id].length, b->vocab.symbols[id].length);
        assert_memory_equal(a->vocab.symbols[id].bytes, b->vocab.symbols[id].bytes,
                            a->vocab.symbols[id].length);
    }
}

static void a_model_comes_back(void **state)
{
    (void)state;
    struct stack stack;
    make(&stack);
    for (int round = 0; round < 2; round++) {
        struct model loaded = {0};
        assert_int_equal(save_model(&stack.model, scratch_path("best.safetensors")), 0);
        assert_int_equal(model_load(&loaded, engine_at(0), scratch_path("best.safetensors")), 0);
        assert_same_model(&stack.model, &loaded);
        model_release(&loaded);
        assert_int_equal(model_load(&loaded, engine_at(0), scratch_directory), 0); /* as a run */
        assert_same_model(&stack.model, &loaded);
        model_release(&loaded);
        stack.model.val_loss = NAN; /* not measured */
        stack.model.opening = (struct opening){0};
    }
    remove(scratch_path("best.safetensors"));
    struct model none = {0};
    assert_int_equal(model_load(&none, engine_at(0), scratch_directory), -1);
    assert_non_null(strstr(error_message(), "is not a run"));
    model_release(&stack.model);
    model_release(&none);
    stack_release(&stack);
}

static void check_training(const char *cell)
{
    struct random random = {1, 0};
    struct stack trained, read;
    make_of(&trained, cell);
    make_of(&read, cell);
    for (; trained.step < 3; trained.step++) {
        stack_draw(&trained, &random);
        stack_train(&trained);
    }
    struct safetensors_out *out = safetensors_out_new();
    checkpoint_add_model(out, &trained.model);
    checkpoint_add_training(out, &trained.optimizer, &trained.tape);
    assert_int_equal(safetensors_save(out, scratch_path("last")), 0);
    safetensors_out_free(out);

    struct safetensors *in = safetensors_load(scratch_path("last"));
    struct model model = {0};
    assert_int_equal(checkpoint_read_model(in, engine_at(0), &model), 0);
    assert_int_equal(checkpoint_read_training(in, &read.optimizer, &read.tape), 0);
    assert_same_model(&trained.model, &model);
    const size_t size = trained.optimizer.size * sizeof(real);
    assert_memory_equal(read.optimizer.m, trained.optimizer.m, size);
    assert_memory_equal(read.optimizer.v, trained.optimizer.v, size);
    for (int l = 0; l < shape.L; l++)
        for (int s = 0; s < trained.model.cell->num_states; s++)
            assert_memory_equal(tape_state(&read.tape, l, s), tape_state(&trained.tape, l, s),
                                (size_t)(shape.B * shape.H) * sizeof(real));
    safetensors_free(in);
    model_release(&model);

    struct stack wider; /* of another shape: refused */
    stack_init(&wider, engine_at(0), (struct shape){3, 5, 4, 7, 3, cell}, 0, 1);
    in = safetensors_load(scratch_path("last"));
    assert_int_equal(checkpoint_read_training(in, &wider.optimizer, &wider.tape), -1);
    safetensors_free(in);
    stack_release(&wider);
    stack_release(&trained);
    stack_release(&read);
}

static void training_comes_back(void **state)
{
    (void)state;
    for (int c = 0; stack_cell(c); c++)
        check_training(stack_cell(c));
}

/* What a cell was made with is in the file, and what cannot be is refused. */
static void options_of_a_cell_come_back(void **state)
{
    (void)state;
    for (int c = 0; stack_cell(c); c++) {
        const struct layer_kind *cell = engine_at(0)->cells[c];
        for (int k = 0; k < cell->num_options; k++) {
            const struct layer_option *option = &cell->options[k];
            struct stack stack;
            struct model loaded = {0};
            double value;
            make_of(&stack, cell->name);
            stack.model.options[k] = option->choices ? 1 : (option->min + option->max) / 2;
            assert_int_equal(save_model(&stack.model, scratch_path("options")), 0);
            assert_int_equal(model_load(&loaded, engine_at(0), scratch_path("options")), 0);
            assert_true(loaded.options[k] == stack.model.options[k]);
            assert_true(loaded.layers[0].options[k] == stack.model.options[k]);
            assert_int_equal(layer_option_parse(option, "no such", &value), -1);
            assert_non_null(strstr(error_message(), option->name));
            model_release(&loaded);
            stack_release(&stack);
        }
    }
}

static uint8_t *saved_bytes(const struct model *model, size_t *length)
{
    uint8_t *file;
    assert_int_equal(save_model(model, scratch_path("model")), 0);
    assert_int_equal(file_read(scratch_path("model"), &file, length), 0);
    return file;
}

/* Names, shapes and order of torch.nn.LSTM and torch.nn.Linear. */
static void the_layout_is_pytorchs(void **state)
{
    (void)state;
    static const struct {
        const char *name, *shape;
    } arrays[] = {
        {"rnn.weight_ih_l0", "[20,4]"}, {"rnn.weight_hh_l0", "[20,5]"},
        {"rnn.bias_ih_l0", "[20]"},     {"rnn.bias_hh_l0", "[20]"},
        {"rnn.weight_ih_l1", "[20,5]"}, {"rnn.weight_hh_l2", "[20,5]"},
        {"rnn.bias_hh_l2", "[20]"},     {"linear.weight", "[4,5]"},
        {"linear.bias", "[4]"},
    };
    struct stack stack;
    size_t length;
    make(&stack);
    uint8_t *file = saved_bytes(&stack.model, &length);
    for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++) {
        const struct parsed array = parse_array(file, length, arrays[k].name);
        assert_string_equal(array.type, "F32");
        assert_string_equal(array.shape, arrays[k].shape);
    }
    const struct parsed first = parse_array(file, length, "rnn.weight_ih_l0"),
                        second = parse_array(file, length, "rnn.weight_ih_l1"),
                        bias = parse_array(file, length, "rnn.bias_hh_l1");
    const real *in_memory = stack.model.weights + stack.model.params.list[0].offset; /* [V][4H] */
    const real *above = stack.model.weights + stack.model.params.list[3].offset;     /* [4H][H] */
    for (size_t row = 0; row < 20; row++) {
        for (size_t v = 0; v < 4; v++)
            assert_true(parse_float(&first, row * 4 + v) == (float)in_memory[v * 20 + row]);
        for (size_t k = 0; k < 5; k++)
            assert_true(parse_float(&second, row * 5 + k) == (float)above[row * 5 + k]);
        assert_true(parse_float(&bias, row) == 0);
    }
    free(file);
    stack_release(&stack);
}

/* Of PyTorch's two biases this cell has the sum. */
static void both_biases_are_added(void **state)
{
    (void)state;
    struct stack stack;
    struct model loaded = {0};
    size_t length;
    make(&stack);
    uint8_t *file = saved_bytes(&stack.model, &length);
    const struct parsed bias = parse_array(file, length, "rnn.bias_hh_l1");
    memcpy(file + (bias.data - file) + 4 * 7, "\x00\x00\x20\x40", 4); /* 2.5 */
    parse_drop_checksum(file, length);
    scratch_write(scratch_path("model"), file, length);
    assert_int_equal(model_load(&loaded, engine_at(0), scratch_path("model")), 0);
    const size_t at = stack.model.params.list[5].offset;
    for (size_t k = 0; k < 20; k++)
        assert_true(loaded.weights[at + k] == stack.model.weights[at + k] + (k == 7 ? 2.5f : 0));
    model_release(&loaded);
    free(file);
    stack_release(&stack);
}

/* Neither overflows, but their sum does. */
static void the_sum_of_biases_is_finite(void **state)
{
    (void)state;
    struct stack stack;
    struct model loaded = {0};
    size_t length;
    make(&stack);
    stack.model.weights[stack.model.params.list[5].offset + 7] = (real)3e38;
    uint8_t *file = saved_bytes(&stack.model, &length);
    const struct parsed bias = parse_array(file, length, "rnn.bias_hh_l1");
    const float large = 3e38f;
    uint32_t bits; /* files are little-endian */
    memcpy(&bits, &large, sizeof bits);
    bits = htole32(bits);
    memcpy(file + (bias.data - file) + 4 * 7, &bits, sizeof bits);
    parse_drop_checksum(file, length);
    scratch_write(scratch_path("model"), file, length);
    assert_int_equal(model_load(&loaded, engine_at(0), scratch_path("model")), -1);
    assert_non_null(strstr(error_message(), "rnn.bias_hh_l1"));
    assert_non_null(strstr(error_message(), "[7]"));
    free(file);
    stack_release(&stack);
}

/* Describes the model in the file "model". */
static int describe(struct model *model)
{
    struct safetensors *in = model_open(scratch_path("model"));
    const int result = in ? checkpoint_describe_model(in, engine_at(0), model) : -1;
    safetensors_free(in);
    return result;
}

/* What a file says of a model can be had without its weights. */
static void a_model_is_described(void **state)
{
    (void)state;
    struct stack stack;
    struct model described = {0};
    size_t length;
    make(&stack);
    uint8_t *file = saved_bytes(&stack.model, &length);
    const struct parsed first = parse_array(file, length, "rnn.weight_ih_l0");
    memset(file + (first.data - file), 0xFF, first.bytes); /* they are not read */
    scratch_write(scratch_path("model"), file, length);
    assert_int_equal(describe(&described), 0);
    assert_null(described.weights);
    assert_null(described.packed);
    assert_int_equal(described.params.total, stack.model.params.total);
    assert_int_equal(described.step, stack.model.step);
    assert_int_equal(described.vocab.size, stack.model.vocab.size);
    assert_true(described.val_loss == stack.model.val_loss);
    model_release(&described);
    assert_int_equal(model_load(&described, engine_at(0), scratch_path("model")), -1);
    free(file);
    stack_release(&stack);
}

static void no_training_has_so_many_steps(void **state)
{
    (void)state;
    struct stack stack;
    struct model loaded = {0};
    make(&stack);
    stack.model.step = UINT64_C(1) << 62;
    assert_int_equal(save_model(&stack.model, scratch_path("model")), 0);
    assert_int_equal(model_load(&loaded, engine_at(0), scratch_path("model")), -1);
    assert_non_null(strstr(error_message(), "step"));
    assert_int_equal(describe(&loaded), -1);
    stack_release(&stack);
}

/* A small file that claims a model of many gigabytes is refused before memory is taken for it. */
static void claims_take_no_memory(void **state)
{
    (void)state;
    struct stack stack;
    struct model loaded = {0};
    struct rusage before, after;
    make(&stack);
    struct safetensors_out *out = safetensors_out_new();
    checkpoint_add_model(out, &stack.model);
    safetensors_add_text(out, "num_layers", "1000");
    safetensors_add_text(out, "hidden_size", "500");
    assert_int_equal(safetensors_save(out, scratch_path("model")), 0);
    safetensors_out_free(out);
    getrusage(RUSAGE_SELF, &before);
    assert_int_equal(model_load(&loaded, engine_at(0), scratch_path("model")), -1);
    assert_non_null(strstr(error_message(), "[2000, 4]"));
    getrusage(RUSAGE_SELF, &after);
    assert_true(after.ru_maxrss - before.ru_maxrss < 64 << 10); /* kilobytes */
    stack_release(&stack);
}

/* Replaces a text in the header by one of the same length. */
static void replace(uint8_t *file, size_t length, const char *from, const char *to)
{
    assert_int_equal(strlen(from), strlen(to));
    uint8_t *at = memmem(file, length, from, strlen(from));
    assert_non_null(at);
    memcpy(at, to, strlen(to));
}

/* Whatever bit of a file is another one. */
static void damage_is_refused_wherever_it_is(void **state)
{
    (void)state;
    struct stack stack;
    size_t length;
    make(&stack);
    uint8_t *file = saved_bytes(&stack.model, &length);
    for (size_t at = 0; at < length; at++) {
        struct model loaded = {0};
        if (file[at] == ' ' || file[at] == '\n')
            continue; /* white space between values says nothing */
        file[at] ^= (uint8_t)(1 << at % 8);
        scratch_write(scratch_path("model"), file, length);
        if (model_load(&loaded, engine_at(0), scratch_path("model")) == 0)
            fail_msg("byte %zu of %zu is another one, and the model is taken", at, length);
        file[at] ^= (uint8_t)(1 << at % 8);
    }
    free(file);
    stack_release(&stack);
}

static void wrong_configurations_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *says;
    } wrong[] = {
        {"\"format\"", "\"farmot\"", "is not a model of rune"},
        {"\"format_version\":\"1\"", "\"format_version\":\"2\"", "take a newer rune"},
        {"\"cell\":\"lstm\"", "\"cell\":\"lstn\"", "no cell \"lstn\""},
        {"\"num_layers\":\"3\"", "\"num_layers\":\"4\"", "rnn.weight_ih_l3"},
        {"\"num_layers\":\"3\"", "\"num_layers\":\"0\"", "num_layers"},
        {"\"hidden_size\":\"5\"", "\"hidden_size\":\"6\"", "rnn.weight_ih_l0"},
        {"\"hidden_size\":\"5\"", "\"hidden_size\":\"x\"", "hidden_size"},
        {"\"vocab_size\":\"4\"", "\"vocab_size\":\"3\"", "unknown_id"},
        {"\"vocab_size\":\"4\"", "\"vocab_size\":\"9\"", "vocab"},
        {"\"vocab\":\"0a 22", "\"vocab\":\"0a 0a", "model: "},
        {"\"vocab\":\"0a 22", "\"vocab\":\"0a 2g", "vocabulary is damaged"},
        {"\"unknown_id\":\"3\"", "\"unknown_id\":\"4\"", "unknown_id"},
        {"\"unit\":\"codepoint\"", "\"unit\":\"codepaint\"", "codepaint"},
        {"\"normalize\":\"nfc\"", "\"normalize\":\"nfd\"", "nfd"},
        {"\"text_break\":\"22 0a", "\"text_break\":\"22 0b", "its \"text_break\" is \"22 0b 0a\""},
        {"\"text_break\":\"22 0a", "\"text_break\":\"22 0g", "its \"text_break\" is"},
        {"\"text_break\":\"22 0a", "\"text_break\":\"22   ", "its \"text_break\" is"},
        {"\"text_break\":\"22 0a 0a", "\"text_break\":\"22 0a 0 ", "its \"text_break\" is"},
        {"\"starts_seen\":\"4886718345\"", "\"starts_seen\":\"-886718345\"", "starts_seen"},
        {"\"step\"", "\"stop\"", "no array \"step\""},
        {"linear.bias", "linear.bios", "no array \"linear.bias\""},
    };
    struct stack stack;
    size_t length;
    make(&stack);
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        struct model loaded = {0};
        uint8_t *file = saved_bytes(&stack.model, &length);
        parse_drop_checksum(file, length);
        replace(file, length, wrong[k].from, wrong[k].to);
        scratch_write(scratch_path("model"), file, length);
        assert_int_equal(model_load(&loaded, engine_at(0), scratch_path("model")), -1);
        if (!strstr(error_message(), wrong[k].says))
            fail_msg("%s: \"%s\" does not say \"%s\"", wrong[k].to, error_message(), wrong[k].says);
        model_release(&loaded);
        free(file);
    }
    stack_release(&stack);
}

/* Nothing is known of the text but its vocabulary. */
static void a_model_without_an_opening_gets_one(void **state)
{
    (void)state;
    struct model loaded = {0};
    struct stack stack;
    size_t length;
    make(&stack);
    uint8_t *file = saved_bytes(&stack.model, &length);
    parse_drop_checksum(file, length);
    replace(file, length, "\"text_break\"", "\"text_brook\"");
    scratch_write(scratch_path("model"), file, length);
    assert_int_equal(model_load(&loaded, engine_at(0), scratch_path("model")), 0);
    assert_int_equal(loaded.opening.starts_seen, 0);
    assert_int_equal(loaded.opening.usual_break.length, 1);
    assert_int_equal(loaded.opening.usual_break.ids[0], 0); /* a line end */
    model_release(&loaded);
    free(file);
    stack_release(&stack);
}

static void a_break_is_not_too_long(void **state)
{
    (void)state;
    struct stack stack;
    size_t length;
    make(&stack);
    struct text_break *usual = &stack.model.opening.usual_break;
    usual->length = OPENING_MAX;
    for (int k = 0; k < OPENING_MAX; k++)
        usual->ids[k] = 2; /* in four bytes */
    for (int longer = 0; longer < 2; longer++) {
        struct model loaded = {0};
        uint8_t *file = saved_bytes(&stack.model, &length);
        parse_drop_checksum(file, length);
        if (longer)
            replace(file, length, "f09f9880 f09f9880", "f09f9880 0a 0a 0a");
        scratch_write(scratch_path("model"), file, length);
        assert_int_equal(model_load(&loaded, engine_at(0), scratch_path("model")), longer ? -1 : 0);
        if (longer)
            assert_non_null(strstr(error_message(), "text_break"));
        model_release(&loaded);
        free(file);
    }
    stack_release(&stack);
}

/* The unknown symbol is never drawn: alone it makes no vocabulary. */
static void there_is_a_symbol_to_draw(void **state)
{
    (void)state;
    for (int unknown = VOCAB_NONE; unknown <= 0; unknown++) {
        const struct vocab_symbol symbol = {(const uint8_t *)"a", 1};
        struct model loaded = {0};
        struct stack stack;
        stack_init(&stack, engine_at(0), (struct shape){1, 2, 1, 1, 1, NULL}, 0, 1);
        assert_int_equal(vocab_from_symbols(&stack.model.vocab, &(struct text_treatment){0},
                                            &symbol, 1, unknown),
                         0);
        assert_int_equal(save_model(&stack.model, scratch_path("model")), 0);
        assert_int_equal(model_load(&loaded, engine_at(0), scratch_path("model")),
                         unknown == VOCAB_NONE ? 0 : -1);
        model_release(&loaded);
        stack_release(&stack);
    }
}

/* Cut and damaged files are refused, or are a model of some kind; they never crash. */
static void damage_does_no_harm(void **state)
{
    (void)state;
    struct stack stack;
    struct random random = {5, 0};
    size_t length;
    make(&stack);
    uint8_t *file = saved_bytes(&stack.model, &length), *damaged = malloc(length);
    const size_t header = parse_header(file, length);
    for (size_t cut = 0; cut < length; cut += cut < header + 4 ? 1 : 1 + length / 97) {
        struct model loaded = {0};
        scratch_write(scratch_path("cut"), file, cut);
        assert_int_equal(model_load(&loaded, engine_at(0), scratch_path("cut")), -1);
    }
    for (int round = 0; round < 10000; round++) {
        struct model loaded = {0};
        memcpy(damaged, file, length);
        for (int flips = 1 + random_below(&random, 2); flips > 0; flips--)
            damaged[random_below(&random, (int)header)] ^=
                (uint8_t)(1 + random_below(&random, 255));
        scratch_write(scratch_path("damaged"), damaged, length);
        error_set("%s", "");
        if (model_load(&loaded, engine_at(0), scratch_path("damaged")) == 0)
            assert_int_equal(loaded.params.total > 0, 1);
        else
            assert_true(strlen(error_message()) > 0);
        model_release(&loaded);
    }
    free(file);
    free(damaged);
    stack_release(&stack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_comes_back),
        cmocka_unit_test(training_comes_back),
        cmocka_unit_test(options_of_a_cell_come_back),
        cmocka_unit_test(the_layout_is_pytorchs),
        cmocka_unit_test(both_biases_are_added),
        cmocka_unit_test(the_sum_of_biases_is_finite),
        cmocka_unit_test(a_model_is_described),
        cmocka_unit_test(no_training_has_so_many_steps),
        cmocka_unit_test(claims_take_no_memory),
        cmocka_unit_test(damage_is_refused_wherever_it_is),
        cmocka_unit_test(wrong_configurations_are_told),
        cmocka_unit_test(a_model_without_an_opening_gets_one),
        cmocka_unit_test(a_break_is_not_too_long),
        cmocka_unit_test(there_is_a_symbol_to_draw),
        cmocka_unit_test(damage_does_no_harm),
    };
    return cmocka_run_group_tests_name("checkpoint", tests, scratch_make, scratch_remove);
}
