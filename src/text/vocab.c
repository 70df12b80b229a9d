#include "vocab.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "hash.h"
#include "mem.h"

static const uint8_t REPLACEMENT[] = {0xEF, 0xBF, 0xBD}; /* U+FFFD, the unknown symbol */

/* --- names ------------------------------------------------------------------------------------ */

const char *const vocab_unit_names[] = {"codepoint", "grapheme", "byte", NULL};
const char *const vocab_form_names[] = {"none", "nfc", "nfkc", NULL};
const char *const vocab_newlines_names[] = {"keep", "lf", NULL};

/* The index of a name among three, or −1 and a message. */
static int parse_name(const char *what, const char *const names[3], const char *name)
{
    for (int i = 0; i < 3; i++)
        if (strcmp(name, names[i]) == 0)
            return i;
    return error_set("%s is %s, %s or %s, not '%s'", what, names[0], names[1], names[2], name);
}

int vocab_unit_parse(const char *name)
{
    return parse_name("a unit", vocab_unit_names, name);
}

int vocab_form_parse(const char *name)
{
    return parse_name("a normal form", vocab_form_names, name);
}

int vocab_newlines_parse(const char *name)
{
    for (int i = 0; i < 2; i++)
        if (strcmp(name, vocab_newlines_names[i]) == 0)
            return i;
    return error_set("the treatment of line ends is keep or lf, not '%s'", name);
}

/* A symbol in quotes, as it looks; "" if it has no glyph. */
static void glyph(char *out, size_t capacity, int32_t first, const uint8_t *symbol, size_t length)
{
    out[0] = '\0';
    if (length == 1 && (first == '\n' || first == '\r' || first == '\t'))
        snprintf(out, capacity, "'\\%c'", first == '\n' ? 'n' : first == '\r' ? 'r' : 't');
    else if (utf8_is_graphic(first) && length + 3 <= capacity)
        snprintf(out, capacity, "'%.*s'", (int)length, (const char *)symbol);
}

/* Lists the first eight code points of a text: U+0065 U+0301. */
static void list_points(char *out, size_t capacity, const uint8_t *text, size_t length)
{
    size_t used = 0;
    for (size_t at = 0, n = 0; at < length; n++) {
        int32_t point = text[at];
        int bytes = utf8_decode(text + at, length - at, &point);
        if (n == 8) {
            snprintf(out + used, capacity - used, " …");
            return;
        }
        used += (size_t)snprintf(out + used, capacity - used, "%sU+%04" PRIX32, n ? " " : "",
                                 (uint32_t)point);
        at += bytes > 0 ? (size_t)bytes : 1;
    }
}

char *vocab_describe(enum vocab_unit unit, const uint8_t *symbol, size_t length, char *out,
                     size_t capacity)
{
    char seen[32] = "", points[96] = "", text[144];
    int32_t first;
    if (capacity == 0)
        return out;
    int bytes = length > 0 ? utf8_decode(symbol, length, &first) : 0;
    if (bytes > 0)
        glyph(seen, sizeof seen, first, symbol, length);
    list_points(points, sizeof points, symbol, length);
    if (unit == VOCAB_BYTE && length == 1)
        snprintf(text, sizeof text, "byte %02X", symbol[0]);
    else if (seen[0] && utf8_is_graphic(first) && (size_t)bytes == length)
        snprintf(text, sizeof text, "%s", seen);
    else if (seen[0])
        snprintf(text, sizeof text, "%s (%s)", seen, points);
    else
        snprintf(text, sizeof text, "%s", points);
    size_t used = strlen(text);
    if (used >= capacity)
        for (used = capacity - 1; used > 0 && (text[used] & 0xC0) == 0x80;)
            used--;
    memcpy(out, text, used);
    out[used] = '\0';
    return out;
}

/* --- symbols by their bytes ------------------------------------------------------------------- */

/* Finds the slot of a symbol, or the empty slot where it belongs. Slots hold indices into
 * symbols[], or −1 if empty. Their number is a power of two, and some are empty. */
static size_t find_slot(const int32_t *slots, size_t num_slots, const struct vocab_symbol *symbols,
                        const uint8_t *bytes, size_t length)
{
    size_t slot = (size_t)hash_bytes(length, bytes, length) & (num_slots - 1);
    for (; slots[slot] >= 0; slot = (slot + 1) & (num_slots - 1)) {
        const struct vocab_symbol *symbol = &symbols[slots[slot]];
        if (symbol->length == length && memcmp(symbol->bytes, bytes, length) == 0)
            break;
    }
    return slot;
}

