#include <dirent.h>
#include <fenv.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "team.h"

#define MOST 6

static void shares_cover_everything_once(void **state)
{
    (void)state;
    for (int size = 1; size <= 9; size++)
        for (int count = 0; count < 100; count++) {
            int next = 0, least = count, most = 0;
            for (int rank = 0; rank < size; rank++) {
                int first, last;
                team_share(&(struct member){NULL, rank, size, 0}, count, &first, &last);
                assert_int_equal(first, next);
                assert_true(last >= first);
                least = last - first < least ? last - first : least;
                most = last - first > most ? last - first : most;
                next = last;
            }
            assert_int_equal(next, count);
            assert_true(most - least <= 1);
        }
    int first, last; /* a product beyond 32 bits */
    team_share(&(struct member){NULL, 6, 7, 0}, 2000000000, &first, &last);
    assert_int_equal(last, 2000000000);
    assert_int_equal(first, INT64_C(2000000000) * 6 / 7);
}

static void has_its_size(void **state)
{
    (void)state;
    for (int size = 1; size <= MOST; size++) {
        struct team *team = team_new(size);
        assert_int_equal(team_size(team), size);
        team_free(team);
    }
    team_free(NULL);
    assert_true(team_cores() >= 1);
}

/* In each round a member writes its cell, and adds up all cells after the barrier. Rounds alternate
 * between two rows of cells, so that the next one can begin at once. If a barrier lets a member
 * pass early, or does not make writes visible, some sum is wrong. */
struct rounds {
    int count;
    long cell[2][MOST]; /* not atomic: only the barrier makes writes visible */
    long wrong[MOST];
};

/* `member` belongs to a team, or to a group whose cells begin at `first`. Returns the number of
 * wrong sums. */
static long add_up_rounds(struct member *member, long count, long cell[2][MOST], int first)
{
    long wrong = 0;
    for (long round = 0; round < count; round++) {
        long sum = 0, expected = 0;
        cell[round % 2][first + member->rank] = round * 31 + member->rank;
        team_barrier(member);
        for (int rank = 0; rank < member->size; rank++) {
            sum += cell[round % 2][first + rank];
            expected += round * 31 + rank;
        }
        wrong += sum != expected;
    }
    return wrong;
}

static void add_up(struct member *member, void *argument)
{
    struct rounds *rounds = argument;
    rounds->wrong[member->rank] += add_up_rounds(member, rounds->count, rounds->cell, 0);
}

static void nobody_passes_a_barrier_early(void **state)
{
    (void)state;
    for (int size = 1; size <= MOST; size++) {
        struct team *team = team_new(size);
        struct rounds rounds = {.count = size <= 2 ? 20000 : 2000};
        team_run(team, add_up, &rounds);
        for (int rank = 0; rank < size; rank++)
            assert_int_equal(rounds.wrong[rank], 0);
        team_free(team);
    }
}

/* In each division of the team every group does a different number of rounds, which would hang if
 * groups shared a barrier. Between divisions the whole team does some rounds. */
static void add_up_in_groups(struct member *member, void *argument)
{
    struct rounds *rounds = argument;
    for (int groups = 1; groups <= member->size; groups++) {
        if (member->size % groups != 0)
            continue;
        struct member seat = team_group(member, groups);
        const int group = member->rank / seat.size;
        rounds->wrong[member->rank] +=
            seat.size * groups != member->size || group * seat.size + seat.rank != member->rank;
        rounds->wrong[member->rank] +=
            add_up_rounds(&seat, rounds->count * (1 + group), rounds->cell, group * seat.size);
        team_barrier(member);
        rounds->wrong[member->rank] += add_up_rounds(member, 21, rounds->cell, 0);
        team_barrier(member);
    }
}

static void groups_meet_apart(void **state)
{
    (void)state;
    for (int size = 1; size <= MOST; size++) {
        struct team *team = team_new(size);
        struct rounds rounds = {.count = 300};
        team_run(team, add_up_in_groups, &rounds);
        team_run(team, add_up_in_groups, &rounds);
        for (int rank = 0; rank < size; rank++)
            assert_int_equal(rounds.wrong[rank], 0);
        team_free(team);
    }
}

