/* Allocation of arrays: zeroed, aligned to a cache line, with overflow checks. */
#ifndef RUNE_MEM_H
#define RUNE_MEM_H

#include <stddef.h>

/* Returns `count` elements of `size` bytes, zeroed and 64-byte aligned; the caller frees them. NULL
 * and a message if the product overflows or memory is short. A count of 0 gives a valid pointer. */
void *mem_new(size_t count, size_t size);

/* Enlarges an array to at least `needed` elements. It must come from malloc, realloc or this
 * function, or be NULL; its contents stay. Returns 0, or −1 and a message with the array as
 * before. */
int mem_grow(void *array_pointer, size_t *capacity, size_t needed, size_t size);

/* Returns a NUL-terminated copy of text[0..length); the caller frees it. NULL and a message on
 * failure. */
char *mem_copy(const void *text, size_t length);

/* Bytes that this process can still allocate without swapping, within the limits of its control
 * group. */
size_t mem_available(void);

#endif
