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

void leanings_release(struct leanings *leanings)
{
    free(leanings->positions);
    free(leanings->weights);
    *leanings = (struct leanings){0};
}

void ablation_release(struct ablation *ablation)
{
    free(ablation->units);
    free(ablation->change);
    free(ablation->by_label);
    *ablation = (struct ablation){0};
}
