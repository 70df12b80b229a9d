/* The probe: fills a trace with what a model does while it reads a text. */
#ifndef RUNE_PROBE_H
#define RUNE_PROBE_H

#include "model.h"
#include "team.h"
#include "trace.h"

/* Fills a zeroed trace of the symbols ids[0..length) for the given signals (see trace.h; quantities
 * in the order of the cell's). The trace refers to the model's vocabulary and to the two names.
 * Returns 0, or −1 and a message. */
int probe_run(struct trace *trace, struct team *team, struct model *model, const int32_t *ids,
              size_t length, const struct trace_signal *signals, size_t num_signals,
              const char *model_name, const char *text_name);

#endif
