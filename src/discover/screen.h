/* Which signals may go with which labels: chosen on the first half of a text. */
#ifndef RUNE_SCREEN_H
#define RUNE_SCREEN_H

#include "discover.h"
#include "targets.h"

#define SCREEN_CANDIDATES 32 /* of a target, at most */

struct candidate {
    size_t signal, target;
    enum measure measure;
    int sign;   /* of AUC or r; 0 by mi */
    float gain; /* on the first half; see relation.h */
};

/* Candidates for one target, all by mi or none: they are tested together. */
struct group {
    size_t first, count; /* of the list */
};

struct screening {
    struct candidate *list; /* by group, then the best first */
    size_t count;
    struct group *groups;
    size_t num_groups;
    struct bins *bins;        /* [S] of each signal's values in the first half */
    struct attempt *attempts; /* [targets->count] */
};

/* Fills a zeroed screening. Returns 0, or −1 and a message. */
int screen(struct screening *screening, struct team *team, const struct trace *trace,
           const struct targets *targets);

/* Safe on a zeroed one. */
void screening_release(struct screening *screening);

#endif
