/* The directory of a run, and the lock by which only one process at a time trains in it. */
#ifndef RUNE_RUNDIR_H
#define RUNE_RUNDIR_H

#include <stdbool.h>

#define RUNDIR_BEST "best.safetensors"
#define RUNDIR_LAST "last.safetensors"
#define RUNDIR_LOG "log.csv"
#define RUNDIR_CURVE "loss.svg"
#define RUNDIR_STDIN "stdin.txt" /* the text of a run that reads stdin */

struct rundir {
    char *path;
    int lock;  /* the directory's file descriptor; valid where path is not NULL */
    bool made; /* by us, and nothing is in it yet */
};

/* Makes the directory where it is not there, and locks it; refuses one that holds a run unless that
 * may be replaced. Fills a zeroed rundir. Returns 0, or −1 and a message. */
int rundir_begin(struct rundir *rundir, const char *path, bool force);

/* Locks the directory of a run that is there. Fills a zeroed rundir. Returns 0, or −1 and a
 * message. */
int rundir_enter(struct rundir *rundir, const char *path);

/* The path of a file in it, in new memory, to free(). NULL and a message if there is none. */
char *rundir_file(const struct rundir *rundir, const char *name);

/* Removes an old run's files. */
void rundir_clear(struct rundir *rundir);

/* Gives the lock back; a directory that was made and never filled is removed. Safe on a zeroed one.
 */
void rundir_leave(struct rundir *rundir);

#endif
