#include "temp_mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "file.h"
#include "mem.h"

/* Maps the first `size` bytes of the file. NULL and a message that says `what` on failure. Disk
 * blocks are allocated first: on a full disk, a write through the mapping would kill the
 * process. */
static void *map_file(const struct temp_mapping *mapping, size_t size, const char *what)
{
    const size_t allocated = mapping->in_file ? mapping->size : 0;
    int reason = size > PTRDIFF_MAX
                     ? EFBIG
                     : posix_fallocate(mapping->file, (off_t)allocated, (off_t)(size - allocated));
    void *bytes = MAP_FAILED;
    if (reason == 0) {
        bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, mapping->file, 0);
        reason = errno;
    }
    if (bytes == MAP_FAILED)
        file_write_error(mapping->path, what, reason);
    return bytes == MAP_FAILED ? NULL : bytes;
}

static int grow_in_memory(struct temp_mapping *mapping, size_t size)
{
    void *bytes = mem_new(size, 1);
    if (!bytes)
        return -1;
    if (mapping->size > 0)
        memcpy(bytes, mapping->bytes, mapping->size);
    free(mapping->bytes);
    mapping->bytes = bytes;
    return 0;
}

static int grow_in_file(struct temp_mapping *mapping, size_t size, const char *what)
{
    void *bytes = map_file(mapping, size, what);
    if (!bytes)
        return -1;
    munmap(mapping->bytes, mapping->size);
    mapping->bytes = bytes;
    return 0;
}

static int move_to_file(struct temp_mapping *mapping, size_t size, const char *what)
{
    mapping->file = file_open_unnamed(mapping->path, what);
    if (mapping->file < 0)
        return -1;
    void *bytes = map_file(mapping, size, what);
    if (!bytes) {
        close(mapping->file);
        return -1;
    }
    if (mapping->size > 0)
        memcpy(bytes, mapping->bytes, mapping->size);
    free(mapping->bytes);
    mapping->bytes = bytes;
    mapping->in_file = true;
    temp_mapping_drop(mapping, bytes, size);
    return 0;
}

int temp_mapping_grow(struct temp_mapping *mapping, size_t size)
{
    const bool small = size <= mapping->in_memory_max || !mapping->path;
    char what[64];
    snprintf(what, sizeof what, "%zu bytes cannot be kept there", size);
    const int result = mapping->in_file ? grow_in_file(mapping, size, what)
                       : small          ? grow_in_memory(mapping, size)
                                        : move_to_file(mapping, size, what);
    if (result == 0)
        mapping->size = size;
    return result;
}

int temp_mapping_init(struct temp_mapping *mapping, size_t size, size_t in_memory_max,
                      const char *path)
{
    *mapping = (struct temp_mapping){.in_memory_max = in_memory_max, .path = path};
    return temp_mapping_grow(mapping, size);
}

void temp_mapping_release(struct temp_mapping *mapping)
{
    if (mapping->in_file) {
        munmap(mapping->bytes, mapping->size);
        close(mapping->file);
    } else {
        free(mapping->bytes);
    }
    *mapping = (struct temp_mapping){0};
}

/* On a fault, Linux also maps the pages around it within the same huge page, even those that were
 * dropped before. */
#define FAULT_AROUND ((uintptr_t)2 << 20)

void temp_mapping_drop(const struct temp_mapping *mapping, const void *from, size_t length)
{
    if (!mapping->in_file || length == 0)
        return;
    const size_t at = (size_t)((const char *)from - (char *)mapping->bytes);
    const size_t around = (uintptr_t)from % FAULT_AROUND, before = around < at ? around : at;
    madvise((char *)mapping->bytes + (at - before), length + before, MADV_DONTNEED);
}

void temp_mapping_read(const struct temp_mapping *mapping, const void *from, size_t length,
                       void *out)
{
    const off_t at = (const char *)from - (const char *)mapping->bytes;
    if (!mapping->in_file || pread(mapping->file, out, length, at) != (ssize_t)length)
        memcpy(out, from, length);
}
