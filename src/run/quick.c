#include "quick.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "sample.h"

/* A text, and the logits of each of its symbols. */
struct passage {
    int32_t ids[QUICK_SYMBOLS];
    real *logits; /* [QUICK_SYMBOLS][V] */
};

static const struct sample_options plain = {.temperature = 1, .top_p = 1, .seed = 1};

/* Lets the model write the passage as a text of its own. */
static int write_passage(struct model *model, struct team *team, struct passage *passage)
{
    struct sampler sampler = {0};
    const size_t V = (size_t)model->vocab_size;
    if (sampler_init(&sampler, team, model, 1, &plain) != 0)
        return -1;
    for (int k = 0; k < QUICK_SYMBOLS; k++) {
        sampler_next(&sampler);
        passage->ids[k] = sampler.ids[0];
        memcpy(passage->logits + (size_t)k * V, sampler.tape.logits, V * sizeof(real));
    }
    sampler_release(&sampler);
    return 0;
}

static double log_sum(int V, const real *logits)
{
    double largest = (double)logits[0], sum = 0;
    for (int v = 1; v < V; v++)
        largest = fmax(largest, (double)logits[v]);
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

/* Lets the model read the passage, and compares what it expects with what the writer did. */
static int read_passage(struct model *model, struct team *team, const struct passage *passage,
                        double *divergence)
{
    struct sampler sampler = {0};
    const int V = model->vocab_size;
    if (sampler_init(&sampler, team, model, 1, &plain) != 0)
        return -1;
    *divergence = 0;
    for (int k = 0; k < QUICK_SYMBOLS; k++) {
        sampler_prompt(&sampler, &passage->ids[k], 1);
        *divergence +=
            divergence_of(V, passage->logits + (size_t)k * (size_t)V, sampler.tape.logits) /
            QUICK_SYMBOLS;
    }
    sampler_release(&sampler);
    return 0;
}

int quick_take(struct model *model, struct team *team, const struct engine *quick,
               double *divergence)
{
    const struct engine *own = model->engine;
    struct passage passage = {
        .logits = mem_new((size_t)QUICK_SYMBOLS * (size_t)model->vocab_size, sizeof(real))};
    int result = passage.logits ? write_passage(model, team, &passage) : -1;
    if (result == 0)
        result = model_change_engine(model, quick);
    if (result == 0)
        result = read_passage(model, team, &passage, divergence);
    if (result == 0 && !(*divergence <= QUICK_LIMIT)) /* nor if it is no number */
        result = model_change_engine(model, own);
    free(passage.logits);
    return result;
}
