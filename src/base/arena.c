#include "arena.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "mem.h"

#define LINE 64
#define LEAST ((size_t)64 << 10) /* bytes of a block */

struct arena_block {
    struct arena_block *older;
};

int arena_reserve(struct arena *arena, size_t bytes)
{
    if (bytes >= ARENA_MAX)
        error_set_memory("the arrays need more memory than can be addressed");
    struct arena_block *block = bytes < ARENA_MAX ? mem_new(LINE + bytes, 1) : NULL;
    arena->failed = !block;
    if (!block)
        return -1;
    block->older = arena->blocks;
    arena->blocks = block;
    arena->next = (char *)block + LINE;
    arena->left = bytes;
    return 0;
}

void *arena_take(struct arena *arena, uint64_t count, size_t size)
{
    uint64_t whole;
    size_t bytes = ARENA_MAX;
    if (!__builtin_mul_overflow(count, size, &whole) && whole < ARENA_MAX - LINE)
        bytes = (size_t)(whole + LINE - 1) / LINE * LINE;
    arena->taken = arena->taken < ARENA_MAX - bytes ? arena->taken + bytes : ARENA_MAX;
    if (arena->counting || arena->failed ||
        ((!arena->blocks || bytes > arena->left) &&
         arena_reserve(arena, bytes > LEAST ? bytes : LEAST) != 0))
        return NULL;
    void *array = arena->next;
    arena->next += bytes;
    arena->left -= bytes;
    return array;
}

char *arena_copy(struct arena *arena, const char *text)
{
    const size_t size = text ? strlen(text) + 1 : 0;
    char *copy = text ? arena_take(arena, size, 1) : NULL;
    return copy ? memcpy(copy, text, size) : NULL;
}

void arena_release(struct arena *arena)
{
    for (struct arena_block *block = arena->blocks, *older; block; block = older) {
        older = block->older;
        free(block);
    }
    *arena = (struct arena){0};
}
