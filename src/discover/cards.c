#include "cards.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "mem.h"
#include "ranks.h"
#include "related.h"

#define APART 80 /* characters, as many as a line has */

const float card_quantiles[CARD_QUANTILES] = {0, 0.01F, 0.05F, 0.25F, 0.5F, 0.75F, 0.95F, 0.99F, 1};

/* What one thread needs: the finite values of a signal, and where they are. */
struct room {
    float *values;   /* [length] */
    uint32_t *place; /* [length] characters, rising */
    uint32_t *order; /* [length] of the values */
    uint64_t *pairs; /* [2 · length] */
    size_t *counts;  /* [V] */
    double *sums;    /* [V] */
    size_t n;
};

struct work {
    const struct trace *trace;
    struct cards *cards;
    struct room *rooms;
};

static void lay_out(const struct work *work, size_t threads, struct arena *arena)
{
    const size_t length = work->trace->length, V = (size_t)work->trace->vocab->size;
    for (size_t i = 0; i < threads; i++) {
        struct room *room = &work->rooms[i];
        room->values = arena_take(arena, length, sizeof *room->values);
        room->place = arena_take(arena, length, sizeof *room->place);
        room->order = arena_take(arena, length, sizeof *room->order);
        room->pairs = arena_take(arena, length, 2 * sizeof *room->pairs);
        room->counts = arena_take(arena, V, sizeof *room->counts);
        room->sums = arena_take(arena, V, sizeof *room->sums);
    }
}

static void read_finite(const struct trace *trace, size_t signal, struct room *room)
{
    trace_read(trace, signal, 0, trace->length, room->values);
    room->n = 0;
    for (size_t t = 0; t < trace->length; t++)
        if (isfinite(room->values[t])) {
            room->values[room->n] = room->values[t];
            room->place[room->n++] = (uint32_t)t;
        }
    ranks_order(room->values, room->n, room->order, room->pairs);
}

static void fill_moments(struct card *card, const struct room *room)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < room->n; i++)
        sum += (double)room->values[i];
    const double mean = room->n ? sum / (double)room->n : 0;
    for (size_t i = 0; i < room->n; i++)
        squares += ((double)room->values[i] - mean) * ((double)room->values[i] - mean);
    card->mean = (float)mean;
    card->deviation = (float)(room->n ? sqrt(squares / (double)room->n) : 0);
}

static void fill_histogram(struct card *card, const struct room *room)
{
    for (size_t i = 0; i < room->n; i++) {
        const double share = ((double)room->values[i] / (double)card->range + 1) / 2;
        const double bin = fmin(fmax(share * CARD_BINS, 0), CARD_BINS - 1);
        card->histogram[(size_t)bin]++;
    }
}

/* The place in the order that has `share` of the others below it. */
static size_t place_at(const struct room *room, double share)
{
    return (size_t)lround(share * (double)(room->n - 1));
}

static void fill_quantiles(struct card *card, const struct room *room)
{
    for (int i = 0; i < CARD_QUANTILES && room->n > 0; i++)
        card->quantiles[i] = room->values[room->order[place_at(room, (double)card_quantiles[i])]];
}

static bool is_apart(size_t t, const size_t *chosen, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if ((t > chosen[i] ? t - chosen[i] : chosen[i] - t) < APART)
            return false;
    return true;
}

/* The ends of the order, places apart from each other. */
static void fill_ends(const struct trace *trace, const struct room *room, bool highest,
                      size_t *chosen)
{
    size_t count = 0;
    for (size_t i = 0; i < room->n && count < CARD_ENDS; i++) {
        const size_t t = room->place[room->order[highest ? room->n - 1 - i : i]];
        if (is_apart(t, chosen, count))
            chosen[count++] = t;
    }
    while (count < CARD_ENDS)
        chosen[count++] = trace->length;
}

/* The place in the order nearest to the middle one, within half a tenth, that is apart from those
 * before; the middle one itself if there is none. */
