#include "arena.h"

#include <stdlib.h>

#include "error.h"
#include "mem.h"

#define LINE 64

void *arena_take(struct arena *arena, uint64_t count, size_t size)
{
    uint64_t bytes;
    void *array = arena->base ? arena->base + arena->used : NULL;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes >= ARENA_MAX ||
        arena->used >= ARENA_MAX - (size_t)bytes)
        arena->used = ARENA_MAX;
    else
        arena->used += (size_t)(bytes + LINE - 1) / LINE * LINE;
    return array;
}

int arena_allocate(struct arena *arena)
{
    if (arena->used >= ARENA_MAX)
        return error_set_memory("the arrays need more memory than can be addressed");
    arena->base = mem_new(arena->used, 1);
    arena->used = 0;
    return arena->base ? 0 : -1;
}

void arena_release(struct arena *arena)
{
    free(arena->base);
    *arena = (struct arena){0};
}
