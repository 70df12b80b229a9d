/* Many arrays in one allocation. A function that takes all arrays is called twice. The first call,
 * with a zeroed arena, only counts bytes. The second, after arena_allocate, assigns the arrays:
 *
 *     struct arena arena = {0};
 *     lay_out(workspace, &arena);
 *     if (arena_allocate(&arena) != 0)
 *         return -1;
 *     lay_out(workspace, &arena);
 */
#ifndef RUNE_ARENA_H
#define RUNE_ARENA_H

#include <stddef.h>
#include <stdint.h>

/* A size that can never be allocated. Sums of a few such sizes do not overflow. */
#define ARENA_MAX (SIZE_MAX / 8)

struct arena {
    char *base;  /* NULL while counting */
    size_t used; /* bytes taken so far, at most ARENA_MAX */
};

/* Returns an array of `count` elements of `size` bytes, zeroed and aligned to a cache line; NULL
 * while counting. */
void *arena_take(struct arena *arena, uint64_t count, size_t size);

/* Allocates the bytes counted so far. Returns 0, or −1 and a message. */
int arena_allocate(struct arena *arena);

/* Safe on a zeroed arena. */
void arena_release(struct arena *arena);

#endif
