#include "test.h"

#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "excerpt.h"
#include "measures.h"
#include "relation.h"
#include "shifts.h"

/* What one thread needs. n is the characters of the longer half, m of those that are shifted. */
struct workspace {
    float *values, *ranks;               /* [n] the signal over a half */
    const float *label;                  /* [n] the label there, not owned */
    uint32_t *order;                     /* [n] */
    uint64_t *pairs;                     /* [2n] */
    uint8_t *bins, *label_bins;          /* [n] */
    float *signal_series, *label_series; /* [m] residuals */
    float *transforms;                   /* what shifts_products wants */
    float *strength;                     /* [SCREEN_CANDIDATES][m] products at each shift */
    float *most;                         /* [m] */
    uint8_t *is_other;                   /* [m] whether the shifted label differs from itself */
    double *sums, *counts;               /* [V] */
};

struct job {
    const struct trace *trace;
    const struct targets *targets;
    const struct screening *screening;
    struct result *results;
    atomic_size_t next;     /* group that no member has taken yet */
    struct range second;    /* half */
    struct excerpt shifted; /* of the second half */
    struct shifts shifts;
    struct workspace *workspaces; /* one a thread */
};

static int take_workspaces(struct job *job, size_t threads, struct arena *arena)
{
    const size_t n = job->second.count, m = job->shifted.count;
    const size_t V = (size_t)job->trace->vocab->size;
    job->workspaces = arena_take(arena, threads, sizeof *job->workspaces);
    for (size_t i = 0; job->workspaces && i < threads; i++) {
        struct workspace *workspace = &job->workspaces[i];
        workspace->values = arena_take(arena, n, sizeof *workspace->values);
        workspace->ranks = arena_take(arena, n, sizeof *workspace->ranks);
        workspace->order = arena_take(arena, n, sizeof *workspace->order);
        workspace->pairs = arena_take(arena, n, 2 * sizeof *workspace->pairs);
        workspace->bins = arena_take(arena, n, sizeof *workspace->bins);
        workspace->label_bins = arena_take(arena, n, sizeof *workspace->label_bins);
        workspace->signal_series = arena_take(arena, m, sizeof *workspace->signal_series);
        workspace->label_series = arena_take(arena, m, sizeof *workspace->label_series);
        workspace->transforms =
            arena_take(arena, shifts_scratch(&job->shifts), sizeof *workspace->transforms);
        workspace->strength = arena_take(arena, SCREEN_CANDIDATES * m, sizeof *workspace->strength);
        workspace->most = arena_take(arena, m, sizeof *workspace->most);
        workspace->is_other = arena_take(arena, m, sizeof *workspace->is_other);
        workspace->sums = arena_take(arena, V, sizeof *workspace->sums);
        workspace->counts = arena_take(arena, V, sizeof *workspace->counts);
    }
    return arena->failed ? -1 : 0;
}

#define RARE 16 /* characters of value 0 that are counted with each symbol's own */

/* Subtracts each symbol's mean, shrunk for rare symbols. Unshrunk, symbols that occur once would
 * leave exact zeros, and shared zeros favour shift 0. */
static void subtract_symbol_means(const struct job *job, struct workspace *workspace, float *series)
{
    const size_t V = (size_t)job->trace->vocab->size;
    const int32_t *ids = job->trace->ids + job->second.start;
    memset(workspace->sums, 0, V * sizeof *workspace->sums);
    memset(workspace->counts, 0, V * sizeof *workspace->counts);
    for (size_t t = 0; t < job->shifted.count; t++) {
        const int32_t id = ids[excerpt_position(&job->shifted, t)];
        workspace->sums[id] += (double)series[t];
        workspace->counts[id]++;
    }
    for (size_t t = 0; t < job->shifted.count; t++) {
        const int32_t id = ids[excerpt_position(&job->shifted, t)];
        series[t] -= (float)(workspace->sums[id] / (workspace->counts[id] + RARE));
    }
}

