/* Sampling with 8-bit weights, if they do not change what the model writes. Sampling is limited by
 * reading the weights, and these are a quarter as large. */
#ifndef RUNE_INT8_H
#define RUNE_INT8_H

#include "model.h"
#include "team.h"

#define INT8_TEXTS 8    /* number of texts on which distributions are compared */
#define INT8_SYMBOLS 64 /* length of each */
#define INT8_STREAMS 16 /* with more, arithmetic dominates and 8 bits do not help */
#define INT8_LIMIT 1e-3 /* largest divergence, in nats per symbol */

/* Changes the model's engine to `int8`, an engine for inference, if it gives nearly the same
 * distributions: *divergence, the mean KL(own ‖ int8) in nats over texts sampled with the model's
 * own engine, is at most INT8_LIMIT. Otherwise the model keeps its engine. The model must have no
 * tapes. Returns 0; or −1 and a message, also if the model's own probabilities are not finite.
 * After a failure the model can only be released. */
int try_int8(struct model *model, struct team *team, const struct engine *int8, double *divergence);

#endif
