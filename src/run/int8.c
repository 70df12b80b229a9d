#include "int8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "sample.h"

#define ROWS (INT8_SYMBOLS * INT8_TEXTS)

/* Texts sampled from the model, as inputs of one chunk. */
struct sample_text {
    int32_t inputs[ROWS]; /* [INT8_SYMBOLS][INT8_TEXTS] */
    real *logits;         /* [ROWS][V] of the model on these inputs */
};

static int write_sample_text(struct model *model, struct team *team,
                             struct sample_text *sample_text)
{
    const struct sample_options plain = {.temperature = 1, .top_p = 1, .seed = 1};
    struct sampler sampler = {0};
    if (sampler_init(&sampler, team, model, INT8_TEXTS, &plain) != 0)
        return -1;
    int result = 0;
    for (int32_t *row = sample_text->inputs; row < sample_text->inputs + ROWS && result == 0;
         row += INT8_TEXTS) {
        memcpy(row, sampler.ids, INT8_TEXTS * sizeof *row);
        result = sampler_next(&sampler);
    }
    sampler_release(&sampler);
    return result;
}

/* KL(p ‖ q) = Σ p (log p − log q) */
static double kl_divergence(int V, const real *p_logits, const real *q_logits)
{
    const double p_sum = log_sum_exp(V, p_logits), q_sum = log_sum_exp(V, q_logits);
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

/* Runs the model over the text. If `divergence` is NULL, stores the logits; otherwise compares them
 * with the stored ones. */
static int read_sample_text(struct model *model, struct team *team, struct sample_text *sample_text,
                            double *divergence)
{
    struct tape tape = {0};
    const size_t V = (size_t)model->vocab_size;
    if (tape_init(&tape, model, INT8_TEXTS, INT8_SYMBOLS, false, 0) != 0)
        return -1;
    tape_set_input(&tape, sample_text->inputs);
    model_prepare(team, model);
    team_run(team, forward, &tape);
    if (divergence) {
        *divergence = 0;
        for (size_t row = 0; row < ROWS; row++)
            *divergence +=
                kl_divergence((int)V, sample_text->logits + row * V, tape.logits + row * V) / ROWS;
    } else {
        memcpy(sample_text->logits, tape.logits, ROWS * V * sizeof(real));
    }
    tape_release(&tape);
    return 0;
}

int try_int8(struct model *model, struct team *team, const struct engine *int8, double *divergence)
{
    const struct engine *own = model->engine;
    struct sample_text sample_text = {
        .logits = mem_new((size_t)ROWS * (size_t)model->vocab_size, sizeof(real))};
    int result = sample_text.logits ? write_sample_text(model, team, &sample_text) : -1;
    if (result == 0)
        result = read_sample_text(model, team, &sample_text, NULL);
    if (result == 0)
        result = model_change_engine(model, int8);
    if (result == 0)
        result = read_sample_text(model, team, &sample_text, divergence);
    if (result == 0 && !(*divergence <= INT8_LIMIT)) /* or if it is NaN */
        result = model_change_engine(model, own);
    free(sample_text.logits);
    return result;
}
