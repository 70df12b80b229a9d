/* Ablation: what a model loses without a unit, measured by clamping its output while the model
 * reads a text. Many units at once, a stream each. */
#ifndef RUNE_ABLATE_H
#define RUNE_ABLATE_H

#include "inspection.h"
#include "model.h"
#include "team.h"

/* Fills a zeroed ablation, which lies in `memory`, over the symbols ids[0..length), at least one,
 * for units given as signals of quantity 0 (copied). ABLATION_MEAN clamps a unit to its mean over
 * the timesteps that predict these symbols. by_label and counts are filled where `labels` has some,
 * which are of these symbols and may be longer; else they are NULL. What the model computes in says
 * how exact it is: in bf16, changes are those of a model whose weights are rounded. Returns 0, or
 * −1 and a message. */
int ablate(struct ablation *ablation, struct arena *memory, struct team *team, struct model *model,
           const int32_t *ids, size_t length, enum ablation_kind kind,
           const struct trace_signal *units, size_t count, const struct labels *labels);

#endif
