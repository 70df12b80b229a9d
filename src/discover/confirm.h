/* Which candidates hold on the second half of a text, and how likely that is by chance. */
#ifndef RUNE_CONFIRM_H
#define RUNE_CONFIRM_H

#include "choose.h"

struct trial {
    struct discovery discovery;
    double gain; /* see relation.h; 0: it does not hold */
    bool drifts; /* see targets.h */
};

/* Measures every candidate: trials[choice->count]. Returns 0, or −1 and a message. */
int confirm(struct trial *trials, struct team *team, const struct trace *trace,
            const struct targets *targets, const struct choice *choice);

#endif
