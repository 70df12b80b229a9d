#include "segmenter.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "mem.h"

static const uint8_t MARK[] = {0xEF, 0xBB, 0xBF}; /* the byte order mark */

/* Bytes → [without byte order mark] → code points → [line ends] → [normal form] → [grapheme
 * clusters] → runs of symbols. Each stage keeps the part of its output that the next piece may
 * still change. */
struct segmenter {
    struct text_treatment treatment;
    const char *name;
    struct text_notes notes;
    uint64_t offset;    /* in the text, of the bytes that are segmented now */
    size_t mark_length; /* bytes of a byte order mark at the start of the text */
    bool started;       /* the start of the text has no more bytes of a mark to leave out */
    bool after_return;  /* the last code point was a carriage return that became a line feed */
    bool refused;       /* bytes that are not UTF-8, at `refused_at` */
    uint64_t refused_at;
    segmenter_fn *each;
    void *context;

    /* decoding */
    uint8_t tail[4]; /* a code point that continues in the next piece */
    size_t tail_length;
    int32_t points[SEGMENTER_RUN_MAX];

    /* normalising */
    int32_t *pending; /* code points since the last normalisation boundary */
    size_t num_pending, pending_capacity;
    int32_t *normal;
    size_t normal_capacity;

    /* clusters: bytes of those in the run, then of the incomplete one */
    uint8_t *bytes;
    size_t num_bytes, bytes_capacity;
    size_t open_start;  /* of the incomplete cluster, in bytes[] */
    size_t open_points; /* number of its code points; 0 only at the start of the text */
    int32_t before;     /* the last of them */
    int32_t break_state;
    int32_t symbols[SEGMENTER_RUN_MAX];
    struct vocab_symbol clusters[SEGMENTER_RUN_MAX];
    size_t num_symbols, num_clusters;
};

struct vocab_symbol segmenter_symbol(const struct segmenter_run *run, size_t i, uint8_t buffer[4])
{
    int32_t point = run->points[i];
    if (point < 0)
        return run->clusters[~point];
    if (run->unit != VOCAB_BYTE)
        return (struct vocab_symbol){buffer, (size_t)utf8_encode(point, buffer)};
    buffer[0] = (uint8_t)point;
    return (struct vocab_symbol){buffer, 1};
}

struct segmenter *segmenter_new(const struct text_treatment *treatment, const char *name)
{
    if (treatment->unit == VOCAB_BYTE && treatment->form != UTF8_NONE) {
        error_set("bytes cannot be normalised: leave out --normalize or --unit byte");
        return NULL;
    }
    struct segmenter *segmenter = mem_new(1, sizeof *segmenter);
    if (!segmenter)
        return NULL;
    segmenter->treatment = *treatment;
    segmenter->name = name;
    return segmenter;
}

void segmenter_restart(struct segmenter *segmenter, const char *name)
{
    segmenter->name = name;
    segmenter->notes = (struct text_notes){0};
    segmenter->offset = segmenter->refused_at = 0;
    segmenter->mark_length = segmenter->tail_length = 0;
    segmenter->started = segmenter->after_return = segmenter->refused = false;
    segmenter->num_pending = segmenter->num_bytes = 0;
    segmenter->open_start = segmenter->open_points = 0;
    segmenter->break_state = 0;
    segmenter->num_symbols = segmenter->num_clusters = 0;
}

void segmenter_free(struct segmenter *segmenter)
{
    if (!segmenter)
        return;
    free(segmenter->pending);
    free(segmenter->normal);
    free(segmenter->bytes);
    free(segmenter);
}

const struct text_notes *segmenter_notes(const struct segmenter *segmenter)
{
    return &segmenter->notes;
}

bool segmenter_refused(const struct segmenter *segmenter, uint64_t *offset)
{
    *offset = segmenter->refused_at;
    return segmenter->refused;
}

static int emit(struct segmenter *segmenter, const int32_t *points, size_t count)
{
    struct segmenter_run run = {segmenter->treatment.unit, count, points, segmenter->clusters};
    segmenter->notes.symbols += count;
    return count > 0 ? segmenter->each(segmenter->context, &run) : 0;
}

/* Emits the closed clusters and moves the incomplete one to the front. */
static int emit_clusters(struct segmenter *segmenter)
{
    const uint8_t *at = segmenter->bytes;
    for (size_t i = 0; i < segmenter->num_clusters; at += segmenter->clusters[i++].length)
        segmenter->clusters[i].bytes = at;
    int result = emit(segmenter, segmenter->symbols, segmenter->num_symbols);
    segmenter->num_symbols = segmenter->num_clusters = 0;
    if (segmenter->open_start > 0) {
        segmenter->num_bytes -= segmenter->open_start;
        memmove(segmenter->bytes, segmenter->bytes + segmenter->open_start, segmenter->num_bytes);
        segmenter->open_start = 0;
    }
    return result;
}

