#include "cell_options.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine.h"
#include "error.h"

#define ROOM 256

static const struct layer_kind *const *all_cells(void)
{
    return engine_at(0)->cells;
}

static void append(char *text, const char *what)
{
    if (text[0])
        strncat(text, ", ", ROOM - strlen(text) - 1);
    strncat(text, what, ROOM - strlen(text) - 1);
}

const char *cell_options_cells(void)
{
    static char names[ROOM];
    names[0] = '\0';
    for (int c = 0; all_cells()[c]; c++)
        append(names, all_cells()[c]->name);
    return names;
}

/* The option of that name; NULL if the cell has none. */
static const struct layer_option *find(const struct layer_kind *cell, const char *name)
{
    for (int k = 0; k < cell->num_options; k++)
        if (strcmp(cell->options[k].name, name) == 0)
            return &cell->options[k];
    return NULL;
}

/* The k-th of all different options; NULL behind the last. */
static const struct layer_option *option_at(int k)
{
    for (int c = 0; all_cells()[c]; c++)
        for (int i = 0; i < all_cells()[c]->num_options; i++) {
            const struct layer_option *option = &all_cells()[c]->options[i];
            bool seen = false;
            for (int before = 0; before < c; before++)
                seen = seen || find(all_cells()[before], option->name);
            if (!seen && k-- == 0)
                return option;
        }
    return NULL;
}

/* The cells that have an option, "rnn". */
static const char *cells_with(const char *name)
{
    static char names[ROOM];
    names[0] = '\0';
    for (int c = 0; all_cells()[c]; c++)
        if (find(all_cells()[c], name))
            append(names, all_cells()[c]->name);
    return names;
}

size_t cell_options_rows(struct option_row rows[CELL_OPTIONS_MOST], size_t offset)
{
    static char help[CELL_OPTIONS_MOST][2 * ROOM], initial[CELL_OPTIONS_MOST][32];
    const struct layer_option *option;
    size_t count = 0;
    for (; (option = option_at((int)count)); count++) {
        char choices[ROOM] = "";
        assert(count < CELL_OPTIONS_MOST);
        for (int k = 0; option->choices && option->choices[k]; k++)
            append(choices, option->choices[k]);
        snprintf(help[count], sizeof help[count], "%s, for --cell %s%s%s", option->help,
                 cells_with(option->name), choices[0] ? ": " : "", choices);
        layer_option_print(option, option->default_value, initial[count], sizeof initial[count]);
        rows[count] = (struct option_row){
            .name = option->name,
            .kind = OPTION_TEXT,
            .value = offset + count * sizeof(const char *),
            .argument = option->choices ? "NAME" : "X",
            .help = help[count],
            .unset = initial[count],
        };
    }
    return count;
}

int cell_options_read(const struct layer_kind *cell, const char *const typed[CELL_OPTIONS_MOST],
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
