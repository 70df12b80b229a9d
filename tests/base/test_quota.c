/* Quotas read from files in the format of the kernel, under a directory of the test. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "error.h"
#include "quota.h"
#include "scratch.h"

#define MANY (SIZE_MAX / 4096) /* more bytes than any machine has */

/* A new, empty root. */
static const char *new_root(const char *name)
{
    const char *root = scratch_path(name);
    char path[256];
    snprintf(path, sizeof path, "%s/proc", root);
    assert_int_equal(file_make_directory(path), 0);
    for (int k = 0; k < 2; k++) {
        snprintf(path, sizeof path, "%s/sys/fs/cgroup/%s", root, k ? "memory" : "cpu");
        assert_int_equal(file_make_directory(path), 0);
    }
    return root;
}

static void put(const char *root, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", root, name);
    scratch_write(path, text, strlen(text));
}

static void without_files_there_is_no_limit(void **state)
{
    (void)state;
    const char *root = new_root("nothing");
    assert_true(quota_memory(root) > MANY);
    assert_int_equal(quota_cores(root), INT_MAX);
}

static void memory_is_the_least_of_all_limits(void **state)
{
    (void)state;
    const char *root = new_root("memory");
    put(root, "proc/meminfo", "MemTotal: 9000 kB\nMemFree: 100 kB\nMemAvailable: 8000 kB\n");
    assert_int_equal(quota_memory(root), 8000 * 1024);
    put(root, "sys/fs/cgroup/memory.max", "max\n");
    put(root, "sys/fs/cgroup/memory.current", "3000000\n");
    put(root, "sys/fs/cgroup/memory.stat", "anon 7\nfile 9\ninactive_file 500000\nslab 1\n");
    assert_int_equal(quota_memory(root), 8000 * 1024);
    put(root, "sys/fs/cgroup/memory.max", "4000000\n");
    assert_int_equal(quota_memory(root), 1500000); /* 4,000,000 − (3,000,000 − 500,000) */
    put(root, "sys/fs/cgroup/memory.max", "2000000\n");
    assert_int_equal(quota_memory(root), 0);
}

static void memory_of_version_1(void **state)
{
    (void)state;
    const char *root = new_root("memory1");
    put(root, "proc/meminfo", "MemAvailable: 8000 kB\n");
    put(root, "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    put(root, "sys/fs/cgroup/memory/memory.usage_in_bytes", "3000000\n");
    put(root, "sys/fs/cgroup/memory/memory.stat", "inactive_file 1\ntotal_inactive_file 20\n");
    assert_int_equal(quota_memory(root), 8000 * 1024);
    put(root, "sys/fs/cgroup/memory/memory.limit_in_bytes", "4000000\n");
    assert_int_equal(quota_memory(root), 1000020);
}

static void cores_are_rounded_up(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int cores;
    } cases[] = {{"max 100000", INT_MAX}, {"100000 100000", 1}, {"100001 100000", 2},
                 {"1000 100000", 1},      {"400000 100000", 4}, {"350000 100000", 4}};
    const char *root = new_root("cores");
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        put(root, "sys/fs/cgroup/cpu.max", cases[k].text);
        assert_int_equal(quota_cores(root), cases[k].cores);
    }
    root = new_root("cores1");
    put(root, "sys/fs/cgroup/cpu/cpu.cfs_period_us", "50000\n");
    put(root, "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    assert_int_equal(quota_cores(root), INT_MAX);
    put(root, "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "110000\n");
    assert_int_equal(quota_cores(root), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_files_there_is_no_limit),
        cmocka_unit_test(memory_is_the_least_of_all_limits),
        cmocka_unit_test(memory_of_version_1),
        cmocka_unit_test(cores_are_rounded_up),
    };
    return cmocka_run_group_tests_name("quota", tests, scratch_make, scratch_remove);
}
