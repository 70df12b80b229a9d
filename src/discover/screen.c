#include "screen.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "measures.h"
#include "mem.h"
#include "relation.h"

#define TILE 4    /* signals that meet the labels together */
#define CHUNK 255 /* characters that a byte can count */
#define LANES 16  /* columns come in whole cache lines */

/* The labels of the first half, character by character. */
struct rows {
    size_t n;
    size_t binary, width; /* floats of the binary labels, and of all, filled up */
    float *values;        /* [n][width] of mean 0 and variance 1 */
    size_t columns;
    uint8_t *bins;      /* [n][columns] 1 in the column of the bin */
    size_t *columns_of; /* [count] of each target its first column */
};

/* What one thread needs. */
struct workspace {
    float *values, *ranks;           /* [TILE][n] */
    uint8_t *bins;                   /* [TILE][n] */
    uint32_t *order;                 /* [n] */
    uint64_t *pairs;                 /* [2n] */
    double squares[TILE], *products; /* [TILE][width] */
    uint32_t *tables;                /* [TILE][RANKS_BINS][columns] */
    uint8_t *counts;                 /* [RANKS_BINS][columns] over a chunk */
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
    struct rows rows;
    struct workspace *workspaces; /* one a thread */
    struct bins *bins;            /* [S] */
    struct arena arena;           /* for all but the bins */
    struct verdict *verdicts;     /* [S][count] */
};

static size_t round_up(size_t count)
{
    return (count + LANES - 1) / LANES * LANES;
}

static void fill_row_column(struct rows *rows, const struct targets *targets, size_t target,
                            size_t place)
{
    const struct target *from = &targets->list[target];
    for (size_t t = 0; t < rows->n; t++) {
        const float value = from->values[excerpt_position(&targets->halves[FIRST_HALF], t)];
        uint8_t bin;
        bins_place(&from->bins, &value, 1, &bin);
        rows->values[t * rows->width + place] = target_standard(&from->halves[FIRST_HALF], value);
        rows->bins[t * rows->columns + rows->columns_of[target] + bin] = 1;
    }
}

/* Where the values of a target stand in a row. */
static size_t row_place(const struct rows *rows, const struct targets *targets, size_t target)
{
    return target < targets->num_binary ? target : rows->binary + target - targets->num_binary;
}

static void lay_out(struct job *job, size_t threads, struct arena *arena)
{
    struct rows *rows = &job->rows;
    const size_t n = rows->n, cells = RANKS_BINS * rows->columns;
    rows->values = arena_take(arena, n, rows->width * sizeof *rows->values);
    rows->bins = arena_take(arena, n, rows->columns);
    job->verdicts =
        arena_take(arena, job->trace->num_signals, job->targets->count * sizeof *job->verdicts);
    for (size_t i = 0; i < threads; i++) {
        struct workspace *workspace = &job->workspaces[i];
        workspace->values = arena_take(arena, TILE * n, sizeof *workspace->values);
        workspace->ranks = arena_take(arena, TILE * n, sizeof *workspace->ranks);
        workspace->bins = arena_take(arena, TILE * n, sizeof *workspace->bins);
        workspace->order = arena_take(arena, n, sizeof *workspace->order);
        workspace->pairs = arena_take(arena, n, 2 * sizeof *workspace->pairs);
        workspace->products = arena_take(arena, TILE * rows->width, sizeof *workspace->products);
        workspace->tables = arena_take(arena, TILE * cells, sizeof *workspace->tables);
        workspace->counts = arena_take(arena, cells, sizeof *workspace->counts);
    }
}

/* Takes memory for all of the job. The widths of rows are found first. */
static int job_init(struct job *job, size_t threads)
{
    const struct targets *targets = job->targets;
    struct rows *rows = &job->rows;
    job->workspaces = mem_new(threads, sizeof *job->workspaces);
    rows->columns_of = mem_new(targets->count, sizeof *rows->columns_of);
    if (!job->workspaces || !rows->columns_of)
        return -1;
    rows->n = targets->halves[FIRST_HALF].count;
    rows->binary = round_up(targets->num_binary);
    rows->width = rows->binary + round_up(targets->count - targets->num_binary);
    for (size_t i = 0; i < targets->count; i++) {
        rows->columns_of[i] = rows->columns;
        rows->columns += (size_t)targets->list[i].bins.count;
    }
    rows->columns = round_up(rows->columns);
    lay_out(job, threads, &job->arena);
    if (arena_allocate(&job->arena) != 0)
        return -1;
    lay_out(job, threads, &job->arena);
    for (size_t i = 0; i < targets->count; i++)
        fill_row_column(rows, targets, i, row_place(rows, targets, i));
    return 0;
}

static void job_release(struct job *job)
{
    arena_release(&job->arena);
    free(job->workspaces);
    free(job->rows.columns_of);
}

/* Reads signal `tile` of the workspace: values less their mean, ranks and bins. One that is not
 * finite is read as 0, which goes with nothing. */
