#include "team.h"

#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif
#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#endif
#include <unistd.h>

#include "error.h"
#include "mem.h"
#include "quota.h"

/* A member that waits spins first, for about half a millisecond, as most waits are microseconds. It
 * then sleeps: who it waits for may not be running, as other programs need the cores. The waits
 * after that are likely to be as long, so it gives them less of its own share of the cores. It
 * never yields: a yield hands the core to another program for milliseconds. */
#define SPINS 20000
#define SPINS_AFTER_SLEEP 1000
#define WAITS_AFTER_SLEEP 16

/* Nanoseconds that a member asks to run at a time, the least that Linux grants. It keeps its share
 * of the cores, but runs at once when it wakes up, instead of after the time slices of others. */
#define TIME_SLICE 100000

/* A region in which the caller slept for that share of the time has stalled. */
#define STALL 0.25

/* Seconds that work runs on the caller alone after a stall, at first and at most. */
#define ALONE_LEAST 0.02
#define ALONE_MOST 0.5

struct barrier {
    _Alignas(64) atomic_uint generation; /* times that the barrier was passed */
    _Alignas(64) atomic_int arrived;     /* members that wait here */
    atomic_int sleepers;                 /* those of them that may be asleep */
};

struct team {
    int size, started;
    pthread_t *threads;
    struct member *members;
    void (*work)(struct member *, void *);
    void *argument;
    bool shutting_down;
    const atomic_bool *stop;         /* see team_set_stop; may be NULL */
    bool all_stop;                   /* result of team_agree_to_stop */
    _Alignas(64) atomic_uint region; /* number of the current region */
    int sleepers; /* members asleep until the next region; guarded by the mutex */
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct barrier *barriers; /* [1 + size]: the team's, then one per group */
};

static void pause_core(void)
{
#if defined(__SSE2__)
    _mm_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Seconds that this thread has slept at barriers, and waits left that it takes for long ones. */
static _Thread_local double seconds_asleep;
static _Thread_local int after_sleep;

/* Spins while *word equals `value`, but not for long. Returns whether it has changed. */
static bool spin_on(atomic_uint *word, unsigned value)
{
    int turns = after_sleep > 0 ? SPINS_AFTER_SLEEP : SPINS;
    after_sleep -= after_sleep > 0;
    for (; turns > 0; turns--) {
        if (atomic_load_explicit(word, memory_order_acquire) != value)
            return true;
        pause_core();
    }
    after_sleep = WAITS_AFTER_SLEEP;
    return false;
}

/* Sleeps while *word equals `value`. May return early. */
static void sleep_on(atomic_uint *word, unsigned value)
{
#if defined(__linux__)
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
#else
    (void)word, (void)value;
    sched_yield();
#endif
}

static void wake_all(atomic_uint *word)
{
#if defined(__linux__)
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
#else
    (void)word;
#endif
}

/* Operations on denormal numbers take about a hundred times longer. Every member flushes them, as
 * results must not depend on which thread computes them. */
static void flush_denormals(void)
{
#if defined(__SSE2__)
    _mm_setcsr(_mm_getcsr() | 0x8040);
#elif defined(__aarch64__)
    unsigned long fpcr;
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    __asm__ volatile("msr fpcr, %0" : : "r"(fpcr | (1ul << 24)));
#endif
}

/* Linux has it since version 6.12; before that it does nothing. The structure is the kernel's:
 * linux/sched/types.h cannot be included beside sched.h. */
static void ask_for_time_slice(void)
{
#if defined(__linux__) && defined(SYS_sched_setattr)
    struct {
        uint32_t size, sched_policy;
        uint64_t sched_flags;
        int32_t sched_nice;
        uint32_t sched_priority;
        uint64_t sched_runtime, sched_deadline, sched_period;
    } attributes;
    if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0 ||
        attributes.sched_policy != SCHED_OTHER)
        return;
    attributes.size = sizeof attributes;
    attributes.sched_runtime = TIME_SLICE;
    syscall(SYS_sched_setattr, 0, &attributes, 0);
#endif
}

void team_barrier(struct member *member)
{
    if (member->size == 1)
        return;
    struct barrier *barrier = &member->team->barriers[member->barrier];
    unsigned generation = atomic_load_explicit(&barrier->generation, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&barrier->arrived, 1, memory_order_acq_rel) == member->size - 1) {
        atomic_store_explicit(&barrier->arrived, 0, memory_order_relaxed);
        /* Both are sequentially consistent: either this member sees the sleeper, or the sleeper
         * sees the new generation. */
        atomic_store(&barrier->generation, generation + 1);
        if (atomic_load(&barrier->sleepers) > 0)
            wake_all(&barrier->generation);
        return;
    }
    if (spin_on(&barrier->generation, generation))
        return;
    const double begin = now();
    atomic_fetch_add(&barrier->sleepers, 1);
    while (atomic_load(&barrier->generation) == generation)
        sleep_on(&barrier->generation, generation);
    atomic_fetch_sub(&barrier->sleepers, 1);
    seconds_asleep += now() - begin;
}

void team_set_stop(struct team *team, const atomic_bool *stop)
{
    team->stop = stop;
}

