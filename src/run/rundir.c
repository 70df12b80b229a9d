#include "rundir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "file.h"
#include "mem.h"

/* Files of a replaced run that the new one removes, besides its copy of stdin. */
static const char *const old_names[] = {RUNDIR_BEST, RUNDIR_LOG, RUNDIR_CURVE};

#define NUM_OLD_NAMES (sizeof old_names / sizeof *old_names)

#define STDIN_BEGINS "stdin-"
#define STDIN_ENDS ".txt"
#define HASH_DIGITS 16

static int lock(struct rundir *rundir)
{
    rundir->lock = open(rundir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (rundir->lock < 0)
        return error_set(errno == ENOTDIR ? "%s: is not a run: %s; name the run's directory"
                                          : "%s: is not a run: %s",
                         rundir->path, strerror(errno));
    rundir->locked = flock(rundir->lock, LOCK_EX | LOCK_NB) == 0;
    if (!rundir->locked && errno == EWOULDBLOCK) {
        rundir->made = false; /* the process that holds the lock uses it */
        return error_set("%s: another process is training there; wait for it or stop it",
                         rundir->path);
    }
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

/* Checks that a directory holds neither a run nor files of the user that a run would overwrite. */
static int check_free(const struct rundir *rundir)
{
    const char *const path = rundir->path;
    if (has(rundir, RUNDIR_LAST))
        return error_set("%s: already holds a run; continue it with --resume %s, replace it "
                         "with --force, or name another directory with -o",
                         path, path);
    for (size_t k = 0; k < NUM_OLD_NAMES; k++)
        if (has(rundir, old_names[k]))
            return error_set("%s: holds no run, but a file %s, which a run would overwrite; name "
                             "another directory with -o, or allow it with --force",
                             path, old_names[k]);
    return 0;
}

int rundir_create(struct rundir *rundir, const char *path, bool force)
{
    const size_t kept = file_existing_part(path);
    if (file_make_directory(path) != 0) {
        file_unmake_directory(path, kept);
        return -1;
    }
    *rundir = (struct rundir){.path = mem_copy(path, strlen(path)),
                              .lock = -1,
                              .made = kept < strlen(path),
                              .kept = kept};
    if (rundir->path && lock(rundir) == 0 && (force || check_free(rundir) == 0)) {
        rundir->replaces = has(rundir, RUNDIR_LAST);
        return 0;
    }
    rundir_close(rundir);
    return -1;
}

int rundir_open(struct rundir *rundir, const char *path)
{
    *rundir = (struct rundir){.path = mem_copy(path, strlen(path)), .lock = -1};
    if (rundir->path && lock(rundir) == 0)
        return 0;
    rundir_close(rundir);
    return -1;
}

char *rundir_file(const struct rundir *rundir, const char *name)
{
    return file_join(rundir->path, name);
}

int rundir_of(const char *model, char **directory)
{
    const char *const slash = strrchr(model, '/'), *const name = slash ? slash + 1 : model;
    struct stat status;
    *directory = NULL;
    if (strcmp(model, "-") == 0)
        return 0;
    if (stat(model, &status) != 0)
        return error_set("%s: %s", model, strerror(errno));
    if (S_ISDIR(status.st_mode))
        *directory = mem_copy(model, strlen(model));
    else if (strcmp(name, RUNDIR_BEST) != 0 && strcmp(name, RUNDIR_LAST) != 0)
        return 0;
    else if (slash)
        *directory = mem_copy(model, (size_t)(slash - model) + 1);
    else
        *directory = mem_copy("./", 2);
    return *directory ? 0 : -1;
}

void rundir_name_stdin(uint64_t hash, char name[RUNDIR_STDIN_BYTES])
{
    snprintf(name, RUNDIR_STDIN_BYTES, STDIN_BEGINS "%0*llx" STDIN_ENDS, HASH_DIGITS,
             (unsigned long long)hash);
}

static bool is_stdin_name(const char *name)
{
    const size_t begins = sizeof STDIN_BEGINS - 1;
    return strncmp(name, STDIN_BEGINS, begins) == 0 &&
           strspn(name + begins, "0123456789abcdef") == HASH_DIGITS &&
           strcmp(name + begins + HASH_DIGITS, STDIN_ENDS) == 0;
}

int rundir_check(const struct rundir *rundir)
{
    struct stat held, there;
    if (stat(rundir->path, &there) != 0)
        return error_set("%s: is no longer there: %s", rundir->path, strerror(errno));
    if (fstat(rundir->lock, &held) == 0 &&
        (held.st_dev != there.st_dev || held.st_ino != there.st_ino))
        return error_set("%s: is no longer this run's directory, which was moved", rundir->path);
    return 0;
}

int rundir_check_text(const struct rundir *rundir, const char *path)
{
    struct stat text, ours;
    if (!rundir->replaces || stat(path, &text) != 0)
        return 0; /* reading the text reports the error */
    const char *const slash = strrchr(path, '/'), *const name = slash ? slash + 1 : path;
    bool removed = false;
    for (size_t k = 0; k < NUM_OLD_NAMES; k++)
        removed = removed || strcmp(name, old_names[k]) == 0;
    if ((removed || is_stdin_name(name)) && fstatat(rundir->lock, name, &ours, 0) == 0 &&
        text.st_dev == ours.st_dev && text.st_ino == ours.st_ino)
        return error_set("%s: is a file of the run that would be replaced: copy it to another "
                         "place first",
                         path);
    return 0;
}

void rundir_remove_old(struct rundir *rundir, const char *stdin_name)
{
    for (size_t k = 0; rundir->replaces && k < NUM_OLD_NAMES; k++)
        unlinkat(rundir->lock, old_names[k], 0);
    DIR *stream = rundir->replaces ? opendir(rundir->path) : NULL;
    for (struct dirent *entry; stream && (entry = readdir(stream));)
        if (is_stdin_name(entry->d_name) && strcmp(entry->d_name, stdin_name) != 0)
            unlinkat(rundir->lock, entry->d_name, 0);
    if (stream)
        closedir(stream);
    rundir->made = false;
}

void rundir_close(struct rundir *rundir)
{
    if (rundir->path && rundir->made)
        file_unmake_directory(rundir->path, rundir->kept);
    if (rundir->path && rundir->lock >= 0)
        close(rundir->lock);
    free(rundir->path);
    *rundir = (struct rundir){0};
}
