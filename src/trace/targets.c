#include "targets.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "measures.h"
#include "mem.h"

#define CHOOSE_MOST ((size_t)1 << 17) /* characters of the first half; as good as more */

/* What one thread needs. */
struct room {
    float *values, *echo, *ranks; /* [n] */
    uint32_t *order;              /* [n] */
    uint64_t *pairs;              /* [2n] */
    uint8_t *bins;                /* [n] */
    double *sums, *counts;        /* [V] */
    uint32_t *table;              /* [V][TARGETS_LABEL_BINS] */
};

struct work {
    struct targets *targets;
    const struct trace *trace;
    struct room *rooms; /* one a thread */
};

static int room_init(struct room *room, size_t n, size_t V)
{
    room->values = mem_new(n, sizeof *room->values);
    room->echo = mem_new(n, sizeof *room->echo);
    room->ranks = mem_new(n, sizeof *room->ranks);
    room->order = mem_new(n, sizeof *room->order);
    room->pairs = mem_new(n, 2 * sizeof *room->pairs);
    room->bins = mem_new(n, sizeof *room->bins);
    room->sums = mem_new(V, sizeof *room->sums);
    room->counts = mem_new(V, sizeof *room->counts);
    room->table = mem_new(V, TARGETS_LABEL_BINS * sizeof *room->table);
    return room->values && room->echo && room->ranks && room->order && room->pairs && room->bins &&
                   room->sums && room->counts && room->table
               ? 0
               : -1;
}

static void room_release(struct room *room)
{
    free(room->values);
    free(room->echo);
    free(room->ranks);
    free(room->order);
    free(room->pairs);
    free(room->bins);
    free(room->sums);
    free(room->counts);
    free(room->table);
}

static int32_t symbol_at(const struct work *work, enum half half, size_t t)
{
    return work->trace->ids[stretch_place(&work->targets->halves[half], t)];
}

static void describe_half(struct target *target, enum half half, const float *values, size_t n)
{
    struct target_half *of = &target->halves[half];
    of->mean = measure_mean(values, n);
    of->squares = measure_product(values, of->mean, values, of->mean, n);
    of->deviation = sqrt(of->squares / (double)n);
    of->on = target->kind == LABEL_BINARY ? of->mean * (double)n : 0;
}

/* The label's mean after each symbol in the first half: room->sums. */
static void learn_echo(const struct work *work, const struct target *target, struct room *room)
{
    const size_t n = work->targets->halves[FIRST_HALF].count;
    const size_t V = (size_t)work->trace->vocab->size;
    memset(room->sums, 0, V * sizeof *room->sums);
    memset(room->counts, 0, V * sizeof *room->counts);
    for (size_t t = 0; t < n; t++) {
        const int32_t id = symbol_at(work, FIRST_HALF, t);
        room->sums[id] += (double)room->values[t];
        room->counts[id]++;
    }
    for (size_t v = 0; v < V; v++)
        room->sums[v] =
            room->counts[v] > 0 ? room->sums[v] / room->counts[v] : target->halves[FIRST_HALF].mean;
}

/* How well what was learned of the symbols tells the label in a half. */
static double echo_score(const struct work *work, const struct target *target, enum half half,
                         struct room *room)
{
    const size_t n = work->targets->halves[half].count;
    const struct target_half *of = &target->halves[half];
    for (size_t t = 0; t < n; t++)
        room->echo[t] = (float)room->sums[symbol_at(work, half, t)];
    if (target->kind == LABEL_SCALAR) {
        const double mean = measure_mean(room->echo, n);
        const double product = measure_product(room->echo, mean, room->values, of->mean, n);
        return fabs(measure_r(product, measure_product(room->echo, mean, room->echo, mean, n),
                              of->squares));
    }
    ranks_order(room->echo, n, room->order, room->pairs);
    ranks_centred(room->echo, room->order, n, room->ranks);
    const double auc =
        measure_auc(measure_product(room->ranks, 0, room->values, 0, n), of->on, (double)n);
    return fmax(auc, 1 - auc);
}

static double echo_mi(const struct work *work, const struct target *target, enum half half,
                      struct room *room)
{
    const size_t n = work->targets->halves[half].count, V = (size_t)work->trace->vocab->size;
    const size_t columns = (size_t)target->bins.count;
    memset(room->table, 0, V * columns * sizeof *room->table);
    bins_place(&target->bins, room->values, n, room->bins);
    for (size_t t = 0; t < n; t++)
        room->table[(size_t)symbol_at(work, half, t) * columns + room->bins[t]]++;
    return measure_mi(&(struct table){room->table, V, columns}, target->kind);
}

static void fill_target(const struct work *work, struct target *target, struct room *room)
{
    const int most = target->kind == LABEL_BINARY ? 2 : TARGETS_LABEL_BINS;
    for (enum half half = FIRST_HALF; half < HALVES; half++) {
        const struct stretch *stretch = &work->targets->halves[half];
        stretch_floats(stretch, target->values, room->values);
        describe_half(target, half, room->values, stretch->count);
        if (half == FIRST_HALF) {
            ranks_order(room->values, stretch->count, room->order, room->pairs);
            bins_fit(&target->bins, room->values, room->order, stretch->count, most);
            learn_echo(work, target, room);
        }
        target->halves[half].alone = echo_score(work, target, half, room);
        target->halves[half].alone_mi = echo_mi(work, target, half, room);
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
    int result = -1;
    targets->halves[FIRST_HALF] = stretch_of(0, middle, CHOOSE_MOST);
    targets->halves[SECOND_HALF] = stretch_of(middle, trace->length, longest);
    if (!work.rooms || !(targets->list = mem_new(labels->count, sizeof *targets->list)))
        goto done;
    for (size_t i = 0; i < threads; i++)
        if (room_init(&work.rooms[i], longest, (size_t)trace->vocab->size) != 0)
            goto done;
    list_labels(targets, labels, LABEL_BINARY);
    list_labels(targets, labels, LABEL_SCALAR);
    team_run(team, fill_share, &work);
    keep_varying(targets);
    result = 0;
done:
    for (size_t i = 0; work.rooms && i < threads; i++)
        room_release(&work.rooms[i]);
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
