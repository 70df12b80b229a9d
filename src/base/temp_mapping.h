/* Arrays that may be larger than memory. A large one is a mapping of a temporary file without a
 * name, which the system removes however the program ends. */
#ifndef RUNE_TEMP_MAPPING_H
#define RUNE_TEMP_MAPPING_H

#include <stdbool.h>
#include <stddef.h>

struct temp_mapping {
    void *bytes; /* initially 0, aligned to a cache line */
    size_t size;
    size_t in_memory_max;
    const char *path; /* the caller's */
    bool in_file;
    int file;
};

/* Fills a zeroed mapping. Up to `in_memory_max` bytes, or if `path` is NULL, it is ordinary memory.
 * Larger ones are in a temporary file in the directory of `path`, whose disk blocks are allocated
 * at once. Returns 0, or −1 and a message that names the size. */
int temp_mapping_init(struct temp_mapping *mapping, size_t size, size_t in_memory_max,
                      const char *path);

/* Enlarges the mapping to `size` bytes; the new ones are 0. Pointers into it become invalid.
 * Returns 0, or −1 and the same message with the mapping unchanged. */
int temp_mapping_grow(struct temp_mapping *mapping, size_t size);

/* Safe on a zeroed mapping. */
void temp_mapping_release(struct temp_mapping *mapping);

/* Releases mapped pages; the next access faults them in again. Has no effect in memory. */
void temp_mapping_drop(const struct temp_mapping *mapping, const void *from, size_t length);

/* Copies bytes of the mapping without faulting its pages in. */
void temp_mapping_read(const struct temp_mapping *mapping, const void *from, size_t length,
                       void *out);

#endif
