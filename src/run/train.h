/* Training: truncated back-propagation through time over the streams of a corpus. */
#ifndef RUNE_TRAIN_H
#define RUNE_TRAIN_H

#include <stdatomic.h>
#include <stdbool.h>

#include "trainer.h"

/* What a step works on; its inputs and states are the tape's. */
struct train_step {
    struct model *model;
    struct tape *tape;
    struct optimizer *optimizer;
    const int32_t *targets; /* [T][B], VOCAB_NONE where there is none */
    const bool *reset;      /* [B] as model_forward takes it */
    uint64_t seed, step;    /* of dropout; how many steps were before */
    uint64_t update;        /* of the optimizer since its moments were 0, from 1 */
    double rate;
    bool stopped; /* set by the step: it was left out, and the weights are as they were */
};

/* One step of training, from the way forward to weights that are ready for the next. Every member
 * of a team calls it with the same struct train_step; ends in a barrier. */
void train_step(struct member *member, void *argument);

/* Trains an open run until its plan is fulfilled or *stop is set (NULL: never), and saves. The
 * trainer's `end` says why it ended. Once *stop is set, no more work is begun, and the run is saved
 * as it was before the step or validation that was under way. A save that fails is noted, and tried
 * again when the next is due. Returns 0; or −1 and a message if the last save or row failed, if the
 * run diverged once too often, or if the text cannot be read: then the files hold the last sound
 * state. */
int train_run(struct trainer *trainer, const atomic_bool *stop);

#endif
