/* Many arrays in one block of memory. A function that takes them all is called twice: first with a
 * zeroed arena, which only counts, then, after arena_allocate, to be given them:
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

/* More bytes than can be had. Sums of a few such sizes do not overflow. */
#define ARENA_MAX (SIZE_MAX / 8)

struct arena {
    char *base;  /* NULL while it counts */
    size_t used; /* bytes taken so far, at most ARENA_MAX */
};

/* An array of `count` elements of `size` bytes, zeroed, on a cache line; NULL while it counts. */
void *arena_take(struct arena *arena, uint64_t count, size_t size);

/* Takes the memory that was counted. Returns 0, or −1 and a message. */
int arena_allocate(struct arena *arena);

/* Safe on a zeroed arena. */
void arena_release(struct arena *arena);

#endif
