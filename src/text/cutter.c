#include "cutter.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "mem.h"

/* bytes → code points → [a normal form] → [grapheme clusters] → runs of symbols. Each stage keeps
 * what the next piece may still change. */
struct cutter {
    enum vocab_unit unit;
    enum utf8_form form;
    const char *name, *advice; /* advice "" if there is none */
    struct vocab_notes notes;
    size_t mark_length; /* how much of a byte order mark the text begins with */
    cutter_fn *each;
    void *context;

    /* decoding */
    uint8_t tail[4]; /* the start of a code point that the last piece cut off */
    size_t tail_length;
    int32_t points[CUTTER_RUN];

    /* normalising */
    int32_t *pending; /* from the last code point on that starts a form */
    size_t num_pending, pending_capacity;
    int32_t *normal;
    size_t normal_capacity;

    /* clusters: those of the run, end to end, then the one that is still open */
    uint8_t *bytes;
    size_t num_bytes, bytes_capacity;
    size_t open_start;  /* in bytes[] */
    size_t open_points; /* how many code points are in it; 0: the text begins here */
    int32_t before;     /* the last of them */
    int32_t break_state;
    int32_t symbols[CUTTER_RUN];
    struct vocab_symbol clusters[CUTTER_RUN];
    size_t num_symbols, num_clusters;
};

struct vocab_symbol cutter_symbol(const struct cutter_run *run, size_t i, uint8_t room[4])
{
    int32_t point = run->points[i];
    if (point < 0)
        return run->clusters[~point];
    if (run->unit != VOCAB_BYTE)
        return (struct vocab_symbol){room, (size_t)utf8_encode(point, room)};
    room[0] = (uint8_t)point;
    return (struct vocab_symbol){room, 1};
}

struct cutter *cutter_new(enum vocab_unit unit, enum utf8_form form, const char *name,
                          const char *advice)
{
    if (unit == VOCAB_BYTE && form != UTF8_NONE) {
        error_set("%s: bytes cannot be normalised: leave out --normalize or --unit byte", name);
        return NULL;
    }
    struct cutter *cutter = mem_new(1, sizeof *cutter);
    if (!cutter)
        return NULL;
    cutter->unit = unit;
    cutter->form = form;
    cutter->name = name;
    cutter->advice = advice ? advice : "";
    return cutter;
}

void cutter_free(struct cutter *cutter)
{
    if (!cutter)
        return;
    free(cutter->pending);
    free(cutter->normal);
    free(cutter->bytes);
    free(cutter);
}

const struct vocab_notes *cutter_notes(const struct cutter *cutter)
{
    return &cutter->notes;
}

static int give(struct cutter *cutter, const int32_t *points, size_t count)
{
    struct cutter_run run = {cutter->unit, count, points, cutter->clusters};
    cutter->notes.symbols += count;
    return count > 0 ? cutter->each(cutter->context, &run) : 0;
}

/* Gives the closed clusters and moves the open one to the front. */
static int give_clusters(struct cutter *cutter)
{
    const uint8_t *at = cutter->bytes;
    for (size_t i = 0; i < cutter->num_clusters; at += cutter->clusters[i++].length)
        cutter->clusters[i].bytes = at;
    int result = give(cutter, cutter->symbols, cutter->num_symbols);
    cutter->num_symbols = cutter->num_clusters = 0;
    if (cutter->open_start > 0) {
        cutter->num_bytes -= cutter->open_start;
        memmove(cutter->bytes, cutter->bytes + cutter->open_start, cutter->num_bytes);
        cutter->open_start = 0;
    }
    return result;
}

static void close_cluster(struct cutter *cutter)
{
    size_t i = cutter->num_symbols++;
    if (cutter->open_points == 1) {
        cutter->symbols[i] = cutter->before;
        cutter->num_bytes = cutter->open_start;
    } else {
        cutter->symbols[i] = ~(int32_t)cutter->num_clusters;
        cutter->clusters[cutter->num_clusters++].length = cutter->num_bytes - cutter->open_start;
        cutter->open_start = cutter->num_bytes;
    }
    cutter->open_points = 0;
}

/* At most CUTTER_RUN points, so that no more clusters are closed. */
static int cut_clusters(struct cutter *cutter, const int32_t *points, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (cutter->open_points > 0 &&
            utf8_cluster_break(cutter->before, points[i], &cutter->break_state))
            close_cluster(cutter);
        if (mem_grow(&cutter->bytes, &cutter->bytes_capacity, cutter->num_bytes + 4, 1) != 0)
            return -1;
        cutter->num_bytes += (size_t)utf8_encode(points[i], cutter->bytes + cutter->num_bytes);
        cutter->open_points++;
        cutter->before = points[i];
    }
    return give_clusters(cutter);
}

static int cut_points(struct cutter *cutter, const int32_t *points, size_t count, bool last)
{
    int result = 0;
    for (size_t at = 0, n; at < count && result == 0; at += n) {
        n = count - at < CUTTER_RUN ? count - at : CUTTER_RUN;
        result = cutter->unit == VOCAB_GRAPHEME ? cut_clusters(cutter, points + at, n)
                                                : give(cutter, points + at, n);
    }
    if (last && result == 0 && cutter->open_points > 0) {
        close_cluster(cutter);
        result = give_clusters(cutter);
    }
    return result;
}

