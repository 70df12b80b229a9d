#include "choose.h"

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
struct room {
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

struct work {
    const struct trace *trace;
    const struct targets *targets;
    struct rows rows;
    struct room *rooms;       /* one a thread */
    struct bins *bins;        /* [S] */
    struct arena arena;       /* for all but the bins */
    struct verdict *verdicts; /* [S][count] */
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
        const float value = from->values[stretch_place(&targets->halves[FIRST_HALF], t)];
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

static void lay_out(struct work *work, size_t threads, struct arena *arena)
{
    struct rows *rows = &work->rows;
    const size_t n = rows->n, cells = RANKS_BINS * rows->columns;
    rows->values = arena_take(arena, n, rows->width * sizeof *rows->values);
    rows->bins = arena_take(arena, n, rows->columns);
    work->verdicts =
        arena_take(arena, work->trace->num_signals, work->targets->count * sizeof *work->verdicts);
    for (size_t i = 0; i < threads; i++) {
        struct room *room = &work->rooms[i];
        room->values = arena_take(arena, TILE * n, sizeof *room->values);
        room->ranks = arena_take(arena, TILE * n, sizeof *room->ranks);
        room->bins = arena_take(arena, TILE * n, sizeof *room->bins);
        room->order = arena_take(arena, n, sizeof *room->order);
        room->pairs = arena_take(arena, n, 2 * sizeof *room->pairs);
        room->products = arena_take(arena, TILE * rows->width, sizeof *room->products);
        room->tables = arena_take(arena, TILE * cells, sizeof *room->tables);
        room->counts = arena_take(arena, cells, sizeof *room->counts);
    }
}

/* Takes memory for all of the work. The widths of rows are found first. */
static int work_init(struct work *work, size_t threads)
{
    const struct targets *targets = work->targets;
    struct rows *rows = &work->rows;
    work->rooms = mem_new(threads, sizeof *work->rooms);
    rows->columns_of = mem_new(targets->count, sizeof *rows->columns_of);
    if (!work->rooms || !rows->columns_of)
        return -1;
    rows->n = targets->halves[FIRST_HALF].count;
    rows->binary = round_up(targets->num_binary);
    rows->width = rows->binary + round_up(targets->count - targets->num_binary);
    for (size_t i = 0; i < targets->count; i++) {
        rows->columns_of[i] = rows->columns;
        rows->columns += (size_t)targets->list[i].bins.count;
    }
    rows->columns = round_up(rows->columns);
    lay_out(work, threads, &work->arena);
    if (arena_allocate(&work->arena) != 0)
        return -1;
    lay_out(work, threads, &work->arena);
    for (size_t i = 0; i < targets->count; i++)
        fill_row_column(rows, targets, i, row_place(rows, targets, i));
    return 0;
}

static void work_release(struct work *work)
{
    arena_release(&work->arena);
    free(work->rooms);
    free(work->rows.columns_of);
}

/* Reads signal `tile` of the room: values less their mean, ranks and bins. One that is not finite
 * is read as 0, which goes with nothing. */
static void read_signal(const struct work *work, struct room *room, size_t tile, size_t signal)
{
    const size_t n = work->rows.n;
    float *values = room->values + tile * n;
    stretch_read(&work->targets->halves[FIRST_HALF], work->trace, signal, values);
    if (!measure_finite(values, n))
        memset(values, 0, n * sizeof *values);
    ranks_order(values, n, room->order, room->pairs);
    ranks_centred(values, room->order, n, room->ranks + tile * n);
    bins_fit(&work->bins[signal], values, room->order, n, RANKS_BINS);
    bins_place(&work->bins[signal], values, n, room->bins + tile * n);
    const double mean = measure_mean(values, n);
    room->squares[tile] = measure_product(values, mean, values, mean, n);
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
static void meet_labels(const struct rows *rows, struct room *room, size_t signals)
{
    const size_t cells = RANKS_BINS * rows->columns;
    memset(room->products, 0, TILE * rows->width * sizeof *room->products);
    memset(room->tables, 0, TILE * cells * sizeof *room->tables);
    for (size_t start = 0; start < rows->n; start += CHUNK) {
        const size_t n = rows->n - start < CHUNK ? rows->n - start : CHUNK;
        for (size_t tile = 0; tile < signals; tile++) {
            const size_t at = tile * rows->n + start;
            for (size_t i = 0; i < rows->width; i += LANES)
                add_products((i < rows->binary ? room->ranks : room->values) + at,
                             rows->values + start * rows->width + i, rows->width, n,
                             room->products + tile * rows->width + i);
            add_counts(room->bins + at, rows->bins + start * rows->columns, rows->columns, n,
                       room->counts, room->tables + tile * cells);
        }
    }
}

static struct relation relate(const struct work *work, const struct room *room, size_t tile,
                              size_t index)
{
    const struct rows *rows = &work->rows;
    const struct target *target = &work->targets->list[index];
    const struct target_half *half = &target->halves[FIRST_HALF];
    const double product =
        room->products[tile * rows->width + row_place(rows, work->targets, index)];
    uint32_t counts[RANKS_BINS * TARGETS_LABEL_BINS];
    const struct table table = {counts, RANKS_BINS, (size_t)target->bins.count};
    for (size_t bin = 0; bin < RANKS_BINS; bin++)
        memcpy(counts + bin * table.columns,
               room->tables + (tile * RANKS_BINS + bin) * rows->columns + rows->columns_of[index],
               table.columns * sizeof *counts);
    const double linear = target->kind == LABEL_BINARY
                              ? measure_auc(product * half->deviation, half->on, (double)rows->n)
                              : measure_r(product, room->squares[tile], (double)rows->n);
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
    if (sign != 0 && !(verdict.gain > 0 && relation_is_crooked(relation))) {
        verdict.gain = (float)relation_gain(relation, measure, sign, half);
        verdict.measure = (uint8_t)measure;
        verdict.sign = (int8_t)sign;
    }
    return verdict;
}

static void judge_signals(const struct work *work, struct room *room, size_t first, size_t signals)
{
    const size_t count = work->targets->count;
    for (size_t tile = 0; tile < signals; tile++)
        read_signal(work, room, tile, first + tile);
    meet_labels(&work->rows, room, signals);
    for (size_t tile = 0; tile < signals; tile++)
        for (size_t i = 0; i < count; i++) {
            const struct relation relation = relate(work, room, tile, i);
            work->verdicts[(first + tile) * count + i] = judge(&relation, &work->targets->list[i]);
        }
}

static void judge_share(struct member *member, void *argument)
{
    const struct work *work = argument;
    const size_t S = work->trace->num_signals;
    int first, last;
    team_share(member, (int)((S + TILE - 1) / TILE), &first, &last);
    for (size_t s = (size_t)first * TILE; s < (size_t)last * TILE && s < S; s += TILE)
        judge_signals(work, &work->rooms[member->rank], s, S - s < TILE ? S - s : TILE);
}

static bool is_better(const struct candidate *a, const struct candidate *b)
{
    return a->gain != b->gain ? a->gain > b->gain : a->signal < b->signal;
}

/* The best candidates for a target: best[CHOOSE_CANDIDATES]; returns how many. */
static size_t pick_best(const struct work *work, size_t target, struct candidate *best)
{
    size_t count = 0;
    for (size_t s = 0; s < work->trace->num_signals; s++) {
        const struct verdict *verdict = &work->verdicts[s * work->targets->count + target];
        const struct candidate candidate = {s, target, verdict->measure, verdict->sign,
                                            verdict->gain};
        size_t place = count;
        if (!(candidate.gain > 0))
            continue;
        for (; place > 0 && is_better(&candidate, &best[place - 1]); place--)
            if (place < CHOOSE_CANDIDATES)
                best[place] = best[place - 1];
        if (place < CHOOSE_CANDIDATES) {
            best[place] = candidate;
            count += count < CHOOSE_CANDIDATES;
        }
    }
    return count;
}

static struct attempt find_attempt(const struct work *work, size_t target)
{
    const double alone = work->targets->list[target].halves[FIRST_HALF].alone;
    struct attempt attempt = {.score = NAN, .alone = (float)alone};
    for (size_t s = 0; s < work->trace->num_signals; s++) {
        const float score = work->verdicts[s * work->targets->count + target].score;
        if (s == 0 || score > attempt.score) {
            attempt.signal = s;
            attempt.score = score;
        }
    }
    return attempt;
}

/* Those by mi, or the others. */
static void list_group(struct choice *choice, const struct candidate *best, size_t count,
                       bool by_mi)
{
    const size_t first = choice->count;
    for (size_t i = 0; i < count; i++)
        if ((best[i].measure == MEASURE_MI) == by_mi)
            choice->list[choice->count++] = best[i];
    if (choice->count > first)
        choice->groups[choice->num_groups++] = (struct group){first, choice->count - first};
}

static void list_candidates(struct choice *choice, const struct work *work)
{
    struct candidate best[CHOOSE_CANDIDATES];
    for (size_t target = 0; target < work->targets->count; target++) {
        const size_t count = pick_best(work, target, best);
        choice->attempts[target] = find_attempt(work, target);
        list_group(choice, best, count, false);
        list_group(choice, best, count, true);
    }
}

int choose(struct choice *choice, struct team *team, const struct trace *trace,
           const struct targets *targets)
{
    const size_t S = trace->num_signals, threads = (size_t)team_size(team);
    struct work work = {.trace = trace, .targets = targets};
    int result = -1;
    work.bins = choice->bins = mem_new(S, sizeof *choice->bins);
    choice->list = mem_new(targets->count, CHOOSE_CANDIDATES * sizeof *choice->list);
    choice->groups = mem_new(targets->count, 2 * sizeof *choice->groups);
    choice->attempts = mem_new(targets->count, sizeof *choice->attempts);
    if (work.bins && choice->list && choice->groups && choice->attempts &&
        work_init(&work, threads) == 0) {
        team_run(team, judge_share, &work);
        list_candidates(choice, &work);
        result = 0;
    }
    work_release(&work);
    if (result != 0)
        choice_release(choice);
    return result;
}

void choice_release(struct choice *choice)
{
    free(choice->list);
    free(choice->groups);
    free(choice->bins);
    free(choice->attempts);
    *choice = (struct choice){0};
}
