#include "sample.h"

#include <math.h>
#include <stdlib.h>

#include "error.h"
#include "mem.h"
#include "rng.h"

int sampler_init(struct sampler *sampler, struct team *team, struct model *model, int count,
                 const struct sample_options *options)
{
    sampler->team = team;
    sampler->model = model;
    sampler->options = *options;
    sampler->ids = mem_new((size_t)count, sizeof *sampler->ids);
    sampler->weights = mem_new((size_t)model->vocab_size, sizeof *sampler->weights);
    sampler->order = mem_new((size_t)model->vocab_size, sizeof *sampler->order);
    if (!sampler->ids || !sampler->weights || !sampler->order ||
        tape_init(&sampler->tape, model, count, 1, false, 0) != 0) {
        sampler_release(sampler);
        return -1;
    }
    for (int b = 0; b < count; b++)
        sampler->ids[b] = VOCAB_NONE;
    tape_set_input(&sampler->tape, sampler->ids);
    model_prepare(team, model);
    return 0;
}

void sampler_release(struct sampler *sampler)
{
    tape_release(&sampler->tape);
    free(sampler->ids);
    free(sampler->weights);
    free(sampler->order);
    *sampler = (struct sampler){0};
}

void sampler_clamp(struct sampler *sampler, const struct clamp *clamps, size_t count)
{
    tape_set_clamps(&sampler->tape, clamps, count);
}

static void read_symbols(struct member *member, void *argument)
{
    struct sampler *sampler = argument;
    model_forward(member, &sampler->tape, NULL, 0, 0);
}

void sampler_prompt(struct sampler *sampler, const int32_t *ids, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        team_run_paced(sampler->team, &sampler->pace, read_symbols, sampler);
        for (int b = 0; b < sampler->tape.B; b++)
            sampler->ids[b] = ids[k];
    }
}

int sampler_next(struct sampler *sampler)
{
    const struct model *model = sampler->model;
    const struct rng rng = {sampler->options.seed, RNG_SAMPLE};
    team_run_paced(sampler->team, &sampler->pace, read_symbols, sampler);
    for (int b = 0; b < sampler->tape.B; b++) {
        const uint32_t counter[4] = {(uint32_t)sampler->drawn, (uint32_t)(sampler->drawn >> 32),
                                     (uint32_t)b, 0};
        sampler->ids[b] = sample_draw(&sampler->options, model->vocab_size,
                                      sampler->tape.logits + (size_t)b * (size_t)model->vocab_size,
                                      model->vocab.unknown, rng_uniform(&rng, counter),
                                      sampler->weights, sampler->order);
        if (sampler->ids[b] == VOCAB_NONE)
            return error_set("the probabilities of the next symbol are not finite: " MODEL_UNSOUND);
    }
    sampler->drawn++;
    return 0;
}

/* --- drawing ---------------------------------------------------------------------------------- */

static int32_t most_likely(int V, const real *logits, int32_t banned)
{
    int32_t best = VOCAB_NONE;
    for (int32_t v = 0; v < V; v++)
        if (v != banned && (best < 0 || logits[v] > logits[best]))
            best = v;
    return best;
}

static bool all_finite(int V, const real *logits)
{
    bool finite = true;
    for (int v = 0; v < V; v++)
        finite &= isfinite(logits[v]) != 0;
    return finite;
}

/* Restores the order of a max-heap below `at`. */
static void sift_down(const double *weights, int32_t *heap, int size, int at)
{
    for (int child; (child = 2 * at + 1) < size; at = child) {
        if (child + 1 < size && weights[heap[child + 1]] > weights[heap[child]])
            child++;
        if (weights[heap[at]] >= weights[heap[child]])
            return;
        const int32_t swapped = heap[at];
        heap[at] = heap[child];
        heap[child] = swapped;
    }
}

/* Zeroes the weights of symbols outside top-k and top-p. The heaviest symbols are popped from a
 * heap until there are enough. `total` is the sum of all weights. */
static void truncate_to_top(const struct sample_options *options, int V, double *weights,
                            int32_t *heap, double total)
{
    int left = V;
    double sum = 0;
    const int most = options->top_k > 0 && options->top_k < V ? options->top_k : V;
    for (int v = 0; v < V; v++)
        heap[v] = v;
    for (int at = V / 2; at >= 0; at--)
        sift_down(weights, heap, V, at);
    /* With both, top-p applies to what top-k keeps: the k heaviest are summed first. */
    int kept = 0;
    while (kept < most && (most < V || sum < options->top_p * total)) {
        const int32_t heaviest = heap[0];
        sum += weights[heaviest];
        heap[0] = heap[--left];
        heap[left] = heaviest;
        sift_down(weights, heap, left, 0);
        kept++;
    }
    if (most < V && options->top_p < 1) {
        const double wanted = options->top_p * sum;
        double share = 0;
        int needed = 0;
        while (needed < kept && share < wanted)
            share += weights[heap[V - 1 - needed++]];
        kept = needed;
    }
    for (int k = 0; k < V - kept; k++)
        weights[heap[k]] = 0;
}

int32_t sample_draw(const struct sample_options *options, int V, const real *logits, int32_t banned,
                    double uniform, double *weights, int32_t *order)
{
    if (!all_finite(V, logits))
        return VOCAB_NONE;
    const int32_t best = most_likely(V, logits, banned);
    if (options->temperature == 0)
        return best;
    double total = 0;
    for (int v = 0; v < V; v++) {
        /* The most likely symbol has weight 1 at any temperature, so that exp cannot overflow. */
        weights[v] = v == banned
                         ? 0
                         : exp(((double)logits[v] - (double)logits[best]) / options->temperature);
        total += weights[v];
    }
    if (options->top_k > 0 || options->top_p < 1)
        truncate_to_top(options, V, weights, order, total);
    total = 0;
    for (int v = 0; v < V; v++) {
        if (weights[v] < options->min_p)
            weights[v] = 0;
        total += weights[v];
    }
    double left = uniform * total;
    for (int32_t v = 0; v < V; v++) {
        left -= weights[v];
        if (left < 0)
            return v;
    }
    return best; /* all weights were subtracted, by rounding errors */
}
