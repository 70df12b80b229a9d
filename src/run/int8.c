#include "int8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "sample.h"

#define ROWS (INT8_SYMBOLS * INT8_TEXTS)

/* Texts of the model's own, as inputs of a chunk. */
struct passage {
    int32_t inputs[ROWS]; /* [INT8_SYMBOLS][INT8_TEXTS] */
    real *logits;         /* [ROWS][V] what the model expects, reading them */
};

static int write_passage(struct model *model, struct team *team, struct passage *passage)
{
    const struct sample_options plain = {.temperature = 1, .top_p = 1, .seed = 1};
    struct sampler sampler = {0};
    if (sampler_init(&sampler, team, model, INT8_TEXTS, &plain) != 0)
        return -1;
    int result = 0;
    for (int32_t *row = passage->inputs; row < passage->inputs + ROWS && result == 0;
         row += INT8_TEXTS) {
        memcpy(row, sampler.ids, INT8_TEXTS * sizeof *row);
        result = sampler_next(&sampler);
    }
    sampler_release(&sampler);
    return result;
}

static double log_sum(int V, const real *logits)
{
    double largest = (double)logits[0], sum = 0;
    for (int v = 1; v < V; v++)
        largest = (double)logits[v] > largest ? (double)logits[v] : largest;
    for (int v = 0; v < V; v++)
        sum += exp((double)logits[v] - largest);
    return largest + log(sum);
}

/* KL(p ‖ q) = Σ p (log p − log q) */
static double divergence_of(int V, const real *p_logits, const real *q_logits)
{
    const double p_sum = log_sum(V, p_logits), q_sum = log_sum(V, q_logits);
    double sum = 0;
    for (int v = 0; v < V; v++) {
        const double log_p = (double)p_logits[v] - p_sum, log_q = (double)q_logits[v] - q_sum;
        sum += exp(log_p) * (log_p - log_q);
    }
    return sum;
}

static void forward(struct member *member, void *tape)
{
    model_forward(member, tape, NULL, 0, 0);
}

/* Lets the model read the passage. What it expects becomes the passage's logits, or, where
 * `divergence` is not NULL, is compared with them. */
static int read_passage(struct model *model, struct team *team, struct passage *passage,
                        double *divergence)
{
    struct tape tape = {0};
    const size_t V = (size_t)model->vocab_size;
    if (tape_init(&tape, model, INT8_TEXTS, INT8_SYMBOLS, false, 0) != 0)
        return -1;
    tape_set_input(&tape, passage->inputs);
    model_prepare(team, model);
    team_run(team, forward, &tape);
    if (divergence) {
        *divergence = 0;
        for (size_t row = 0; row < ROWS; row++)
            *divergence +=
                divergence_of((int)V, passage->logits + row * V, tape.logits + row * V) / ROWS;
    } else {
        memcpy(passage->logits, tape.logits, ROWS * V * sizeof(real));
    }
    tape_release(&tape);
    return 0;
}

int try_int8(struct model *model, struct team *team, const struct engine *quick, double *divergence)
{
    const struct engine *own = model->engine;
    struct passage passage = {.logits =
                                  mem_new((size_t)ROWS * (size_t)model->vocab_size, sizeof(real))};
    int result = passage.logits ? write_passage(model, team, &passage) : -1;
    if (result == 0)
        result = read_passage(model, team, &passage, NULL);
    if (result == 0)
        result = model_change_engine(model, quick);
    if (result == 0)
        result = read_passage(model, team, &passage, divergence);
    if (result == 0 && !(*divergence <= INT8_LIMIT)) /* nor if it is no number */
        result = model_change_engine(model, own);
    free(passage.logits);
    return result;
}
