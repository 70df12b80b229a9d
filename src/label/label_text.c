#include "label_text.h"

#include <string.h>

int label_text_bytes(struct arena *memory, const struct vocab *vocab, const int32_t *ids,
                     size_t length, uint8_t **bytes, size_t **starts)
{
    size_t total = 0, at = 0;
    for (size_t t = 0; t < length; t++)
        total += vocab->symbols[ids[t]].length;
    *bytes = arena_take(memory, total + 1, 1);
    *starts = arena_take(memory, length + 1, sizeof **starts);
    if (memory->failed)
        return -1;
    for (size_t t = 0; t < length; t++) {
        const struct vocab_symbol *symbol = &vocab->symbols[ids[t]];
        (*starts)[t] = at;
        memcpy(*bytes + at, symbol->bytes, symbol->length);
        at += symbol->length;
    }
    (*starts)[length] = at;
    return 0;
}

static int32_t point_of(const struct vocab_symbol *symbol)
{
    int32_t point;
    if (symbol->length == 2 && memcmp(symbol->bytes, "\r\n", 2) == 0)
        return '\n';
    return utf8_decode(symbol->bytes, symbol->length, &point) > 0 ? point : -1;
}

/* Each symbol as a character. */
static void take_symbols(struct label_text *text, const struct vocab *vocab, const int32_t *ids,
                         size_t length)
{
    for (size_t t = 0; t <= length; t++)
        text->first[t] = t;
    for (size_t t = 0; t < length; t++)
        text->points[t] = point_of(&vocab->symbols[ids[t]]);
    text->count = length;
}

/* The symbols of one code point as a character. */
static int take_bytes(struct label_text *text, struct arena *memory, const struct vocab *vocab,
                      const int32_t *ids, size_t length)
{
    uint8_t *bytes;
    size_t *starts, count = 0;
    if (label_text_bytes(memory, vocab, ids, length, &bytes, &starts) != 0)
        return -1;
    for (size_t t = 0; t < length; count++) {
        int32_t point;
        int step = utf8_decode(bytes + starts[t], starts[length] - starts[t], &point);
        size_t end = starts[t] + (size_t)(step > 0 ? step : 1);
        text->first[count] = t;
        text->points[count] = step > 0 ? point : -1;
        while (t < length && starts[t] < end) /* the unknown symbol has three bytes */
            t++;
    }
    text->first[count] = length;
    text->count = count;
    return 0;
}

int label_text_init(struct label_text *text, struct arena *memory, const struct vocab *vocab,
                    const int32_t *ids, size_t length)
{
    text->points = arena_take(memory, length, sizeof *text->points);
    text->first = arena_take(memory, length + 1, sizeof *text->first);
    if (memory->failed)
        return -1;
    if (vocab->treatment.unit == VOCAB_BYTE)
        return take_bytes(text, memory, vocab, ids, length);
    take_symbols(text, vocab, ids, length);
    return 0;
}
