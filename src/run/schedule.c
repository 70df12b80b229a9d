#include "schedule.h"

#include <math.h>
#include <stddef.h>

/* Share of a run with a time limit that warm-up takes, at most. */
#define WARMUP_SHARE 0.1

const char *const schedule_names[] = {"cosine", "step", "constant", NULL};

/* The factor of the rate after warm-up. */
static double decay(enum schedule_kind kind, double p)
{
    switch (kind) {
    case SCHEDULE_COSINE:
        return 0.02 + 0.49 * (1 + cos(acos(-1) * p));
    case SCHEDULE_STEP:
        return p < 0.6 ? 1 : p < 0.85 ? 0.1 : 0.01;
    case SCHEDULE_CONSTANT:
        break;
    }
    return 1;
}

double schedule_rate(const struct schedule *schedule, uint64_t step, uint64_t total)
{
    if (step < schedule->warmup)
        return schedule->rate * (double)(step + 1) / (double)(schedule->warmup + 1);
    const double done = total > schedule->warmup
                            ? (double)(step - schedule->warmup) / (double)(total - schedule->warmup)
                            : 0;
    return schedule->rate * decay(schedule->kind, done < 1 ? done : 1);
}

double schedule_rate_timed(const struct schedule *schedule, uint64_t step, double done)
{
    const double by_steps = (double)(step + 1) / (double)(schedule->warmup + 1);
    const double warm = fmin(fmax(by_steps, done / WARMUP_SHARE), 1);
    return schedule->rate * warm * decay(schedule->kind, done);
}
