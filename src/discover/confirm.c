#include "confirm.h"

#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "measures.h"
#include "mem.h"
#include "relation.h"
#include "shifts.h"

struct work {
    const struct trace *trace;
    const struct targets *targets;
    const struct choice *choice;
    struct trial *trials;
    atomic_size_t next;     /* group that nobody works on yet */
    struct stretch second;  /* the second half */
    struct stretch sampled; /* what of it is shifted, counted from its start */
    struct shifts shifts;
    struct room *rooms;
};

/* What one thread needs. n characters of the second half, or of what was chosen from; m that are
 * shifted. */
struct room {
    float *values, *ranks;               /* [n] the signal */
    uint32_t *order;                     /* [n] */
    uint64_t *pairs;                     /* [2n] */
    uint8_t *bins, *label_bins;          /* [n] */
    float *label;                        /* [n] */
    float *signal_series, *label_series; /* [m] residuals */
    float *shifting;                     /* what the transforms take */
    float *strength;                     /* [CHOOSE_CANDIDATES][m] at each shift */
    float *most;                         /* [m] */
    uint8_t *is_other;                   /* [m] whether the label is another one at that shift */
    double *sums, *counts;               /* [V] */
};

static void lay_out(const struct work *work, size_t threads, struct arena *arena)
{
    const size_t n = work->second.count, m = work->sampled.count;
    const size_t V = (size_t)work->trace->vocab->size;
    for (size_t i = 0; i < threads; i++) {
        struct room *room = &work->rooms[i];
        room->values = arena_take(arena, n, sizeof *room->values);
        room->ranks = arena_take(arena, n, sizeof *room->ranks);
        room->order = arena_take(arena, n, sizeof *room->order);
        room->pairs = arena_take(arena, n, 2 * sizeof *room->pairs);
        room->bins = arena_take(arena, n, sizeof *room->bins);
        room->label_bins = arena_take(arena, n, sizeof *room->label_bins);
        room->label = arena_take(arena, n, sizeof *room->label);
        room->signal_series = arena_take(arena, m, sizeof *room->signal_series);
        room->label_series = arena_take(arena, m, sizeof *room->label_series);
        room->shifting = arena_take(arena, shifts_room(&work->shifts), sizeof *room->shifting);
        room->strength = arena_take(arena, CHOOSE_CANDIDATES * m, sizeof *room->strength);
        room->most = arena_take(arena, m, sizeof *room->most);
        room->is_other = arena_take(arena, m, sizeof *room->is_other);
        room->sums = arena_take(arena, V, sizeof *room->sums);
        room->counts = arena_take(arena, V, sizeof *room->counts);
    }
}

#define RARE 16 /* characters */

/* Takes from a series its mean after each symbol; less of it, the rarer the symbol is: RARE more
 * characters count as 0. For without its own mean nothing is left where a symbol stands alone. Two
 * series that are left at the same places alone would be stronger together where they stand than
 * under any shift. */
static void subtract_echo(const struct work *work, struct room *room, float *series)
{
    const size_t V = (size_t)work->trace->vocab->size;
    const int32_t *ids = work->trace->ids + work->second.start;
    memset(room->sums, 0, V * sizeof *room->sums);
    memset(room->counts, 0, V * sizeof *room->counts);
    for (size_t t = 0; t < work->sampled.count; t++) {
        const int32_t id = ids[stretch_place(&work->sampled, t)];
        room->sums[id] += (double)series[t];
        room->counts[id]++;
    }
    for (size_t t = 0; t < work->sampled.count; t++) {
        const int32_t id = ids[stretch_place(&work->sampled, t)];
        series[t] -= (float)(room->sums[id] / (room->counts[id] + RARE));
    }
}

/* Makes of a series its residual, what the symbol does not tell, of unit length. */
static void make_residual(const struct work *work, struct room *room, float *series)
{
    const size_t m = work->sampled.count;
    const double mean = measure_mean(series, m);
    for (size_t t = 0; t < m; t++)
        series[t] -= (float)mean;
    const double whole = measure_product(series, 0, series, 0, m);
    subtract_echo(work, room, series);
    const double left = measure_product(series, 0, series, 0, m);
    const double scale = left > 1e-9 * whole ? 1 / sqrt(left) : 0; /* else it is rounding */
    for (size_t t = 0; t < m; t++)
        series[t] = (float)((double)series[t] * scale);
}

/* Counts by the bins of signal and label. */
static struct table count_bins(const struct room *room, size_t n, const struct bins *rows,
                               const struct bins *columns, uint32_t *counts)
{
    const struct table table = {counts, (size_t)rows->count, (size_t)columns->count};
    memset(counts, 0, table.rows * table.columns * sizeof *counts);
    for (size_t t = 0; t < n; t++)
        counts[room->bins[t] * table.columns + room->label_bins[t]]++;
    return table;
}

