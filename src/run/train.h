/* Training: truncated back-propagation through time over the streams of a corpus. */
#ifndef RUNE_TRAIN_H
#define RUNE_TRAIN_H

#include <signal.h>

#include "trainer.h"

/* What a step works on; its inputs and states are the tape's. */
struct train_step {
    struct model *model;
    struct tape *tape;
    struct optimizer *optimizer;
    const int32_t *targets; /* [T][B], VOCAB_NONE where there is none */
    const bool *reset;      /* [B] as model_forward takes it */
    uint64_t seed, step;    /* of dropout; how many steps were before */
    double rate;
};

/* One step of training, from the way forward to weights that are ready for the next. Every member
 * of a team calls it with the same struct train_step; ends in a barrier. */
void train_step(struct member *member, void *argument);

/* Trains an open run until its plan is fulfilled or *stop is set, and saves. The trainer's `ended`
 * says why it ended. Returns 0, or −1 and a message; then the files hold the last sound state. */
int train_run(struct trainer *trainer, const volatile sig_atomic_t *stop);

#endif