struct region {
    int turns[MOST], sizes[MOST];
    long sum;
};

static void take_turn(struct member *member, void *argument)
{
    struct region *region = argument;
    region->turns[member->rank]++;
    region->sizes[member->rank] = member->size;
    team_barrier(member);
    if (member->rank == member->size - 1) /* not the caller's thread */
        for (int rank = 0; rank < member->size; rank++)
            region->sum += region->turns[rank];
}

/* Whether every other thread of this process sleeps, at this moment. */
static bool others_sleep(void)
{
    bool sleep = true;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    for (struct dirent *task; (task = readdir(tasks));) {
        char path[300], stat[300] = "";
        if (task->d_name[0] == '.' || atol(task->d_name) == syscall(SYS_gettid))
            continue;
        snprintf(path, sizeof path, "/proc/self/task/%s/stat", task->d_name);
        FILE *file = fopen(path, "r");
        const char *name_end = file && fgets(stat, sizeof stat, file) ? strrchr(stat, ')') : NULL;
        sleep = sleep && name_end && name_end[2] == 'S';
        if (file)
            fclose(file);
    }
    closedir(tasks);
    return sleep;
}

/* On a busy machine this may take a while. */
static bool others_fall_asleep(void)
{
    for (int tries = 0; tries < 20000; tries++) {
        if (others_sleep())
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return false;
}

/* Between regions members spin only briefly, and a new region wakes those that sleep. */
static void pauses_are_slept(void **state)
{
    (void)state;
    struct team *team = team_new(MOST);
    struct region region = {0};
    for (int round = 1; round <= 5; round++) {
        team_run(team, take_turn, &region);
        assert_int_equal(region.turns[MOST - 1], round);
        assert_true(others_fall_asleep());
    }
    team_free(team);
}

/* Many short regions, some at once after another and some after a pause. Every member takes part in
 * each once, and the caller sees their writes. */
static void regions_in_a_row(void **state)
{
    (void)state;
    for (int size = 1; size <= MOST; size++) {
        struct team *team = team_new(size);
        struct region region = {0};
        long expected = 0;
        for (int round = 1; round <= 400; round++) {
            team_run(team, take_turn, &region);
            expected += (long)round * size;
            assert_int_equal(region.sum, expected);
            for (int rank = 0; rank < size; rank++) {
                assert_int_equal(region.turns[rank], round);
                assert_int_equal(region.sizes[rank], size);
            }
        }
        team_free(team);
    }
}

/* Each stall that soon follows another leads to a longer time alone, up to a limit. */
static void stalls_lead_to_times_alone(void **state)
{
    (void)state;
    struct team_pace pace = {0};
    double now = 100, last = 0;
    assert_true(!team_pace_alone(&pace, now));
    for (int stall = 0; stall < 10; stall++) {
        const double end = now + 0.001;
        team_pace_stalled(&pace, now, end);
        const double alone = pace.alone_until - end;
        assert_true(alone >= last && alone > 0 && alone < 1);
        assert_true(team_pace_alone(&pace, end) && team_pace_alone(&pace, end + 0.9 * alone));
        assert_true(!team_pace_alone(&pace, end + 1.1 * alone));
        now = end + 1.1 * alone;
        last = alone;
    }
    now += 10; /* a long time without */
    team_pace_stalled(&pace, now, now + 0.001);
    assert_true(pace.alone_until - now < last / 4);
}

struct paced {
    int regions[2];     /* of the whole team, and of the caller alone */
    atomic_int ran;     /* members in the last region */
    atomic_bool stalls; /* a member comes late */
};

static void run_paced(struct member *member, void *argument)
{
    struct paced *paced = argument;
    atomic_fetch_add(&paced->ran, 1);
    if (member->rank == 0)
        paced->regions[member->size == 1]++;
    else if (atomic_exchange(&paced->stalls, false))
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
}

static void paced_regions_run_together_or_alone(void **state)
{
    (void)state;
    struct team *team = team_new(3);
    struct paced paced = {.stalls = true};
    struct team_pace pace = {0};
    team_run_paced(team, &pace, run_paced, &paced);
    assert_int_equal(paced.regions[0], 1);
    assert_true(pace.alone_until > 0); /* it has stalled */
    pace.alone_until = 1e300;
    for (int region = 0; region < 20; region++) {
        atomic_store(&paced.ran, 0);
        team_run_paced(team, &pace, run_paced, &paced);
        assert_int_equal(atomic_load(&paced.ran), 1);
    }
    pace.alone_until = 0;
    atomic_store(&paced.ran, 0);
    team_run_paced(team, &pace, run_paced, &paced);
    assert_int_equal(atomic_load(&paced.ran), 3);
    assert_int_equal(paced.regions[1], 20);
    team_free(team);
}

/* All members flush denormal numbers, so that results do not depend on the thread. */
static __attribute__((unused)) void square_small(struct member *member, void *argument)
{
    volatile float small = 1e-30f;
    ((float *)argument)[member->rank] = small * 1e-10f;
}

static void denormals_are_flushed_everywhere(void **state)
{
    (void)state;
#if defined(__SSE2__) || defined(__aarch64__)
    float results[MOST];
    fesetenv(FE_DFL_ENV); /* threads inherit the mode of the one that starts them */
    struct team *team = team_new(MOST);
    for (int rank = 0; rank < MOST; rank++)
        results[rank] = 1;
    team_run(team, square_small, results);
    fesetenv(FE_DFL_ENV); /* as long as denormal numbers are flushed they also equal 0 */
    for (int rank = 0; rank < MOST; rank++)
        assert_true(results[rank] == 0);
    team_free(team);
#endif
}

static void come_late(struct member *member, void *argument)
{
    bool *slept = argument;
    for (int round = 0; round < 2 * member->size; round++) {
        if (round % member->size == member->rank) /* each in turn, the caller too */
            slept[round] = others_fall_asleep();
        team_barrier(member);
    }
}

static void long_waits_are_slept(void **state)
{
    (void)state;
    struct team *team = team_new(MOST);
    bool slept[2 * MOST] = {false};
    team_run(team, come_late, slept);
    for (int round = 0; round < 2 * MOST; round++)
        assert_true(slept[round]);
    team_free(team);
}

/* Tests the flag repeatedly, while another member sets it. */
struct asking {
    atomic_bool stop;
    int answers[MOST]; /* how often the answer was no, for each member */
};

static void ask(struct member *member, void *argument)
{
    struct asking *asking = argument;
    for (int round = 0; !team_agree_to_stop(member); round++) {
        asking->answers[member->rank]++;
        if (member->rank == member->size - 1 && round == 5)
            atomic_store(&asking->stop, true);
    }
}

static void all_members_stop_at_once(void **state)
{
    (void)state;
    for (int size = 1; size <= MOST; size++) {
        struct team *team = team_new(size);
        struct asking asking = {0};
        assert_true(!team_should_stop(team));
        team_set_stop(team, &asking.stop);
        assert_true(!team_should_stop(team));
        team_run(team, ask, &asking);
        assert_true(team_should_stop(team));
        for (int rank = 0; rank < size; rank++)
            assert_int_equal(asking.answers[rank], asking.answers[0]);
        assert_true(asking.answers[0] >= 6);
        team_free(team);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_cover_everything_once),
        cmocka_unit_test(has_its_size),
        cmocka_unit_test(nobody_passes_a_barrier_early),
        cmocka_unit_test(groups_meet_apart),
        cmocka_unit_test(regions_in_a_row),
        cmocka_unit_test(pauses_are_slept),
        cmocka_unit_test(stalls_lead_to_times_alone),
        cmocka_unit_test(paced_regions_run_together_or_alone),
        cmocka_unit_test(denormals_are_flushed_everywhere),
        cmocka_unit_test(long_waits_are_slept),
        cmocka_unit_test(all_members_stop_at_once),
    };
    return cmocka_run_group_tests_name("team", tests, NULL, NULL);
}
