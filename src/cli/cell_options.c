#include "cell_options.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine.h"
#include "error.h"

#define LIST_ROOM 256 /* bytes of a list of names */

static const struct layer_kind *const *all_cells(void)
{
    return engine_at(0)->cells;
}

const char *cell_options_cells(void)
{
    static char names[LIST_ROOM];
    names[0] = '\0';
    for (int c = 0; all_cells()[c]; c++)
        options_append(names, sizeof names, all_cells()[c]->name);
    return names;
}

/* The cell's option of that name, or NULL. */
static const struct layer_option *find(const struct layer_kind *cell, const char *name)
{
    for (int k = 0; k < cell->num_options; k++)
        if (strcmp(cell->options[k].name, name) == 0)
            return &cell->options[k];
    return NULL;
}

/* The k-th distinct option over all cells, or NULL. */
static const struct layer_option *option_at(int k)
{
    for (int c = 0; all_cells()[c]; c++)
        for (int i = 0; i < all_cells()[c]->num_options; i++) {
            const struct layer_option *option = &all_cells()[c]->options[i];
            bool seen = false;
            for (int earlier = 0; earlier < c; earlier++)
                seen = seen || find(all_cells()[earlier], option->name);
            if (!seen && k-- == 0)
                return option;
        }
    return NULL;
}

/* The names of the cells that have the option: "rnn". */
static const char *cells_with(const char *name)
{
    static char names[LIST_ROOM];
    names[0] = '\0';
    for (int c = 0; all_cells()[c]; c++)
        if (find(all_cells()[c], name))
            options_append(names, sizeof names, all_cells()[c]->name);
    return names;
}

size_t cell_options_rows(struct option_row rows[CELL_OPTIONS_MAX], size_t offset)
{
    static char help[CELL_OPTIONS_MAX][2 * LIST_ROOM], initial[CELL_OPTIONS_MAX][32];
    const struct layer_option *option;
    size_t count = 0;
    for (; (option = option_at((int)count)); count++) {
        char choices[LIST_ROOM] = "";
        assert(count < CELL_OPTIONS_MAX);
        for (int k = 0; option->choices && option->choices[k]; k++)
            options_append(choices, sizeof choices, option->choices[k]);
        snprintf(help[count], sizeof help[count], "%s, for --cell %s%s%s", option->help,
                 cells_with(option->name), choices[0] ? ": " : "", choices);
        layer_option_print(option, option->default_value, initial[count], sizeof initial[count]);
        rows[count] = (struct option_row){
            .name = option->name,
            .kind = OPTION_TEXT,
            .value = offset + count * sizeof(const char *),
            .argument = option->choices ? "NAME" : "X",
            .help = help[count],
            .default_text = initial[count],
        };
    }
    return count;
}

int cell_options_read(const struct layer_kind *cell, const char *const typed[CELL_OPTIONS_MAX],
                      double options[LAYER_OPTIONS])
{
    const struct layer_option *option;
    for (int k = 0; k < LAYER_OPTIONS; k++)
        options[k] = NAN;
    for (int k = 0; (option = option_at(k)); k++) {
        const struct layer_option *own = find(cell, option->name);
        if (!typed[k])
            continue;
        if (!own)
            return error_set("--%s is an option of --cell %s; the cell here is %s", option->name,
                             cells_with(option->name), cell->name);
        if (layer_option_parse(own, typed[k], &options[own - cell->options]) != 0)
            return error_set("--%s", error_message());
    }
    return 0;
}
