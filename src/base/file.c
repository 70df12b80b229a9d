#include "file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "mem.h"
#include "rng.h"

FILE *file_open(const char *path)
{
    struct stat status;
    int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    FILE *file = NULL;
    if (fd < 0 || fstat(fd, &status) != 0)
        error_set("%s: %s", file_name(path), strerror(errno));
    else if (S_ISDIR(status.st_mode))
        error_set("%s: is a directory, where a file is needed", file_name(path));
    else if (!(file = fdopen(fd, "rb")))
        error_set("%s: %s", file_name(path), strerror(errno));
    if (!file && fd >= 0)
        close(fd);
    return file;
}

const char *file_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

int file_read(const char *path, uint8_t **data, size_t *length)
{
    uint8_t *bytes = NULL;
    size_t used = 0, capacity = 0, got;
    FILE *file = file_open(path);
    if (!file)
        return -1;
    do {
        if (mem_grow(&bytes, &capacity, used + (1 << 16) + 1, 1) != 0)
            goto fail;
        got = fread(bytes + used, 1, capacity - used - 1, file);
        used += got;
    } while (got > 0);
    if (ferror(file)) {
        error_set("%s: %s", file_name(path), strerror(errno));
        goto fail;
    }
    fclose(file);
    bytes[used] = '\0';
    *data = bytes;
    *length = used;
    return 0;
fail:
    fclose(file);
    free(bytes);
    return -1;
}

/* --- uncommitted files ------------------------------------------------------------------------ */

#define MAX_UNCOMMITTED 8 /* more than are ever written at once */

static const char *volatile uncommitted[MAX_UNCOMMITTED]; /* their temporary names */

static void replace_uncommitted(const char *from, const char *to)
{
    for (int k = 0; k < MAX_UNCOMMITTED; k++)
        if (uncommitted[k] == from) {
            uncommitted[k] = to;
            return;
        }
}

static void remove_uncommitted(int signal_number)
{
    for (int k = 0; k < MAX_UNCOMMITTED; k++)
        if (uncommitted[k])
            unlink(uncommitted[k]);
    raise(signal_number); /* SA_RESETHAND restored the default action, which ends the program */
}

void file_clean_on_signals(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    for (size_t k = 0; k < sizeof signals / sizeof *signals; k++) {
        struct sigaction action;
        sigaction(signals[k], NULL, &action);
        if (action.sa_handler != SIG_DFL)
            continue;
        action =
            (struct sigaction){.sa_handler = remove_uncommitted, .sa_flags = (int)SA_RESETHAND};
        sigaction(signals[k], &action, NULL);
    }
}

void file_disown(void)
{
    for (int k = 0; k < MAX_UNCOMMITTED; k++)
        uncommitted[k] = NULL;
}

/* --- names of temporary files ----------------------------------------------------------------- */

/* "NAME.rune-tmp-PID-RANDOM", with RANDOM in hexadecimal digits. The process that writes the file
 * holds a lock on it as long as the file has this name. */
#define MARK ".rune-tmp-"
#define RANDOM_DIGITS 16
#define ATTEMPTS 16

static bool is_temporary_name(const char *name)
{
    const char *mark = strstr(name, MARK);
    if (!mark || mark == name)
        return false;
    const char *pid = mark + strlen(MARK), *dash = pid + strspn(pid, "0123456789");
    return dash > pid && *dash == '-' && strlen(dash + 1) == RANDOM_DIGITS &&
           strspn(dash + 1, "0123456789abcdef") == RANDOM_DIGITS;
}

/* Locks a new file. Returns false if another process's sweep removed it before it was locked. */
static bool lock_new(int fd)
{
    struct stat status;
    flock(fd, LOCK_EX); /* on a file system without locks, sweeps remove nothing */
    return fstat(fd, &status) != 0 || status.st_nlink > 0;
}

/* Makes a new file in the directory of `path`. Returns its descriptor, and its name, which the
 * caller frees; or −1 and errno. */