static void close_cluster(struct segmenter *segmenter)
{
    size_t i = segmenter->num_symbols++;
    if (segmenter->open_points == 1) {
        segmenter->symbols[i] = segmenter->before;
        segmenter->num_bytes = segmenter->open_start;
    } else {
        segmenter->symbols[i] = ~(int32_t)segmenter->num_clusters;
        segmenter->clusters[segmenter->num_clusters++].length =
            segmenter->num_bytes - segmenter->open_start;
        segmenter->open_start = segmenter->num_bytes;
    }
    segmenter->open_points = 0;
}

/* count ≤ SEGMENTER_RUN_MAX, so that the closed clusters fit into a run. */
static int segment_clusters(struct segmenter *segmenter, const int32_t *points, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (segmenter->open_points > 0 &&
            utf8_cluster_break(segmenter->before, points[i], &segmenter->break_state))
            close_cluster(segmenter);
        if (mem_grow(&segmenter->bytes, &segmenter->bytes_capacity, segmenter->num_bytes + 4, 1) !=
            0)
            return -1;
        segmenter->num_bytes +=
            (size_t)utf8_encode(points[i], segmenter->bytes + segmenter->num_bytes);
        segmenter->open_points++;
        segmenter->before = points[i];
    }
    return emit_clusters(segmenter);
}

static int segment_points(struct segmenter *segmenter, const int32_t *points, size_t count,
                          bool last)
{
    int result = 0;
    for (size_t at = 0, n; at < count && result == 0; at += n) {
        n = count - at < SEGMENTER_RUN_MAX ? count - at : SEGMENTER_RUN_MAX;
        result = segmenter->treatment.unit == VOCAB_GRAPHEME
                     ? segment_clusters(segmenter, points + at, n)
                     : emit(segmenter, points + at, n);
    }
    if (last && result == 0 && segmenter->open_points > 0) {
        close_cluster(segmenter);
        result = emit_clusters(segmenter);
    }
    return result;
}

static int normalize(struct segmenter *segmenter, const int32_t *points, size_t count, bool last)
{
    const enum utf8_form form = segmenter->treatment.form;
    size_t old = segmenter->num_pending, num_normal;
    if (mem_grow(&segmenter->pending, &segmenter->pending_capacity, old + count, sizeof *points) !=
        0)
        return -1;
    if (count > 0)
        memcpy(segmenter->pending + old, points, count * sizeof *points);
    segmenter->num_pending += count;

    size_t ready = segmenter->num_pending;
    if (!last) { /* among the old points only the first can be a boundary */
        while (ready > old && !utf8_boundary_before(segmenter->pending[ready - 1], form))
            ready--;
        ready = ready > old ? ready - 1 : 0;
    }
    if (utf8_normalize(segmenter->pending, ready, form, &segmenter->normal,
                       &segmenter->normal_capacity, &num_normal) != 0)
        return -1;
    segmenter->num_pending -= ready;
    if (ready > 0)
        memmove(segmenter->pending, segmenter->pending + ready,
                segmenter->num_pending * sizeof *points);
    return segment_points(segmenter, segmenter->normal, num_normal, last);
}

/* Turns CR LF and CR into LF, in place. Returns how many code points are left. */
static size_t join_newlines(struct segmenter *segmenter, int32_t *points, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        const bool second = segmenter->after_return && points[i] == '\n';
        segmenter->after_return = points[i] == '\r';
        if (!second)
            points[kept++] = points[i] == '\r' ? '\n' : points[i];
    }
    return kept;
}

static int accept_points(struct segmenter *segmenter, int32_t *points, size_t count, bool last)
{
    if (segmenter->treatment.newlines == VOCAB_LF)
        count = join_newlines(segmenter, points, count);
    if (segmenter->treatment.form != UTF8_NONE)
        return normalize(segmenter, points, count, last);
    return segment_points(segmenter, points, count, last);
}

static int refuse_byte(struct segmenter *segmenter, uint8_t byte, uint64_t offset)
{
    segmenter->refused = true;
    segmenter->refused_at = offset;
    return error_set("%s: byte 0x%02X at offset %" PRIu64 " is not UTF-8", segmenter->name, byte,
                     offset);
}

static int refuse_tail(struct segmenter *segmenter)
{
    segmenter->refused = true;
    segmenter->refused_at = segmenter->offset - segmenter->tail_length;
    return error_set("%s: the last character, from byte 0x%02X at offset %" PRIu64
                     " on, is not whole UTF-8: the text ends within it",
                     segmenter->name, segmenter->tail[0], segmenter->refused_at);
}