/* Makes a series its residual, of length 1: what the symbol does not tell. */
static void make_residual(const struct job *job, struct workspace *workspace, float *series)
{
    const size_t m = job->shifted.count;
    const double mean = measure_mean(series, m);
    for (size_t t = 0; t < m; t++)
        series[t] -= (float)mean;
    const double whole = measure_product(series, 0, series, 0, m);
    subtract_symbol_means(job, workspace, series);
    const double left = measure_product(series, 0, series, 0, m);
    const double scale = left > 1e-9 * whole ? 1 / sqrt(left) : 0; /* less is rounding */
    for (size_t t = 0; t < m; t++)
        series[t] = (float)((double)series[t] * scale);
}

/* Counts the characters by the bins of signal and label. */
static struct table count_bins(const struct workspace *workspace, size_t n, const struct bins *rows,
                               const struct bins *columns, uint32_t *counts)
{
    const struct table table = {counts, (size_t)rows->count, (size_t)columns->count};
    memset(counts, 0, table.rows * table.columns * sizeof *counts);
    for (size_t t = 0; t < n; t++)
        counts[workspace->bins[t] * table.columns + workspace->label_bins[t]]++;
    return table;
}

/* Reads a signal and a target over a half. */
static void read_half(const struct job *job, const struct candidate *candidate, enum half half,
                      struct workspace *workspace)
{
    const struct target *target = &job->targets->list[candidate->target];
    const struct range *range = &job->targets->halves[half];
    trace_read(job->trace, candidate->signal, range->start, range->count, workspace->values);
    workspace->label = target->values + range->start;
    bins_place(&job->screening->bins[candidate->signal], workspace->values, range->count,
               workspace->bins);
    bins_place(&target->bins, workspace->label, range->count, workspace->label_bins);
}

/* Scores of the bins of signal and label that correlate most on the first half. */
static void learn_scores(const struct job *job, const struct candidate *candidate,
                         struct workspace *workspace, double *rows, double *columns)
{
    uint32_t counts[RANKS_BINS * TARGETS_LABEL_BINS];
    read_half(job, candidate, FIRST_HALF, workspace);
    const struct table table = count_bins(workspace, job->targets->halves[FIRST_HALF].count,
                                          &job->screening->bins[candidate->signal],
                                          &job->targets->list[candidate->target].bins, counts);
    measure_best_scores(&table, rows, columns);
}

/* Measures a candidate on the second half, which read_half has read. */
static void measure_candidate(const struct job *job, const struct candidate *candidate,
                              struct workspace *workspace, struct result *result)
{
    const struct target *target = &job->targets->list[candidate->target];
    const struct target_half *half = &target->halves[SECOND_HALF];
    const size_t n = job->second.count;
    const bool binary = target->kind == LABEL_BINARY;
    uint32_t counts[RANKS_BINS * TARGETS_LABEL_BINS];
    const struct table table =
        count_bins(workspace, n, &job->screening->bins[candidate->signal], &target->bins, counts);
    const double mean = measure_mean(workspace->values, n);
    const double r = measure_r(
        measure_product(workspace->values, mean, workspace->label, half->mean, n),
        measure_product(workspace->values, mean, workspace->values, mean, n), half->squares);
    ranks_order(workspace->values, n, workspace->order, workspace->pairs);
    ranks_centred(workspace->values, workspace->order, n, workspace->ranks);
    const double auc = measure_auc(measure_product(workspace->ranks, 0, workspace->label, 0, n),
                                   half->on, (double)n);
    const struct relation relation = relation_of(target->kind, binary ? auc : r, &table);
    const double score = relation_score(&relation, candidate->measure, candidate->sign);
    const int sign =
        candidate->measure == MEASURE_MI ? relation_direction(&relation) : candidate->sign;
    result->gain = relation_gain(&relation, candidate->measure, candidate->sign, half);
    result->drifts = target->drifts;
    result->discovery = (struct discovery){
        .signal = candidate->signal,
        .label = target->label,
        .measure = candidate->measure,
        .score = (float)(candidate->measure == MEASURE_R ? r : score),
        .baseline = (float)relation_baseline(candidate->measure, half),
        .sign = sign,
        .auc = NAN,
        .average_precision = NAN,
        .r = (float)r,
        .r2 = (float)(r * r),
        .information = (float)(measure_information(&table) / log(2)),
        .on = NAN,
        .off = NAN,
        .p = 1,
    };
    if (binary) {
        const double on = measure_product(workspace->values, 0, workspace->label, 0, n);
        result->discovery.on = (float)(on / half->on);
        result->discovery.off = (float)(((double)n * mean - on) / ((double)n - half->on));
        result->discovery.auc = (float)(sign < 0 ? 1 - auc : auc);
        result->discovery.average_precision = (float)measure_average_precision(
            workspace->values, workspace->order, workspace->label, n, sign < 0 ? -1 : 1);
    }
}

