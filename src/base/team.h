/* A team of threads. In a parallel region every member runs the same code with its own rank, works
 * on its share of the tiles, and meets the others at barriers. */
#ifndef RUNE_TEAM_H
#define RUNE_TEAM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct team;

struct member {
    struct team *team;
    int rank, size; /* 0 ≤ rank < size */
    int barrier;    /* index of its barrier */
};

/* Makes a team of `size` ≥ 1 members. It starts size − 1 threads, as the caller of team_run is rank
 * 0. NULL and a message on failure. */
struct team *team_new(int size);

void team_free(struct team *team);

int team_size(const struct team *team);

/* Runs a parallel region: every member calls work(member, argument). Returns when all are done.
 * Members flush denormal numbers to zero. Between regions they spin briefly and then sleep. */
void team_run(struct team *team, void (*work)(struct member *, void *), void *argument);

/* When work of short regions stalls because members wait for one that is not running, it goes on on
 * the caller alone for a while. Begins as zeros. */
struct team_pace {
    double alone_until, period; /* seconds */
};

/* Whether a region that begins now runs on the caller alone; and notes that one of the whole team,
 * from `begin` to `end`, has stalled. If that is soon after the last time, the caller is alone for
 * longer. */
bool team_pace_alone(const struct team_pace *pace, double now);
void team_pace_stalled(struct team_pace *pace, double begin, double end);

/* Runs a parallel region on the whole team; or on the caller alone, as a team of one, while the
 * machine is busy with other programs. The results must not depend on the size of a team. */
void team_run_paced(struct team *team, struct team_pace *pace,
                    void (*work)(struct member *, void *), void *argument);

/* Waits until every member of the team (or group) has called it. Their earlier writes are then
 * visible to all. */
void team_barrier(struct member *member);

/* Sets the flag that makes the team skip its remaining work. A signal handler may set *stop; it is
 * never cleared. NULL: no flag. */
void team_set_stop(struct team *team, const atomic_bool *stop);

/* Whether the flag is set. Long loops test this and skip their work, as its results will not be
 * used. Members may see different values for a while, so each must still reach every barrier. */
bool team_should_stop(const struct team *team);

/* The same with one answer for all members, who must all call it. Contains barriers. */
bool team_agree_to_stop(struct member *member);

/* Divides the team into `groups` of consecutive ranks, and returns the member with its rank, size
 * and barrier within its group. `groups` divides the team's size. The whole team must meet at a
 * barrier before it is divided differently. */
struct member team_group(const struct member *member, int groups);

/* The member's share [*first, *last) of `count` tiles. Shares are contiguous and differ in size by
 * at most one. */
static inline void team_share(const struct member *member, int count, int *first, int *last)
{
    *first = (int)((int64_t)count * member->rank / member->size);
    *last = (int)((int64_t)count * (member->rank + 1) / member->size);
}

/* Number of cores that this process may use. */
int team_cores(void);

#endif