/* Makes empty slots for `count` symbols, which will fill at most half of them. */
static int32_t *new_slots(size_t count, size_t *num_slots)
{
    *num_slots = 16;
    while (*num_slots < 2 * count)
        *num_slots *= 2;
    int32_t *slots = mem_new(*num_slots, sizeof *slots);
    for (size_t i = 0; slots && i < *num_slots; i++)
        slots[i] = -1;
    return slots;
}

/* The code point or byte of a symbol, or −1 if it has several (or is not UTF-8). */
static int32_t single_point(enum vocab_unit unit, const uint8_t *symbol, size_t length)
{
    int32_t point;
    if (length == 0)
        return -1;
    if (unit == VOCAB_BYTE)
        return length == 1 ? symbol[0] : -1;
    return utf8_decode(symbol, length, &point) == (int)length ? point : -1;
}

/* --- counting --------------------------------------------------------------------------------- */

struct vocab_counter {
    enum vocab_unit unit;
    uint64_t *counts; /* [num_points] by code point or byte */
    size_t num_points;
    struct vocab_symbol *clusters; /* [num_clusters], each allocated separately */
    uint64_t *cluster_counts;      /* [num_clusters] */
    size_t num_clusters, clusters_capacity, counts_capacity;
    int32_t *slots;
    size_t num_slots;
};

struct vocab_counter *vocab_counter_new(enum vocab_unit unit)
{
    struct vocab_counter *counter = mem_new(1, sizeof *counter);
    if (counter)
        counter->unit = unit;
    return counter;
}

void vocab_counter_free(struct vocab_counter *counter)
{
    if (!counter)
        return;
    for (size_t i = 0; i < counter->num_clusters; i++)
        free((void *)counter->clusters[i].bytes);
    free(counter->counts);
    free(counter->clusters);
    free(counter->cluster_counts);
    free(counter->slots);
    free(counter);
}

static int grow_counts(struct vocab_counter *counter, size_t highest)
{
    size_t num_points = counter->num_points ? counter->num_points : 256;
    while (num_points <= highest)
        num_points *= 2;
    uint64_t *counts = mem_new(num_points, sizeof *counts);
    if (!counts)
        return -1;
    if (counter->num_points > 0)
        memcpy(counts, counter->counts, counter->num_points * sizeof *counts);
    free(counter->counts);
    counter->counts = counts;
    counter->num_points = num_points;
    return 0;
}

static int grow_slots(struct vocab_counter *counter)
{
    size_t num_slots;
    int32_t *slots = new_slots(2 * counter->num_clusters + 1, &num_slots);
    if (!slots)
        return -1;
    for (size_t i = 0; i < counter->num_clusters; i++) {
        const struct vocab_symbol *cluster = &counter->clusters[i];
        slots[find_slot(slots, num_slots, counter->clusters, cluster->bytes, cluster->length)] =
            (int32_t)i;
    }
    free(counter->slots);
    counter->slots = slots;
    counter->num_slots = num_slots;
    return 0;
}

static int count_cluster(struct vocab_counter *counter, const struct vocab_symbol *symbol)
{
    size_t n = counter->num_clusters;
    if (2 * (n + 1) > counter->num_slots && grow_slots(counter) != 0)
        return -1;
    int32_t *slot = &counter->slots[find_slot(counter->slots, counter->num_slots, counter->clusters,
                                              symbol->bytes, symbol->length)];
    if (*slot < 0) {
        if (n == INT32_MAX)
            return error_set("more than %d distinct clusters: use --unit codepoint", INT32_MAX);
        if (mem_grow(&counter->clusters, &counter->clusters_capacity, n + 1,
                     sizeof *counter->clusters) != 0 ||
            mem_grow(&counter->cluster_counts, &counter->counts_capacity, n + 1,
                     sizeof *counter->cluster_counts) != 0)
            return -1;
        const uint8_t *copy = (const uint8_t *)mem_copy(symbol->bytes, symbol->length);
        if (!copy)
            return -1;
        counter->clusters[n] = (struct vocab_symbol){copy, symbol->length};
        counter->cluster_counts[n] = 0;
        counter->num_clusters++;
        *slot = (int32_t)n;
    }
    counter->cluster_counts[*slot]++;
    return 0;
}

