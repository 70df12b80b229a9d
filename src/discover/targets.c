#include "targets.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "measures.h"

#define CELLS 32    /* of a table over few characters */
#define ROW_MOST 64 /* characters that are enough for a row of it */

struct symbol {
    double mean; /* of the label after it in the other half */
    size_t id;
};

/* What one thread needs. A character of a half is known if its symbol occurs in the other half. */
struct workspace {
    float *known;             /* [n] the label at the known characters, */
    float *predicted, *ranks; /* [n] what their symbols predict, and the ranks of that */
    uint32_t *order;          /* [n] */
    uint64_t *pairs;          /* [2n] */
    uint8_t *bins;            /* [n] of the label */
    double *sums, *counts;    /* [V] of the label after each symbol in the other half */
    struct symbol *symbols;   /* [V] */
    uint32_t *by_symbol;      /* [V][TARGETS_LABEL_BINS] the label's bins after each symbol */
    uint32_t *table;          /* [V][TARGETS_LABEL_BINS] */
};

struct job {
    struct targets *targets;
    const struct trace *trace;
    struct workspace *workspaces; /* one a thread */
};

static int take_workspaces(struct job *job, size_t threads, struct arena *arena)
{
    const size_t n = job->targets->halves[SECOND_HALF].count; /* the longer one */
    const size_t V = (size_t)job->trace->vocab->size, row = TARGETS_LABEL_BINS * sizeof(uint32_t);
    job->workspaces = arena_take(arena, threads, sizeof *job->workspaces);
    for (size_t i = 0; job->workspaces && i < threads; i++) {
        struct workspace *workspace = &job->workspaces[i];
        workspace->known = arena_take(arena, n, sizeof *workspace->known);
        workspace->predicted = arena_take(arena, n, sizeof *workspace->predicted);
        workspace->ranks = arena_take(arena, n, sizeof *workspace->ranks);
        workspace->order = arena_take(arena, n, sizeof *workspace->order);
        workspace->pairs = arena_take(arena, n, 2 * sizeof *workspace->pairs);
        workspace->bins = arena_take(arena, n, sizeof *workspace->bins);
        workspace->sums = arena_take(arena, V, sizeof *workspace->sums);
        workspace->counts = arena_take(arena, V, sizeof *workspace->counts);
        workspace->symbols = arena_take(arena, V, sizeof *workspace->symbols);
        workspace->by_symbol = arena_take(arena, V, row);
        workspace->table = arena_take(arena, V, row);
    }
    return arena->failed ? -1 : 0;
}

static bool is_drift(const float *values, size_t length)
{
    bool rises = false, falls = false;
    for (size_t t = 1; t < length; t++) {
        rises = rises || values[t] > values[t - 1];
        falls = falls || values[t] < values[t - 1];
    }
    return rises != falls;
}

static void describe_half(struct target *target, enum half half, const float *values, size_t n)
{
    struct target_half *of = &target->halves[half];
    of->mean = measure_mean(values, n);
    of->squares = measure_product(values, of->mean, values, of->mean, n);
    of->deviation = sqrt(of->squares / (double)n);
    of->on = target->kind == LABEL_BINARY ? of->mean * (double)n : 0;
}

/* Sums and counts the label after each symbol in a half. */
static void learn_symbols(const struct job *job, const struct target *target, enum half half,
                          struct workspace *workspace)
{
    const struct range *range = &job->targets->halves[half];
    const size_t V = (size_t)job->trace->vocab->size;
    memset(workspace->sums, 0, V * sizeof *workspace->sums);
    memset(workspace->counts, 0, V * sizeof *workspace->counts);
    for (size_t t = range->start; t < range->start + range->count; t++) {
        const int32_t id = job->trace->ids[t];
        workspace->sums[id] += (double)target->values[t];
        workspace->counts[id]++;
    }
}

/* Lists, for the known characters of a half, the label and its mean after the same symbol in the
 * other half. Returns their number. */
static size_t predict(const struct job *job, const struct target *target, enum half half,
                      struct workspace *workspace)
{
    const struct range *range = &job->targets->halves[half];
    size_t known = 0;
    for (size_t t = range->start; t < range->start + range->count; t++) {
        const int32_t id = job->trace->ids[t];
        if (workspace->counts[id] > 0) {
            workspace->known[known] = target->values[t];
            workspace->predicted[known++] = (float)(workspace->sums[id] / workspace->counts[id]);
        }
    }
    return known;
}

/* AUC or r of the prediction over n known characters, whose mean and squares are given. */
static double score_prediction(enum label_kind kind, size_t n, double mean, double squares,
                               struct workspace *workspace)
{
    const float *predicted = workspace->predicted;
    if (kind == LABEL_SCALAR) {
        const double predicted_mean = measure_mean(predicted, n);
        const double product =
            measure_product(predicted, predicted_mean, workspace->known, mean, n);
        const double predicted_squares =
            measure_product(predicted, predicted_mean, predicted, predicted_mean, n);
        return fmax(0, measure_r(product, predicted_squares, squares));
    }
    ranks_order(predicted, n, workspace->order, workspace->pairs);
    ranks_centred(predicted, workspace->order, n, workspace->ranks);
    const double product = measure_product(workspace->ranks, 0, workspace->known, 0, n);
    return fmax(0.5, measure_auc(product, mean * (double)n, (double)n));
}

static int compare_symbols(const void *a, const void *b)
{
    const struct symbol *left = a, *right = b;
    if (left->mean != right->mean)
        return left->mean < right->mean ? -1 : 1;
    return (left->id > right->id) - (left->id < right->id);
}

