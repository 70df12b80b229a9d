/* All rows of a log at once, for tests. */
#ifndef RUNE_ROWS_H
#define RUNE_ROWS_H

#include <stdlib.h>

#include "log.h"
#include "mem.h"

struct rows {
    struct log_row *list;
    size_t count, capacity;
};

static inline void take_row(void *context, const struct log_row *row)
{
    struct rows *rows = context;
    if (row && mem_grow(&rows->list, &rows->capacity, rows->count + 1, sizeof *row) == 0)
        rows->list[rows->count++] = *row;
}

/* *rows is the caller's, to free(). Returns 0, or −1 and a message. */
static inline int log_read(const char *path, struct log_row **rows, size_t *count)
{
    struct log_position place = {0};
    struct rows read = {0};
    const int result = log_follow(path, &place, take_row, &read);
    if (result != 0) {
        free(read.list);
        read = (struct rows){0};
    }
    *rows = read.list;
    *count = read.count;
    return result;
}

#endif
