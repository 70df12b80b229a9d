#include "screen.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "measures.h"
#include "products.h"
#include "relation.h"

#define TILE 8     /* signals that are related to all labels at once */
#define DEPTH 4096 /* characters whose products are summed in floats; beyond them in doubles */
#define CHUNK 255  /* characters that a byte can count */
#define LANES 16   /* columns of bins come in whole vectors */

/* What one thread needs. */
struct workspace {
    float *values, *ranks; /* [TILE][n] of the signals */
    uint8_t *bins;         /* [TILE][n] */
    uint32_t *order;       /* [n] */
    uint64_t *pairs;       /* [2n] */
    double squares[TILE];
    float *sums;      /* [TILE][count] over DEPTH characters */
    double *products; /* [TILE][count] of signals and labels */
    uint32_t *tables; /* [TILE][RANKS_BINS][columns] */
    uint8_t *counts;  /* [RANKS_BINS][columns] over a chunk */
};

/* How a signal does as a candidate for a target. */
struct verdict {
    float gain;  /* 0: none */
    float score; /* AUC or |r| */
    uint8_t measure;
    int8_t sign;
};

struct job {
    const struct trace *trace;
    const struct targets *targets;
    size_t n;                     /* characters of the first half */
    size_t count;                 /* targets */
    float *labels;                /* [n][count] of mean 0 and variance 1 */
    size_t columns;               /* of all labels' bins */
    size_t *first_column;         /* [count] */
    uint8_t *label_bins;          /* [n][columns] 1 in the column of the bin */
    struct workspace *workspaces; /* one a thread */
    struct bins *bins;            /* [S] */
    struct verdict *verdicts;     /* [S][count] */
};

static void fill_label(const struct job *job, size_t index)
{
    const struct target *target = &job->targets->list[index];
    const float *values = target->values + job->targets->halves[FIRST_HALF].start;
    for (size_t t = 0; t < job->n; t++) {
        uint8_t bin;
        bins_place(&target->bins, &values[t], 1, &bin);
        job->labels[t * job->count + index] =
            target_standard(&target->halves[FIRST_HALF], values[t]);
        job->label_bins[t * job->columns + job->first_column[index] + bin] = 1;
    }
}

static int job_init(struct job *job, size_t threads, struct arena *arena)
{
    const size_t n = job->n, count = job->count;
    job->workspaces = arena_take(arena, threads, sizeof *job->workspaces);
    job->first_column = arena_take(arena, count, sizeof *job->first_column);
    if (!job->first_column)
        return -1;
    for (size_t i = 0; i < count; i++) {
        job->first_column[i] = job->columns;
        job->columns += (size_t)job->targets->list[i].bins.count;
    }
    job->columns = (job->columns + LANES - 1) / LANES * LANES;
    const size_t cells = RANKS_BINS * job->columns;
    job->labels = arena_take(arena, n, count * sizeof *job->labels);
    job->label_bins = arena_take(arena, n, job->columns);
    job->verdicts = arena_take(arena, job->trace->num_signals, count * sizeof *job->verdicts);
    for (size_t i = 0; job->workspaces && i < threads; i++) {
        struct workspace *workspace = &job->workspaces[i];
        workspace->values = arena_take(arena, TILE * n, sizeof *workspace->values);
        workspace->ranks = arena_take(arena, TILE * n, sizeof *workspace->ranks);
        workspace->bins = arena_take(arena, TILE * n, sizeof *workspace->bins);
        workspace->order = arena_take(arena, n, sizeof *workspace->order);
        workspace->pairs = arena_take(arena, n, 2 * sizeof *workspace->pairs);
        workspace->sums = arena_take(arena, TILE * count, sizeof *workspace->sums);
        workspace->products = arena_take(arena, TILE * count, sizeof *workspace->products);
        workspace->tables = arena_take(arena, TILE * cells, sizeof *workspace->tables);
        workspace->counts = arena_take(arena, cells, sizeof *workspace->counts);
    }
    for (size_t i = 0; !arena->failed && i < count; i++)
        fill_label(job, i);
    return arena->failed ? -1 : 0;
}

/* Reads signal `row` of the tile: values less their mean, ranks and bins. One that is not finite is
 * read as 0, which is related to nothing. */
