/* Memory for arrays: zeroed, aligned to a cache line, sizes checked. */
#ifndef RUNE_MEM_H
#define RUNE_MEM_H

#include <stddef.h>

/* count elements of size bytes, zeroed, 64-byte aligned; free() releases them. NULL and a message
 * if the product overflows or memory is short. A count of 0 gives a pointer that may be freed. */
void *mem_new(size_t count, size_t size);

/* Makes room for at least `needed` elements in a growing array that plain malloc/realloc owns;
 * what is in it stays. Returns 0, or −1 and a message with the array as it was. */
int mem_grow(void *array_pointer, size_t *capacity, size_t needed, size_t size);

/* A copy of text[0..length), NUL-terminated; free() releases it. NULL and a message on failure. */
char *mem_copy(const void *text, size_t length);

/* Bytes that this process can still take without swapping, limits of its control group included. */
size_t mem_available(void);

#endif
