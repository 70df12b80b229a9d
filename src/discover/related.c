#include "related.h"

#include <math.h>
#include <string.h>

#include "measures.h"
#include "products.h"

#define PANEL 16 /* cards that are compared with all signals at once */

/* What one thread needs. */
struct workspace {
    float *panel;    /* [PANEL][characters] rows of cards */
    float *products; /* [PANEL][count] their correlations with all signals */
};

/* The signals of one quantity, and the cards of these. */
struct job {
    const struct trace *trace;
    struct cards *cards;
    size_t characters; /* that are compared */
    size_t *signals;   /* [count] */
    size_t count;
    float *rows;  /* [count][characters] each of mean 0 and length 1, or 0 */
    size_t *mine; /* [num_mine] cards */
    size_t num_mine;
    struct workspace *workspaces; /* one a thread */
};

/* Copies the values of a signal at evenly spaced characters, block by block: the trace may be in a
 * file. */
static void read_some(const struct job *job, size_t signal, float *row)
{
    const size_t n = job->characters, length = job->trace->length;
    float block[TRACE_BLOCK];
    size_t end = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t t = i * length / n;
        if (t >= end) {
            const size_t start = t - t % TRACE_BLOCK;
            end = start + TRACE_BLOCK < length ? start + TRACE_BLOCK : length;
            trace_read(job->trace, signal, start, end - start, block);
        }
        row[i] = block[t % TRACE_BLOCK];
    }
}

/* Makes the row of a signal. One that does not vary or is not finite has a row of 0, and so no
 * correlation with any. */
static void fill_row(const struct job *job, size_t signal, float *row)
{
    const size_t n = job->characters;
    read_some(job, signal, row);
    const double mean = measure_mean(row, n), squares = measure_product(row, mean, row, mean, n);
    if (!isfinite(squares) || squares <= 1e-12 * mean * mean * (double)n) {
        memset(row, 0, n * sizeof *row);
        return;
    }
    for (size_t i = 0; i < n; i++)
        row[i] = (float)(((double)row[i] - mean) / sqrt(squares));
}

/* Inserts a signal into a list of the strongest. */
static void insert(struct card_related *list, size_t signal, float r, float sign)
{
    size_t place = CARD_RELATED;
    while (place > 0 && sign * r > sign * list[place - 1].r)
        place--;
    if (place == CARD_RELATED)
        return;
    memmove(list + place + 1, list + place, (CARD_RELATED - 1 - place) * sizeof *list);
    list[place] = (struct card_related){signal, r};
}

static void pick_related(const struct job *job, struct card *card, const float *products)
{
    for (size_t i = 0; i < CARD_RELATED; i++)
        card->alike[i] = card->opposed[i] = (struct card_related){job->trace->num_signals, 0};
    for (size_t other = 0; other < job->count; other++)
        if (job->signals[other] != card->signal) {
            insert(card->alike, job->signals[other], products[other], 1);
            insert(card->opposed, job->signals[other], products[other], -1);
        }
}

static const float *row_of(const struct job *job, size_t signal)
{
    size_t place = 0;
    while (job->signals[place] != signal)
        place++;
    return job->rows + place * job->characters;
}

/* Correlates the cards of a panel with all signals. */
static void relate_panel(const struct job *job, size_t first, const struct workspace *workspace)
{
    const size_t left = job->num_mine - first, cards = left < PANEL ? left : PANEL;
    const size_t n = job->characters;
    for (size_t i = 0; i < cards; i++)
        memcpy(workspace->panel + i * n, row_of(job, job->cards->list[job->mine[first + i]].signal),
               n * sizeof *workspace->panel);
    products_multiply(cards, job->count, n, (struct matrix){workspace->panel, n},
                      (struct matrix){job->rows, n}, true,
                      (struct matrix){workspace->products, job->count});
    for (size_t i = 0; i < cards; i++)
        pick_related(job, &job->cards->list[job->mine[first + i]],
                     workspace->products + i * job->count);
}

static void relate_share(struct member *member, void *argument)
{
    const struct job *job = argument;
    int first, last;
    team_share(member, (int)job->count, &first, &last);
    for (int i = first; i < last; i++)
        fill_row(job, job->signals[i], job->rows + (size_t)i * job->characters);
    team_barrier(member);
    team_share(member, (int)((job->num_mine + PANEL - 1) / PANEL), &first, &last);
    for (int panel = first; panel < last; panel++)
        relate_panel(job, (size_t)panel * PANEL, &job->workspaces[member->rank]);
}

/* Lists the signals of a quantity and their cards, and takes memory for them. */
static int list_quantity(struct job *job, int quantity, size_t threads, struct arena *arena)
{
    const struct trace *trace = job->trace;
    const size_t row = job->characters * sizeof(float);
    job->signals = arena_take(arena, trace->num_signals, sizeof *job->signals);
    job->mine = arena_take(arena, job->cards->count, sizeof *job->mine);
    for (size_t s = 0; job->signals && s < trace->num_signals; s++)
        if (trace->signals[s].quantity == quantity)
            job->signals[job->count++] = s;
    for (size_t i = 0; job->mine && i < job->cards->count; i++)
        if (trace->signals[job->cards->list[i].signal].quantity == quantity)
            job->mine[job->num_mine++] = i;
    if (!arena->failed && job->num_mine == 0)
        return 0;
    job->rows = arena_take(arena, job->count, row);
    job->workspaces = arena_take(arena, threads, sizeof *job->workspaces);
    for (size_t i = 0; job->workspaces && i < threads; i++) {
        job->workspaces[i].panel = arena_take(arena, PANEL, row);
        job->workspaces[i].products = arena_take(arena, PANEL, job->count * sizeof(float));
    }
    return arena->failed ? -1 : 0;
}

int related_find(struct cards *cards, struct team *team, const struct trace *trace)
{
    const size_t most = RELATED_CHARACTERS;
    int result = 0;
    for (int quantity = 0; quantity < trace->num_quantities && result == 0; quantity++) {
        struct job job = {.trace = trace,
                          .cards = cards,
                          .characters = trace->length < most ? trace->length : most};
        struct arena arena = {0};
        result = list_quantity(&job, quantity, (size_t)team_size(team), &arena);
        if (result == 0 && job.num_mine > 0)
            team_run(team, relate_share, &job);
        arena_release(&arena);
    }
    return result;
}
