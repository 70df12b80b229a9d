/* Cell options on the command line: each option in a cell's row is an option of the command. */
#ifndef RUNE_CELL_OPTIONS_H
#define RUNE_CELL_OPTIONS_H

#include "layer.h"
#include "options.h"

#define CELL_OPTIONS_MAX 16 /* distinct names over all cells */

/* The names of all cells: "lstm, gru, …". Static. */
const char *cell_options_cells(void);

/* Writes one row for each distinct option. The value of row k is element k of an array of
 * const char * at `offset` in the command's values. Returns the number of rows. */
size_t cell_options_rows(struct option_row rows[CELL_OPTIONS_MAX], size_t offset);

/* Parses the values typed for a cell, typed[k] for row k, NULL if not given. Writes the cell's own
 * options in its order, NAN where not given. Returns 0, or −1 and a message, also where an option
 * of another cell was given. */
int cell_options_read(const struct layer_kind *cell, const char *const typed[CELL_OPTIONS_MAX],
                      double options[LAYER_OPTIONS]);

#endif
