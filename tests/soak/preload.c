/* Loaded into rune by LD_PRELOAD, makes what cannot be had from outside: an allocation that fails,
 * an interruption at a known place, and a mark in traces of where main begins. Everything counts
 * from main on, for what comes before is the dynamic loader's.
 *
 *     SOAK_FAIL_AT=N         the N-th allocation fails
 *     SOAK_FAIL_FROM=N       the N-th allocation and all after it fail
 *     SOAK_COUNT_TO=FILE     at the end, the number of allocations and of looks at the clock; then,
 *                            a line each, the first allocation of each chain of callers
 *     SOAK_STOP_AT=N         SIGINT at the N-th look at the clock, of which each step has some
 *     SOAK_MARK=1            write(-1, "main", 4) before main */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,
 * readability-inconsistent-declaration-parameter-name): glibc's own names */

/* What can be called before anything is set up. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static atomic_bool begun;
static atomic_long allocations, looks;
static long fail_at, fail_from, stop_at;

/* --- chains of callers ------------------------------------------------------------------------ */

enum { DEPTH = 16, CHAINS = 1 << 16 };

static bool listing;
static uint64_t chains[CHAINS]; /* a hash table, by what stands in it */
static long firsts[CHAINS], num_firsts;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static bool is_new(uint64_t chain)
{
    for (uint64_t at = chain % CHAINS;; at = (at + 1) % CHAINS) {
        if (chains[at] == chain)
            return false;
        if (chains[at] == 0) {
            chains[at] = chain;
            return true;
        }
    }
}

static void list_chain(long n)
{
    static _Thread_local bool within; /* for backtrace() allocates, too */
    void *callers[DEPTH];
    if (within)
        return;
    within = true;
    uint64_t chain = 14695981039346656037u; /* FNV-1a */
    const int depth = backtrace(callers, DEPTH);
    for (int k = 0; k < depth; k++)
        chain = (chain ^ (uint64_t)(uintptr_t)callers[k]) * 1099511628211u;
    pthread_mutex_lock(&lock);
    if (num_firsts < CHAINS / 2 && is_new(chain | 1))
        firsts[num_firsts++] = n;
    pthread_mutex_unlock(&lock);
    within = false;
}

/* --- what is replaced ------------------------------------------------------------------------- */

static bool fails(void)
{
    if (!begun)
        return false;
    const long n = ++allocations;
    if (listing)
        list_chain(n);
    if (n != fail_at && (fail_from == 0 || n < fail_from))
        return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return fails() ? NULL : __libc_realloc(old, size);
}

void *reallocarray(void *old, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(old, bytes);
}

void *memalign(size_t alignment, size_t size)
{
    return fails() ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    void *got = memalign(alignment, size);
    if (!got)
        return ENOMEM;
    *out = got;
    return 0;
}

static void *next(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

void *mmap(void *address, size_t length, int protection, int flags, int file, off_t offset)
{
    static void *(*real)(void *, size_t, int, int, int, off_t);
    if (!real)
        *(void **)&real = next("mmap");
    return fails() ? MAP_FAILED : real(address, length, protection, flags, file, offset);
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        *(void **)&real = next("clock_gettime");
    if (begun && ++looks == stop_at)
        raise(SIGINT);
    return real(clock, out);
}

static long number(const char *name)
{
    const char *text = getenv(name);
    return text ? atol(text) : 0;
}

/* --- from main on ----------------------------------------------------------------------------- */

static void report(void)
{
    begun = false;
    FILE *out = fopen(getenv("SOAK_COUNT_TO"), "w");
    if (!out)
        return;
    fprintf(out, "%ld %ld\n", allocations, looks);
    for (long k = 0; k < num_firsts; k++)
        fprintf(out, "%ld\n", firsts[k]);
    fclose(out);
}

static int (*main_of_rune)(int, char **, char **);

static int marked_main(int argc, char **argv, char **environment)
{
    fail_at = number("SOAK_FAIL_AT");
    fail_from = number("SOAK_FAIL_FROM");
    stop_at = number("SOAK_STOP_AT");
    listing = getenv("SOAK_COUNT_TO") != NULL;
    if (listing)
        atexit(report);
    if (getenv("SOAK_MARK") && write(-1, "main", 4) == 0)
        return 1;
    begun = true;
    return main_of_rune(argc, argv, environment);
}

/* What a program calls first; it is given main. */
int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*rtld_fini)(void), void *stack_end);

int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*rtld_fini)(void), void *stack_end)
{
    int (*real)(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void),
                void (*)(void), void *);
    *(void **)&real = next("__libc_start_main");
    main_of_rune = main;
    return real(marked_main, argc, argv, init, fini, rtld_fini, stack_end);
}

/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,
 * readability-inconsistent-declaration-parameter-name) */
