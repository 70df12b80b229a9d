/* The directory of a run. A lock ensures that only one process at a time trains in it. */
#ifndef RUNE_RUNDIR_H
#define RUNE_RUNDIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RUNDIR_BEST "best.safetensors"
#define RUNDIR_LAST "last.safetensors"
#define RUNDIR_LOG "log.csv"
#define RUNDIR_CURVE "loss.svg"

struct rundir {
    char *path;
    int lock;      /* file descriptor of the directory; valid if path is not NULL */
    bool locked;   /* false if the file system has no locks */
    bool made;     /* the directory was created and is still empty */
    size_t kept;   /* bytes of the path that were there before, see file_existing_part */
    bool replaces; /* it holds an older run that the new one replaces */
};

/* Fills a zeroed rundir: creates the directory unless it exists, and locks it. Unless `force`, it
 * must not hold a run, or a file with the name of a run's file. Returns 0, or −1 and a message. */
int rundir_create(struct rundir *rundir, const char *path, bool force);

/* Fills a zeroed rundir: locks the directory of an existing run. Returns 0, or −1 and a message. */
int rundir_open(struct rundir *rundir, const char *path);

/* The path of a file in the directory; the caller frees it. NULL and a message if memory is
 * short. */
char *rundir_file(const struct rundir *rundir, const char *name);

/* Sets *directory to that of the run that a model is from, in new memory: the model's path is the
 * directory or a model file in it; NULL if it is another file, or stdin. Returns 0, or −1 and a
 * message. */
int rundir_of(const char *model, char **directory);

/* The name of a run's copy of stdin: "stdin-" and the hash of its text, so that different texts
 * have different names. */
#define RUNDIR_STDIN_BYTES 32
void rundir_name_stdin(uint64_t hash, char name[RUNDIR_STDIN_BYTES]);

/* Checks that the run's directory was not moved or replaced. Returns 0, or −1 and a message. */
int rundir_check(const struct rundir *rundir);

/* Checks that a text is not one of the files that rundir_remove_old removes. Returns 0, or −1 and a
 * message. */
int rundir_check_text(const struct rundir *rundir, const char *path);

/* Removes the files of a replaced run, if there was one. To be called once the new run has written
 * last.safetensors. `stdin_name` is its copy of stdin, or "". */
void rundir_remove_old(struct rundir *rundir, const char *stdin_name);

/* Releases the lock and removes the directory, with its parents, if it was created and is empty.
 * Safe on a zeroed rundir. */
void rundir_close(struct rundir *rundir);

#endif
