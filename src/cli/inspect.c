#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"
#include "commands.h"
#include "error.h"
#include "file.h"
#include "mem.h"
#include "options.h"
#include "probe.h"
#include "team.h"
#include "view.h"

#define PAGE_VALUES 30000000 /* values that a page keeps at most, unless --units says which */
#define THIN_LENGTH 4000     /* characters over which it is seen which signals vary most */
#define DRAWN 4              /* signals that pictures and the terminal draw where none are chosen */

struct request {
    const char *directory, *formats, *units, *quantities;
    int policy, columns, threads;
    bool page; /* it is among the formats */
};

/* Signals that grow one by one. */
struct signals {
    struct trace_signal *list;
    size_t count, capacity;
};

static int add(struct signals *signals, struct trace_signal signal)
{
    if (mem_grow(&signals->list, &signals->capacity, signals->count + 1, sizeof *signals->list) !=
        0)
        return -1;
    signals->list[signals->count++] = signal;
    return 0;
}

/* The view that an item of --format names; NULL and a message if there is none. */
static const struct view *view_of(struct option_item item)
{
    char name[16];
    snprintf(name, sizeof name, "%.*s", (int)item.length, item.text);
    return view_find(name);
}

/* --- which signals ---------------------------------------------------------------------------- */

/* Reads "h,c" into a set of the cell's quantities; NULL: those that are carried (the states). */
static int parse_quantities(const struct cell *cell, const char *list, bool *wanted)
{
    struct option_item item;
    const int total = cell->num_states + cell->num_gates;
    for (int q = 0; q < total; q++)
        wanted[q] = !list && q < cell->num_states;
    while (option_item_next(&list, &item)) {
        int q = 0;
        while (q < total && !option_item_is(item, cell->quantities[q]))
            q++;
        if (q == total)
            return error_set("--quantities: a cell of %s has no \"%.*s\"", cell->name,
                             (int)item.length, item.text);
        wanted[q] = true;
    }
    return 0;
}

static int add_unit(struct signals *signals, const struct cell *cell, const bool *wanted, int layer,
                    int unit)
{
    for (int q = 0; q < cell->num_states + cell->num_gates; q++)
        if (wanted[q] && add(signals, (struct trace_signal){q, layer, unit}) != 0)
            return -1;
    return 0;
}

/* Reads "1:37", layer and unit, or "37", a unit of the last layer. */
static int parse_unit(struct option_item item, const struct model *model, long *layer, long *unit)
{
    char *end;
    *layer = model->num_layers - 1;
    *unit = strtol(item.text, &end, 10);
    bool sound = end != item.text;
    if (sound && *end == ':') {
        const char *after = end + 1;
        *layer = *unit;
        *unit = strtol(after, &end, 10);
        sound = end != after;
    }
    if (!sound || end != item.text + item.length)
        return error_set("--units: \"%.*s\" is no unit like 1:37 (layer:unit)", (int)item.length,
                         item.text);
    if (*layer < 0 || *layer >= model->num_layers || *unit < 0 || *unit >= model->hidden_size)
        return error_set("--units: there is no unit %ld:%ld; layers are 0 to %d and units 0 to %d",
                         *layer, *unit, model->num_layers - 1, model->hidden_size - 1);
    return 0;
}

static int add_units(struct signals *signals, const struct model *model, const bool *wanted,
                     const char *list)
{
    struct option_item item;
    long layer, unit;
    while (option_item_next(&list, &item))
        if (parse_unit(item, model, &layer, &unit) != 0 ||
            add_unit(signals, model->cell, wanted, (int)layer, (int)unit) != 0)
            return -1;
    return 0;
}

static int choose_signals(struct signals *signals, const struct model *model,
                          const struct request *request)
{
    bool wanted[CELL_QUANTITIES];
    if (parse_quantities(model->cell, request->quantities, wanted) != 0)
        return -1;
    if (request->units)
        return add_units(signals, model, wanted, request->units);
    for (int layer = model->num_layers - 1; layer >= 0; layer--)
        for (int unit = 0; unit < model->hidden_size; unit++)
            if (add_unit(signals, model->cell, wanted, layer, unit) != 0)
                return -1;
    return 0;
}