static int create_temporary(const char *path, char **name)
{
    const size_t size = strlen(path) + sizeof MARK + 24 + RANDOM_DIGITS;
    *name = mem_new(size, 1);
    errno = ENOMEM;
    for (int k = 0; *name && k < ATTEMPTS; k++) {
        snprintf(*name, size, "%s" MARK "%ld-%08llx%08llx", path, (long)getpid(),
                 (unsigned long long)rng_entropy(), (unsigned long long)rng_entropy());
        const int fd = open(*name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 && lock_new(fd))
            return fd;
        if (fd >= 0)
            close(fd);
        else if (errno != EEXIST)
            break;
    }
    const int reason = errno;
    free(*name);
    *name = NULL;
    errno = reason;
    return -1;
}

int file_open_unnamed(const char *path, const char *what)
{
    char *name;
    const int fd = create_temporary(path, &name);
    if (fd < 0)
        return file_write_error(path, what, errno);
    unlink(name);
    free(name);
    return fd;
}

/* Removes a file of the directory unless a process is writing it. */
static void sweep_file(int directory, const char *name)
{
    struct stat status;
    const int fd = openat(directory, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && flock(fd, LOCK_EX | LOCK_NB) == 0)
        unlinkat(directory, name, 0);
    close(fd);
}

void file_sweep(const char *directory)
{
    DIR *stream = opendir(directory);
    for (struct dirent *entry; stream && (entry = readdir(stream));)
        if (is_temporary_name(entry->d_name))
            sweep_file(dirfd(stream), entry->d_name);
    if (stream)
        closedir(stream);
}

/* --- writing ---------------------------------------------------------------------------------- */

int file_create(struct file_out *out, const char *path)
{
    *out = (struct file_out){.path = mem_copy(path, strlen(path))};
    if (!out->path)
        return -1;
    const int fd = create_temporary(path, &out->temporary);
    if (fd < 0) {
        file_write_error(path, "cannot be written", errno);
    } else {
        replace_uncommitted(NULL, out->temporary);
        if ((out->stream = fdopen(fd, "wb")) != NULL)
            return 0;
        file_write_error(path, "cannot be written", errno);
        close(fd);
    }
    const int reason = errno;
    file_abandon(out);
    errno = reason;
    return -1;
}

int file_write_error(const char *path, const char *what, int number)
{
    const char *advice = "";
    if (number == ENOSPC || number == EDQUOT)
        advice = ": free some space";
    else if (number == EACCES || number == EPERM || number == EROFS)
        advice = ": choose a place that you may write to";
    else if (number == ENOENT)
        advice = ": make its directory first";
    return error_set("%s: %s: %s%s", path, what, strerror(number), advice);
}

/* The directory that contains a path; the caller frees it. */
static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? mem_copy(path, slash > path ? (size_t)(slash - path) : 1) : mem_copy(".", 1);
}

/* A rename is durable only once its directory has been synced. */
static void sync_directory_of(const char *path)
{
    char *directory = directory_of(path);
    if (!directory)
        return;
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(directory);
}

int file_commit(struct file_out *out)
{
    /* The file is renamed while it is open, so that its lock keeps sweeps away. */
    if (ferror(out->stream) || fflush(out->stream) != 0 || fsync(fileno(out->stream)) != 0 ||
        rename(out->temporary, out->path) != 0) {
        file_write_error(out->path, "cannot be written", errno);
        if (access(out->path, F_OK) == 0)
            error_set("%s; the old file is unchanged", error_message());
        file_abandon(out);
        return -1;
    }
    sync_directory_of(out->path);
    out->temporary[0] = '\0';
    file_abandon(out);
    return 0;
}

void file_abandon(struct file_out *out)
{
    if (out->stream)
        fclose(out->stream);
    if (out->temporary && out->temporary[0])
        unlink(out->temporary);
    if (out->temporary)
        replace_uncommitted(out->temporary, NULL);
    free(out->path);
    free(out->temporary);
    *out = (struct file_out){0};
}

