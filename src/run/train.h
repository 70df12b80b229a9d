/* Training: truncated back-propagation through time over the streams of a corpus. */
#ifndef RUNE_TRAIN_H
#define RUNE_TRAIN_H

#include <stdatomic.h>
#include <stdbool.h>

#include "trainer.h"

/* The arguments of a step. Its inputs and states are in the tape. */
struct train_step {
    struct model *model;
    struct tape *tape;
    struct optimizer *optimizer;
    const int32_t *targets; /* [T][B]; VOCAB_NONE: no target */
    const bool *reset;      /* [B], see model_forward */
    uint64_t seed, step;    /* of dropout; steps before this one */
    uint64_t update;        /* of the optimizer since its moments were zeroed, from 1 */
    double rate;
    bool stopped; /* result: the step was skipped and the weights are unchanged */
};

/* One step of training: forward, loss, backward, update of the weights and their packed copies. All
 * members of a team call it with the same struct train_step. It ends with a barrier. */
void train_step(struct member *member, void *argument);

/* Trains an open run until one of its limits or until *stop is set (NULL: never), and saves it.
 * trainer->end says why it ended. When *stop is set, the current step or validation is discarded
 * and the run is saved as it was before. A failed save is reported to the observer and retried when
 * the next one is due. Returns 0; or −1 and a message if the last save or row failed, if the run
 * diverged too often, or if the text cannot be read. The files then hold the last good state. */
int train_run(struct trainer *trainer, const atomic_bool *stop);

#endif
