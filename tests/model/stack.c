#include "stack.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "checkpoint.h"

#define SEED 9
#define RATE 0.01

const char *stack_cell(int k)
{
    const struct layer_kind *cell = engine_at(0)->cells[k];
    return cell ? cell->name : NULL;
}

/* Twice the usual size, far from where everything is linear. */
static void draw_weights(struct model *model)
{
    struct random random = {SEED, 0};
    const double bound = 2 / sqrt(model->hidden_size);
    for (int p = 0; p < model->params.count; p++) {
        const struct param *param = &model->params.list[p];
        for (size_t k = 0; k < (size_t)param->rows * (size_t)param->columns; k++)
            model->weights[param->offset + k] = (real)random_between(&random, -bound, bound);
    }
}

static void init(struct stack *stack, const struct engine *engine, struct shape shape,
                 double dropout, int threads, bool input_gradient)
{
    const size_t rows = (size_t)shape.B * (size_t)shape.T;
    memset(stack, 0, sizeof *stack);
    struct model *model = &stack->model;
    model->training = true;
    model->input_gradient = input_gradient;
    assert_int_equal(model_init(model, engine, shape.cell ? shape.cell : "lstm", NULL, shape.L,
                                shape.H, shape.V, NULL),
                     0);
    assert_int_equal(model_allocate(model), 0);
    model->vocab.unknown = VOCAB_NONE;
    draw_weights(model);
    assert_int_equal(tape_init(&stack->tape, model, shape.B, shape.T, true, dropout), 0);
    const struct optim optim = {.kind = OPTIM_ADAM, .clip_norm = 0.5};
    assert_int_equal(optimizer_init(&stack->optimizer, &optim, model), 0);
    stack->team = team_new(threads);
    stack->x = calloc(rows, sizeof *stack->x);
    stack->y = calloc(rows, sizeof *stack->y);
    stack->reset = calloc((size_t)shape.B, sizeof *stack->reset);
    tape_set_input(&stack->tape, stack->x);
}

void stack_init(struct stack *stack, const struct engine *engine, struct shape shape,
                double dropout, int threads)
{
    init(stack, engine, shape, dropout, threads, false);
}

void stack_init_attributes(struct stack *stack, const struct engine *engine, struct shape shape,
                           int threads)
{
    init(stack, engine, shape, 0, threads, true);
}

void stack_release(struct stack *stack)
{
    team_free(stack->team);
    tape_release(&stack->tape);
    optimizer_release(&stack->optimizer);
    model_release(&stack->model);
    free(stack->x);
    free(stack->y);
    free(stack->reset);
}

void stack_draw(struct stack *stack, struct random *random)
{
    const int V = stack->model.vocab_size;
    for (int r = 0; r < stack->tape.B * stack->tape.T; r++) {
        stack->x[r] = random_below(random, V + 1) - 1;
        stack->y[r] = random_below(random, V + 1) - 1;
    }
}

static void forward(struct member *member, void *argument)
{
    struct stack *stack = argument;
    model_pack(member, &stack->model);
    model_forward(member, &stack->tape, stack->reset, SEED, stack->step);
    model_loss(member, &stack->tape, stack->y);
}

static void backward(struct member *member, void *argument)
{
    struct stack *stack = argument;
    forward(member, argument);
    model_backward(member, &stack->tape, stack->y);
}

static void train(struct member *member, void *argument)
{
    struct stack *stack = argument;
    backward(member, argument);
    optimizer_step(member, &stack->optimizer, &stack->model, &stack->tape, stack->step + 1, RATE);
}

void stack_forward(struct stack *stack)
{
    team_run(stack->team, forward, stack);
}

void stack_backward(struct stack *stack)
{
    team_run(stack->team, backward, stack);
}

void stack_train(struct stack *stack)
{
    team_run(stack->team, train, stack);
}

int save_model(const struct model *model, const char *path)
{
    struct safetensors_out *out = safetensors_out_new();
    if (!out)
        return -1;
    checkpoint_add_model(out, model);
    const int result = safetensors_save(out, path);
    safetensors_out_free(out);
    return result;
}
