/* Which candidates hold on the second half of a text, and how likely that is by chance. */
#ifndef RUNE_TEST_H
#define RUNE_TEST_H

#include "screen.h"

struct result {
    struct discovery discovery;
    double gain; /* see relation.h; 0: it does not hold */
    bool drifts; /* see targets.h */
};

/* Measures every candidate: results[screening->count]. Returns 0, or −1 and a message. */
int test_candidates(struct result *results, struct team *team, const struct trace *trace,
                    const struct targets *targets, const struct screening *screening);

#endif