bool team_should_stop(const struct team *team)
{
    return team->stop && atomic_load_explicit(team->stop, memory_order_relaxed);
}

bool team_agree_to_stop(struct member *member)
{
    if (member->rank == 0)
        member->team->all_stop = team_should_stop(member->team);
    team_barrier(member);
    const bool stops = member->team->all_stop;
    team_barrier(member); /* before rank 0 overwrites the answer in its next call */
    return stops;
}

struct member team_group(const struct member *member, int groups)
{
    const int size = member->size / groups, group = member->rank / size;
    return (struct member){member->team, member->rank % size, size, 1 + group};
}

/* Waits for the region after `seen`. It spins first, as regions often follow at once. */
static unsigned next_region(struct team *team, unsigned seen)
{
    unsigned region;
    if (spin_on(&team->region, seen))
        return atomic_load_explicit(&team->region, memory_order_acquire);
    pthread_mutex_lock(&team->mutex);
    team->sleepers++;
    while ((region = atomic_load_explicit(&team->region, memory_order_acquire)) == seen)
        pthread_cond_wait(&team->wake, &team->mutex);
    team->sleepers--;
    pthread_mutex_unlock(&team->mutex);
    return region;
}

/* Begins a region. Earlier writes of this thread are visible to its members. */
static void begin_region(struct team *team)
{
    pthread_mutex_lock(&team->mutex);
    atomic_fetch_add_explicit(&team->region, 1, memory_order_release);
    if (team->sleepers > 0)
        pthread_cond_broadcast(&team->wake);
    pthread_mutex_unlock(&team->mutex);
}

static void *member_main(void *argument)
{
    struct member *member = argument;
    struct team *team = member->team;
    flush_denormals();
    ask_for_time_slice();
    for (unsigned seen = 0;;) {
        seen = next_region(team, seen);
        if (team->shutting_down)
            return NULL;
        team->work(member, team->argument);
        team_barrier(member);
    }
}

struct team *team_new(int size)
{
    struct team *team = mem_new(1, sizeof *team);
    if (!team)
        return NULL;
    team->size = size;
    ask_for_time_slice();
    pthread_mutex_init(&team->mutex, NULL);
    pthread_cond_init(&team->wake, NULL);
    team->threads = mem_new((size_t)size, sizeof *team->threads);
    team->members = mem_new((size_t)size, sizeof *team->members);
    team->barriers = mem_new((size_t)size + 1, sizeof *team->barriers);
    if (!team->threads || !team->members || !team->barriers)
        goto fail;
    for (int rank = 0; rank < size; rank++)
        team->members[rank] = (struct member){team, rank, size, 0};
    for (team->started = 1; team->started < size; team->started++) {
        int reason = pthread_create(&team->threads[team->started], NULL, member_main,
                                    &team->members[team->started]);
        if (reason != 0) {
            error_set("%d threads cannot be started: %s; try a smaller --threads", size,
                      strerror(reason));
            goto fail;
        }
    }
    return team;
fail:
    team_free(team);
    return NULL;
}

void team_free(struct team *team)
{
    if (!team)
        return;
    team->shutting_down = true;
    begin_region(team);
    for (int rank = 1; rank < team->started; rank++)
        pthread_join(team->threads[rank], NULL);
    pthread_cond_destroy(&team->wake);
    pthread_mutex_destroy(&team->mutex);
    free(team->threads);
    free(team->members);
    free(team->barriers);
    free(team);
}

int team_size(const struct team *team)
{
    return team->size;
}

void team_run(struct team *team, void (*work)(struct member *, void *), void *argument)
{
    flush_denormals();
    team->work = work;
    team->argument = argument;
    if (team->size > 1)
        begin_region(team);
    work(&team->members[0], argument);
    team_barrier(&team->members[0]);
}

bool team_pace_alone(const struct team_pace *pace, double now)
{
    return now < pace->alone_until;
}

void team_pace_stalled(struct team_pace *pace, double begin, double end)
{
    const bool soon = pace->period > 0 && begin - pace->alone_until < pace->period;
    pace->period = soon ? fmin(2 * pace->period, ALONE_MOST) : ALONE_LEAST;
    pace->alone_until = end + pace->period;
}

void team_run_paced(struct team *team, struct team_pace *pace,
                    void (*work)(struct member *, void *), void *argument)
{
    const double begin = now();
    if (team->size == 1 || team_pace_alone(pace, begin)) {
        flush_denormals();
        work(&(struct member){team, 0, 1, 0}, argument);
        return;
    }
    const double before = seconds_asleep;
    after_sleep = 0; /* the members may have to wake up first */
    team_run(team, work, argument);
    if (seconds_asleep == before)
        return;
    const double end = now();
    if (seconds_asleep - before > STALL * (end - begin))
        team_pace_stalled(pace, begin, end);
}

/* Cores in the affinity mask of this process. */
static int scheduled_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return CPU_COUNT(&set);
    const long online = sysconf(_SC_NPROCESSORS_ONLN); /* more cores than cpu_set_t can hold */
    return online > 0 ? (int)online : 1;
}

int team_cores(void)
{
    const int scheduled = scheduled_cores(), granted = quota_cores("");
    return scheduled < granted ? scheduled : granted;
}
