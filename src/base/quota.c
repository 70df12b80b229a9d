#include "quota.h"

#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Control groups of version 2 have one folder, those of version 1 one for each controller. */
#define GROUP "/sys/fs/cgroup/"

/* Finds a line that starts with `key` in a file of the kernel, and returns the number that follows;
 * `otherwise` if there is none. */
static int64_t read_number(const char *root, const char *path, const char *key, int64_t otherwise)
{
    char line[256];
    int64_t number = otherwise;
    snprintf(line, sizeof line, "%s%s", root, path);
    FILE *file = fopen(line, "r");
    if (!file)
        return otherwise;
    while (fgets(line, sizeof line, file))
        if (strncmp(line, key, strlen(key)) == 0 &&
            sscanf(line + strlen(key), "%" SCNd64, &number) == 1)
            break;
    fclose(file);
    return number;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Bytes left below a limit. */
static int64_t left(int64_t limit, int64_t used, int64_t droppable)
{
    return limit + droppable > used ? limit + droppable - used : 0;
}

size_t quota_memory(const char *root)
{
    const int64_t none = INT64_MAX / 4; /* sums of it with other sizes do not overflow */
    const int64_t kilobytes = read_number(root, "/proc/meminfo", "MemAvailable:", none >> 10);
    const int64_t second = left(least(none, read_number(root, GROUP "memory.max", "", none)),
                                read_number(root, GROUP "memory.current", "", 0),
                                read_number(root, GROUP "memory.stat", "inactive_file ", 0));
    const int64_t first =
        left(least(none, read_number(root, GROUP "memory/memory.limit_in_bytes", "", none)),
             read_number(root, GROUP "memory/memory.usage_in_bytes", "", 0),
             read_number(root, GROUP "memory/memory.stat", "total_inactive_file ", 0));
    const int64_t most = SIZE_MAX < INT64_MAX ? (int64_t)SIZE_MAX : INT64_MAX;
    return (size_t)least(most, least(kilobytes << 10, least(first, second)));
}

static int rounded_up(int64_t quota, int64_t period)
{
    if (quota <= 0 || period <= 0) /* −1: no limit */
        return INT_MAX;
    return (int)least(INT_MAX, (quota - 1) / period + 1);
}

int quota_cores(const char *root)
{
    /* One line: "150000 100000", quota and period, or "max 100000". */
    const int64_t quota = read_number(root, GROUP "cpu.max", "", -1);
    char before[32];
    snprintf(before, sizeof before, "%" PRId64 " ", quota);
    const int second = rounded_up(quota, read_number(root, GROUP "cpu.max", before, 0));
    const int first = rounded_up(read_number(root, GROUP "cpu/cpu.cfs_quota_us", "", -1),
                                 read_number(root, GROUP "cpu/cpu.cfs_period_us", "", 0));
    return first < second ? first : second;
}
