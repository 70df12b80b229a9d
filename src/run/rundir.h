/* The directory of a run, and the lock by which only one process at a time trains in it. */
#ifndef RUNE_RUNDIR_H
#define RUNE_RUNDIR_H

#include <stdbool.h>
#include <stdint.h>

#define RUNDIR_BEST "best.safetensors"
#define RUNDIR_LAST "last.safetensors"
#define RUNDIR_LOG "log.csv"
#define RUNDIR_CURVE "loss.svg"
struct rundir {
    char *path;
    int lock;      /* the directory's file descriptor; valid where path is not NULL */
    bool locked;   /* false where the file system has no locks */
    bool made;     /* by us, and nothing is in it yet */
    bool replaces; /* it holds an older run, which a new one is to replace */
};

/* Makes the directory where it is not there, and locks it. Refuses one that holds a run, or files
 * that have the names of a run's, unless they may be replaced. Fills a zeroed rundir. Returns 0, or
 * −1 and a message. */
int rundir_begin(struct rundir *rundir, const char *path, bool force);

/* Locks the directory of a run that is there. Fills a zeroed rundir. Returns 0, or −1 and a
 * message. */
int rundir_enter(struct rundir *rundir, const char *path);

/* The path of a file in it, in new memory, to free(). NULL and a message if there is none. */
char *rundir_file(const struct rundir *rundir, const char *name);

/* Bytes of the name of a run's copy of stdin, and the name itself: "stdin-" and its text's hash, so
 * that another text has another name. */
#define RUNDIR_STDIN_BYTES 32
void rundir_name_stdin(uint64_t hash, char name[RUNDIR_STDIN_BYTES]);

/* Refuses to go on where the run's directory is no longer in its place. Returns 0, or −1 and a
 * message. */
int rundir_check(const struct rundir *rundir);

/* Refuses a text that is one of the files that rundir_replaced removes. Returns 0, or −1 and a
 * message. */
int rundir_check_text(const struct rundir *rundir, const char *path);

/* Called when a new run's last.safetensors is there: removes the other files of the run that it
 * replaces, if there was one. `stdin_name` is the new run's copy of stdin, or "". */
void rundir_replaced(struct rundir *rundir, const char *stdin_name);

/* Gives the lock back; a directory that was made and never filled is removed. Safe on a zeroed one.
 */
void rundir_leave(struct rundir *rundir);

#endif
