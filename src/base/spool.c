#include "spool.h"

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

int spool_open(const char *path, const char *what)
{
    const int file = file_open_unnamed(path);
    return file >= 0 ? file : file_refuse_write(path, what, errno);
}

/* The first `size` bytes of the file, in memory as far as they are used; NULL and a message that
 * says `what` if they cannot be had. Blocks are taken before they are written to: on a full disk a
 * write through the mapping would kill the process. */
static void *map_file(const struct spool *spool, size_t size, const char *what)
{
    const size_t taken = spool->in_file ? spool->size : 0;
    int reason = posix_fallocate(spool->file, (off_t)taken, (off_t)(size - taken));
    void *bytes = MAP_FAILED;
    if (reason == 0) {
        bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, spool->file, 0);
        reason = errno;
    }
    if (bytes == MAP_FAILED)
        file_refuse_write(spool->path, what, reason);
    return bytes == MAP_FAILED ? NULL : bytes;
}

static int grow_in_memory(struct spool *spool, size_t size)
{
    void *bytes = mem_new(size, 1);
    if (!bytes)
        return -1;
    if (spool->size > 0)
        memcpy(bytes, spool->bytes, spool->size);
    free(spool->bytes);
    spool->bytes = bytes;
    return 0;
}

static int grow_in_file(struct spool *spool, size_t size, const char *what)
{
    void *bytes = map_file(spool, size, what);
    if (!bytes)
        return -1;
    munmap(spool->bytes, spool->size);
    spool->bytes = bytes;
    return 0;
}

static int move_to_file(struct spool *spool, size_t size, const char *what)
{
    spool->file = spool_open(spool->path, what);
    if (spool->file < 0)
        return -1;
    void *bytes = map_file(spool, size, what);
    if (!bytes) {
        close(spool->file);
        return -1;
    }
    if (spool->size > 0)
        memcpy(bytes, spool->bytes, spool->size);
    free(spool->bytes);
    spool->bytes = bytes;
    spool->in_file = true;
    spool_drop(spool, bytes, size);
    return 0;
}

int spool_grow(struct spool *spool, size_t size)
{
    const bool small = size <= spool->in_memory_max || !spool->path;
    char what[64];
    snprintf(what, sizeof what, "%zu bytes cannot be kept there", size);
    const int result = spool->in_file ? grow_in_file(spool, size, what)
                       : small        ? grow_in_memory(spool, size)
                                      : move_to_file(spool, size, what);
    if (result == 0)
        spool->size = size;
    return result;
}

int spool_init(struct spool *spool, size_t size, size_t in_memory_max, const char *path)
{
    *spool = (struct spool){.in_memory_max = in_memory_max, .path = path};
    return spool_grow(spool, size);
}

void spool_release(struct spool *spool)
{
    if (spool->in_file) {
        munmap(spool->bytes, spool->size);
        close(spool->file);
    } else {
        free(spool->bytes);
    }
    *spool = (struct spool){0};
}

/* With a page Linux maps what is around it, up to a huge page, what was dropped before included. */
#define AROUND ((uintptr_t)2 << 20)

void spool_drop(const struct spool *spool, const void *from, size_t length)
{
    if (!spool->in_file || length == 0)
        return;
    const size_t at = (size_t)((const char *)from - (char *)spool->bytes);
    const size_t around = (uintptr_t)from % AROUND, before = around < at ? around : at;
    madvise((char *)spool->bytes + (at - before), length + before, MADV_DONTNEED);
}

void spool_read(const struct spool *spool, const void *from, size_t length, void *out)
{
    const off_t at = (const char *)from - (const char *)spool->bytes;
    if (!spool->in_file || pread(spool->file, out, length, at) != (ssize_t)length)
        memcpy(out, from, length);
}