/* Reads a signal and a target over a half. */
static size_t read_half(const struct work *work, const struct candidate *candidate, enum half half,
                        struct room *room)
{
    const struct target *target = &work->targets->list[candidate->target];
    const struct stretch *stretch = &work->targets->halves[half];
    const size_t n = stretch->count;
    stretch_read(stretch, work->trace, candidate->signal, room->values);
    stretch_floats(stretch, target->values, room->label);
    bins_place(&work->choice->bins[candidate->signal], room->values, n, room->bins);
    bins_place(&target->bins, room->label, n, room->label_bins);
    return n;
}

/* The best scores of the bins of signal and label, learned on the first half. */
static void learn_scores(const struct work *work, const struct candidate *candidate,
                         struct room *room, double *rows, double *columns)
{
    uint32_t counts[RANKS_BINS * TARGETS_LABEL_BINS];
    const size_t n = read_half(work, candidate, FIRST_HALF, room);
    const struct table table = count_bins(room, n, &work->choice->bins[candidate->signal],
                                          &work->targets->list[candidate->target].bins, counts);
    measure_best_scores(&table, rows, columns);
}

/* All that is said of a candidate, from what read_half left in the room. */
static void measure_candidate(const struct work *work, const struct candidate *candidate,
                              struct room *room, struct trial *trial)
{
    const struct target *target = &work->targets->list[candidate->target];
    const struct target_half *half = &target->halves[SECOND_HALF];
    const size_t n = work->second.count;
    const bool binary = target->kind == LABEL_BINARY;
    uint32_t counts[RANKS_BINS * TARGETS_LABEL_BINS];
    const struct table table =
        count_bins(room, n, &work->choice->bins[candidate->signal], &target->bins, counts);
    const double mean = measure_mean(room->values, n);
    const double r =
        measure_r(measure_product(room->values, mean, room->label, half->mean, n),
                  measure_product(room->values, mean, room->values, mean, n), half->squares);
    ranks_order(room->values, n, room->order, room->pairs);
    ranks_centred(room->values, room->order, n, room->ranks);
    const double auc =
        measure_auc(measure_product(room->ranks, 0, room->label, 0, n), half->on, (double)n);
    const struct relation relation = relation_of(target->kind, binary ? auc : r, &table);
    const double score = relation_score(&relation, candidate->measure, candidate->sign);
    const int sign =
        candidate->measure == MEASURE_MI ? relation_direction(&relation) : candidate->sign;
    trial->gain = relation_gain(&relation, candidate->measure, candidate->sign, half);
    trial->drifts = target->drifts;
    trial->discovery = (struct discovery){
        .signal = candidate->signal,
        .label = target->label,
        .measure = candidate->measure,
        .score = (float)(candidate->measure == MEASURE_R ? r : score),
        .alone = (float)relation_alone(candidate->measure, half),
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
        const double on = measure_product(room->values, 0, room->label, 0, n);
        trial->discovery.on = (float)(on / half->on);
        trial->discovery.off = (float)(((double)n * mean - on) / ((double)n - half->on));
        trial->discovery.auc = (float)(sign < 0 ? 1 - auc : auc);
        trial->discovery.average_precision = (float)measure_average_precision(
            room->values, room->order, room->label, n, sign < 0 ? -1 : 1);
    }
}

/* The residuals of signal and label whose correlation is tested: of ranks, values, or of the scores
 * of the bins. */
static void make_series(const struct work *work, const struct candidate *candidate,
                        struct room *room, const double *rows, const double *columns)
{
    const struct target_half *half = &work->targets->list[candidate->target].halves[SECOND_HALF];
    for (size_t t = 0; t < work->sampled.count; t++) {
        const size_t at = stretch_place(&work->sampled, t);
        float signal = candidate->measure == MEASURE_AUC ? room->ranks[at] : room->values[at];
        float label = target_standard(half, room->label[at]);
        if (candidate->measure == MEASURE_MI) {
            signal = (float)rows[room->bins[at]];
            label = (float)columns[room->label_bins[at]];
        }
        room->signal_series[t] = candidate->sign < 0 ? -signal : signal;
        room->label_series[t] = label;
    }
    make_residual(work, room, room->signal_series);
    make_residual(work, room, room->label_series);
}

/* Measures one candidate, and how strong it is at each shift: strength[m]. */
static void try_candidate(const struct work *work, size_t index, struct room *room, float *strength)
{
    const struct candidate *candidate = &work->choice->list[index];
    double rows[RANKS_BINS], columns[TARGETS_LABEL_BINS];
    if (candidate->measure == MEASURE_MI)
        learn_scores(work, candidate, room, rows, columns);
    read_half(work, candidate, SECOND_HALF, room);
    if (!measure_finite(room->values, work->second.count)) {
        work->trials[index] = (struct trial){.discovery.p = 1};
        memset(strength, 0, work->sampled.count * sizeof *strength);
        return;
    }
    measure_candidate(work, candidate, room, &work->trials[index]);
    make_series(work, candidate, room, rows, columns);
    shifts_products(&work->shifts, room->signal_series, room->label_series, room->shifting,
                    strength);
}

