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

/* Maps the file, of which so many bytes are allocated. NULL and a message that says `what` on
 * failure. Disk blocks are allocated first: on a full disk, a write through the mapping would kill
 * the process. */
static void *map_file(const struct temp_mapping *mapping, size_t allocated, const char *what)
{
    const size_t size = mapping->size;
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

static void release_bytes(const struct temp_mapping *mapping)
{
    if (mapping->in_file)
        munmap(mapping->bytes, mapping->size);
    else
        free(mapping->bytes);
}

int temp_mapping_grow(struct temp_mapping *mapping, size_t size)
{
    struct temp_mapping grown = *mapping;
    char what[64];
    snprintf(what, sizeof what, "%zu bytes cannot be kept there", size);
    grown.size = size;
    grown.in_file = mapping->in_file || (mapping->path && size > mapping->in_memory_max);
    const bool moves = grown.in_file && !mapping->in_file;
    if (moves && (grown.file = file_open_unnamed(mapping->path, what)) < 0)
        return -1;
    grown.bytes =
        grown.in_file ? map_file(&grown, moves ? 0 : mapping->size, what) : mem_new(size, 1);
    if (!grown.bytes) {
        if (moves)
            close(grown.file);
        return -1;
    }
    if (!mapping->in_file && mapping->size > 0)
        memcpy(grown.bytes, mapping->bytes, mapping->size);
    release_bytes(mapping);
    *mapping = grown;
    if (moves)
        temp_mapping_drop(mapping, mapping->bytes, size);
    return 0;
}

int temp_mapping_init(struct temp_mapping *mapping, size_t size, size_t in_memory_max,
                      const char *path)
{
    *mapping = (struct temp_mapping){.in_memory_max = in_memory_max, .path = path};
    return temp_mapping_grow(mapping, size);
}

void temp_mapping_release(struct temp_mapping *mapping)
{
    release_bytes(mapping);
    if (mapping->in_file)
        close(mapping->file);
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
