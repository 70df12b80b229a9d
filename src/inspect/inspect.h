/* Inspection: from a model and a text to what the units do there. The one place where the probe,
 * labels, discovery and all other measurements are put together. */
#ifndef RUNE_INSPECT_H
#define RUNE_INSPECT_H

#include <stdbool.h>

#include "inspection.h"
#include "model.h"
#include "team.h"

/* Characters at the start of a text that are inspected; arrays alone go on to the end of a longer
 * one. */
#define INSPECT_LENGTH 250000

enum inspect_ablation { INSPECT_ABLATE_NONE, INSPECT_ABLATE_BEST, INSPECT_ABLATE_ALL };

struct inspect_options {
    bool quantities[LAYER_QUANTITIES]; /* that are shown */
    const struct trace_signal
        *units;       /* [num_units] that are shown, in this order; quantities in it */
    size_t num_units; /* mean nothing; 0: all, best first */
    const struct label_pattern *patterns; /* [num_patterns] see labels.h */
    size_t num_patterns;
    const char *labels_file; /* or NULL */
    size_t text_length; /* characters of the text, whose first alone may be inspected; the file has
                           a line for each */
    size_t start;       /* of the passage whose attributions are measured */
    enum inspect_ablation ablation;
    enum ablation_kind ablation_kind;
    bool exact; /* units are ablated in float32, as all else is measured, not in bf16 */
    const char *model_name, *text_name;
    const char *temp_path; /* directory for large arrays; NULL: where temporary files go */
    /* what is done, for the user; may be NULL */
    void (*progress)(void *context, const char *what);
    void *context;
};

struct inspect_result {
    struct inspection inspection;
    size_t *shown; /* [num_shown] signals of the trace: of the units in their order */
    size_t num_shown;
};

/* Fills a zeroed result for the first symbols of ids, int32_t; 1 ≤ length ≤ INSPECT_LENGTH. The
 * model was loaded with `training`, for gradients are measured. Returns 0, or −1 and a message. */
int inspect(struct inspect_result *result, struct team *team, struct model *model,
            const struct temp_mapping *ids, size_t length, const struct inspect_options *options);

/* Fills another zeroed result with a trace of the same shown signals over a text of any length, and
 * nothing else. */
int inspect_whole(struct inspect_result *whole, const struct inspect_result *result,
                  struct team *team, struct model *model, const struct temp_mapping *ids,
                  size_t length, const struct inspect_options *options);

/* Safe on a zeroed one. */
void inspect_release(struct inspect_result *result);

#endif
