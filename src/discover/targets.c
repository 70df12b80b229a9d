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
struct room {
    float *values;               /* [n] the label in a half */
    float *known, *echo, *ranks; /* [n] the label where it is known, and what the symbol says */
    uint32_t *order;             /* [n] */
    uint64_t *pairs;             /* [2n] */
    uint8_t *bins;               /* [n] */
    double *sums, *counts;       /* [V] of the label after each symbol in the other half */
    struct symbol *symbols;      /* [V] */
    uint32_t *rows;              /* [V][TARGETS_LABEL_BINS] the label's bins after each symbol */
    uint32_t *table;             /* [V][TARGETS_LABEL_BINS] */
};

struct symbol {
    double mean; /* of the label in the other half */
    size_t id;
};

struct work {
    struct targets *targets;
    const struct trace *trace;
    struct room *rooms; /* one a thread */
};

static void lay_out(const struct work *work, size_t threads, struct arena *arena)
{
    const size_t n = work->targets->halves[SECOND_HALF].count; /* the longer one */
    const size_t V = (size_t)work->trace->vocab->size;
    for (size_t i = 0; i < threads; i++) {
        struct room *room = &work->rooms[i];
        room->values = arena_take(arena, n, sizeof *room->values);
        room->known = arena_take(arena, n, sizeof *room->known);
        room->echo = arena_take(arena, n, sizeof *room->echo);
        room->ranks = arena_take(arena, n, sizeof *room->ranks);
        room->order = arena_take(arena, n, sizeof *room->order);
        room->pairs = arena_take(arena, n, 2 * sizeof *room->pairs);
        room->bins = arena_take(arena, n, sizeof *room->bins);
        room->sums = arena_take(arena, V, sizeof *room->sums);
        room->counts = arena_take(arena, V, sizeof *room->counts);
        room->symbols = arena_take(arena, V, sizeof *room->symbols);
        room->rows = arena_take(arena, V, TARGETS_LABEL_BINS * sizeof *room->rows);
        room->table = arena_take(arena, V, TARGETS_LABEL_BINS * sizeof *room->table);
    }
}

