/* The files that make a corpus: those that the user names, those of directories, and those of a
 * list. */
#ifndef RUNE_SOURCES_H
#define RUNE_SOURCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "segmenter.h"

#define SOURCES_MAX_BYTES 100000000 /* a larger file of a directory is left out */

/* Why a file is left out. Of files that were named, only empty ones are; and directories of a list,
 * which names their files. */
enum source_left_out {
    SOURCE_EMPTY,
    SOURCE_HIDDEN,   /* its name, or that of a directory, begins with a dot */
    SOURCE_BINARY,   /* it has NUL bytes, or is of a kind that is no text */
    SOURCE_NOT_TEXT, /* it has bytes that are not of the encoding */
    SOURCE_LARGE,
    SOURCE_LINK,    /* a symbolic link, which might lead in circles */
    SOURCE_SPECIAL, /* a pipe, a socket or a device */
    SOURCE_UNREADABLE,
    SOURCE_BAD_NAME,  /* it is not UTF-8 and cannot be stored in a run */
    SOURCE_RUN,       /* a directory that has a file called `run_file` */
    SOURCE_DIRECTORY, /* in a list */
    NUM_SOURCE_LEFT_OUT,
};

struct sources {
    char **files; /* [count] paths; "-" is stdin */
    size_t count, capacity;
    bool gathered; /* a directory was read, or a list */
    struct {
        uint64_t count;
        char *example; /* the first of their paths, in byte order */
    } left_out[NUM_SOURCE_LEFT_OUT];
};

struct sources_options {
    const char *const *names; /* [num_names] files and directories; "-": stdin */
    int num_names;
    /* A file that names more files ("-": stdin), or NULL. They are separated by NULs if it has any,
     * otherwise each is a line. */
    const char *list;
    struct text_treatment treatment; /* says which files of a directory are text */
    const char *run_file;            /* see SOURCE_RUN */
};

/* Fills zeroed sources: files in the order in which they are named, those of a directory in the
 * byte order of their paths. Symbolic links are followed only where they are named. Errors are a
 * file that is not there, and that nothing is left. Returns 0, or −1 and a message with the sources
 * left zeroed. */
int sources_gather(struct sources *sources, const struct sources_options *options);

/* Safe on zeroed sources. */
void sources_release(struct sources *sources);

/* Writes what is read and what is left out, with counts and examples, as one line; "" if there is
 * nothing to say. Returns `out`. */
char *sources_describe(const struct sources *sources, char *out, size_t room);

#endif
