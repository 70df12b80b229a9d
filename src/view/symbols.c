#include "symbols.h"

#include <math.h>
#include <stdlib.h>

#include "mem.h"

int symbols_init(struct symbols *symbols, const struct trace *trace)
{
    const size_t V = (size_t)trace->vocab->size;
    *symbols = (struct symbols){.trace = trace,
                                .counts = mem_new(V, sizeof *symbols->counts),
                                .list = mem_new(V, sizeof *symbols->list)};
    for (size_t t = 0; symbols->counts && t < trace->length; t++)
        symbols->counts[trace->ids[t]]++;
    return symbols->counts && symbols->list ? 0 : -1;
}

void symbols_release(struct symbols *symbols)
{
    free(symbols->counts);
    free(symbols->list);
}

static int compare(const void *a, const void *b)
{
    const struct symbol_value *left = a, *right = b;
    if (left->value != right->value)
        return left->value > right->value ? -1 : 1;
    return (left->symbol > right->symbol) - (left->symbol < right->symbol);
}

/* Lists values[v · stride] of the symbols v that occur `least` times. */
static void list(struct symbols *symbols, const float *values, size_t stride, size_t least)
{
    symbols->count = 0;
    symbols->least = least;
    for (int v = 0; v < symbols->trace->vocab->size; v++) {
        const float value = values[(size_t)v * stride];
        if (symbols->counts[v] >= least && isfinite(value))
            symbols->list[symbols->count++] = (struct symbol_value){v, value};
    }
    qsort(symbols->list, (size_t)symbols->count, sizeof *symbols->list, compare);
}

void symbols_list_means(struct symbols *symbols, const struct card *card)
{
    size_t least = 1;
    for (int v = 0; v < symbols->trace->vocab->size; v++)
        if (symbols->counts[v] >= SYMBOLS_MIN_COUNT)
            least = SYMBOLS_MIN_COUNT;
    list(symbols, card->by_symbol, 1, least);
}

void symbols_list_weights(struct symbols *symbols, const float *weights, int unit)
{
    list(symbols, weights + unit, (size_t)symbols->trace->hidden_size, 0);
}
