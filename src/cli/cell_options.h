/* Options of cells on the command line: what a cell has in its row, a command has in its help. */
#ifndef RUNE_CELL_OPTIONS_H
#define RUNE_CELL_OPTIONS_H

#include "layer.h"
#include "options.h"

#define CELL_OPTIONS_MOST 16 /* different ones, of all cells */

/* The names of all cells, "lstm, gru, …". */
const char *cell_options_cells(void);

/* Writes a row for each option of any cell. Its value, a const char *, is the k-th of an array that
 * begins at `offset` in the command's values. Returns how many there are. */
size_t cell_options_rows(struct option_row rows[CELL_OPTIONS_MOST], size_t offset);

/* Reads what was typed (NULL: nothing) for a cell: options[k] is its k-th, NAN where it was not
 * given. Returns 0, or −1 and a message, also for an option of another cell. */
int cell_options_read(const struct layer_kind *cell, const char *const typed[CELL_OPTIONS_MOST],
                      double options[LAYER_OPTIONS]);

#endif
