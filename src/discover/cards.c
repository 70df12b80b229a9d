#include "cards.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "measures.h"
#include "ranks.h"
#include "related.h"

#define APART 80 /* characters, about a line */

const float card_quantiles[CARD_QUANTILES] = {0, 0.01F, 0.05F, 0.25F, 0.5F, 0.75F, 0.95F, 0.99F, 1};

/* What one thread needs: the n finite values of a signal, and where they are. */
struct workspace {
    float *values;       /* [length] */
    uint32_t *positions; /* [length] characters, rising */
    uint32_t *order;     /* [length] of the values */
    uint64_t *pairs;     /* [2 · length] */
    size_t *counts;      /* [V] */
    double *sums;        /* [V] */
    size_t n;
};

struct job {
    const struct trace *trace;
    struct cards *cards;
    struct workspace *workspaces;
};

static int take_workspaces(struct job *job, size_t threads, struct arena *arena)
{
    const size_t length = job->trace->length, V = (size_t)job->trace->vocab->size;
    job->workspaces = arena_take(arena, threads, sizeof *job->workspaces);
    for (size_t i = 0; job->workspaces && i < threads; i++) {
        struct workspace *workspace = &job->workspaces[i];
        workspace->values = arena_take(arena, length, sizeof *workspace->values);
        workspace->positions = arena_take(arena, length, sizeof *workspace->positions);
        workspace->order = arena_take(arena, length, sizeof *workspace->order);
        workspace->pairs = arena_take(arena, length, 2 * sizeof *workspace->pairs);
        workspace->counts = arena_take(arena, V, sizeof *workspace->counts);
        workspace->sums = arena_take(arena, V, sizeof *workspace->sums);
    }
    return arena->failed ? -1 : 0;
}

static void read_finite(const struct trace *trace, size_t signal, struct workspace *workspace)
{
    trace_read(trace, signal, 0, trace->length, workspace->values);
    workspace->n = 0;
    for (size_t t = 0; t < trace->length; t++)
        if (isfinite(workspace->values[t])) {
            workspace->values[workspace->n] = workspace->values[t];
            workspace->positions[workspace->n++] = (uint32_t)t;
        }
    ranks_order(workspace->values, workspace->n, workspace->order, workspace->pairs);
}

static void fill_moments(struct card *card, const struct workspace *workspace)
{
    const float *values = workspace->values;
    const double mean = measure_mean(values, workspace->n);
    const double squares = measure_product(values, mean, values, mean, workspace->n);
    card->mean = (float)mean;
    card->deviation = (float)(workspace->n ? sqrt(squares / (double)workspace->n) : 0);
}

static void fill_histogram(struct card *card, const struct workspace *workspace)
{
    for (size_t i = 0; i < workspace->n; i++) {
        const double share = ((double)workspace->values[i] / (double)card->range + 1) / 2;
        const double bin = fmin(fmax(share * CARD_BINS, 0), CARD_BINS - 1);
        card->histogram[(size_t)bin]++;
    }
}

/* The rank with that share of the others below it. */
static size_t rank_of(const struct workspace *workspace, double share)
{
    return (size_t)lround(share * (double)(workspace->n - 1));
}

static void fill_quantiles(struct card *card, const struct workspace *workspace)
{
    for (int i = 0; i < CARD_QUANTILES && workspace->n > 0; i++)
        card->quantiles[i] =
            workspace->values[workspace->order[rank_of(workspace, (double)card_quantiles[i])]];
}

static bool is_apart(size_t t, const size_t *chosen, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if ((t > chosen[i] ? t - chosen[i] : chosen[i] - t) < APART)
            return false;
    return true;
}

/* The characters with the highest values, or the lowest, apart from each other. */
static void fill_ends(const struct trace *trace, const struct workspace *workspace, bool highest,
                      size_t *chosen)
{
    size_t count = 0;
    for (size_t i = 0; i < workspace->n && count < CARD_ENDS; i++) {
        const size_t t = workspace->positions[workspace->order[highest ? workspace->n - 1 - i : i]];
        if (is_apart(t, chosen, count))
            chosen[count++] = t;
    }
    while (count < CARD_ENDS)
        chosen[count++] = trace->length;
}

