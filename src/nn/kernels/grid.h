/* How a team shares a product of rows and panels: the team is cut into groups, the groups share the
 * rows, and the members of a group share the panels. No sum is cut, so every grid gives the same.
 */
#ifndef RUNE_GRID_H
#define RUNE_GRID_H

#include <math.h>
#include <stdbool.h>

#include "panel.h"
#include "team.h"

struct grid {
    struct member group; /* the member among those that share its rows */
    int first_row, last_row;
    int first_panel, last_panel;
};

/* A rough model of a core: words multiplied in a second, bytes of its own cache, bytes read in a
 * second from memory beyond that cache, and seconds that a barrier takes. */
#if defined(RUNE_AMX)
#define GRID_SPEED 5e11
#else
#define GRID_SPEED (6e9 * LANES)
#endif
#define GRID_CACHE 1e6
#define GRID_BANDWIDTH 20e9
#define GRID_BARRIER 1e-6

/* Rows for which reading a panel from beyond the cache takes half as long as multiplying by it. */
#define GRID_WORTH_READING ((int)(2 * GRID_SPEED / GRID_BANDWIDTH * sizeof(word)))

/* Minimum rows charged for a panel: below this, loading it dominates. */
#define GRID_LEAST_ROWS 4

/* Seconds that a member takes, in a team of `size` cut into `groups`. meets: each product ends in a
 * barrier of the group. */
static inline double grid_cost(int size, int groups, int rows, int panels, double panel_words,
                               bool meets)
{
    const int across = size / groups;
    const double r = ceil((double)rows / groups), p = ceil((double)panels / across);
    const double bytes = p * panel_words * sizeof(word);
    return fmax(r, GRID_LEAST_ROWS) * p * panel_words / GRID_SPEED +
           (bytes > GRID_CACHE ? bytes / GRID_BANDWIDTH : 0) +
           (meets && across > 1 ? GRID_BARRIER : 0);
}

/* The fastest grid for a product of `rows` and `panels` of `panel_words` each. */
static inline struct grid grid_cut(const struct member *member, int rows, int panels,
                                   size_t panel_words, bool meets)
{
    struct grid grid;
    int groups = 1;
    double least = INFINITY;
    for (int k = 1; k <= member->size; k++) {
        if (member->size % k != 0)
            continue;
        const double cost = grid_cost(member->size, k, rows, panels, (double)panel_words, meets);
        if (cost < least) {
            least = cost;
            groups = k;
        }
    }
    grid.group = team_group(member, groups);
    const struct member row = {.rank = member->rank / grid.group.size, .size = groups};
    team_share(&row, rows, &grid.first_row, &grid.last_row);
    team_share(&grid.group, panels, &grid.first_panel, &grid.last_panel);
    return grid;
}

#endif
