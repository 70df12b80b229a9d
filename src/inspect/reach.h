/* How far back the loss reaches: gradients of single predictions with respect to what was earlier,
 * in the state that the 500 characters before, or more, leave behind. Needs a model that was loaded
 * with `training`. */
#ifndef RUNE_REACH_H
#define RUNE_REACH_H

#include "inspection.h"
#include "model.h"
#include "team.h"

/* Fills a zeroed reach, which lies in `memory`, from up to `positions` predictions spread over the
 * symbols ids[0..length), K steps back each (fewer where the text is shorter). Returns 0, or −1 and
 * a message. */
int reach_measure(struct reach *reach, struct arena *memory, struct team *team, struct model *model,
                  const int32_t *ids, size_t length, int positions, int K);

/* Fills zeroed attributions, which lie in `memory`, of the predictions of x_start … x_(start +
 * count − 1), K steps back each. Returns 0, or −1 and a message. */
int attributions_measure(struct attributions *attributions, struct arena *memory, struct team *team,
                         struct model *model, const int32_t *ids, size_t length, size_t start,
                         size_t count, int K);

#endif