/* The rank nearest to the middle one, within half a tenth, whose character is apart from the
 * chosen; the middle one itself if there is none. */
static size_t find_apart(const struct workspace *workspace, size_t middle, const size_t *chosen,
                         size_t count)
{
    for (size_t away = 0; away <= workspace->n / 20; away++) {
        if (middle >= away &&
            is_apart(workspace->positions[workspace->order[middle - away]], chosen, count))
            return middle - away;
        if (middle + away < workspace->n &&
            is_apart(workspace->positions[workspace->order[middle + away]], chosen, count))
            return middle + away;
    }
    return middle;
}

static void fill_tenths(const struct trace *trace, const struct workspace *workspace,
                        size_t *chosen)
{
    for (size_t i = 0; i < CARD_TENTHS; i++) {
        chosen[i] = trace->length;
        if (workspace->n > 0) {
            const size_t middle = rank_of(workspace, (double)(i + 1) / (CARD_TENTHS + 1));
            chosen[i] =
                workspace->positions[workspace->order[find_apart(workspace, middle, chosen, i)]];
        }
    }
}

static void fill_symbols(const struct trace *trace, struct workspace *workspace, float *means)
{
    const size_t V = (size_t)trace->vocab->size;
    memset(workspace->counts, 0, V * sizeof *workspace->counts);
    memset(workspace->sums, 0, V * sizeof *workspace->sums);
    for (size_t i = 0; i < workspace->n; i++) {
        const int32_t id = trace->ids[workspace->positions[i]];
        workspace->counts[id]++;
        workspace->sums[id] += (double)workspace->values[i];
    }
    for (size_t v = 0; v < V; v++)
        means[v] =
            workspace->counts[v] ? (float)(workspace->sums[v] / (double)workspace->counts[v]) : NAN;
}

static void fill_card(const struct trace *trace, struct card *card, struct workspace *workspace)
{
    read_finite(trace, card->signal, workspace);
    card->range = trace_range(trace, card->signal);
    fill_moments(card, workspace);
    fill_histogram(card, workspace);
    fill_quantiles(card, workspace);
    fill_ends(trace, workspace, true, card->highest);
    fill_ends(trace, workspace, false, card->lowest);
    fill_tenths(trace, workspace, card->tenths);
    fill_symbols(trace, workspace, card->by_symbol);
}

static void fill_share(struct member *member, void *argument)
{
    const struct job *job = argument;
    int first, last;
    team_share(member, (int)job->cards->count, &first, &last);
    for (int i = first; i < last; i++)
        fill_card(job->trace, &job->cards->list[i], &job->workspaces[member->rank]);
}

int cards_make(struct cards *cards, struct arena *memory, struct team *team,
               const struct trace *trace, const size_t *signals, size_t count)
{
    const size_t V = (size_t)trace->vocab->size;
    struct job job = {.trace = trace, .cards = cards};
    struct arena scratch = {0};
    cards->count = count;
    cards->list = arena_take(memory, count, sizeof *cards->list);
    for (size_t i = 0; cards->list && i < count; i++) {
        cards->list[i].signal = signals[i];
        cards->list[i].by_symbol = arena_take(memory, V, sizeof *cards->list[i].by_symbol);
    }
    const int result =
        memory->failed ? -1 : take_workspaces(&job, (size_t)team_size(team), &scratch);
    if (result == 0)
        team_run(team, fill_share, &job);
    arena_release(&scratch);
    return result == 0 ? related_find(cards, team, trace) : -1;
}

const struct card *cards_find(const struct cards *cards, size_t signal)
{
    for (size_t i = 0; i < cards->count; i++)
        if (cards->list[i].signal == signal)
            return &cards->list[i];
    return NULL;
}