/* Keeps the signals that vary most over the start of a text, as many as a page can hold of all of
 * it; says how many were left out. */
static int thin_out(struct signals *signals, struct model *model, struct team *team,
                    const int32_t *ids, size_t length)
{
    struct trace trace = {0};
    const size_t room = PAGE_VALUES / length > 0 ? PAGE_VALUES / length : 1;
    if (signals->count <= room)
        return 0;
    struct trace_signal *kept = mem_new(room, sizeof *kept);
    size_t *most = mem_new(room, sizeof *most);
    const struct probe_options options = {.signals = signals->list, .num_signals = signals->count};
    int result = kept && most ? probe_run(&trace, NULL, team, model, ids,
                                          length < THIN_LENGTH ? length : THIN_LENGTH, &options)
                              : -1;
    const int found = result == 0 ? trace_most_varying(&trace, room, most) : -1;
    for (int k = 0; k < found; k++)
        kept[k] = signals->list[most[k]];
    if (found > 0) {
        fprintf(stderr,
                "note: a text of %zu characters leaves room on the page for the %d signals that "
                "vary most, of %zu; "
                "--units chooses others\n",
                length, found, signals->count);
        memcpy(signals->list, kept, (size_t)found * sizeof *kept);
        signals->count = (size_t)found;
    }
    trace_release(&trace);
    free(most);
    free(kept);
    return found > 0 ? 0 : -1;
}

/* --- views ------------------------------------------------------------------------------------ */

static void say_written(void *context, const char *path)
{
    (void)context;
    fprintf(stderr, "%s\n", path);
}

static int write_views(const struct inspection *inspection, const struct view_options *view_options,
                       const struct request *request)
{
    if (file_make_directory(request->directory) != 0)
        return -1;
    struct option_item item;
    for (const char *formats = request->formats; option_item_next(&formats, &item);) {
        const struct view *view = view_of(item);
        if (!view || view->write(inspection, view_options, request->directory) != 0)
            return -1;
    }
    return tables_write(inspection, view_options, request->directory);
}

static int show(const struct inspection *inspection, const struct request *request)
{
    const struct trace *trace = &inspection->trace;
    size_t *chosen = mem_new(trace->num_signals, sizeof *chosen);
    size_t *shown = mem_new(trace->num_signals, sizeof *shown);
    int count = -1;
    if (chosen && request->units) {
        count = (int)trace->num_signals;
        for (size_t k = 0; k < trace->num_signals; k++)
            chosen[k] = k;
    } else if (chosen) {
        count = trace_most_varying(trace, DRAWN, chosen);
    }
    for (size_t k = 0; shown && k < trace->num_signals; k++)
        shown[k] = k;
    const struct view_options view_options = {.shown = shown,
                                              .num_shown = trace->num_signals,
                                              .chosen = chosen,
                                              .num_chosen = (size_t)(count > 0 ? count : 0),
                                              .length = trace->length,
                                              .columns = request->columns,
                                              .wrote = say_written};
    int result = count < 0 || !shown  ? -1
                 : request->directory ? write_views(inspection, &view_options, request)
                                      : terminal_write(inspection, &view_options, stdout);
    free(shown);
    free(chosen);
    return result;
}

/* --- the command ------------------------------------------------------------------------------ */

