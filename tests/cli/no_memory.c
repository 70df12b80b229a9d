/* A library to preload: the allocation number FAIL_AT finds no memory, of those that rune itself
 * and the libraries which return such an error ask for. With COUNT_IN, a file's name, how many
 * there were is written there at the end. */
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

/* The code of objects whose allocations count. */
static struct {
    uintptr_t start, end;
} counted[64];
static int num_counted;
static atomic_long asked;
static long fail_at;

static int add_object(struct dl_phdr_info *object, size_t size, void *context)
{
    static const char *const others[] = {"libjansson", "libpopt", "libpcre2", "libz."};
    bool counts = object->dlpi_name[0] == '\0'; /* the program */
    (void)size, (void)context;
    for (size_t k = 0; k < sizeof others / sizeof *others; k++)
        counts = counts || strstr(object->dlpi_name, others[k]);
    for (int k = 0; counts && k < object->dlpi_phnum && num_counted < 64; k++)
        if (object->dlpi_phdr[k].p_type == PT_LOAD && object->dlpi_phdr[k].p_flags & PF_X) {
            counted[num_counted].start = object->dlpi_addr + object->dlpi_phdr[k].p_vaddr;
            counted[num_counted].end = counted[num_counted].start + object->dlpi_phdr[k].p_memsz;
            num_counted++;
        }
    return 0;
}

__attribute__((constructor)) static void begin(void)
{
    const char *wanted = getenv("FAIL_AT");
    dl_iterate_phdr(add_object, NULL);
    asked = 0;
    fail_at = wanted ? atol(wanted) : 0;
}

__attribute__((destructor)) static void end(void)
{
    const char *path = getenv("COUNT_IN");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file)
        return;
    fprintf(file, "%ld\n", asked);
    fclose(file);
}

static bool fails(const void *caller)
{
    for (int k = 0; k < num_counted; k++)
        if ((uintptr_t)caller >= counted[k].start && (uintptr_t)caller < counted[k].end) {
            if (atomic_fetch_add(&asked, 1) + 1 != fail_at)
                return false;
            errno = ENOMEM;
            return true;
        }
    return false;
}

void *malloc(size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_memalign(alignment, size);
}