/* The message where a copy of stdin cannot be written. */
static int refuse_stdin(const char *path, int number)
{
    char what[300];
    char *directory = directory_of(path);
    snprintf(what, sizeof what, "cannot be kept in %s", directory ? directory : "a file");
    free(directory);
    return file_write_error(file_name("-"), what, number);
}

int file_copy_stdin(struct file_out *out, const char *path)
{
    char block[1 << 14];
    size_t got;
    char *directory = directory_of(path);
    FILE *from = directory ? file_open("-") : NULL;
    if (directory)
        file_sweep(directory); /* removes copies that killed processes left */
    free(directory);
    if (!from)
        return -1;
    if (file_create(out, path) != 0) {
        refuse_stdin(path, errno);
        fclose(from);
        return -1;
    }
    while ((got = fread(block, 1, sizeof block, from)) > 0 &&
           fwrite(block, 1, got, out->stream) == got)
        ;
    int result = 0;
    if (ferror(from))
        result = error_set("%s: cannot be read: %s", file_name("-"), strerror(errno));
    else if (ferror(out->stream) || fflush(out->stream) != 0)
        result = refuse_stdin(path, errno);
    fclose(from);
    if (result != 0)
        file_abandon(out);
    return result;
}

char *file_pattern(const char *path, size_t extra)
{
    char *pattern = mem_new(2 * strlen(path) + 1 + extra, 1), *to = pattern;
    for (const char *at = path; pattern && *at; *to++ = *at++)
        if (strchr("*?[]\\", *at))
            *to++ = '\\';
    return pattern;
}

int file_make_directory(const char *path)
{
    char *partial;
    if (path[0] == '\0')
        return error_set("a directory's name is empty: name one, or . for this one");
    if (!(partial = mem_copy(path, strlen(path))))
        return -1;
    int result = 0;
    for (char *end = partial + 1; result == 0; end++) {
        char kept = *end;
        if (kept != '/' && kept != '\0')
            continue;
        *end = '\0';
        struct stat status;
        if (mkdir(partial, 0777) != 0 &&
            (errno != EEXIST || stat(partial, &status) != 0 || !S_ISDIR(status.st_mode)))
            result =
                errno == EEXIST
                    ? error_set("%s: the directory cannot be made: there is a file of that name",
                                path)
                    : file_write_error(path, "the directory cannot be made", errno);
        *end = kept;
        if (kept == '\0')
            break;
    }
    free(partial);
    return result;
}

/* The length of the path without its last name, and without slashes at the end. */
static size_t parent_length(const char *path, size_t length)
{
    while (length > 0 && path[length - 1] == '/')
        length--;
    while (length > 0 && path[length - 1] != '/')
        length--;
    return length;
}

size_t file_existing_part(const char *path)
{
    char *partial = mem_copy(path, strlen(path));
    size_t length = strlen(path);
    while (partial && length > 0 && access(partial, F_OK) != 0) {
        length = parent_length(partial, length);
        partial[length] = '\0';
    }
    free(partial);
    return length;
}

void file_unmake_directory(const char *path, size_t kept)
{
    char *partial = mem_copy(path, strlen(path));
    for (size_t length = partial ? strlen(path) : 0;
         length > kept && (rmdir(partial) == 0 || errno == ENOENT);) {
        length = parent_length(partial, length);
        partial[length] = '\0';
    }
    free(partial);
}

char *file_join(const char *directory, const char *name)
{
    size_t size = strlen(directory) + strlen(name) + 2;
    char *path = mem_new(size, 1);
    if (path)
        snprintf(path, size, "%s/%s", directory, name);
    return path;
}

char *file_temporary(const char *name)
{
    const char *directory = getenv("TMPDIR");
    return file_join(directory && *directory ? directory : "/tmp", name);
}
