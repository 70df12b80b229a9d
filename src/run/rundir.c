#include "rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "file.h"
#include "mem.h"

/* What a new run takes away of the one that it replaces; copies of stdin last. */
static const char *const old_names[] = {RUNDIR_BEST, RUNDIR_LOG, RUNDIR_CURVE, RUNDIR_STDIN,
                                        RUNDIR_OTHER_STDIN};

#define NUM_OLD_NAMES (sizeof old_names / sizeof *old_names)

static int lock(struct rundir *rundir)
{
    rundir->lock = open(rundir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (rundir->lock < 0)
        return error_set("%s: is not a run: %s", rundir->path, strerror(errno));
    rundir->locked = flock(rundir->lock, LOCK_EX | LOCK_NB) == 0;
    if (!rundir->locked && errno == EWOULDBLOCK)
        return error_set("%s: another process is training there; wait for it or stop it",
                         rundir->path);
    if (access(rundir->path, W_OK | X_OK) != 0)
        return error_set("%s: cannot be written: %s", rundir->path, strerror(errno));
    file_sweep(rundir->path);
    return 0;
}

static bool has(const struct rundir *rundir, const char *name)
{
    struct stat status;
    return fstatat(rundir->lock, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Refuses a directory that holds a run, or files of the user's that a run would overwrite. */
static int check_free(const struct rundir *rundir)
{
    const char *const path = rundir->path;
    if (has(rundir, RUNDIR_LAST))
        return error_set("%s: holds a run already; go on with it by --resume %s, replace it by "
                         "--force, or name another with -o",
                         path, path);
    /* A copy of stdin has the name that is free. */
    const bool full = has(rundir, RUNDIR_STDIN) && has(rundir, RUNDIR_OTHER_STDIN);
    for (size_t k = 0; k < NUM_OLD_NAMES - (full ? 0 : 2); k++)
        if (has(rundir, old_names[k]))
            return error_set("%s: holds no run, but a file %s, which a run would overwrite; name "
                             "another directory with -o, or allow it by --force",
                             path, old_names[k]);
    return 0;
}

int rundir_begin(struct rundir *rundir, const char *path, bool force)
{
    const bool there = access(path, F_OK) == 0;
    if (file_make_directory(path) != 0)
        return -1;
    *rundir = (struct rundir){.path = mem_copy(path, strlen(path)), .lock = -1, .made = !there};
    if (rundir->path && lock(rundir) == 0 && (force || check_free(rundir) == 0)) {
        rundir->replaces = has(rundir, RUNDIR_LAST);
        return 0;
    }
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

const char *rundir_stdin_name(const struct rundir *rundir)
{
    return has(rundir, RUNDIR_STDIN) ? RUNDIR_OTHER_STDIN : RUNDIR_STDIN;
}

int rundir_check_text(const struct rundir *rundir, const char *path)
{
    struct stat text, ours;
    if (stat(path, &text) != 0)
        return 0; /* whoever reads it will say so */
    for (size_t k = 0; k < NUM_OLD_NAMES; k++)
        if (fstatat(rundir->lock, old_names[k], &ours, 0) == 0 && text.st_dev == ours.st_dev &&
            text.st_ino == ours.st_ino)
            return error_set("%s: is a file of the run that would be replaced: copy it to another "
                             "place first",
                             path);
    return 0;
}

void rundir_remove(const struct rundir *rundir, const char *name)
{
    unlinkat(rundir->lock, name, 0);
}

void rundir_replaced(struct rundir *rundir, const char *stdin_name)
{
    for (size_t k = 0; rundir->replaces && k < NUM_OLD_NAMES; k++)
        if (!stdin_name || strcmp(old_names[k], stdin_name) != 0)
            unlinkat(rundir->lock, old_names[k], 0);
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
