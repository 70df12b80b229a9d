#include "mem.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "error.h"

#define ALIGNMENT 64
#define LARGE                                                                                      \
    ((size_t)256 << 20) /* the system would grant it and kill the process when it is used */
#define HUGE_PAGE ((size_t)2 << 20)

void *mem_new(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - 2 * HUGE_PAGE) {
        error_set("%zu elements of %zu bytes are more than memory can address", count, size);
        return NULL;
    }
    if (bytes > LARGE && bytes > mem_available()) {
        error_set("%.1f GB of memory are needed at once, and %.1f GB are free", (double)bytes / 1e9,
                  (double)mem_available() / 1e9);
        return NULL;
    }
    /* Large arrays are walked whole at every step: huge pages spare their address translation. */
    size_t alignment = bytes >= 2 * HUGE_PAGE ? HUGE_PAGE : ALIGNMENT;
    size_t whole = (bytes + alignment) / alignment * alignment;
    void *memory = aligned_alloc(alignment, whole);
    if (!memory) {
        error_set("no memory for %zu bytes", bytes);
        return NULL;
    }
    if (alignment == HUGE_PAGE)
        madvise(memory, whole, MADV_HUGEPAGE);
    memset(memory, 0, whole);
    return memory;
}

int mem_grow(void *array_pointer, size_t *capacity, size_t needed, size_t size)
{
    void *array;
    if (needed <= *capacity)
        return 0;
    size_t wanted = *capacity < SIZE_MAX / 2 ? *capacity * 2 : needed, bytes;
    if (wanted < needed)
        wanted = needed;
    if (wanted < 16)
        wanted = 16;
    memcpy(&array, array_pointer, sizeof array);
    if (__builtin_mul_overflow(wanted, size, &bytes) || !(array = realloc(array, bytes)))
        return error_set("no memory for %zu elements of %zu bytes", wanted, size);
    memcpy(array_pointer, &array, sizeof array);
    *capacity = wanted;
    return 0;
}

char *mem_copy(const void *text, size_t length)
{
    char *copy = malloc(length + 1);
    if (!copy) {
        error_set("no memory for %zu bytes", length);
        return NULL;
    }
    if (length)
        memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

/* The first number after `key` in a small file of the kernel's, or `otherwise`. */
static uint64_t read_number(const char *path, const char *key, uint64_t otherwise)
{
    char line[256];
    uint64_t number = otherwise;
    FILE *file = fopen(path, "r");
    if (!file)
        return otherwise;
    while (fgets(line, sizeof line, file))
        if (strncmp(line, key, strlen(key)) == 0 &&
            sscanf(line + strlen(key), "%" SCNu64, &number) == 1)
            break;
    fclose(file);
    return number;
}

size_t mem_available(void)
{
    uint64_t free_bytes = read_number("/proc/meminfo", "MemAvailable:", SIZE_MAX >> 10) << 10;
    uint64_t limit = read_number("/sys/fs/cgroup/memory.max", "", UINT64_MAX);
    uint64_t used = read_number("/sys/fs/cgroup/memory.current", "", 0);
    uint64_t left = limit > used ? limit - used : 0;
    return (size_t)(left < free_bytes ? left : free_bytes);
}
