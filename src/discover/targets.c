#include "targets.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "measures.h"
#include "mem.h"

#define CELLS 32    /* that a table has where little is known */
#define ROW_MOST 64 /* characters that are enough for a row of it */

/* What one thread needs. Known are the characters of a half whose symbol is in the other half,
 * too. */
struct workspace {
    float *values;                   /* [n] the label in a half */
    float *known, *baseline, *ranks; /* [n] the label where it is known, and what the symbol says */
    uint32_t *order;                 /* [n] */
    uint64_t *pairs;                 /* [2n] */
    uint8_t *bins;                   /* [n] */
    double *sums, *counts;           /* [V] of the label after each symbol in the other half */
    struct symbol *symbols;          /* [V] */
    uint32_t *rows;  /* [V][TARGETS_LABEL_BINS] the label's bins after each symbol */
    uint32_t *table; /* [V][TARGETS_LABEL_BINS] */
};

struct symbol {
    double mean; /* of the label in the other half */
    size_t id;
};

struct job {
    struct targets *targets;
    const struct trace *trace;
    struct workspace *workspaces; /* one a thread */
};

static void lay_out(const struct job *job, size_t threads, struct arena *arena)
{
    const size_t n = job->targets->halves[SECOND_HALF].count; /* the longer one */
    const size_t V = (size_t)job->trace->vocab->size;
    for (size_t i = 0; i < threads; i++) {
        struct workspace *workspace = &job->workspaces[i];
        workspace->values = arena_take(arena, n, sizeof *workspace->values);
        workspace->known = arena_take(arena, n, sizeof *workspace->known);
        workspace->baseline = arena_take(arena, n, sizeof *workspace->baseline);
        workspace->ranks = arena_take(arena, n, sizeof *workspace->ranks);
        workspace->order = arena_take(arena, n, sizeof *workspace->order);
        workspace->pairs = arena_take(arena, n, 2 * sizeof *workspace->pairs);
        workspace->bins = arena_take(arena, n, sizeof *workspace->bins);
        workspace->sums = arena_take(arena, V, sizeof *workspace->sums);
        workspace->counts = arena_take(arena, V, sizeof *workspace->counts);
        workspace->symbols = arena_take(arena, V, sizeof *workspace->symbols);
        workspace->rows = arena_take(arena, V, TARGETS_LABEL_BINS * sizeof *workspace->rows);
        workspace->table = arena_take(arena, V, TARGETS_LABEL_BINS * sizeof *workspace->table);
    }
}

