/* Screening: finds the candidates, signals that are related to labels on the first half of a text.
 */
#ifndef RUNE_SCREEN_H
#define RUNE_SCREEN_H

#include "discover.h"
#include "targets.h"

#define SCREEN_CANDIDATES 32 /* at most, of a target */

struct candidate {
    size_t signal, target;
    enum measure measure;
    int sign;   /* 1: AUC or r rises; −1: falls; 0: mi */
    float gain; /* on the first half; see relation.h */
};

/* Candidates of one target that are tested together: those by AUC or r, or those by mi. */
struct group {
    size_t first, count; /* in the list */
};

struct screening {
    struct candidate *list; /* by group, best first in each */
    size_t count;
    struct group *groups;
    size_t num_groups;
    struct bins *bins;        /* [S] of each signal's values on the first half */
    struct attempt *attempts; /* [targets->count] */
};

/* Fills a zeroed screening, which lies in `memory`. Returns 0, or −1 and a message. */
int screen(struct screening *screening, struct arena *memory, struct team *team,
           const struct trace *trace, const struct targets *targets);

#endif