int vocab_counter_add(struct vocab_counter *counter, const struct segmenter_run *run)
{
    int32_t highest = 0;
    for (size_t i = 0; i < run->count; i++)
        highest = run->points[i] > highest ? run->points[i] : highest;
    if ((size_t)highest >= counter->num_points && grow_counts(counter, (size_t)highest) != 0)
        return -1;
    for (size_t i = 0; i < run->count; i++) {
        int32_t point = run->points[i];
        if (point >= 0)
            counter->counts[point]++;
        else if (count_cluster(counter, &run->clusters[~point]) != 0)
            return -1;
    }
    return 0;
}

/* --- the vocabulary --------------------------------------------------------------------------- */

static int compare_symbols(const void *a, const void *b)
{
    const struct vocab_symbol *x = a, *y = b;
    int order = memcmp(x->bytes, y->bytes, x->length < y->length ? x->length : y->length);
    return order ? order : (x->length > y->length) - (x->length < y->length);
}

/* Makes the array of symbols that occur at least min_count times, in byte order, with space for one
 * more. *points holds the bytes of single code points. The caller frees both. */
static int kept_symbols(const struct vocab_counter *counter, uint64_t min_count,
                        struct vocab_symbol **symbols, uint8_t (**points)[4], size_t *count)
{
    size_t kept = 1, n = 0;
    for (size_t i = 0; i < counter->num_points; i++)
        kept += counter->counts[i] >= min_count;
    *points = mem_new(kept, sizeof **points);
    kept += counter->num_clusters;
    *symbols = mem_new(kept, sizeof **symbols);
    if (!*symbols || !*points)
        return -1;
    for (size_t i = 0; i < counter->num_points; i++)
        if (counter->counts[i] >= min_count) {
            int32_t point = (int32_t)i;
            struct segmenter_run run = {counter->unit, 1, &point, NULL};
            (*symbols)[n] = segmenter_symbol(&run, 0, (*points)[n]);
            n++;
        }
    for (size_t i = 0; i < counter->num_clusters; i++)
        if (counter->cluster_counts[i] >= min_count)
            (*symbols)[n++] = counter->clusters[i];
    qsort(*symbols, n, sizeof **symbols, compare_symbols);
    *count = n;
    return 0;
}

int vocab_from_counts(struct vocab *vocab, const struct vocab_counter *counter, uint64_t min_count,
                      const struct text_treatment *treatment)
{
    struct vocab_symbol *symbols = NULL;
    uint8_t(*points)[4] = NULL;
    size_t count, distinct = counter->num_clusters;
    int result = -1;
    char name[64];
    for (size_t i = 0; i < counter->num_points; i++)
        distinct += counter->counts[i] > 0;
    if (min_count < 1)
        min_count = 1;
    if (kept_symbols(counter, min_count, &symbols, &points, &count) != 0)
        goto done;
    if (count == 0)
        error_set("none of %zu distinct symbols occurs %" PRIu64 " times: lower --min-count",
                  distinct, min_count);
    else if (distinct == 1)
        error_set(
            "the only symbol is %s: there is nothing to predict",
            vocab_describe(counter->unit, symbols[0].bytes, symbols[0].length, name, sizeof name));
    else if (count > INT_MAX - 1)
        error_set("%zu distinct symbols are too many: use --unit codepoint", count);
    else {
        int unknown = min_count > 1 ? (int)count : VOCAB_NONE;
        symbols[count] = (struct vocab_symbol){REPLACEMENT, sizeof REPLACEMENT};
        result = vocab_from_symbols(vocab, treatment, symbols, (int)count + (unknown != VOCAB_NONE),
                                    unknown);
    }
done:
    free(symbols);
    free(points);
    return result;
}

/* Copies the symbols and makes empty lookup tables. */
static int copy_symbols(struct vocab *vocab, const struct vocab_symbol *symbols)
{
    size_t total = 0, clusters = 0;
    int32_t highest = -1;
    for (int i = 0; i < vocab->size; i++) {
        int32_t point = single_point(vocab->treatment.unit, symbols[i].bytes, symbols[i].length);
        highest = point > highest ? point : highest;
        clusters += point < 0;
        total += symbols[i].length;
    }
    vocab->num_points = (size_t)(highest + 1);
    vocab->symbols = mem_new((size_t)vocab->size, sizeof *vocab->symbols);
    vocab->storage = mem_new(total, 1);
    vocab->by_point = mem_new(vocab->num_points, sizeof *vocab->by_point);
    vocab->by_cluster = new_slots(clusters, &vocab->num_slots);
    if (!vocab->symbols || !vocab->storage || !vocab->by_point || !vocab->by_cluster)
        return -1;
    for (size_t i = 0; i < vocab->num_points; i++)
        vocab->by_point[i] = VOCAB_NONE;
    uint8_t *at = vocab->storage;
    for (int i = 0; i < vocab->size; at += symbols[i++].length) {
        if (symbols[i].length > 0)
            memcpy(at, symbols[i].bytes, symbols[i].length);
        vocab->symbols[i] = (struct vocab_symbol){at, symbols[i].length};
    }
    return 0;
}