/* Makes the residuals of signal and label whose correlation is tested: of ranks for AUC, of values
 * for r, of the scores of the bins for mi. */
static void make_series(const struct job *job, const struct candidate *candidate,
                        struct workspace *workspace, const double *rows, const double *columns)
{
    const struct target_half *half = &job->targets->list[candidate->target].halves[SECOND_HALF];
    for (size_t t = 0; t < job->shifted.count; t++) {
        const size_t at = excerpt_position(&job->shifted, t);
        float signal =
            candidate->measure == MEASURE_AUC ? workspace->ranks[at] : workspace->values[at];
        float label = target_standard(half, workspace->label[at]);
        if (candidate->measure == MEASURE_MI) {
            signal = (float)rows[workspace->bins[at]];
            label = (float)columns[workspace->label_bins[at]];
        }
        workspace->signal_series[t] = candidate->sign < 0 ? -signal : signal;
        workspace->label_series[t] = label;
    }
    make_residual(job, workspace, workspace->signal_series);
    make_residual(job, workspace, workspace->label_series);
}

/* Measures a candidate, and its strength at each shift: strength[m]. */
static void test_candidate(const struct job *job, size_t index, struct workspace *workspace,
                           float *strength)
{
    const struct candidate *candidate = &job->screening->list[index];
    double rows[RANKS_BINS], columns[TARGETS_LABEL_BINS];
    if (candidate->measure == MEASURE_MI)
        learn_scores(job, candidate, workspace, rows, columns);
    read_half(job, candidate, SECOND_HALF, workspace);
    if (!measure_finite(workspace->values, job->second.count)) {
        job->results[index] = (struct result){.discovery.p = 1};
        memset(strength, 0, job->shifted.count * sizeof *strength);
        return;
    }
    measure_candidate(job, candidate, workspace, &job->results[index]);
    make_series(job, candidate, workspace, rows, columns);
    shifts_products(&job->shifts, workspace->signal_series, workspace->label_series,
                    workspace->transforms, strength);
}

#define SAME 0.7F /* autocorrelation from which a shifted label is still the same */

/* Finds the shifts under which the label differs from itself: where all lines are of one width, the
 * position in the line is the same again one line further on. Shifts around 0, up to the first
 * under which it differs, stay in: of a slow label, they are the strongest competitors. */
static void find_other_shifts(const struct job *job, const struct target *target,
                              struct workspace *workspace)
{
    const size_t m = job->shifted.count;
    float *self = workspace->most;
    for (size_t t = 0; t < m; t++) {
        const size_t at = job->second.start + excerpt_position(&job->shifted, t);
        workspace->label_series[t] =
            target_standard(&target->halves[SECOND_HALF], target->values[at]);
    }
    const double mean = measure_mean(workspace->label_series, m);
    for (size_t t = 0; t < m; t++)
        workspace->label_series[t] -= (float)mean;
    shifts_products(&job->shifts, workspace->label_series, workspace->label_series,
                    workspace->transforms, self);
    size_t near = 1;
    while (near < m && self[near] > SAME * self[0])
        near++;
    for (size_t s = 0; s < m; s++)
        workspace->is_other[s] = s < near || m - s < near || self[s] <= SAME * self[0];
}

