#include "mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "error.h"
#include "quota.h"

#define ALIGNMENT 64

/* Larger arrays are refused if memory is short. The system would grant them, and kill the process
 * when they are used. */
#define LARGE ((size_t)256 << 20)
#define HUGE_PAGE ((size_t)2 << 20)

void *mem_new(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - 2 * HUGE_PAGE) {
        error_set("%zu elements of %zu bytes are more than memory can address", count, size);
        return NULL;
    }
    if (bytes > LARGE && bytes > mem_available()) {
        error_set_memory("%.1f GB of memory are needed at once, and %.1f GB are free",
                         (double)bytes / 1e9, (double)mem_available() / 1e9);
        return NULL;
    }
    /* Large arrays are traversed at every step. Huge pages save address translations. */
    size_t alignment = bytes >= 2 * HUGE_PAGE ? HUGE_PAGE : ALIGNMENT;
    size_t whole = (bytes + alignment) / alignment * alignment;
    void *memory = aligned_alloc(alignment, whole);
    if (!memory) {
        error_set_memory("no memory for %zu bytes", bytes);
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
        return error_set_memory("no memory for %zu elements of %zu bytes", wanted, size);
    memcpy(array_pointer, &array, sizeof array);
    *capacity = wanted;
    return 0;
}

char *mem_copy(const void *text, size_t length)
{
    char *copy = malloc(length + 1);
    if (!copy) {
        error_set_memory("no memory for %zu bytes", length);
        return NULL;
    }
    if (length)
        memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

size_t mem_available(void)
{
    return quota_memory("");
}