static void read_signal(const struct job *job, struct workspace *workspace, size_t row,
                        size_t signal)
{
    const size_t n = job->n;
    float *values = workspace->values + row * n;
    trace_read(job->trace, signal, job->targets->halves[FIRST_HALF].start, n, values);
    if (!measure_finite(values, n))
        memset(values, 0, n * sizeof *values);
    ranks_order(values, n, workspace->order, workspace->pairs);
    ranks_centred(values, workspace->order, n, workspace->ranks + row * n);
    bins_fit(&job->bins[signal], values, workspace->order, n, RANKS_BINS);
    bins_place(&job->bins[signal], values, n, workspace->bins + row * n);
    const double mean = measure_mean(values, n);
    workspace->squares[row] = measure_product(values, mean, values, mean, n);
    for (size_t t = 0; t < n; t++)
        values[t] -= (float)mean;
}

/* The products of a tile of signals with all labels: of ranks with binary ones, which come first,
 * and of values with scalar ones. */
static void multiply_labels(const struct job *job, struct workspace *workspace, size_t signals)
{
    const size_t count = job->count, binary = job->targets->num_binary;
    memset(workspace->products, 0, TILE * count * sizeof *workspace->products);
    for (size_t start = 0; start < job->n; start += DEPTH) {
        const size_t depth = job->n - start < DEPTH ? job->n - start : DEPTH;
        float *labels = job->labels + start * count, *sums = workspace->sums;
        products_multiply(signals, binary, depth, (struct matrix){workspace->ranks + start, job->n},
                          (struct matrix){labels, count}, false, (struct matrix){sums, count});
        products_multiply(
            signals, count - binary, depth, (struct matrix){workspace->values + start, job->n},
            (struct matrix){labels + binary, count}, false, (struct matrix){sums + binary, count});
        for (size_t i = 0; i < signals * count; i++)
            workspace->products[i] += (double)sums[i];
    }
}

static void add_counts(const uint8_t *bins, const uint8_t *restrict rows, size_t columns, size_t n,
                       uint8_t *restrict counts, uint32_t *restrict table)
{
    memset(counts, 0, RANKS_BINS * columns);
    for (size_t t = 0; t < n; t++) {
        uint8_t *restrict to = counts + bins[t] * columns;
        for (size_t i = 0; i < columns; i++)
            to[i] = (uint8_t)(to[i] + rows[t * columns + i]);
    }
    for (size_t i = 0; i < RANKS_BINS * columns; i++)
        table[i] += counts[i];
}

/* Counts the bins of the tile's signals against those of all labels, a chunk of the text at a time,
 * so that its labels stay in the cache. */
static void count_tables(const struct job *job, struct workspace *workspace, size_t signals)
{
    const size_t cells = RANKS_BINS * job->columns;
    memset(workspace->tables, 0, TILE * cells * sizeof *workspace->tables);
    for (size_t start = 0; start < job->n; start += CHUNK) {
        const size_t n = job->n - start < CHUNK ? job->n - start : CHUNK;
        for (size_t row = 0; row < signals; row++)
            add_counts(workspace->bins + row * job->n + start,
                       job->label_bins + start * job->columns, job->columns, n, workspace->counts,
                       workspace->tables + row * cells);
    }
}

static struct relation relate(const struct job *job, const struct workspace *workspace, size_t row,
                              size_t index)
{
    const struct target *target = &job->targets->list[index];
    const struct target_half *half = &target->halves[FIRST_HALF];
    const double product = workspace->products[row * job->count + index];
    uint32_t counts[RANKS_BINS * TARGETS_LABEL_BINS];
    const struct table table = {counts, RANKS_BINS, (size_t)target->bins.count};
    for (size_t bin = 0; bin < RANKS_BINS; bin++)
        memcpy(counts + bin * table.columns,
               workspace->tables + (row * RANKS_BINS + bin) * job->columns +
                   job->first_column[index],
               table.columns * sizeof *counts);
    const double linear = target->kind == LABEL_BINARY
                              ? measure_auc(product * half->deviation, half->on, (double)job->n)
                              : measure_r(product, workspace->squares[row], (double)job->n);
    return relation_of(target->kind, linear, &table);
}

static struct verdict judge(const struct relation *relation, const struct target *target)
{
    const struct target_half *half = &target->halves[FIRST_HALF];
    const enum measure measure = target->kind == LABEL_BINARY ? MEASURE_AUC : MEASURE_R;
    const int sign = relation_sign(relation, target->kind);
    struct verdict verdict = {.gain = (float)relation_gain(relation, MEASURE_MI, 0, half),
                              .score = (float)fmax(relation_score(relation, measure, 1),
                                                   relation_score(relation, measure, -1)),
                              .measure = MEASURE_MI};
    if (sign != 0 && !(verdict.gain > 0 && relation_is_nonlinear(relation))) {
        verdict.gain = (float)relation_gain(relation, measure, sign, half);
        verdict.measure = (uint8_t)measure;
        verdict.sign = (int8_t)sign;
    }
    return verdict;
}

