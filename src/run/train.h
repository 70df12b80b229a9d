/* Training: truncated back-propagation through time over the streams of a corpus. */
#ifndef RUNE_TRAIN_H
#define RUNE_TRAIN_H

#include <signal.h>

#include "trainer.h"

/* Trains an open run until its plan is fulfilled or *stop is set, and saves. The trainer's `ended`
 * says why it ended. Returns 0, or −1 and a message; then the files hold the last sound state. */
int train_run(struct trainer *trainer, const volatile sig_atomic_t *stop);

#endif
