/* Tables: the results of an inspection as CSV. */
#include "caption.h"
#include "csv.h"
#include "writers.h"

/* Writes rank, signal, label and score: 1,0,37,"h","inside quotes","auc",0.97 */
static void put_finding(FILE *out, const struct inspection *inspection,
                        const struct discovery *found, size_t rank)
{
    const struct trace_signal *signal = &inspection->trace.signals[found->signal];
    fprintf(out, "%zu,%d,%d,", rank, signal->layer, signal->unit);
    csv_put_text(out, inspection->trace.quantities[signal->quantity]);
    fputc(',', out);
    csv_put_text(out, inspection->labels.list[found->label].name);
    fputc(',', out);
    csv_put_text(out, measure_names[found->measure]);
    csv_put_numbers(out, &found->score, 1);
}

static void put_neurons(FILE *out, const struct inspection *inspection)
{
    const struct discoveries *discoveries = &inspection->discoveries;
    char sentence[DISCOVERY_ROOM];
    fputs("rank,layer,unit,quantity,label,measure,score,description\n", out);
    for (size_t i = 0; i < discoveries->num_units; i++) {
        const struct discovery *found = &discoveries->list[discoveries->units[i]];
        put_finding(out, inspection, found, i + 1);
        fputc(',', out);
        csv_put_text(out,
                     discovery_describe(found, &inspection->trace, &inspection->labels, sentence));
        fputc('\n', out);
    }
}

static void put_scores(FILE *out, const struct inspection *inspection)
{
    fputs("rank,layer,unit,quantity,label,measure,score,alone,auc,average_precision,r,r2,"
          "mutual_information,p\n",
          out);
    for (size_t i = 0; i < inspection->discoveries.count; i++) {
        const struct discovery *found = &inspection->discoveries.list[i];
        const float others[] = {found->baseline, found->auc, found->average_precision,
                                found->r,        found->r2,  found->information,
                                found->p};
        put_finding(out, inspection, found, i + 1);
        csv_put_numbers(out, others, sizeof others / sizeof *others);
        fputc('\n', out);
    }
}

/* With a column for each binary label. */
static void put_ablation(FILE *out, const struct inspection *inspection)
{
    const struct ablation *ablation = &inspection->ablation;
    const struct labels *labels = &inspection->labels;
    const size_t K = ablation->by_label ? labels->count : 0;
    fputs("layer,unit,change", out);
    for (size_t k = 0; k < K; k++)
        if (labels->list[k].kind == LABEL_BINARY) {
            fputc(',', out);
            csv_put_text(out, labels->list[k].name);
        }
    fputc('\n', out);
    for (size_t i = 0; i < ablation->count; i++) {
        fprintf(out, "%d,%d", ablation->units[i].layer, ablation->units[i].unit);
        csv_put_numbers(out, &ablation->change[i], 1);
        for (size_t k = 0; k < K; k++)
            if (labels->list[k].kind == LABEL_BINARY)
                csv_put_numbers(out, &ablation->by_label[i * K + k], 1);
        fputc('\n', out);
    }
}

static void put_gates(FILE *out, const struct inspection *inspection)
{
    const struct gates *gates = &inspection->gates;
    const int L = inspection->trace.num_layers, H = inspection->trace.hidden_size;
    fputs("layer,unit,gate,low,high,mean,time_constant\n", out);
    for (int layer = 0; layer < L; layer++)
        for (int unit = 0; unit < H; unit++)
            for (int g = 0; g < gates->count; g++) {
                const size_t at = gates_place(&inspection->trace, g, layer, unit);
                const float shares[] = {gates->low[at], gates->high[at], gates->mean[at]};
                fprintf(out, "%d,%d,", layer, unit);
                csv_put_text(out, gates->names[g]);
                csv_put_numbers(out, shares, 3);
                fputc(',', out);
                if (g == gates->forget)
                    csv_put_number(out, gates_time_constant((double)gates->mean[at]));
                fputc('\n', out);
            }
}

static void put_reach(FILE *out, const struct inspection *inspection)
{
    const struct reach *reach = &inspection->reach;
    char name[32];
    fputs("curve,k,median,low,high\n", out);
    for (int c = 0; c < reach->curves; c++)
        for (int k = 0; k < reach->steps; k++) {
            const size_t at = (size_t)c * (size_t)reach->steps + (size_t)k;
            const float norms[] = {reach->median[at], reach->low[at], reach->high[at]};
            csv_put_text(out, caption_of_curve(reach, c, name, sizeof name));
            fprintf(out, ",%d", k);
            csv_put_numbers(out, norms, 3);
            fputc('\n', out);
        }
}

static int write_table(const struct inspection *inspection, const struct view_options *options,
                       const char *directory, const char *name,
                       void (*put)(FILE *out, const struct inspection *inspection))
{
    struct file_out out;
    int result = view_open(&out, directory, name);
    if (result == 0)
        put(out.stream, inspection);
    return view_close(&out, options, result);
}

int tables_write(const struct inspection *inspection, const struct view_options *options,
                 const char *directory)
{
    const struct {
        const char *name;
        bool wanted;
        void (*put)(FILE *out, const struct inspection *inspection);
    } tables[] = {
        {"neurons.csv", true, put_neurons},
        {"scores.csv", true, put_scores},
        {"ablation.csv", inspection->ablation.count > 0, put_ablation},
        {"gates.csv", inspection->gates.count > 0, put_gates},
        {"reach.csv", inspection->reach.steps > 0, put_reach},
    };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (tables[i].wanted &&
            write_table(inspection, options, directory, tables[i].name, tables[i].put) != 0)
            return -1;
    return 0;
}
