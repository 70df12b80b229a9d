/* Many arrays that are released together. No array is tested for NULL: after all are taken, one
 * look at `failed` tells whether there was memory for each.
 *
 *     struct arena memory = {0};
 *     workspace->values = arena_take(&memory, n, sizeof *workspace->values);
 *     workspace->order = arena_take(&memory, n, sizeof *workspace->order);
 *     if (!memory.failed)
 *         work(workspace);
 *     arena_release(&memory);
 */
#ifndef RUNE_ARENA_H
#define RUNE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A size that can never be allocated. Sums of a few such sizes do not overflow. */
#define ARENA_MAX (SIZE_MAX / 8)

struct arena {
    bool counting; /* set by the caller: nothing is allocated, and arena_take returns NULL */
    bool failed;   /* an array could not be allocated; the message is set */
    size_t taken;  /* bytes so far, at most ARENA_MAX */
    /* private to arena.c */
    struct arena_block *blocks; /* newest first, in which are */
    char *next;                 /* the next array and */
    size_t left;                /* so many bytes */
};

/* Returns an array of `count` elements of `size` bytes, zeroed and aligned to a cache line. NULL
 * and a message, and `failed` set, if there is no memory for it or was none for another. */
void *arena_take(struct arena *arena, uint64_t count, size_t size);

/* Allocates the next so many bytes of arrays at once. Returns 0, or −1, a message, and `failed`
 * set. */
int arena_reserve(struct arena *arena, size_t bytes);

/* Returns a copy of a text that may be NULL; else as arena_take. */
char *arena_copy(struct arena *arena, const char *text);

/* Safe on a zeroed arena. */
void arena_release(struct arena *arena);

#endif
