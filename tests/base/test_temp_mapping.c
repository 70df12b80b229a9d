#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "error.h"
#include "random.h"
#include "scratch.h"
#include "temp_mapping.h"

#define LIMIT 4096
#define SIZE ((size_t)32 << 20)

/* Resident memory of this process, in kilobytes. */
static long resident(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%*d %ld", &pages) != 1)
        pages = 0;
    if (file)
        fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static bool is_empty(const char *directory)
{
    DIR *open = opendir(directory);
    bool empty = true;
    assert_non_null(open);
    for (struct dirent *entry; (entry = readdir(open)) != NULL;)
        empty = empty && entry->d_name[0] == '.';
    closedir(open);
    return empty;
}

static void only_large_mappings_are_in_a_file(void **state)
{
    (void)state;
    static const struct {
        size_t size;
        const char *path;
        bool in_file;
    } cases[] = {
        {0, "", false},        {1, "", false},           {LIMIT, "", false},
        {LIMIT + 1, "", true}, {LIMIT + 1, NULL, false}, {10 * LIMIT + 7, "", true},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct temp_mapping mapping = {0};
        const char *path = cases[k].path ? scratch_path("mapping") : NULL;
        assert_int_equal(temp_mapping_init(&mapping, cases[k].size, LIMIT, path), 0);
        assert_int_equal(mapping.in_file, cases[k].in_file);
        assert_int_equal((uintptr_t)mapping.bytes % 64, 0);
        assert_true(is_empty(scratch_directory)); /* the file has no name */
        for (size_t i = 0; i < cases[k].size; i++)
            assert_int_equal(((char *)mapping.bytes)[i], 0);
        memset(mapping.bytes, 1, cases[k].size);
        temp_mapping_release(&mapping);
        temp_mapping_release(&mapping);
        assert_null(mapping.bytes);
    }
}

/* Bytes do not depend on how they are written, dropped and read. */
static void nothing_is_lost(void **state)
{
    (void)state;
    struct random random = {3, 0};
    for (int in_file = 0; in_file < 2; in_file++) {
        enum { BYTES = 100000 };
        struct temp_mapping mapping = {0};
        uint8_t *expected = calloc(BYTES, 1), *found = malloc(BYTES);
        assert_int_equal(
            temp_mapping_init(&mapping, BYTES, in_file ? 0 : BYTES, scratch_path("mapping")), 0);
        uint8_t *bytes = mapping.bytes;
        for (int k = 0; k < 1000; k++) {
            const size_t from = (size_t)random_below(&random, BYTES);
            const size_t length = (size_t)random_below(&random, BYTES - (int)from + 1);
            switch (random_below(&random, 3)) {
            case 0:
                memset(bytes + from, k, length);
                memset(expected + from, k, length);
                break;
            case 1:
                temp_mapping_drop(&mapping, bytes + from, length);
                break;
            default:
                temp_mapping_read(&mapping, bytes + from, length, found);
                assert_memory_equal(found, expected + from, length);
            }
        }
        assert_memory_equal(bytes, expected, BYTES);
        temp_mapping_release(&mapping);
        free(expected);
        free(found);
    }
}

/* Growing keeps the bytes, in memory, on the move to the file, and in the file; new ones are 0. */
static void it_grows(void **state)
{
    (void)state;
    for (int with_path = 0; with_path < 2; with_path++) {
        struct temp_mapping mapping;
        const char *const path = with_path ? scratch_path("mapping") : NULL;
        assert_int_equal(temp_mapping_init(&mapping, 0, LIMIT, path), 0);
        for (size_t size = 1; size <= 100 * LIMIT; size = 3 * size + 1) {
            const size_t before = mapping.size;
            assert_int_equal(temp_mapping_grow(&mapping, size), 0);
            assert_int_equal(mapping.in_file, with_path && size > LIMIT);
            uint8_t *bytes = mapping.bytes;
            for (size_t k = 0; k < size; k++)
                assert_int_equal(bytes[k], k < before ? k % 251 : 0);
            for (size_t k = before; k < size; k++)
                bytes[k] = (uint8_t)(k % 251);
        }
        const size_t size = mapping.size;
        assert_int_equal(temp_mapping_grow(&mapping, SIZE_MAX / 4 * 3), -1);
        assert_int_equal(mapping.size, size);
        assert_int_equal(((uint8_t *)mapping.bytes)[size - 1], (size - 1) % 251);
        temp_mapping_release(&mapping);
    }
}

static void dropped_pages_are_not_resident(void **state)
{
    (void)state;
    struct temp_mapping mapping = {0};
    static uint8_t out[LIMIT];
    assert_int_equal(temp_mapping_init(&mapping, SIZE, LIMIT, scratch_path("mapping")), 0);
    uint8_t *bytes = mapping.bytes;
    const long before = resident(), most = (long)SIZE / 1024;
    if (before == 0) { /* a system without /proc */
        temp_mapping_release(&mapping);
        return;
    }
    memset(bytes, 7, SIZE);
    assert_true(resident() - before > most / 2);
    temp_mapping_drop(&mapping, bytes, SIZE);
    assert_true(resident() - before < most / 8);
    for (size_t at = 0; at < SIZE; at += sizeof out) {
        temp_mapping_read(&mapping, bytes + at, sizeof out, out);
        assert_true(out[0] == 7 && out[sizeof out - 1] == 7);
    }
    assert_true(resident() - before < most / 8);
    temp_mapping_release(&mapping);
}

/* A limit on the size of files simulates a full disk. */
static void a_full_disk_is_an_error(void **state)
{
    (void)state;
    struct temp_mapping mapping = {0};
    struct rlimit limit;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    const struct rlimit small = {100000, limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const int large = temp_mapping_init(&mapping, 100001, LIMIT, scratch_path("mapping"));
    assert_null(mapping.bytes);
    const char *told = strstr(error_message(), "100001 bytes");
    const int fits = temp_mapping_init(&mapping, 100000, LIMIT, scratch_path("mapping"));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(large, -1);
    assert_non_null(told);
    assert_non_null(strstr(error_message(), scratch_path("mapping")));
    assert_int_equal(fits, 0);
    assert_true(mapping.in_file);
    temp_mapping_release(&mapping);
    assert_true(is_empty(scratch_directory));
    assert_int_equal(temp_mapping_init(&mapping, SIZE_MAX / 4 * 3, LIMIT, scratch_path("mapping")),
                     -1);
    assert_null(mapping.bytes);
}

static void a_missing_directory_is_an_error(void **state)
{
    (void)state;
    struct temp_mapping mapping = {0};
    assert_int_equal(temp_mapping_init(&mapping, SIZE, LIMIT, "/nowhere/at/all"), -1);
    assert_non_null(strstr(error_message(), "/nowhere/at/all: 33554432 bytes"));
    assert_null(mapping.bytes);
    assert_int_equal(file_open_unnamed("/nowhere/at/all", "cannot be written"), -1);
    assert_non_null(strstr(error_message(), "/nowhere/at/all: cannot be written"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_large_mappings_are_in_a_file),
        cmocka_unit_test(nothing_is_lost),
        cmocka_unit_test(it_grows),
        cmocka_unit_test(dropped_pages_are_not_resident),
        cmocka_unit_test(a_full_disk_is_an_error),
        cmocka_unit_test(a_missing_directory_is_an_error),
    };
    return cmocka_run_group_tests_name("mapping", tests, scratch_make, scratch_remove);
}