/* Completes a code point that began in the last piece; *used is how many bytes of this one it
 * takes. */
static int complete_tail(struct segmenter *segmenter, const uint8_t *piece, size_t length,
                         size_t *used)
{
    int32_t point = 0;
    uint64_t offset = segmenter->offset - segmenter->tail_length;
    for (*used = 0; segmenter->tail_length > 0 && *used < length;) {
        segmenter->tail[segmenter->tail_length++] = piece[(*used)++];
        int bytes = utf8_decode(segmenter->tail, segmenter->tail_length, &point);
        if (bytes < 0)
            return refuse_byte(segmenter, segmenter->tail[0], offset);
        if (bytes == 0)
            continue;
        segmenter->tail_length = 0;
        return accept_points(segmenter, &point, 1, false);
    }
    return 0;
}

static int segment_text(struct segmenter *segmenter, const uint8_t *piece, size_t length)
{
    size_t at, used;
    int result = complete_tail(segmenter, piece, length, &at);
    while (result == 0 && at < length) {
        size_t count =
            utf8_decode_all(piece + at, length - at, segmenter->points, SEGMENTER_RUN_MAX, &used);
        at += used;
        result = accept_points(segmenter, segmenter->points, count, false);
        if (result != 0 || count == SEGMENTER_RUN_MAX || at == length)
            continue;
        if (utf8_decode(piece + at, length - at, segmenter->points) < 0)
            return refuse_byte(segmenter, piece[at], segmenter->offset + at);
        segmenter->tail_length = length - at;
        memcpy(segmenter->tail, piece + at, segmenter->tail_length);
        break;
    }
    return result;
}

static int segment_bytes(struct segmenter *segmenter, const uint8_t *piece, size_t length)
{
    int result = 0;
    for (size_t at = 0, n; at < length && result == 0; at += n) {
        n = length - at < SEGMENTER_RUN_MAX ? length - at : SEGMENTER_RUN_MAX;
        for (size_t i = 0; i < n; i++)
            segmenter->points[i] = piece[at + i];
        result = accept_points(segmenter, segmenter->points, n, false);
    }
    return result;
}

static void update_notes(struct segmenter *segmenter, const uint8_t *piece, size_t length)
{
    struct text_notes *notes = &segmenter->notes;
    for (size_t i = 0; i < length; i++) {
        notes->nul_bytes += piece[i] == '\0';
        notes->carriage_returns += piece[i] == '\r';
        notes->line_feeds += piece[i] == '\n';
    }
    for (size_t i = 0; i < length && notes->bytes + i == segmenter->mark_length; i++)
        if (segmenter->mark_length < sizeof MARK && piece[i] == MARK[segmenter->mark_length])
            segmenter->mark_length++;
    notes->byte_order_mark = segmenter->mark_length == sizeof MARK;
    notes->bytes += length;
}

static int segment(struct segmenter *segmenter, const uint8_t *piece, size_t length)
{
    int result = segmenter->treatment.unit == VOCAB_BYTE ? segment_bytes(segmenter, piece, length)
                                                         : segment_text(segmenter, piece, length);
    segmenter->offset += length;
    return result;
}

/* Segments a piece without a byte order mark at the start of the text. Of the bytes before it,
 * `seen` are those of a mark so far; update_notes has counted this piece. */
static int segment_unmarked(struct segmenter *segmenter, const uint8_t *piece, size_t length,
                            bool last, size_t seen)
{
    const size_t marked = segmenter->started ? 0 : segmenter->mark_length - seen;
    if (!segmenter->started && segmenter->mark_length == sizeof MARK) {
        segmenter->started = true;
        segmenter->offset = sizeof MARK;
    } else if (!segmenter->started && (marked < length || last)) { /* what was held is not a mark */
        segmenter->started = true;
        assert(segmenter->mark_length < sizeof MARK);
        int result = segment(segmenter, MARK, segmenter->mark_length);
        if (result != 0)
            return result;
    }
    return segment(segmenter, piece + marked, length - marked);
}

int segmenter_feed(struct segmenter *segmenter, const uint8_t *piece, size_t length, bool last,
                   segmenter_fn *each, void *context)
{
    const size_t seen = segmenter->mark_length;
    segmenter->each = each;
    segmenter->context = context;
    update_notes(segmenter, piece, length);
    int result = segmenter->treatment.strip_bom
                     ? segment_unmarked(segmenter, piece, length, last, seen)
                     : segment(segmenter, piece, length);
    if (result != 0 || !last)
        return result;
    return segmenter->tail_length > 0 ? refuse_tail(segmenter)
                                      : accept_points(segmenter, NULL, 0, true);
}
