/* Spools: what is too large for memory lies in a file without a name, of which nothing is left
 * however the program ends. */
#ifndef RUNE_SPOOL_H
#define RUNE_SPOOL_H

#include <stdbool.h>
#include <stddef.h>

/* Opens a new file beside `path` for reading and writing, and takes its name away. Returns it, or
 * −1 and a message: "path: what: reason". */
int spool_open(const char *path, const char *what);

/* A block of bytes, at first 0, aligned to a cache line. */
struct spool {
    void *bytes;
    size_t size;
    size_t in_memory_max;
    const char *path; /* the caller's */
    bool in_file;
    int file;
};

/* Fills a zeroed spool: in memory up to `in_memory_max` bytes (or where path is NULL), else in a
 * file beside `path`, whose place on the disk is taken at once. Returns 0, or −1 and a message that
 * names the bytes wanted. */
int spool_init(struct spool *spool, size_t size, size_t in_memory_max, const char *path);

/* Makes it larger by bytes that are 0, behind those that it has; pointers into it are void. Returns
 * 0, or −1 and the same message with the spool as it was. */
int spool_grow(struct spool *spool, size_t size);

/* Safe on a zeroed spool. */
void spool_release(struct spool *spool);

/* What is read or written through a pointer into a file's bytes stays in memory as well until it is
 * dropped; then it is in the file alone, until it is used again. Does nothing in memory. */
void spool_drop(const struct spool *spool, const void *from, size_t length);

/* Copies bytes of the spool without bringing them into memory. */
void spool_read(const struct spool *spool, const void *from, size_t length, void *out);

#endif
