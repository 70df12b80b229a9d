/* The learning rate over the steps of a run. */
#ifndef RUNE_SCHEDULE_H
#define RUNE_SCHEDULE_H

#include <stdint.h>

enum schedule_kind { SCHEDULE_COSINE, SCHEDULE_STEP, SCHEDULE_CONSTANT };

extern const char *const schedule_names[]; /* "cosine", …; NULL at the end */

struct schedule {
    enum schedule_kind kind;
    double rate;     /* the highest */
    uint64_t warmup; /* steps over which the rate rises from 0 */
};

/* The rate of a step (from 0) of a run of `total` steps (0: not known yet, no decay). After warm-up
 * it depends on p, the share of the remaining steps that are done:
 *
 *     cosine:   rate · (0.02 + 0.98 (1 + cos π p) / 2)
 *     step:     rate · 1, then 0.1 from p = 0.6, then 0.01 from p = 0.85
 *     constant: rate
 */
double schedule_rate(const struct schedule *schedule, uint64_t step, uint64_t total);

/* The same for a run with a time limit, of which the share `done` is done: p is `done`, and warm-up
 * takes at most a tenth of the run. */
double schedule_rate_timed(const struct schedule *schedule, uint64_t step, double done);

#endif
