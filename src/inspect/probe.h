/* The probe: fills a trace with what a model does while it reads a text. */
#ifndef RUNE_PROBE_H
#define RUNE_PROBE_H

#include "inspection.h"
#include "model.h"
#include "team.h"
#include "trace.h"

struct probe_options {
    const struct trace_signal *signals; /* [num_signals] to keep, in any order; see trace.h */
    size_t num_signals;
    const char *model, *text; /* names; the trace refers to them */
    const char *temp_path;    /* a large trace goes to a file beside this path; see trace_init */
};

/* Two states are taken as the same if no number differs by more than this share of its magnitude,
 * or where it is under 1, by more than this: less than any of the files that show them can tell. */
#define PROBE_SAME 1e-4

/* Fills a zeroed trace of the first `length` ≥ 1 symbols of ids, int32_t, and zeroed gates (NULL:
 * not wanted), of all units whatever signals are kept, which lie in `memory`. The trace refers to
 * the model's vocabulary.
 *
 * The parts of a long text are read at once, and what a part would remember of those before it is
 * made good: the state at its beginning is that at the end of the part before, and it is read again
 * from there until it is in the same state (PROBE_SAME) as when it was read alone, to its end if
 * need be. A text of one part, and any text of a model that does not forget, is read exactly as one
 * character after the other. Neither the number of threads nor the choice of signals changes a bit
 * of the result.
 *
 * Memory: what 32 streams need, and 1 KB for each of them and each signal. Returns 0, or −1 and a
 * message, also where a loss is not finite. */
int probe_run(struct trace *trace, struct gates *gates, struct arena *memory, struct team *team,
              struct model *model, const struct temp_mapping *ids, size_t length,
              const struct probe_options *options);

#endif