static int normalize(struct cutter *cutter, const int32_t *points, size_t count, bool last)
{
    size_t old = cutter->num_pending, num_normal;
    if (mem_grow(&cutter->pending, &cutter->pending_capacity, old + count, sizeof *points) != 0)
        return -1;
    if (count > 0)
        memcpy(cutter->pending + old, points, count * sizeof *points);
    cutter->num_pending += count;

    size_t ready = cutter->num_pending;
    if (!last) { /* what was pending holds no place to cut but its start */
        while (ready > old && !utf8_starts_form(cutter->pending[ready - 1], cutter->form))
            ready--;
        ready = ready > old ? ready - 1 : 0;
    }
    if (utf8_normalize(cutter->pending, ready, cutter->form, &cutter->normal,
                       &cutter->normal_capacity, &num_normal) != 0)
        return -1;
    cutter->num_pending -= ready;
    if (ready > 0)
        memmove(cutter->pending, cutter->pending + ready, cutter->num_pending * sizeof *points);
    return cut_points(cutter, cutter->normal, num_normal, last);
}

static int take_points(struct cutter *cutter, const int32_t *points, size_t count, bool last)
{
    if (cutter->form != UTF8_NONE)
        return normalize(cutter, points, count, last);
    return cut_points(cutter, points, count, last);
}

static int refuse_byte(const struct cutter *cutter, uint8_t byte, uint64_t offset)
{
    return error_set("%s: byte 0x%02X at offset %" PRIu64 " is not UTF-8%s", cutter->name, byte,
                     offset, cutter->advice);
}

static int refuse_tail(const struct cutter *cutter)
{
    return error_set("%s: the last character, from byte 0x%02X at offset %" PRIu64
                     " on, is not whole UTF-8: the text ends within it%s",
                     cutter->name, cutter->tail[0], cutter->notes.bytes - cutter->tail_length,
                     cutter->advice);
}

/* Completes the code point that the last piece cut off; *used bytes of this one do so. */
static int cut_tail(struct cutter *cutter, const uint8_t *piece, size_t length, size_t *used)
{
    int32_t point;
    uint64_t offset = cutter->notes.bytes - cutter->tail_length;
    for (*used = 0; cutter->tail_length > 0 && *used < length;) {
        cutter->tail[cutter->tail_length++] = piece[(*used)++];
        int bytes = utf8_decode(cutter->tail, cutter->tail_length, &point);
        if (bytes < 0)
            return refuse_byte(cutter, cutter->tail[0], offset);
        if (bytes == 0)
            continue;
        cutter->tail_length = 0;
        return take_points(cutter, &point, 1, false);
    }
    return 0;
}

/* notes.bytes are those before the piece. */
static int cut_text(struct cutter *cutter, const uint8_t *piece, size_t length)
{
    size_t at, used;
    int result = cut_tail(cutter, piece, length, &at);
    while (result == 0 && at < length) {
        size_t count = utf8_decode_all(piece + at, length - at, cutter->points, CUTTER_RUN, &used);
        at += used;
        result = take_points(cutter, cutter->points, count, false);
        if (result != 0 || count == CUTTER_RUN || at == length)
            continue;
        if (utf8_decode(piece + at, length - at, cutter->points) < 0)
            return refuse_byte(cutter, piece[at], cutter->notes.bytes + at);
        cutter->tail_length = length - at;
        memcpy(cutter->tail, piece + at, cutter->tail_length);
        break;
    }
    return result;
}

static int cut_bytes(struct cutter *cutter, const uint8_t *piece, size_t length)
{
    int result = 0;
    for (size_t at = 0, n; at < length && result == 0; at += n) {
        n = length - at < CUTTER_RUN ? length - at : CUTTER_RUN;
        for (size_t i = 0; i < n; i++)
            cutter->points[i] = piece[at + i];
        result = give(cutter, cutter->points, n);
    }
    return result;
}

static void take_notes(struct cutter *cutter, const uint8_t *piece, size_t length)
{
    static const uint8_t mark[3] = {0xEF, 0xBB, 0xBF};
    struct vocab_notes *notes = &cutter->notes;
    for (size_t i = 0; i < length; i++) {
        notes->nul_bytes += piece[i] == '\0';
        notes->carriage_returns += piece[i] == '\r';
        notes->line_feeds += piece[i] == '\n';
    }
    for (size_t i = 0; i < length && notes->bytes + i == cutter->mark_length; i++)
        if (cutter->mark_length < sizeof mark && piece[i] == mark[cutter->mark_length])
            cutter->mark_length++;
    notes->byte_order_mark = cutter->mark_length == sizeof mark;
    notes->bytes += length;
}

int cutter_cut(struct cutter *cutter, const uint8_t *piece, size_t length, bool last,
               cutter_fn *each, void *context)
{
    cutter->each = each;
    cutter->context = context;
    int result = cutter->unit == VOCAB_BYTE ? cut_bytes(cutter, piece, length)
                                            : cut_text(cutter, piece, length);
    take_notes(cutter, piece, length);
    if (result != 0 || !last)
        return result;
    return cutter->tail_length > 0 ? refuse_tail(cutter) : take_points(cutter, NULL, 0, true);
}
