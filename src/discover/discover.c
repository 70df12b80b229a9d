#include "discover.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "screen.h"
#include "targets.h"
#include "test.h"

#define SHORTEST 327 /* characters: 99 of 164 shifts are far enough (see test.c) */

const char *const measure_names[] = {"auc", "r", "mi"};

static int compare_p(const void *a, const void *b)
{
    const float left = *(const float *)a, right = *(const float *)b;
    return (left > right) - (left < right);
}

/* The smallest p of a group's candidates that may be findings. */
static float smallest_p(const struct group *group, const struct result *results)
{
    float smallest = 1;
    for (size_t i = group->first; i < group->first + group->count; i++)
        if (results[i].gain > 0)
            smallest = fminf(smallest, results[i].discovery.p);
    return smallest;
}

/* The p up to which candidates are findings (Benjamini & Hochberg). Each group is one test, as p is
 * corrected within it; the same limit holds within groups (Benjamini & Bogomolov 2014). `smallest`
 * is scratch[num_groups]. */
static double accepted_p(const struct screening *screening, const struct result *results,
                         float *smallest)
{
    double accepted = 0;
    for (size_t g = 0; g < screening->num_groups; g++)
        smallest[g] = smallest_p(&screening->groups[g], results);
    qsort(smallest, screening->num_groups, sizeof *smallest, compare_p);
    for (size_t g = 0; g < screening->num_groups; g++) {
        const double limit = DISCOVER_RATE * (double)(g + 1) / (double)screening->num_groups;
        accepted = (double)smallest[g] <= limit ? limit : accepted;
    }
    return accepted;
}

static int compare_results(const void *a, const void *b)
{
    const struct result *left = a, *right = b;
    const struct discovery *x = &left->discovery, *y = &right->discovery;
    if (left->drifts != right->drifts)
        return left->drifts ? 1 : -1;
    if (left->gain != right->gain)
        return left->gain > right->gain ? -1 : 1;
    if (x->label != y->label)
        return x->label < y->label ? -1 : 1;
    return (x->signal > y->signal) - (x->signal < y->signal);
}

/* Keeps the results that are findings, best first; returns how many. */
static size_t keep_findings(struct result *results, size_t count, double accepted)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (results[i].gain > 0 && (double)results[i].discovery.p <= accepted)
            results[kept++] = results[i];
    qsort(results, kept, sizeof *results, compare_results);
    return kept;
}

static bool same_unit(const struct trace *trace, size_t a, size_t b)
{
    return trace->signals[a].layer == trace->signals[b].layer &&
           trace->signals[a].unit == trace->signals[b].unit;
}

static void list_units(struct discoveries *discoveries, const struct trace *trace)
{
    for (size_t d = 0; d < discoveries->count; d++) {
        size_t u = 0;
        while (u < discoveries->num_units &&
               !same_unit(trace, discoveries->list[discoveries->units[u]].signal,
                          discoveries->list[d].signal))
            u++;
        if (u == discoveries->num_units)
            discoveries->units[discoveries->num_units++] = d;
    }
}

static int list_findings(struct discoveries *discoveries, struct arena *memory,
                         const struct trace *trace, struct result *results, size_t count)
{
    discoveries->list = arena_take(memory, count, sizeof *discoveries->list);
    discoveries->units = arena_take(memory, count, sizeof *discoveries->units);
    if (memory->failed)
        return -1;
    discoveries->count = count;
    for (size_t i = 0; i < count; i++)
        discoveries->list[i] = results[i].discovery;
    list_units(discoveries, trace);
    return 0;
}

static int list_attempts(struct discoveries *discoveries, struct arena *memory,
                         const struct targets *targets, const struct screening *screening)
{
    const size_t K = discoveries->num_labels;
    discoveries->attempts = arena_take(memory, K, sizeof *discoveries->attempts);
    if (!discoveries->attempts)
        return -1;
    for (size_t k = 0; k < K; k++)
        discoveries->attempts[k] = (struct attempt){.score = NAN, .baseline = NAN};
    for (size_t i = 0; i < targets->count; i++)
        discoveries->attempts[targets->list[i].label] = screening->attempts[i];
    return 0;
}

int discover(struct discoveries *discoveries, struct arena *memory, struct team *team,
             const struct trace *trace, const struct labels *labels)
{
    struct targets targets = {0};
    struct screening screening = {0};
    struct arena scratch = {0};
    int status = -1;
    discoveries->num_signals = trace->num_signals;
    discoveries->num_labels = labels->count;
    if (trace->length < SHORTEST)
        return 0;
    if (targets_make(&targets, &scratch, team, trace, labels) == 0 &&
        screen(&screening, &scratch, team, trace, &targets) == 0) {
        struct result *results = arena_take(&scratch, screening.count, sizeof *results);
        float *smallest = arena_take(&scratch, screening.num_groups, sizeof *smallest);
        if (!scratch.failed && test_candidates(results, team, trace, &targets, &screening) == 0 &&
            list_attempts(discoveries, memory, &targets, &screening) == 0) {
            const double accepted = accepted_p(&screening, results, smallest);
            status = list_findings(discoveries, memory, trace, results,
                                   keep_findings(results, screening.count, accepted));
        }
    }
    arena_release(&scratch);
    return status;
}

