/* Threads that work as a team: in one region every member runs the same code with its own rank,
 * takes its share of the tiles, and meets the others at barriers. */
#ifndef RUNE_TEAM_H
#define RUNE_TEAM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct team;

struct member {
    struct team *team;
    int rank, size; /* 0 ≤ rank < size */
    int barrier;    /* the one where it meets the others */
};

/* A team of `size` ≥ 1; the caller of team_run is rank 0, so size − 1 threads are started. NULL and
 * a message if they cannot be. */
struct team *team_new(int size);

void team_free(struct team *team);

int team_size(const struct team *team);

/* Runs work(member, argument) in every member and returns when all are done. Between regions the
 * members wait, and soon sleep. All of them flush denormal numbers to zero. */
void team_run(struct team *team, void (*work)(struct member *, void *), void *argument);

/* Returns when every member of the team, or of the group, has called it; what they wrote before is
 * then seen by all. */
void team_barrier(struct member *member);

/* From now on the team's work is left out once *stop is set, as a signal handler may do; it is
 * never unset. NULL: never. */
void team_set_stop(struct team *team, const atomic_bool *stop);

/* Whether work is to be left out: what a region computes is then of no use. Long loops ask this now
 * and then. Members may get different answers for a while, so each goes on to every barrier. */
bool team_should_stop(const struct team *team);

/* The same question with one answer for all members, which meet. */
bool team_agree_to_stop(struct member *member);

/* The member as one of its group, where a team is cut into `groups` of neighbours (a divisor of its
 * size): with a rank, a size and barriers of its own. The whole team must meet before it is cut in
 * another way. */
struct member team_group(const struct member *member, int groups);

/* The member's share [*first, *last) of `count` tiles: neighbours, and shares that differ by one
 * tile at most. */
static inline void team_share(const struct member *member, int count, int *first, int *last)
{
    *first = (int)((int64_t)count * member->rank / member->size);
    *last = (int)((int64_t)count * (member->rank + 1) / member->size);
}

/* Cores that this process may use. */
int team_cores(void);

#endif
