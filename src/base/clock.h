/* A monotonic clock: setting the date does not affect it. */
#ifndef RUNE_CLOCK_H
#define RUNE_CLOCK_H

#include <time.h>

/* Seconds since an arbitrary but fixed moment. */
static inline double clock_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

#endif