#define SAME 0.7F /* correlation of a label with itself, shifted, from which it is the same */

/* Finds the shifts under which a label is another one. Where lines are of one width, a label of the
 * place in the line is the same again a line further on. Small shifts, from 0 to where the label
 * has first become another, stay in: a signal that follows a slow label follows it best where it
 * stands. */
static void find_other_shifts(const struct work *work, const struct target *target,
                              struct room *room)
{
    const size_t m = work->sampled.count;
    float *self = room->most;
    for (size_t t = 0; t < m; t++) {
        const size_t at = work->second.start + stretch_place(&work->sampled, t);
        room->label_series[t] = target_standard(&target->halves[SECOND_HALF], target->values[at]);
    }
    const double mean = measure_mean(room->label_series, m);
    for (size_t t = 0; t < m; t++)
        room->label_series[t] -= (float)mean;
    shifts_products(&work->shifts, room->label_series, room->label_series, room->shifting, self);
    size_t near = 1;
    while (near < m && self[near] > SAME * self[0])
        near++;
    for (size_t s = 0; s < m; s++)
        room->is_other[s] = s < near || m - s < near || self[s] <= SAME * self[0];
}

/* Shifts of a tenth of the text, a fifth of the half, or more: the number of those that count. */
static size_t count_far(const struct work *work, const struct room *room)
{
    const size_t m = work->sampled.count;
    size_t far = 0;
    for (size_t s = 0; s < m; s++)
        far += room->is_other[s] && 5 * s >= m && 5 * (m - s) >= m;
    return far;
}

/* Candidates of a group by their strength without a shift, the weakest first: order[count]. */
static void order_by_strength(const struct room *room, size_t m, size_t count, size_t *order)
{
    for (size_t i = 0; i < count; i++) {
        size_t place = i;
        for (; place > 0 && room->strength[i * m] < room->strength[order[place - 1] * m]; place--)
            order[place] = order[place - 1];
        order[place] = i;
    }
}

#define NEARLY 0.95F

/* The p of each candidate of a group, from its strength at each shift: the share of shifts under
 * which it, or one that is weaker without a shift, is nearly as strong (max-T in steps: Westfall &
 * Young 1993). The share is of shifts of a tenth of the text or more; but smaller ones count too
 * where they do as well. For two slow things that have nothing to do with each other are as strong
 * under neighbouring shifts; if those were left out, p would promise more than so few independent
 * shifts can. */
static void find_p(const struct work *work, const struct group *group, struct room *room)
{
    const size_t m = work->sampled.count, far = count_far(work, room);
    size_t order[CHOOSE_CANDIDATES];
    double p[CHOOSE_CANDIDATES], largest = 0;
    order_by_strength(room, m, group->count, order);
    for (size_t s = 0; s < m; s++)
        room->most[s] = -INFINITY;
    for (size_t place = 0; place < group->count; place++) {
        const float *strength = room->strength + order[place] * m;
        size_t reached = 1; /* unshifted */
        for (size_t s = 1; s < m; s++) {
            room->most[s] = strength[s] > room->most[s] ? strength[s] : room->most[s];
            reached += room->is_other[s] && room->most[s] >= NEARLY * strength[0];
        }
        p[place] = fmin(1, (double)reached / (double)(1 + far));
    }
    for (size_t place = group->count; place-- > 0;) { /* none less than that of a stronger one */
        largest = fmax(largest, p[place]);
        work->trials[group->first + order[place]].discovery.p = (float)largest;
    }
}

static void try_groups(struct member *member, void *argument)
{
    struct work *work = argument;
    struct room *room = &work->rooms[member->rank];
    for (size_t g; (g = atomic_fetch_add(&work->next, 1)) < work->choice->num_groups;) {
        const struct group *group = &work->choice->groups[g];
        for (size_t i = 0; i < group->count; i++)
            try_candidate(work, group->first + i, room, room->strength + i * work->sampled.count);
        find_other_shifts(work, &work->targets->list[work->choice->list[group->first].target],
                          room);
        find_p(work, group, room);
    }
}

int confirm(struct trial *trials, struct team *team, const struct trace *trace,
            const struct targets *targets, const struct choice *choice)
{
    const size_t threads = (size_t)team_size(team);
    struct work work = {
        .trace = trace,
        .targets = targets,
        .choice = choice,
        .trials = trials,
        .second = targets->halves[SECOND_HALF],
        .sampled = stretch_of(0, targets->halves[SECOND_HALF].count, SHIFTS_MOST),
    };
    struct arena arena = {0};
    int result = -1;
    work.rooms = mem_new(threads, sizeof *work.rooms);
    if (!work.rooms || shifts_init(&work.shifts, work.sampled.count) != 0)
        goto done;
    lay_out(&work, threads, &arena);
    if (arena_allocate(&arena) != 0)
        goto done;
    lay_out(&work, threads, &arena);
    team_run(team, try_groups, &work);
    result = 0;
done:
    arena_release(&arena);
    free(work.rooms);
    shifts_release(&work.shifts);
    return result;
}
