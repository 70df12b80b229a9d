#include "means.h"

#include <math.h>
#include <stdlib.h>

#include "mem.h"

size_t *means_count(const struct trace *trace)
{
    size_t *counts = mem_new((size_t)trace->vocab->size, sizeof *counts);
    for (size_t t = 0; counts && t < trace->length; t++)
        counts[trace->ids[t]]++;
    return counts;
}

static int compare_means(const void *a, const void *b)
{
    const struct symbol_mean *left = a, *right = b;
    if (left->mean != right->mean)
        return left->mean > right->mean ? -1 : 1;
    return (left->symbol > right->symbol) - (left->symbol < right->symbol);
}

int means_list(const struct card *card, const size_t *counts, int V, struct symbol_mean *list,
               size_t *min_count)
{
    size_t most = 0;
    int used = 0;
    for (int v = 0; v < V; v++)
        most = counts[v] > most ? counts[v] : most;
    const size_t enough = most < MEANS_MIN_COUNT ? 1 : MEANS_MIN_COUNT;
    for (int v = 0; v < V; v++)
        if (counts[v] >= enough && isfinite(card->by_symbol[v]))
            list[used++] = (struct symbol_mean){v, card->by_symbol[v]};
    qsort(list, (size_t)used, sizeof *list, compare_means);
    if (min_count)
        *min_count = enough;
    return used;
}