static int32_t symbol_at(const struct job *job, enum half half, size_t t)
{
    return job->trace->ids[excerpt_position(&job->targets->halves[half], t)];
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

/* The label after each symbol in a half: sums and counts. */
static void learn_baseline(const struct job *job, const struct target *target, enum half half,
                           struct workspace *workspace)
{
    const struct excerpt *excerpt = &job->targets->halves[half];
    const size_t V = (size_t)job->trace->vocab->size;
    memset(workspace->sums, 0, V * sizeof *workspace->sums);
    memset(workspace->counts, 0, V * sizeof *workspace->counts);
    for (size_t t = 0; t < excerpt->count; t++) {
        const int32_t id = symbol_at(job, half, t);
        workspace->sums[id] += (double)target->values[excerpt_position(excerpt, t)];
        workspace->counts[id]++;
    }
}

/* Puts side by side, for the known characters, what the label is and what their symbol says of it:
 * its mean in the other half. Returns their number. */
static size_t predict_baseline(const struct job *job, enum half half, struct workspace *workspace)
{
    const size_t n = job->targets->halves[half].count;
    size_t known = 0;
    for (size_t t = 0; t < n; t++) {
        const int32_t id = symbol_at(job, half, t);
        if (workspace->counts[id] > 0) {
            workspace->known[known] = workspace->values[t];
            workspace->baseline[known++] = (float)(workspace->sums[id] / workspace->counts[id]);
        }
    }
    return known;
}

/* How well the echo tells the label of n known characters, whose mean and squares are given. */
static double baseline_score(enum label_kind kind, size_t n, double mean, double squares,
                             struct workspace *workspace)
{
    if (kind == LABEL_SCALAR) {
        const double baseline_mean = measure_mean(workspace->baseline, n);
        const double product =
            measure_product(workspace->baseline, baseline_mean, workspace->known, mean, n);
        const double baseline_squares = measure_product(workspace->baseline, baseline_mean,
                                                        workspace->baseline, baseline_mean, n);
        return fmax(0, measure_r(product, baseline_squares, squares));
    }
    ranks_order(workspace->baseline, n, workspace->order, workspace->pairs);
    ranks_centred(workspace->baseline, workspace->order, n, workspace->ranks);
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

/* The known symbols by what they say of the label; returns how many. */
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

/* Gathers the symbols' rows into a table whose rows hold `enough` characters: a symbol has its own,
 * but rare ones that say nearly the same of the label share one. */
static struct table gather_rows(struct workspace *workspace, size_t symbols, size_t columns,
                                size_t enough)
{
    struct table table = {workspace->table, 0, columns};
    size_t here = 0; /* characters in the last row */
    for (size_t i = 0; i < symbols; i++) {
        const uint32_t *row = workspace->rows + workspace->symbols[i].id * columns;
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

/* Mutual information of symbol and label over n known characters. */
static double baseline_mi(const struct job *job, const struct target *target, enum half half,
                          size_t n, struct workspace *workspace)
{
    const size_t V = (size_t)job->trace->vocab->size, columns = (size_t)target->bins.count;
    const size_t all = job->targets->halves[half].count, enough = n * columns / CELLS;
    memset(workspace->rows, 0, V * columns * sizeof *workspace->rows);
    bins_place(&target->bins, workspace->values, all, workspace->bins);
    for (size_t t = 0; t < all; t++)
        workspace->rows[(size_t)symbol_at(job, half, t) * columns + workspace->bins[t]]++;
    const struct table table = gather_rows(workspace, order_symbols(workspace, V), columns,
                                           enough < ROW_MOST ? enough : ROW_MOST);
    return measure_mi(&table, target->kind);
}

/* A label that does not vary where it is known may be an echo as well. */
static void measure_baseline(const struct job *job, struct target *target, enum half half,
                             struct workspace *workspace)
{
    struct target_half *of = &target->halves[half];
    learn_baseline(job, target, half == FIRST_HALF ? SECOND_HALF : FIRST_HALF, workspace);
    const size_t known = predict_baseline(job, half, workspace);
    const double mean = measure_mean(workspace->known, known);
    const double squares = measure_product(workspace->known, mean, workspace->known, mean, known);
    of->baseline = squares > 0 ? baseline_score(target->kind, known, mean, squares, workspace) : 1;
    of->baseline_mi = squares > 0 ? baseline_mi(job, target, half, known, workspace) : 1;
}

static void fill_target(const struct job *job, struct target *target, struct workspace *workspace)
{
    const int most = target->kind == LABEL_BINARY ? 2 : TARGETS_LABEL_BINS;
    target->drifts = is_drift(target->values, job->trace->length);
    for (enum half half = FIRST_HALF; half < HALVES; half++) {
        const struct excerpt *excerpt = &job->targets->halves[half];
        excerpt_values(excerpt, target->values, workspace->values);
        describe_half(target, half, workspace->values, excerpt->count);
        if (half == FIRST_HALF) {
            ranks_order(workspace->values, excerpt->count, workspace->order, workspace->pairs);
            bins_fit(&target->bins, workspace->values, workspace->order, excerpt->count, most);
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

/* Leaves out what does not vary in both halves. */
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

int targets_make(struct targets *targets, struct team *team, const struct trace *trace,
                 const struct labels *labels)
{
    const size_t middle = trace->length / 2, threads = (size_t)team_size(team);
    const size_t longest = trace->length - middle;
    struct job job = {targets, trace, mem_new(threads, sizeof *job.workspaces)};
    struct arena arena = {0};
    int result = -1;
    targets->halves[FIRST_HALF] = excerpt_of(0, middle, longest);
    targets->halves[SECOND_HALF] = excerpt_of(middle, trace->length, longest);
    if (!job.workspaces || !(targets->list = mem_new(labels->count, sizeof *targets->list)))
        goto done;
    lay_out(&job, threads, &arena);
    if (arena_allocate(&arena) != 0)
        goto done;
    lay_out(&job, threads, &arena);
    list_labels(targets, labels, LABEL_BINARY);
    list_labels(targets, labels, LABEL_SCALAR);
    team_run(team, fill_share, &job);
    keep_varying(targets);
    result = 0;
done:
    arena_release(&arena);
    free(job.workspaces);
    if (result != 0)
        targets_release(targets);
    return result;
}

void targets_release(struct targets *targets)
{
    free(targets->list);
    *targets = (struct targets){0};
}