/* Whether bytes are one symbol of a unit. Of a cluster only the encoding is checked. */
static bool is_symbol(enum vocab_unit unit, const uint8_t *bytes, size_t length)
{
    return unit == VOCAB_GRAPHEME ? length > 0 && utf8_is_valid(bytes, length)
                                  : single_point(unit, bytes, length) >= 0;
}

/* Adds symbol `id` to the lookup tables. */
static int index_symbol(struct vocab *vocab, int id)
{
    const struct vocab_symbol *symbol = &vocab->symbols[id];
    char name[64];
    vocab_describe(vocab->treatment.unit, symbol->bytes, symbol->length, name, sizeof name);
    if (!is_symbol(vocab->treatment.unit, symbol->bytes, symbol->length))
        return error_set("symbol %d of the vocabulary, %s, is not one %s", id,
                         symbol->length ? name : "empty", vocab_unit_names[vocab->treatment.unit]);
    int32_t point = single_point(vocab->treatment.unit, symbol->bytes, symbol->length);
    int32_t *entry;
    if (point >= 0)
        entry = &vocab->by_point[point];
    else
        entry = &vocab->by_cluster[find_slot(vocab->by_cluster, vocab->num_slots, vocab->symbols,
                                             symbol->bytes, symbol->length)];
    if (*entry != VOCAB_NONE)
        return error_set("symbols %" PRId32 " and %d of the vocabulary are the same: %s", *entry,
                         id, name);
    *entry = id;
    return 0;
}

int vocab_from_symbols(struct vocab *vocab, const struct text_treatment *treatment,
                       const struct vocab_symbol *symbols, int count, int unknown)
{
    if (count < 1)
        return error_set("the vocabulary is empty");
    if (unknown < VOCAB_NONE || unknown >= count)
        return error_set("the unknown symbol, %d, is not one of the %d of the vocabulary", unknown,
                         count);
    *vocab = (struct vocab){.treatment = *treatment, .size = count, .unknown = unknown};
    vocab->treatment.encoding = NULL;
    int result = copy_symbols(vocab, symbols);
    for (int id = 0; id < count && result == 0; id++)
        if (id != unknown) /* no text is encoded as it by lookup, not even U+FFFD */
            result = index_symbol(vocab, id);
    if (result != 0)
        vocab_release(vocab);
    return result;
}

void vocab_release(struct vocab *vocab)
{
    free(vocab->symbols);
    free(vocab->storage);
    free(vocab->by_point);
    free(vocab->by_cluster);
    *vocab = (struct vocab){0};
}

int32_t vocab_find_point(const struct vocab *vocab, int32_t point)
{
    return (size_t)point < vocab->num_points ? vocab->by_point[point] : VOCAB_NONE;
}

static int32_t find_cluster(const struct vocab *vocab, const struct vocab_symbol *symbol)
{
    return vocab->by_cluster[find_slot(vocab->by_cluster, vocab->num_slots, vocab->symbols,
                                       symbol->bytes, symbol->length)];
}

int32_t vocab_find(const struct vocab *vocab, const uint8_t *symbol, size_t length)
{
    const int32_t point = single_point(vocab->treatment.unit, symbol, length);
    return point >= 0 ? vocab_find_point(vocab, point)
                      : find_cluster(vocab, &(struct vocab_symbol){symbol, length});
}

size_t vocab_find_all(const struct vocab *vocab, const struct segmenter_run *run, int32_t *ids)
{
    size_t missing = 0;
    for (size_t i = 0; i < run->count; i++) {
        const int32_t point = run->points[i];
        ids[i] = point >= 0 ? vocab_find_point(vocab, point)
                            : find_cluster(vocab, &run->clusters[~point]);
        missing += ids[i] == VOCAB_NONE;
    }
    return missing;
}
