/* A directory that a test program makes for itself, and removes with all that is in it. */
#ifndef RUNE_TEST_SCRATCH_H
#define RUNE_TEST_SCRATCH_H

#include <ftw.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"

static char scratch_directory[] = "/tmp/rune-test-XXXXXX";

/* These two are a group's setup and teardown. */
static inline int scratch_make(void **state)
{
    (void)state;
    return mkdtemp(scratch_directory) ? 0 : -1;
}

static inline int scratch_remove_one(const char *path, const struct stat *status, int type,
                                     struct FTW *place)
{
    (void)status, (void)type, (void)place;
    return remove(path);
}

static inline int scratch_remove(void **state)
{
    (void)state;
    return nftw(scratch_directory, scratch_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* The path of that name in it; valid until the 64th call from here. */
static inline const char *scratch_path(const char *name)
{
    static char paths[64][256];
    static unsigned next;
    char *path = paths[next++ % 64];
    snprintf(path, sizeof paths[0], "%s/%s", scratch_directory, name);
    return path;
}

static inline void scratch_write(const char *path, const void *bytes, size_t length)
{
    remove(path); /* some file systems write a file to the disk when it is cut and written anew */
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

/* Whether a file holds exactly these bytes. */
static inline bool scratch_holds(const char *path, const void *bytes, size_t length)
{
    uint8_t *found;
    size_t found_length;
    if (file_read(path, &found, &found_length) != 0)
        return false;
    bool same = found_length == length && (length == 0 || memcmp(found, bytes, length) == 0);
    free(found);
    return same;
}

#endif
