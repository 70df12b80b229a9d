/* Spools: what is too large for memory lies in a file without a name, of which nothing is left
 * however the program ends. */
#ifndef RUNE_TEMP_MAPPING_H
#define RUNE_TEMP_MAPPING_H

#include <stdbool.h>
#include <stddef.h>

/* A block of bytes, at first 0, aligned to a cache line. */
struct temp_mapping {
    void *bytes;
    size_t size;
    size_t in_memory_max;
    const char *path; /* the caller's */
    bool in_file;
    int file;
};

/* Fills a zeroed mapping: in memory up to `in_memory_max` bytes (or where path is NULL), else in a
 * file beside `path`, whose place on the disk is taken at once. Returns 0, or −1 and a message that
 * names the bytes wanted. */
int temp_mapping_init(struct temp_mapping *mapping, size_t size, size_t in_memory_max,
                      const char *path);

/* Makes it larger by bytes that are 0, behind those that it has; pointers into it are void. Returns
 * 0, or −1 and the same message with the mapping as it was. */
int temp_mapping_grow(struct temp_mapping *mapping, size_t size);

/* Safe on a zeroed mapping. */
void temp_mapping_release(struct temp_mapping *mapping);

/* What is read or written through a pointer into a file's bytes stays in memory as well until it is
 * dropped; then it is in the file alone, until it is used again. Does nothing in memory. */
void temp_mapping_drop(const struct temp_mapping *mapping, const void *from, size_t length);

/* Copies bytes of the mapping without bringing them into memory. */
void temp_mapping_read(const struct temp_mapping *mapping, const void *from, size_t length,
                       void *out);

#endif
