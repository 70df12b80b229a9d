#include "inspection.h"

#include <math.h>

double gates_time_constant(double mean)
{
    return mean < 1 ? -1 / log(mean) : INFINITY;
}

size_t ablation_find(const struct ablation *ablation, const struct trace_signal *signal)
{
    size_t i = 0;
    while (i < ablation->count &&
           (ablation->units[i].layer != signal->layer || ablation->units[i].unit != signal->unit))
        i++;
    return i;
}

void inspection_release(struct inspection *inspection)
{
    trace_release(&inspection->trace);
    labels_release(&inspection->labels);
    arena_release(&inspection->memory);
    *inspection = (struct inspection){0};
}
