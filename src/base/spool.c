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
    const size_t room = strlen(path) + sizeof ".XXXXXX";
    char *name = mem_new(room, 1);
    if (!name)
        return -1;
    snprintf(name, room, "%s.XXXXXX", path);
    const int file = mkostemp(name, O_CLOEXEC);
    if (file < 0)
        file_refuse_write(path, what, errno);
    else
        unlink(name);
    free(name);
    return file;
}

/* A file of that size under the bytes. Its blocks are taken before they are written to: on a full
 * disk a write through the mapping would kill the process. */
static int map_file(struct spool *spool, const char *path)
{
    char what[64];
    snprintf(what, sizeof what, "%zu bytes cannot be kept there", spool->size);
    spool->file = spool_open(path, what);
    if (spool->file < 0)
        return -1;
    spool->in_file = true;
    const int reason = posix_fallocate(spool->file, 0, (off_t)spool->size);
    if (reason != 0)
        return file_refuse_write(path, what, reason);
    void *bytes = mmap(NULL, spool->size, PROT_READ | PROT_WRITE, MAP_SHARED, spool->file, 0);
    if (bytes == MAP_FAILED)
        return file_refuse_write(path, what, errno);
    spool->bytes = bytes;
    return 0;
}

int spool_init(struct spool *spool, size_t size, size_t in_memory_max, const char *path)
{
    spool->size = size;
    int result;
    if (size <= in_memory_max || !path) {
        spool->bytes = mem_new(size, 1);
        result = spool->bytes ? 0 : -1;
    } else {
        result = map_file(spool, path);
    }
    if (result != 0)
        spool_release(spool);
    return result;
}

void spool_release(struct spool *spool)
{
    if (!spool->in_file) {
        free(spool->bytes);
    } else {
        if (spool->bytes)
            munmap(spool->bytes, spool->size);
        close(spool->file);
    }
    *spool = (struct spool){0};
}

void spool_drop(const struct spool *spool, const void *from, size_t length)
{
    if (!spool->in_file || length == 0)
        return;
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), at = (uintptr_t)from;
    const uintptr_t before = at % page;
    madvise((char *)spool->bytes + (at - before - (uintptr_t)spool->bytes), length + before,
            MADV_DONTNEED);
}

void spool_read(const struct spool *spool, const void *from, size_t length, void *out)
{
    const off_t at = (const char *)from - (const char *)spool->bytes;
    if (!spool->in_file || pread(spool->file, out, length, at) != (ssize_t)length)
        memcpy(out, from, length);
}