static void read_signal(const struct job *job, struct workspace *workspace, size_t tile,
                        size_t signal)
{
    const size_t n = job->rows.n;
    float *values = workspace->values + tile * n;
    excerpt_signal(&job->targets->halves[FIRST_HALF], job->trace, signal, values);
    if (!measure_finite(values, n))
        memset(values, 0, n * sizeof *values);
    ranks_order(values, n, workspace->order, workspace->pairs);
    ranks_centred(values, workspace->order, n, workspace->ranks + tile * n);
    bins_fit(&job->bins[signal], values, workspace->order, n, RANKS_BINS);
    bins_place(&job->bins[signal], values, n, workspace->bins + tile * n);
    const double mean = measure_mean(values, n);
    workspace->squares[tile] = measure_product(values, mean, values, mean, n);
    for (size_t t = 0; t < n; t++)
        values[t] -= (float)mean;
}

typedef float vec __attribute__((vector_size(16), may_alias));

/* sums[LANES] = Σ_t x[t] · rows[t][0 … LANES), a row being `width` floats. */
static void add_products(const float *x, const float *rows, size_t width, size_t n, double *sums)
{
    vec sum[LANES / 4] = {{0}};
    float out[LANES];
    for (size_t t = 0; t < n; t++)
        for (size_t i = 0; i < LANES / 4; i++)
            sum[i] += x[t] * ((const vec *)(rows + t * width))[i];
    memcpy(out, sum, sizeof out);
    for (size_t i = 0; i < LANES; i++)
        sums[i] += (double)out[i];
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

/* The signals of the tile meet the labels, a chunk of the text at a time. */
static void meet_labels(const struct rows *rows, struct workspace *workspace, size_t signals)
{
    const size_t cells = RANKS_BINS * rows->columns;
    memset(workspace->products, 0, TILE * rows->width * sizeof *workspace->products);
    memset(workspace->tables, 0, TILE * cells * sizeof *workspace->tables);
    for (size_t start = 0; start < rows->n; start += CHUNK) {
        const size_t n = rows->n - start < CHUNK ? rows->n - start : CHUNK;
        for (size_t tile = 0; tile < signals; tile++) {
            const size_t at = tile * rows->n + start;
            for (size_t i = 0; i < rows->width; i += LANES)
                add_products((i < rows->binary ? workspace->ranks : workspace->values) + at,
                             rows->values + start * rows->width + i, rows->width, n,
                             workspace->products + tile * rows->width + i);
            add_counts(workspace->bins + at, rows->bins + start * rows->columns, rows->columns, n,
                       workspace->counts, workspace->tables + tile * cells);
        }
    }
}

static struct relation relate(const struct job *job, const struct workspace *workspace, size_t tile,
                              size_t index)
{
    const struct rows *rows = &job->rows;
    const struct target *target = &job->targets->list[index];
    const struct target_half *half = &target->halves[FIRST_HALF];
    const double product =
        workspace->products[tile * rows->width + row_place(rows, job->targets, index)];
    uint32_t counts[RANKS_BINS * TARGETS_LABEL_BINS];
    const struct table table = {counts, RANKS_BINS, (size_t)target->bins.count};
    for (size_t bin = 0; bin < RANKS_BINS; bin++)
        memcpy(counts + bin * table.columns,
               workspace->tables + (tile * RANKS_BINS + bin) * rows->columns +
                   rows->columns_of[index],
               table.columns * sizeof *counts);
    const double linear = target->kind == LABEL_BINARY
                              ? measure_auc(product * half->deviation, half->on, (double)rows->n)
                              : measure_r(product, workspace->squares[tile], (double)rows->n);
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
    const size_t count = job->targets->count;
    for (size_t tile = 0; tile < signals; tile++)
        read_signal(job, workspace, tile, first + tile);
    meet_labels(&job->rows, workspace, signals);
    for (size_t tile = 0; tile < signals; tile++)
        for (size_t i = 0; i < count; i++) {
            const struct relation relation = relate(job, workspace, tile, i);
            job->verdicts[(first + tile) * count + i] = judge(&relation, &job->targets->list[i]);
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
        const struct verdict *verdict = &job->verdicts[s * job->targets->count + target];
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
        const float score = job->verdicts[s * job->targets->count + target].score;
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
    for (size_t target = 0; target < job->targets->count; target++) {
        const size_t count = pick_best(job, target, best);
        screening->attempts[target] = find_attempt(job, target);
        list_group(screening, best, count, false);
        list_group(screening, best, count, true);
    }
}

int screen(struct screening *screening, struct team *team, const struct trace *trace,
           const struct targets *targets)
{
    const size_t S = trace->num_signals, threads = (size_t)team_size(team);
    struct job job = {.trace = trace, .targets = targets};
    int result = -1;
    job.bins = screening->bins = mem_new(S, sizeof *screening->bins);
    screening->list = mem_new(targets->count, SCREEN_CANDIDATES * sizeof *screening->list);
    screening->groups = mem_new(targets->count, 2 * sizeof *screening->groups);
    screening->attempts = mem_new(targets->count, sizeof *screening->attempts);
    if (job.bins && screening->list && screening->groups && screening->attempts &&
        job_init(&job, threads) == 0) {
        team_run(team, judge_share, &job);
        list_candidates(screening, &job);
        result = 0;
    }
    job_release(&job);
    if (result != 0)
        screening_release(screening);
    return result;
}

void screening_release(struct screening *screening)
{
    free(screening->list);
    free(screening->groups);
    free(screening->bins);
    free(screening->attempts);
    *screening = (struct screening){0};
}
