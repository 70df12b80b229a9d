#include "rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "error.h"
#include "file.h"
#include "mem.h"

/* In the order in which a run that is replaced is taken away: what it goes on from first. */
static const char *const names[] = {RUNDIR_LAST, RUNDIR_BEST, RUNDIR_LOG, RUNDIR_CURVE,
                                    RUNDIR_STDIN};

#define NUM_NAMES (sizeof names / sizeof *names)

/* Removes what a killed process left of files under way: under the lock nobody else has any. */
static void sweep(const struct rundir *rundir)
{
    for (size_t k = 0; k < NUM_NAMES; k++) {
        char *path = rundir_file(rundir, names[k]);
        if (path)
            file_sweep(path);
        free(path);
    }
}

static int lock(struct rundir *rundir)
{
    rundir->lock = open(rundir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (rundir->lock < 0)
        return error_set("%s: is not a run: %s", rundir->path, strerror(errno));
    if (flock(rundir->lock, LOCK_EX | LOCK_NB) != 0)
        return error_set("%s: another process is training there; wait for it or stop it",
                         rundir->path);
    if (access(rundir->path, W_OK | X_OK) != 0)
        return error_set("%s: cannot be written: %s", rundir->path, strerror(errno));
    sweep(rundir);
    return 0;
}

static bool holds_run(const struct rundir *rundir)
{
    bool found = false;
    for (size_t k = 0; k < NUM_NAMES; k++)
        found = found || faccessat(rundir->lock, names[k], F_OK, 0) == 0;
    return found;
}

int rundir_begin(struct rundir *rundir, const char *path, bool force)
{
    const bool there = access(path, F_OK) == 0;
    if (file_make_directory(path) != 0)
        return -1;
    *rundir = (struct rundir){.path = mem_copy(path, strlen(path)), .lock = -1, .made = !there};
    if (!rundir->path || lock(rundir) != 0) {
        rundir_leave(rundir);
        return -1;
    }
    if (!holds_run(rundir) || force)
        return 0;
    error_set(
        "%s: holds a run already; go on with it by --resume %s, replace it by --force, or name "
        "another with -o",
        path, path);
    rundir_leave(rundir);
    return -1;
}

int rundir_enter(struct rundir *rundir, const char *path)
{
    *rundir = (struct rundir){.path = mem_copy(path, strlen(path)), .lock = -1};
    if (rundir->path && lock(rundir) == 0)
        return 0;
    rundir_leave(rundir);
    return -1;
}

char *rundir_file(const struct rundir *rundir, const char *name)
{
    return file_join(rundir->path, name);
}

void rundir_clear(struct rundir *rundir)
{
    for (size_t k = 0; k < NUM_NAMES; k++) {
        char *path = rundir_file(rundir, names[k]);
        if (path)
            unlink(path);
        free(path);
    }
    rundir->made = false;
}

void rundir_leave(struct rundir *rundir)
{
    if (rundir->path && rundir->made)
        rmdir(rundir->path);
    if (rundir->path && rundir->lock >= 0)
        close(rundir->lock);
    free(rundir->path);
    *rundir = (struct rundir){0};
}