static int inspect(struct model *model, struct team *team, const struct request *request,
                   const char *model_path, const char *path)
{
    uint8_t *text = NULL;
    size_t bytes, length = 0;
    int32_t *ids = NULL;
    struct signals signals = {0};
    struct inspection inspection = {0};
    char *spool = file_temporary("rune-trace");
    int result = spool ? choose_signals(&signals, model, request) : -1;
    if (result == 0)
        result = file_read(path, &text, &bytes);
    if (result == 0)
        result = vocab_encode(&model->vocab, file_name(path), text, bytes,
                              (enum vocab_on_unknown)request->policy,
                              "--on-unknown skip or replace", &ids, &length, NULL);
    if (result == 0 && length == 0)
        result = error_set("%s: has no characters to inspect", file_name(path));
    if (result == 0 && request->directory && request->page && !request->units)
        result = thin_out(&signals, model, team, ids, length);
    const struct probe_options options = {.signals = signals.list,
                                          .num_signals = signals.count,
                                          .model = model_path,
                                          .text = file_name(path),
                                          .spool = spool};
    if (result == 0)
        result =
            probe_run(&inspection.trace, &inspection.gates, team, model, ids, length, &options);
    if (result == 0)
        result = show(&inspection, request);
    trace_release(&inspection.trace);
    gates_release(&inspection.gates);
    free(signals.list);
    free(spool);
    free(ids);
    free(text);
    return result;
}

static int run(const struct request *request, const char *model_path, const char *path)
{
    struct model model = {0};
    const struct engine *engine = engine_find(PRECISION_FP32);
    struct team *team = team_new(request->threads);
    int result = engine && team ? model_load(&model, engine, model_path) : -1;
    if (result == 0)
        result = inspect(&model, team, request, model_path, path);
    model_release(&model);
    team_free(team);
    return result == 0 ? 0 : STATUS_FAILED;
}

/* Checks every name in "page,npy"; says whether the page is among them. */
static int parse_formats(const char *formats, bool *page)
{
    struct option_item item;
    while (option_item_next(&formats, &item)) {
        if (!view_of(item))
            return -1;
        *page = *page || option_item_is(item, "page");
    }
    return 0;
}

#define AT(field) offsetof(struct request, field)

static struct option list[] = {
    {.kind = OPTION_GROUP, .help = "Options:"},
    {"output", 'o', OPTION_TEXT, AT(directory), "DIR", "Write files there",
     .unset = "coloured text on the terminal"},
    {"format", 'f', OPTION_TEXT, AT(formats), "LIST",
     "What to write with -o, of page,npy,csv,png,svg,pdf", .unset = NULL},
    {"units", 'u', OPTION_TEXT, AT(units), "LIST", "Units to look at, as layer:unit, like 1:37,0:5",
     .unset = "all; pictures draw those that vary most"},
    {"quantities", 'q', OPTION_TEXT, AT(quantities), "LIST",
     "What of them: the cell's states and gates, for lstm h,c,i,f,g,o", .unset = "the states"},
    {"columns", 0, OPTION_INT, AT(columns), "N", "Characters a line in pictures and the terminal",
     .min = 8, .max = 1000},
    {"on-unknown", 0, OPTION_CHOICE, AT(policy), "WHAT",
     "With characters that the model does not know: error, skip or replace",
     .choices = vocab_on_unknown_names},
    {"threads", 0, OPTION_INT, AT(threads), "N", "Threads", .unset = "all cores", .min = 1,
     .max = 1024},
};

int command_inspect(int argc, char **argv)
{
    struct request request = {.formats = "page", .columns = 80, .threads = team_cores()};
    struct options options = {
        .command = "inspect",
        .usage = "MODEL FILE [-o DIR]",
        .summary = "\nShows what each neuron of a model does while it reads a text (-: stdin).",
        .list = list,
        .count = sizeof list / sizeof *list,
        .values = &request,
        .least = 2,
        .most = 2,
        .wanted = "a MODEL and a FILE",
    };
    int status = options_parse(&options, argc, argv);
    if (status == 0 && parse_formats(request.formats, &request.page) != 0)
        status = STATUS_USAGE;
    if (status == 0)
        status = run(&request, options.arguments[0], options.arguments[1]);
    options_release(&options);
    return status < 0 ? 0 : status;
}
