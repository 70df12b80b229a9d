#include "schedule.h"

#include <math.h>
#include <stddef.h>

const char *const schedule_names[] = {"cosine", "step", "constant", NULL};

double schedule_rate(const struct schedule *schedule, uint64_t step, uint64_t total)
{
    if (step < schedule->warmup)
        return schedule->rate * (double)(step + 1) / (double)(schedule->warmup + 1);
    const double done = total > schedule->warmup
                            ? (double)(step - schedule->warmup) / (double)(total - schedule->warmup)
                            : 0;
    const double p = done < 1 ? done : 1;
    switch (schedule->kind) {
    case SCHEDULE_COSINE:
        return schedule->rate * (0.02 + 0.49 * (1 + cos(acos(-1) * p)));
    case SCHEDULE_STEP:
        return schedule->rate * (p < 0.6 ? 1 : p < 0.85 ? 0.1 : 0.01);
    case SCHEDULE_CONSTANT:
        break;
    }
    return schedule->rate;
}