static int32_t symbol_at(const struct work *work, enum half half, size_t t)
{
    return work->trace->ids[stretch_place(&work->targets->halves[half], t)];
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
static void learn_echo(const struct work *work, const struct target *target, enum half half,
                       struct room *room)
{
    const struct stretch *stretch = &work->targets->halves[half];
    const size_t V = (size_t)work->trace->vocab->size;
    memset(room->sums, 0, V * sizeof *room->sums);
    memset(room->counts, 0, V * sizeof *room->counts);
    for (size_t t = 0; t < stretch->count; t++) {
        const int32_t id = symbol_at(work, half, t);
        room->sums[id] += (double)target->values[stretch_place(stretch, t)];
        room->counts[id]++;
    }
}

/* Puts side by side, for the known characters, what the label is and what their symbol says of it:
 * its mean in the other half. Returns their number. */
static size_t hear_echo(const struct work *work, enum half half, struct room *room)
{
    const size_t n = work->targets->halves[half].count;
    size_t known = 0;
    for (size_t t = 0; t < n; t++) {
        const int32_t id = symbol_at(work, half, t);
        if (room->counts[id] > 0) {
            room->known[known] = room->values[t];
            room->echo[known++] = (float)(room->sums[id] / room->counts[id]);
        }
    }
    return known;
}

/* How well the echo tells the label of n known characters, whose mean and squares are given. */
static double echo_score(enum label_kind kind, size_t n, double mean, double squares,
                         struct room *room)
{
    if (kind == LABEL_SCALAR) {
        const double echo_mean = measure_mean(room->echo, n);
        const double product = measure_product(room->echo, echo_mean, room->known, mean, n);
        const double echo_squares =
            measure_product(room->echo, echo_mean, room->echo, echo_mean, n);
        return fmax(0, measure_r(product, echo_squares, squares));
    }
    ranks_order(room->echo, n, room->order, room->pairs);
    ranks_centred(room->echo, room->order, n, room->ranks);
    const double product = measure_product(room->ranks, 0, room->known, 0, n);
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
static size_t order_symbols(struct room *room, size_t V)
{
    size_t count = 0;
    for (size_t v = 0; v < V; v++)
        if (room->counts[v] > 0)
            room->symbols[count++] = (struct symbol){room->sums[v] / room->counts[v], v};
    qsort(room->symbols, count, sizeof *room->symbols, compare_symbols);
    return count;
}

/* Gathers the symbols' rows into a table whose rows hold `enough` characters: a symbol has its own,
 * but rare ones that say nearly the same of the label share one. */
static struct table gather_rows(struct room *room, size_t symbols, size_t columns, size_t enough)
{
    struct table table = {room->table, 0, columns};
    size_t here = 0; /* characters in the last row */
    for (size_t i = 0; i < symbols; i++) {
        const uint32_t *row = room->rows + room->symbols[i].id * columns;
        size_t count = 0;
        for (size_t j = 0; j < columns; j++)
            count += row[j];
        if (i == 0 || here >= enough || count >= enough) {
            memset(room->table + table.rows++ * columns, 0, columns * sizeof *row);
            here = 0;
        }
        for (size_t j = 0; j < columns; j++)
            room->table[(table.rows - 1) * columns + j] += row[j];
        here += count;
    }
    return table;
}

/* Mutual information of symbol and label over n known characters. */
static double echo_mi(const struct work *work, const struct target *target, enum half half,
                      size_t n, struct room *room)
{
    const size_t V = (size_t)work->trace->vocab->size, columns = (size_t)target->bins.count;
    const size_t all = work->targets->halves[half].count, enough = n * columns / CELLS;
    memset(room->rows, 0, V * columns * sizeof *room->rows);
    bins_place(&target->bins, room->values, all, room->bins);
    for (size_t t = 0; t < all; t++)
        room->rows[(size_t)symbol_at(work, half, t) * columns + room->bins[t]]++;
    const struct table table =
        gather_rows(room, order_symbols(room, V), columns, enough < ROW_MOST ? enough : ROW_MOST);
    return measure_mi(&table, target->kind);
}

/* A label that does not vary where it is known may be an echo as well. */
static void describe_echo(const struct work *work, struct target *target, enum half half,
                          struct room *room)
{
    struct target_half *of = &target->halves[half];
    learn_echo(work, target, half == FIRST_HALF ? SECOND_HALF : FIRST_HALF, room);
    const size_t known = hear_echo(work, half, room);
    const double mean = measure_mean(room->known, known);
    const double squares = measure_product(room->known, mean, room->known, mean, known);
    of->alone = squares > 0 ? echo_score(target->kind, known, mean, squares, room) : 1;
    of->alone_mi = squares > 0 ? echo_mi(work, target, half, known, room) : 1;
}

static void fill_target(const struct work *work, struct target *target, struct room *room)
{
    const int most = target->kind == LABEL_BINARY ? 2 : TARGETS_LABEL_BINS;
    target->drifts = is_drift(target->values, work->trace->length);
    for (enum half half = FIRST_HALF; half < HALVES; half++) {
        const struct stretch *stretch = &work->targets->halves[half];
        stretch_floats(stretch, target->values, room->values);
        describe_half(target, half, room->values, stretch->count);
        if (half == FIRST_HALF) {
            ranks_order(room->values, stretch->count, room->order, room->pairs);
            bins_fit(&target->bins, room->values, room->order, stretch->count, most);
        }
        describe_echo(work, target, half, room);
    }
}

static void fill_share(struct member *member, void *argument)
{
    const struct work *work = argument;
    int first, last;
    team_share(member, (int)work->targets->count, &first, &last);
    for (int i = first; i < last; i++)
        fill_target(work, &work->targets->list[i], &work->rooms[member->rank]);
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
    struct work work = {targets, trace, mem_new(threads, sizeof *work.rooms)};
    struct arena arena = {0};
    int result = -1;
    targets->halves[FIRST_HALF] = stretch_of(0, middle, longest);
    targets->halves[SECOND_HALF] = stretch_of(middle, trace->length, longest);
    if (!work.rooms || !(targets->list = mem_new(labels->count, sizeof *targets->list)))
        goto done;
    lay_out(&work, threads, &arena);
    if (arena_allocate(&arena) != 0)
        goto done;
    lay_out(&work, threads, &arena);
    list_labels(targets, labels, LABEL_BINARY);
    list_labels(targets, labels, LABEL_SCALAR);
    team_run(team, fill_share, &work);
    keep_varying(targets);
    result = 0;
done:
    arena_release(&arena);
    free(work.rooms);
    if (result != 0)
        targets_release(targets);
    return result;
}

void targets_release(struct targets *targets)
{
    free(targets->list);
    *targets = (struct targets){0};
}
