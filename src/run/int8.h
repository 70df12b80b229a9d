/* Sampling with weights of 8 bits, where the model writes the same with them: to make one character
 * is to read all weights once, and these are a quarter as long. */
#ifndef RUNE_INT8_H
#define RUNE_INT8_H

#include "model.h"
#include "team.h"

#define INT8_TEXTS 8    /* over which the distributions are compared, */
#define INT8_SYMBOLS 64 /* and symbols of each */
#define INT8_STREAMS 16 /* beyond so many, sums take longer than reading does */
#define INT8_LIMIT 1e-3 /* nats a symbol by which they may differ */

/* Changes a model's engine to `quick`, an engine for inference, if it gives nearly the distribution
 * of the model's own: *divergence, the mean over texts that the model writes with its own of
 * KL(own ‖ quick) in nats, is at most INT8_LIMIT. Else the model keeps its own. No tape of the
 * model may be there. Returns 0, or −1 and a message, also where what the model's own
 * gives is not finite; the model can then only be released. */
int try_int8(struct model *model, struct team *team, const struct engine *quick,
             double *divergence);

#endif
