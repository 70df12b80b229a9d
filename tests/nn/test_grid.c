/* However a team shares out rows and panels, each pair of them is somebody's, and nobody else's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "grid.h"
#include "random.h"

enum { MOST = 8, ROWS = 150, PANELS = 40 };

/* Adds to the count of each pair how many members of the team have it; returns the groups. */
static int count_members(int size, int rows, int panels, size_t panel_words, bool meets,
                         int count[ROWS][PANELS])
{
    int first_row[MOST], seats[MOST] = {0}, groups = 0;
    for (int rank = 0; rank < size; rank++) {
        const struct member member = {.rank = rank, .size = size};
        const struct grid grid = grid_cut(&member, rows, panels, panel_words, meets);
        const int group = rank / grid.group.size;
        groups = size / grid.group.size;
        assert_int_equal(groups * grid.group.size, size);
        /* The group's members share the same rows. */
        assert_int_equal(grid.group.rank, seats[group]++);
        if (grid.group.rank == 0)
            first_row[group] = grid.first_row;
        assert_int_equal(grid.first_row, first_row[group]);
        for (int row = grid.first_row; row < grid.last_row; row++)
            for (int panel = grid.first_panel; panel < grid.last_panel; panel++)
                count[row][panel]++;
    }
    return groups;
}

static void everything_is_done_once(void **state)
{
    (void)state;
    struct random random = {1, 0};
    int seen[MOST + 1][MOST + 1] = {{0}}; /* teams of a size, cut into so many groups */
    for (int size = 1; size <= MOST; size++)
        for (int round = 0; round < 400; round++) {
            int count[ROWS][PANELS] = {{0}};
            const int rows = 1 + random_below(&random, round % 2 ? ROWS : 12),
                      panels = 1 + random_below(&random, round % 3 ? 6 : PANELS);
            const size_t panel_words = (size_t)1 << random_below(&random, 20);
            const bool meets = round % 4 < 2;
            seen[size][count_members(size, rows, panels, panel_words, meets, count)]++;
            for (int row = 0; row < rows; row++)
                for (int panel = 0; panel < panels; panel++)
                    assert_int_equal(count[row][panel], 1);
        }
    for (int size = 1; size <= MOST; size++)
        for (int groups = 1; groups <= size; groups++)
            assert_int_equal(seen[size][groups] > 0, size % groups == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_done_once),
    };
    return cmocka_run_group_tests_name("grid", tests, NULL, NULL);
}