static size_t find_apart(const struct room *room, size_t middle, const size_t *chosen, size_t count)
{
    for (size_t away = 0; away <= room->n / 20; away++) {
        if (middle >= away && is_apart(room->place[room->order[middle - away]], chosen, count))
            return middle - away;
        if (middle + away < room->n &&
            is_apart(room->place[room->order[middle + away]], chosen, count))
            return middle + away;
    }
    return middle;
}

static void fill_tenths(const struct trace *trace, const struct room *room, size_t *chosen)
{
    for (size_t i = 0; i < CARD_TENTHS; i++) {
        chosen[i] = trace->length;
        if (room->n > 0) {
            const size_t middle = place_at(room, (double)(i + 1) / (CARD_TENTHS + 1));
            chosen[i] = room->place[room->order[find_apart(room, middle, chosen, i)]];
        }
    }
}

static void fill_symbols(const struct trace *trace, struct room *room, float *means)
{
    const size_t V = (size_t)trace->vocab->size;
    memset(room->counts, 0, V * sizeof *room->counts);
    memset(room->sums, 0, V * sizeof *room->sums);
    for (size_t i = 0; i < room->n; i++) {
        const int32_t id = trace->ids[room->place[i]];
        room->counts[id]++;
        room->sums[id] += (double)room->values[i];
    }
    for (size_t v = 0; v < V; v++)
        means[v] = room->counts[v] ? (float)(room->sums[v] / (double)room->counts[v]) : NAN;
}

static void fill_card(const struct trace *trace, struct card *card, struct room *room)
{
    read_finite(trace, card->signal, room);
    card->range = trace_range(trace, card->signal);
    fill_moments(card, room);
    fill_histogram(card, room);
    fill_quantiles(card, room);
    fill_ends(trace, room, true, card->highest);
    fill_ends(trace, room, false, card->lowest);
    fill_tenths(trace, room, card->tenths);
    fill_symbols(trace, room, card->by_symbol);
}

static void fill_share(struct member *member, void *argument)
{
    const struct work *work = argument;
    int first, last;
    team_share(member, (int)work->cards->count, &first, &last);
    for (int i = first; i < last; i++)
        fill_card(work->trace, &work->cards->list[i], &work->rooms[member->rank]);
}

/* All of the cards but what they are related to. */
static int fill_cards(struct cards *cards, struct team *team, const struct trace *trace)
{
    const size_t threads = (size_t)team_size(team);
    struct work work = {trace, cards, mem_new(threads, sizeof *work.rooms)};
    struct arena arena = {0};
    int result = -1;
    if (work.rooms) {
        lay_out(&work, threads, &arena);
        result = arena_allocate(&arena);
    }
    if (result == 0) {
        lay_out(&work, threads, &arena);
        team_run(team, fill_share, &work);
    }
    arena_release(&arena);
    free(work.rooms);
    return result;
}

int cards_make(struct cards *cards, struct team *team, const struct trace *trace,
               const size_t *signals, size_t count)
{
    const size_t V = (size_t)trace->vocab->size;
    cards->count = count;
    cards->list = mem_new(count, sizeof *cards->list);
    cards->means = mem_new(count * V, sizeof *cards->means);
    int result = cards->list && cards->means ? 0 : -1;
    for (size_t i = 0; i < count && result == 0; i++) {
        cards->list[i].signal = signals[i];
        cards->list[i].by_symbol = cards->means + i * V;
    }
    if (result == 0)
        result = fill_cards(cards, team, trace);
    if (result == 0)
        result = related_find(cards, team, trace);
    if (result != 0)
        cards_release(cards);
    return result;
}

void cards_release(struct cards *cards)
{
    free(cards->list);
    free(cards->means);
    *cards = (struct cards){0};
}

const struct card *cards_find(const struct cards *cards, size_t signal)
{
    for (size_t i = 0; i < cards->count; i++)
        if (cards->list[i].signal == signal)
            return &cards->list[i];
    return NULL;
}
