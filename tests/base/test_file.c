#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "error.h"
#include "file.h"
#include "random.h"
#include "scratch.h"

#define NOBODY 65534

static int files_in(const char *directory)
{
    int count = 0;
    DIR *open = opendir(directory);
    assert_non_null(open);
    for (struct dirent *entry; (entry = readdir(open)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(open);
    return count;
}

/* A new directory with "old" in the file `target`. */
static const char *new_target(const char *directory)
{
    char name[64];
    snprintf(name, sizeof name, "%s/target", directory);
    assert_int_equal(mkdir(scratch_path(directory), 0777), 0);
    scratch_write(scratch_path(name), "old", 3);
    return scratch_path(name);
}

static void reads_every_length(void **state)
{
    (void)state;
    const size_t lengths[] = {0, 1, 65535, 65536, 65537, 131072, 400001};
    uint8_t *written = malloc(400001), *read;
    struct random random = {1, 0};
    for (size_t k = 0; k < 400001; k++)
        written[k] = (uint8_t)random_below(&random, 256);
    for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
        size_t length;
        scratch_write(scratch_path("any"), written, lengths[k]);
        assert_int_equal(file_read(scratch_path("any"), &read, &length), 0);
        assert_int_equal(length, lengths[k]);
        assert_memory_equal(read, written, length);
        assert_int_equal(read[length], 0);
        free(read);
    }
    free(written);
}

static void refuses_what_is_no_file(void **state)
{
    (void)state;
    uint8_t *data;
    size_t length;
    assert_null(file_open(scratch_directory));
    assert_non_null(strstr(error_message(), scratch_directory));
    assert_non_null(strstr(error_message(), "directory"));
    assert_int_equal(file_read(scratch_directory, &data, &length), -1);
    assert_int_equal(file_read(scratch_path("missing"), &data, &length), -1);
    assert_non_null(strstr(error_message(), "missing"));
    assert_string_equal(file_name("-"), "standard input");
    assert_string_equal(file_name("a-"), "a-");
}

/* Makes stdin a pipe that contains a text. Returns the old stdin. */
static int pipe_to_stdin(const char *text)
{
    int ends[2];
    const int kept = dup(STDIN_FILENO);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, strlen(text)), strlen(text));
    close(ends[1]);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    return kept;
}

static void give_stdin_back(int kept)
{
    dup2(kept, STDIN_FILENO);
    close(kept);
}

static void dash_is_stdin(void **state)
{
    (void)state;
    uint8_t *data;
    size_t length;
    const int kept = pipe_to_stdin("from a pipe");
    assert_int_equal(file_read("-", &data, &length), 0);
    assert_int_equal(length, 11);
    assert_memory_equal(data, "from a pipe", 12);
    free(data);
    assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0); /* stdin itself stays open */
    close(STDIN_FILENO);
    assert_int_equal(file_read("-", &data, &length), -1);
    assert_non_null(strstr(error_message(), "standard input"));
    give_stdin_back(kept);
}

static void stdin_is_kept_in_a_file(void **state)
{
    (void)state;
    struct file_out out;
    const char *path = new_target("kept");
    int kept = pipe_to_stdin("from a pipe");
    assert_int_equal(file_copy_stdin(&out, path), 0);
    assert_true(scratch_holds(out.temporary, "from a pipe", 11)); /* before the commit */
    assert_true(scratch_holds(path, "old", 3));
    assert_int_equal(file_commit(&out), 0);
    assert_true(scratch_holds(path, "from a pipe", 11));
    const int folder = open(scratch_directory, O_RDONLY); /* it can be opened, but not read */
    dup2(folder, STDIN_FILENO);
    close(folder);
    assert_int_equal(file_copy_stdin(&out, path), -1);
    assert_non_null(strstr(error_message(), "standard input"));
    const int writing = open(scratch_path("kept/other"), O_WRONLY | O_CREAT, 0666);
    dup2(writing, STDIN_FILENO);
    close(writing);
    assert_int_equal(file_copy_stdin(&out, path), -1);
    assert_non_null(strstr(error_message(), "standard input"));
    give_stdin_back(kept);
    kept = pipe_to_stdin("again");
    assert_int_equal(file_copy_stdin(&out, scratch_path("no such/place")), -1);
    give_stdin_back(kept);
    assert_int_equal(files_in(scratch_path("kept")), 2);
}