/* Sorts the known symbols by what they predict; returns how many there are. */
static size_t order_symbols(struct workspace *workspace, size_t V)
{
    size_t count = 0;
    for (size_t v = 0; v < V; v++)
        if (workspace->counts[v] > 0)
            workspace->symbols[count++] =
                (struct symbol){workspace->sums[v] / workspace->counts[v], v};
    qsort(workspace->symbols, count, sizeof *workspace->symbols, compare_symbols);
    return count;
}

/* Gathers the symbols' counts into a table whose rows have `enough` characters. A frequent symbol
 * has a row of its own; rare ones that predict nearly the same share one. */
static struct table gather_rows(struct workspace *workspace, size_t symbols, size_t columns,
                                size_t enough)
{
    struct table table = {workspace->table, 0, columns};
    size_t here = 0; /* characters in the last row */
    for (size_t i = 0; i < symbols; i++) {
        const uint32_t *row = workspace->by_symbol + workspace->symbols[i].id * columns;
        size_t count = 0;
        for (size_t j = 0; j < columns; j++)
            count += row[j];
        if (i == 0 || here >= enough || count >= enough) {
            memset(workspace->table + table.rows++ * columns, 0, columns * sizeof *row);
            here = 0;
        }
        for (size_t j = 0; j < columns; j++)
            workspace->table[(table.rows - 1) * columns + j] += row[j];
        here += count;
    }
    return table;
}

/* Mutual information, as a measure, of symbol and label over n known characters. */
static double symbol_mi(const struct job *job, const struct target *target, enum half half,
                        size_t n, struct workspace *workspace)
{
    const struct range *range = &job->targets->halves[half];
    const size_t V = (size_t)job->trace->vocab->size, columns = (size_t)target->bins.count;
    const size_t enough = n * columns / CELLS;
    memset(workspace->by_symbol, 0, V * columns * sizeof *workspace->by_symbol);
    bins_place(&target->bins, target->values + range->start, range->count, workspace->bins);
    for (size_t t = 0; t < range->count; t++)
        workspace
            ->by_symbol[(size_t)job->trace->ids[range->start + t] * columns + workspace->bins[t]]++;
    const struct table table = gather_rows(workspace, order_symbols(workspace, V), columns,
                                           enough < ROW_MOST ? enough : ROW_MOST);
    return measure_mi(&table, target->kind);
}

/* A label that does not vary over the known characters counts as predicted. */
static void measure_baseline(const struct job *job, struct target *target, enum half half,
                             struct workspace *workspace)
{
    struct target_half *of = &target->halves[half];
    learn_symbols(job, target, half == FIRST_HALF ? SECOND_HALF : FIRST_HALF, workspace);
    const size_t known = predict(job, target, half, workspace);
    const double mean = measure_mean(workspace->known, known);
    const double squares = measure_product(workspace->known, mean, workspace->known, mean, known);
    of->baseline = of->baseline_mi = 1;
    if (squares > 0) {
        of->baseline = score_prediction(target->kind, known, mean, squares, workspace);
        of->baseline_mi = symbol_mi(job, target, half, known, workspace);
    }
}

static void fill_target(const struct job *job, struct target *target, struct workspace *workspace)
{
    const int most = target->kind == LABEL_BINARY ? 2 : TARGETS_LABEL_BINS;
    target->drifts = is_drift(target->values, job->trace->length);
    for (enum half half = FIRST_HALF; half < HALVES; half++) {
        const struct range *range = &job->targets->halves[half];
        const float *values = target->values + range->start;
        describe_half(target, half, values, range->count);
        if (half == FIRST_HALF) {
            ranks_order(values, range->count, workspace->order, workspace->pairs);
            bins_fit(&target->bins, values, workspace->order, range->count, most);
        }
        measure_baseline(job, target, half, workspace);
    }
}

static void fill_share(struct member *member, void *argument)
{
    const struct job *job = argument;
    int first, last;
    team_share(member, (int)job->targets->count, &first, &last);
    for (int i = first; i < last; i++)
        fill_target(job, &job->targets->list[i], &job->workspaces[member->rank]);
}

/* Leaves out the labels that do not vary in both halves. */
static void keep_varying(struct targets *targets)
{
    size_t kept = 0;
    targets->num_binary = 0;
    for (size_t i = 0; i < targets->count; i++) {
        const struct target target = targets->list[i];
        if (target.halves[FIRST_HALF].squares > 0 && target.halves[SECOND_HALF].squares > 0) {
            targets->num_binary += target.kind == LABEL_BINARY;
            targets->list[kept++] = target;
        }
    }
    targets->count = kept;
}

static void list_labels(struct targets *targets, const struct labels *labels, enum label_kind kind)
{
    for (size_t k = 0; k < labels->count; k++)
        if (labels->list[k].kind == kind)
            targets->list[targets->count++] =
                (struct target){.label = k, .kind = kind, .values = labels->list[k].values};
}

int targets_make(struct targets *targets, struct arena *memory, struct team *team,
                 const struct trace *trace, const struct labels *labels)
{
    const size_t middle = trace->length / 2;
    struct job job = {.targets = targets, .trace = trace};
    struct arena scratch = {0};
    targets->halves[FIRST_HALF] = (struct range){0, middle};
    targets->halves[SECOND_HALF] = (struct range){middle, trace->length - middle};
    targets->list = arena_take(memory, labels->count, sizeof *targets->list);
    const int result =
        targets->list ? take_workspaces(&job, (size_t)team_size(team), &scratch) : -1;
    if (result == 0) {
        list_labels(targets, labels, LABEL_BINARY);
        list_labels(targets, labels, LABEL_SCALAR);
        team_run(team, fill_share, &job);
        keep_varying(targets);
    }
    arena_release(&scratch);
    return result;
}