static void judge_signals(const struct job *job, struct workspace *workspace, size_t first,
                          size_t signals)
{
    for (size_t row = 0; row < signals; row++)
        read_signal(job, workspace, row, first + row);
    multiply_labels(job, workspace, signals);
    count_tables(job, workspace, signals);
    for (size_t row = 0; row < signals; row++)
        for (size_t i = 0; i < job->count; i++) {
            const struct relation relation = relate(job, workspace, row, i);
            job->verdicts[(first + row) * job->count + i] =
                judge(&relation, &job->targets->list[i]);
        }
}

static void judge_share(struct member *member, void *argument)
{
    const struct job *job = argument;
    const size_t S = job->trace->num_signals;
    int first, last;
    team_share(member, (int)((S + TILE - 1) / TILE), &first, &last);
    for (size_t s = (size_t)first * TILE; s < (size_t)last * TILE && s < S; s += TILE)
        judge_signals(job, &job->workspaces[member->rank], s, S - s < TILE ? S - s : TILE);
}

static bool is_better(const struct candidate *a, const struct candidate *b)
{
    return a->gain != b->gain ? a->gain > b->gain : a->signal < b->signal;
}

/* The best candidates for a target: best[SCREEN_CANDIDATES]; returns how many. */
static size_t pick_best(const struct job *job, size_t target, struct candidate *best)
{
    size_t count = 0;
    for (size_t s = 0; s < job->trace->num_signals; s++) {
        const struct verdict *verdict = &job->verdicts[s * job->count + target];
        const struct candidate candidate = {s, target, verdict->measure, verdict->sign,
                                            verdict->gain};
        size_t place = count;
        if (!(candidate.gain > 0))
            continue;
        for (; place > 0 && is_better(&candidate, &best[place - 1]); place--)
            if (place < SCREEN_CANDIDATES)
                best[place] = best[place - 1];
        if (place < SCREEN_CANDIDATES) {
            best[place] = candidate;
            count += count < SCREEN_CANDIDATES;
        }
    }
    return count;
}

static struct attempt find_attempt(const struct job *job, size_t target)
{
    const double baseline = job->targets->list[target].halves[FIRST_HALF].baseline;
    struct attempt attempt = {.score = NAN, .baseline = (float)baseline};
    for (size_t s = 0; s < job->trace->num_signals; s++) {
        const float score = job->verdicts[s * job->count + target].score;
        if (s == 0 || score > attempt.score) {
            attempt.signal = s;
            attempt.score = score;
        }
    }
    return attempt;
}

/* Those by mi, or the others. */
static void list_group(struct screening *screening, const struct candidate *best, size_t count,
                       bool by_mi)
{
    const size_t first = screening->count;
    for (size_t i = 0; i < count; i++)
        if ((best[i].measure == MEASURE_MI) == by_mi)
            screening->list[screening->count++] = best[i];
    if (screening->count > first)
        screening->groups[screening->num_groups++] =
            (struct group){first, screening->count - first};
}

static void list_candidates(struct screening *screening, const struct job *job)
{
    struct candidate best[SCREEN_CANDIDATES];
    for (size_t target = 0; target < job->count; target++) {
        const size_t count = pick_best(job, target, best);
        screening->attempts[target] = find_attempt(job, target);
        list_group(screening, best, count, false);
        list_group(screening, best, count, true);
    }
}

int screen(struct screening *screening, struct arena *memory, struct team *team,
           const struct trace *trace, const struct targets *targets)
{
    const size_t T = targets->count;
    struct arena scratch = {0};
    struct job job = {.trace = trace,
                      .targets = targets,
                      .n = targets->halves[FIRST_HALF].count,
                      .count = targets->count};
    screening->bins = arena_take(memory, trace->num_signals, sizeof *screening->bins);
    screening->list = arena_take(memory, T, SCREEN_CANDIDATES * sizeof *screening->list);
    screening->groups = arena_take(memory, T, 2 * sizeof *screening->groups);
    screening->attempts = arena_take(memory, T, sizeof *screening->attempts);
    job.bins = screening->bins;
    const int result = memory->failed ? -1 : job_init(&job, (size_t)team_size(team), &scratch);
    if (result == 0) {
        team_run(team, judge_share, &job);
        list_candidates(screening, &job);
    }
    arena_release(&scratch);
    return result;
}
