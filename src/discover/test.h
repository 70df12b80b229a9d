/* Testing: measures the candidates on the second half of a text, and how likely they are by chance.
 */
#ifndef RUNE_TEST_H
#define RUNE_TEST_H

#include "screen.h"

struct result {
    struct discovery discovery;
    double gain; /* on the second half, see relation.h; 0: not a finding */
    bool drifts; /* see targets.h */
};

/* Tests every candidate: results[screening->count]. Returns 0, or −1 and a message. */
int test_candidates(struct result *results, struct team *team, const struct trace *trace,
                    const struct targets *targets, const struct screening *screening);

#endif
