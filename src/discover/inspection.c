#include "inspection.h"

#include <math.h>
#include <stdlib.h>

double gates_time_constant(double mean)
{
    return mean < 1 ? -1 / log(mean) : INFINITY;
}

void gates_release(struct gates *gates)
{
    free(gates->low);
    free(gates->high);
    free(gates->mean);
    *gates = (struct gates){0};
}

void reach_release(struct reach *reach)
{
    free(reach->median);
    free(reach->low);
    free(reach->high);
    *reach = (struct reach){0};
}

void attributions_release(struct attributions *attributions)
{
    free(attributions->positions);
    free(attributions->weights);
    *attributions = (struct attributions){0};
}

void ablation_release(struct ablation *ablation)
{
    free(ablation->units);
    free(ablation->change);
    free(ablation->by_label);
    free(ablation->counts);
    *ablation = (struct ablation){0};
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
    discoveries_release(&inspection->discoveries);
    cards_release(&inspection->cards);
    gates_release(&inspection->gates);
    reach_release(&inspection->reach);
    attributions_release(&inspection->attributions);
    ablation_release(&inspection->ablation);
    free(inspection->output_weights);
    *inspection = (struct inspection){0};
}