/* Simulates a killed process: leaves a temporary file that no process has locked. */
static void leave(const char *path)
{
    const pid_t child = fork();
    if (child == 0) {
        struct file_out out;
        _exit(file_create(&out, path) == 0 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void leftovers_are_swept(void **state)
{
    (void)state;
    struct file_out out;
    static const char *const names[] = {
        "last.backup", /* files of the user */
        "last.epoch1",
        "last.rune-tmp",
        "last.rune-tmp-backup",
        "last.rune-tmp-1-0123456789abcde",
        "last.rune-tmp-1-0123456789abcdefg",
        "last.rune-tmp-1-0123456789abcdeX",
        "last.rune-tmp--0123456789abcdef",
        ".rune-tmp-1-0123456789abcdef",
    };
    enum { NAMES = sizeof names / sizeof *names };
    assert_int_equal(mkdir(scratch_path("left"), 0777), 0);
    for (size_t k = 0; k < NAMES; k++) {
        char path[64];
        snprintf(path, sizeof path, "left/%s", names[k]);
        scratch_write(scratch_path(path), "", 0);
    }
    leave(scratch_path("left/last"));
    leave(scratch_path("left/odd[*]?"));
    assert_int_equal(symlink(names[0], scratch_path("left/last.rune-tmp-1-0123456789abcdef")), 0);
    assert_int_equal(mkdir(scratch_path("left/last.rune-tmp-2-0123456789abcdef"), 0777), 0);
    assert_int_equal(file_create(&out, scratch_path("left/last")), 0);
    assert_int_equal(files_in(scratch_path("left")), NAMES + 5);
    file_sweep(scratch_path("left"));
    assert_int_equal(files_in(scratch_path("left")), NAMES + 3);
    fputs("whole", out.stream);
    assert_int_equal(file_commit(&out), 0); /* the sweep left the uncommitted file */
    assert_true(scratch_holds(scratch_path("left/last"), "whole", 5));
    file_sweep(scratch_path("nowhere/at all"));
}

static void a_commit_replaces_at_once(void **state)
{
    (void)state;
    struct file_out out;
    struct stat status;
    const char *path = new_target("commit");
    const mode_t mask = umask(027);
    assert_int_equal(file_create(&out, path), 0);
    fputs("new and longer", out.stream);
    fflush(out.stream);
    assert_true(scratch_holds(path, "old", 3)); /* until the commit */
    assert_int_equal(file_commit(&out), 0);
    umask(mask);
    assert_true(scratch_holds(path, "new and longer", 14));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640); /* by the umask, unlike mkstemp */
    assert_int_equal(files_in(scratch_path("commit")), 1);
    file_abandon(&out); /* safe after a commit */
    assert_true(scratch_holds(path, "new and longer", 14));
}

static void a_signal_leaves_no_file_under_way(void **state)
{
    (void)state;
    const char *path = new_target("signal");
    const pid_t child = fork();
    if (child == 0) {
        struct file_out out;
        file_clean_on_signals();
        if (file_create(&out, path) == 0 && files_in(scratch_path("signal")) == 2)
            raise(SIGTERM);
        _exit(1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    assert_int_equal(files_in(scratch_path("signal")), 1);
    assert_true(scratch_holds(path, "old", 3));
}

static void an_abandoned_file_leaves_the_old_one(void **state)
{
    (void)state;
    struct file_out out;
    const char *path = new_target("abandon");
    assert_int_equal(file_create(&out, path), 0);
    fputs("half", out.stream);
    file_abandon(&out);
    file_abandon(&out);
    assert_true(scratch_holds(path, "old", 3));
    assert_int_equal(files_in(scratch_path("abandon")), 1);
}

/* A limit on the size of files simulates a full disk: write() fails beyond it. */
static void a_full_disk_leaves_the_old_file(void **state)
{
    (void)state;
    struct file_out out;
    struct rlimit limit, small;
    const char *path = new_target("full");
    static const char block[1 << 14];
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    small = (struct rlimit){100000, limit.rlim_max};
    for (int blocks = 6; blocks <= 20; blocks += 7) { /* 98,304 bytes fit; those of 13 do not */
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        const int created = file_create(&out, path);
        for (int k = 0; k < blocks; k++)
            fwrite(block, 1, sizeof block, out.stream);
        const int committed = file_commit(&out);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        assert_int_equal(created, 0);
        assert_int_equal(committed, blocks == 6 ? 0 : -1);
        if (blocks == 6)
            scratch_write(path, "old", 3);
        else
            assert_non_null(strstr(error_message(), path));
        assert_true(scratch_holds(path, "old", 3));
        assert_int_equal(files_in(scratch_path("full")), 1);
    }
    signal(SIGXFSZ, SIG_DFL);
}

static void a_closed_directory_is_an_error(void **state)
{
    (void)state;
    struct file_out out;
    const char *path = new_target("closed"), *directory = scratch_path("closed");
    assert_int_equal(chmod(directory, 0555), 0);
    const bool root = geteuid() == 0;
    if (root)
        assert_int_equal(chmod(scratch_directory, 0755) || seteuid(NOBODY), 0);
    const int created = file_create(&out, path);
    const int made = file_make_directory(scratch_path("closed/inside"));
    if (root)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(created, -1);
    assert_int_equal(made, -1);
    assert_non_null(strstr(error_message(), "inside"));
    assert_non_null(strstr(error_message(), "choose a place that you may write to"));
    assert_true(scratch_holds(path, "old", 3));
    assert_int_equal(chmod(directory, 0755), 0);
    assert_int_equal(files_in(directory), 1);
    assert_int_equal(file_create(&out, scratch_path("nowhere/file")), -1);
    assert_non_null(strstr(error_message(), "nowhere/file"));
}

static void a_directory_is_no_place_for_a_file(void **state)
{
    (void)state;
    struct file_out out;
    new_target("taken");
    assert_int_equal(file_create(&out, scratch_path("taken")), 0);
    assert_int_equal(file_commit(&out), -1); /* a rename over a directory */
    assert_non_null(strstr(error_message(), "taken"));
    assert_true(scratch_holds(scratch_path("taken/target"), "old", 3));
    file_abandon(&out);
}

static void a_full_device_says_what_to_do(void **state)
{
    (void)state;
    struct file_out out = {0};
    FILE *full = fopen("/dev/full", "wb");
    if (!full) /* a system without it */
        return;
    assert_int_equal(file_create(&out, scratch_path("on a full disk")), 0);
    fclose(out.stream);
    out.stream = full;
    fputs("text", out.stream);
    assert_int_equal(file_commit(&out), -1);
    assert_non_null(strstr(error_message(), "free some space"));
    assert_int_equal(access(scratch_path("on a full disk"), F_OK), -1);
}

static void directories_are_made_with_their_parents(void **state)
{
    (void)state;
    struct stat status;
    const char *path = scratch_path("a/b//c/");
    for (int k = 0; k < 2; k++) { /* the second time it exists */
        assert_int_equal(file_make_directory(path), 0);
        assert_int_equal(stat(scratch_path("a/b/c"), &status), 0);
        assert_true(S_ISDIR(status.st_mode));
    }
    scratch_write(scratch_path("a/file"), "", 0);
    assert_int_equal(file_make_directory(scratch_path("a/file")), -1);
    assert_non_null(strstr(error_message(), "a file of that name"));
    assert_int_equal(file_make_directory(scratch_path("a/file/d")), -1);
    assert_int_equal(file_make_directory(""), -1);
    assert_non_null(strstr(error_message(), "empty"));
    char *joined = file_join("x/y", "z");
    assert_string_equal(joined, "x/y/z");
    free(joined);
}

/* Only what was made is removed again, and only as far as it is empty. */
static void made_directories_can_be_removed(void **state)
{
    (void)state;
    assert_int_equal(file_make_directory(scratch_path("there")), 0);
    for (int k = 0; k < 2; k++) { /* with and without a slash at the end */
        char *path = file_join(scratch_path("there"), k ? "made//twice/" : "made//twice");
        const size_t kept = file_existing_part(path);
        assert_int_equal(kept, strlen(scratch_path("there/")));
        assert_int_equal(file_make_directory(path), 0);
        assert_int_equal(file_existing_part(path), strlen(path));
        scratch_write(scratch_path("there/made/file"), "", 0);
        file_unmake_directory(path, kept);
        assert_int_equal(access(scratch_path("there/made/twice"), F_OK), -1);
        assert_int_equal(access(scratch_path("there/made"), F_OK), 0);
        assert_int_equal(unlink(scratch_path("there/made/file")), 0);
        assert_int_equal(file_make_directory(path), 0);
        file_unmake_directory(path, kept);
        assert_int_equal(access(scratch_path("there/made"), F_OK), -1);
        assert_int_equal(access(scratch_path("there"), F_OK), 0);
        free(path);
    }
    const char *const there = scratch_path("there");
    file_unmake_directory(there, strlen(there));
    assert_int_equal(access(there, F_OK), 0);
    assert_int_equal(file_existing_part("no such/directory"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_length),
        cmocka_unit_test(refuses_what_is_no_file),
        cmocka_unit_test(dash_is_stdin),
        cmocka_unit_test(stdin_is_kept_in_a_file),
        cmocka_unit_test(leftovers_are_swept),
        cmocka_unit_test(a_full_device_says_what_to_do),
        cmocka_unit_test(a_commit_replaces_at_once),
        cmocka_unit_test(a_signal_leaves_no_file_under_way),
        cmocka_unit_test(an_abandoned_file_leaves_the_old_one),
        cmocka_unit_test(a_full_disk_leaves_the_old_file),
        cmocka_unit_test(a_closed_directory_is_an_error),
        cmocka_unit_test(a_directory_is_no_place_for_a_file),
        cmocka_unit_test(directories_are_made_with_their_parents),
        cmocka_unit_test(made_directories_can_be_removed),
    };
    return cmocka_run_group_tests_name("file", tests, scratch_make, scratch_remove);
}