/* ", cell state c"; nothing for the output h. */
static void name_quantity(const struct trace *trace, int quantity, char *out, size_t size)
{
    if (quantity == 0)
        out[0] = '\0';
    else
        snprintf(out, size, ", %s %s", trace->descriptions[quantity], trace->quantities[quantity]);
}

/* "r = −0.93" */
static void name_score(const struct discovery *discovery, char *out, size_t size)
{
    const double score = (double)discovery->score;
    switch (discovery->measure) {
    case MEASURE_AUC:
        snprintf(out, size, "AUC %.2f", score);
        break;
    case MEASURE_R:
        snprintf(out, size, "r = %s%.2f", score < 0 ? "−" : "", fabs(score));
        break;
    case MEASURE_MI:
        snprintf(out, size, "mutual information %.2f bits", (double)discovery->information);
        break;
    }
}

#define CLEARLY 2 /* times as far from 0 is clearly on, or off */

/* "is on inside quotes": how a signal follows a binary label. */
static void name_place(const struct discovery *discovery, const char *place, char *out, size_t size)
{
    const float on = discovery->on, off = discovery->off;
    const bool high = discovery->sign > 0;
    if (discovery->measure == MEASURE_MI)
        snprintf(out, size, "behaves differently %s", place);
    else if (fabsf(on) > CLEARLY * fabsf(off))
        snprintf(out, size, "is on %s", place);
    else if (fabsf(off) > CLEARLY * fabsf(on))
        snprintf(out, size, "is off %s", place);
    else if (on * off < 0)
        snprintf(out, size, "is %s %s and %s elsewhere", on > 0 ? "positive" : "negative", place,
                 on > 0 ? "negative" : "positive");
    else
        snprintf(out, size, "is %s %s than elsewhere", high ? "higher" : "lower", place);
}

/* "counts down to the end of the line": how it follows a scalar one. */
static void name_course(const struct discovery *discovery, const struct label *label, char *out,
                        size_t size)
{
    if (discovery->sign == 0)
        snprintf(out, size, "depends on “%s”, but neither rises nor falls with it", label->name);
    else
        snprintf(out, size, "%s%s", discovery->sign > 0 ? label->rising : label->falling,
                 discovery->measure == MEASURE_MI ? ", though not linearly" : "");
}

char *discovery_describe(const struct discovery *discovery, const struct trace *trace,
                         const struct labels *labels, char out[DISCOVERY_ROOM])
{
    const struct trace_signal *signal = &trace->signals[discovery->signal];
    const struct label *label = &labels->list[discovery->label];
    char quantity[64], relation[256], score[64];
    if (label->kind == LABEL_BINARY)
        name_place(discovery, label->place, relation, sizeof relation);
    else
        name_course(discovery, label, relation, sizeof relation);
    name_quantity(trace, signal->quantity, quantity, sizeof quantity);
    name_score(discovery, score, sizeof score);
    snprintf(out, DISCOVERY_ROOM, "layer %d unit %d%s: %s (%s)", signal->layer, signal->unit,
             quantity, relation, score);
    return out;
}

char *attempt_describe(const struct discoveries *discoveries, const struct trace *trace,
                       const struct labels *labels, size_t label, char out[DISCOVERY_ROOM])
{
    const struct label *of = &labels->list[label];
    const struct attempt *attempt = discoveries->attempts ? &discoveries->attempts[label] : NULL;
    char quantity[64];
    if (!attempt || !isfinite(attempt->score)) {
        snprintf(out, DISCOVERY_ROOM, "no unit was found to go with “%s”: %s", of->name,
                 attempt ? "it does not vary in both halves of the text" : "the text is too short");
    } else {
        const struct trace_signal *signal = &trace->signals[attempt->signal];
        name_quantity(trace, signal->quantity, quantity, sizeof quantity);
        snprintf(out, DISCOVERY_ROOM,
                 "no unit was found to go with “%s” beyond chance and the current "
                 "character (at best layer %d unit %d%s: %s %.2f; the character alone: "
                 "%.2f)",
                 of->name, signal->layer, signal->unit, quantity,
                 of->kind == LABEL_BINARY ? "AUC" : "|r|", (double)attempt->score,
                 (double)attempt->baseline);
    }
    return out;
}
