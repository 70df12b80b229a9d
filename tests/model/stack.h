/* A small model with all that a pass through it needs. */
#ifndef RUNE_TEST_STACK_H
#define RUNE_TEST_STACK_H

#include "optimizer.h"
#include "random.h"
#include "team.h"

struct shape {
    int L, H, V, B, T;
    const char *cell; /* NULL: lstm */
};

/* The name of the k-th cell; NULL behind the last. */
const char *stack_cell(int k);

struct stack {
    struct model model;
    struct tape tape;
    struct optimizer optimizer;
    struct team *team;
    int32_t *x, *y; /* [T][B] */
    bool *reset;    /* [B] */
    uint64_t step;  /* of the pass; selects what is dropped */
};

/* Weights are drawn from a fixed seed and are the same for all engines; Adam, clipping by norm. The
 * model has no vocabulary. */
void stack_init(struct stack *stack, const struct engine *engine, struct shape shape,
                double dropout, int threads);
/* The same without dropout, and the gradient goes on to the one-hot input. */
void stack_init_attributes(struct stack *stack, const struct engine *engine, struct shape shape,
                           int threads);

void stack_release(struct stack *stack);

/* Random inputs and targets, some of them none. */
void stack_draw(struct stack *stack, struct random *random);

/* Writes a model as a file. Returns 0, or −1 and a message. */
int save_model(const struct model *model, const char *path);

/* Logits and losses of the chunk. */
void stack_forward(struct stack *stack);

/* These, and the gradients. */
void stack_backward(struct stack *stack);

/* These, and the weights after one update. */
void stack_train(struct stack *stack);

#endif