/* Counts the shifts by a tenth of the text (a fifth of the half) or more under which the label
 * differs. */
static size_t count_far(const struct job *job, const struct workspace *workspace)
{
    const size_t m = job->shifted.count;
    size_t far = 0;
    for (size_t s = 0; s < m; s++)
        far += workspace->is_other[s] && 5 * s >= m && 5 * (m - s) >= m;
    return far;
}

/* Sorts the candidates of a group by their unshifted strength, the weakest first: order[count]. */
static void order_by_strength(const struct workspace *workspace, size_t m, size_t count,
                              size_t *order)
{
    for (size_t i = 0; i < count; i++) {
        size_t place = i;
        for (; place > 0 && workspace->strength[i * m] < workspace->strength[order[place - 1] * m];
             place--)
            order[place] = order[place - 1];
        order[place] = i;
    }
}

#define NEARLY 0.95F

/* Finds the p of each candidate of a group by max-T in steps (Westfall & Young 1993): the share of
 * shifts under which it, or a candidate that is weaker unshifted, is nearly as strong. The
 * denominator counts shifts by a tenth of the text or more. The numerator counts smaller ones, too:
 * two slow, unrelated series are about as strong under neighbouring shifts, and without those p
 * would promise more than so few independent shifts can. */
static void find_p(const struct job *job, const struct group *group, struct workspace *workspace)
{
    const size_t m = job->shifted.count, far = count_far(job, workspace);
    size_t order[SCREEN_CANDIDATES];
    double p[SCREEN_CANDIDATES], largest = 0;
    order_by_strength(workspace, m, group->count, order);
    for (size_t s = 0; s < m; s++)
        workspace->most[s] = -INFINITY;
    for (size_t place = 0; place < group->count; place++) {
        const float *strength = workspace->strength + order[place] * m;
        size_t reached = 1; /* unshifted */
        for (size_t s = 1; s < m; s++) {
            workspace->most[s] =
                strength[s] > workspace->most[s] ? strength[s] : workspace->most[s];
            reached += workspace->is_other[s] && workspace->most[s] >= NEARLY * strength[0];
        }
        p[place] = fmin(1, (double)reached / (double)(1 + far));
    }
    for (size_t place = group->count; place-- > 0;) { /* p never rises with the strength */
        largest = fmax(largest, p[place]);
        job->results[group->first + order[place]].discovery.p = (float)largest;
    }
}

static void test_groups(struct member *member, void *argument)
{
    struct job *job = argument;
    struct workspace *workspace = &job->workspaces[member->rank];
    for (size_t g; (g = atomic_fetch_add(&job->next, 1)) < job->screening->num_groups;) {
        const struct group *group = &job->screening->groups[g];
        for (size_t i = 0; i < group->count; i++)
            test_candidate(job, group->first + i, workspace,
                           workspace->strength + i * job->shifted.count);
        find_other_shifts(job, &job->targets->list[job->screening->list[group->first].target],
                          workspace);
        find_p(job, group, workspace);
    }
}

int test_candidates(struct result *results, struct team *team, const struct trace *trace,
                    const struct targets *targets, const struct screening *screening)
{
    struct arena scratch = {0};
    struct job job = {
        .trace = trace,
        .targets = targets,
        .screening = screening,
        .results = results,
        .second = targets->halves[SECOND_HALF],
        .shifted = excerpt_of(targets->halves[SECOND_HALF].count, SHIFTS_MOST),
    };
    shifts_init(&job.shifts, &scratch, job.shifted.count);
    const int result = take_workspaces(&job, (size_t)team_size(team), &scratch);
    if (result == 0)
        team_run(team, test_groups, &job);
    arena_release(&scratch);
    return result;
}
