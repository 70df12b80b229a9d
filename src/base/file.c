#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "mem.h"

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
    return strcmp(path, "-") == 0 ? "stdin" : path;
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

int file_create(struct file_out *out, const char *path)
{
    int fd = -1;
    *out = (struct file_out){0};
    size_t room = strlen(path) + sizeof ".XXXXXX";
    out->path = mem_copy(path, strlen(path));
    out->temporary = mem_new(room, 1);
    if (!out->path || !out->temporary)
        goto fail;
    snprintf(out->temporary, room, "%s.XXXXXX", path);
    fd = mkstemp(out->temporary);
    if (fd < 0) {
        error_set("%s: cannot be written: %s", path, strerror(errno));
        out->temporary[0] = '\0';
        goto fail;
    }
    mode_t mask = umask(0);
    umask(mask);
    if (fchmod(fd, 0666 & ~mask) != 0 || !(out->stream = fdopen(fd, "wb"))) {
        error_set("%s: cannot be written: %s", path, strerror(errno));
        close(fd);
        goto fail;
    }
    return 0;
fail:
    file_abandon(out);
    return -1;
}

/* A rename lasts only when its directory has reached the disk. */
static void sync_directory_of(const char *path)
{
    char *directory = mem_copy(path, strlen(path));
    if (!directory)
        return;
    char *slash = strrchr(directory, '/');
    if (slash)
        slash[slash == directory] = '\0';
    int fd = open(slash ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(directory);
}

int file_commit(struct file_out *out)
{
    int failed = ferror(out->stream) || fflush(out->stream) != 0 || fsync(fileno(out->stream)) != 0;
    int reason = errno;
    if (fclose(out->stream) != 0 && !failed) {
        failed = 1;
        reason = errno;
    }
    out->stream = NULL;
    if (!failed && rename(out->temporary, out->path) != 0) {
        failed = 1;
        reason = errno;
    }
    if (failed) {
        error_set("%s: cannot be written: %s; what stood there is unchanged", out->path,
                  strerror(reason));
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
    free(out->path);
    free(out->temporary);
    *out = (struct file_out){0};
}

int file_make_directory(const char *path)
{
    char *partial = mem_copy(path, strlen(path));
    if (!partial)
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
            result = error_set("%s: cannot be made a directory: %s", path,
                               errno == EEXIST ? "a file of that name is there" : strerror(errno));
        *end = kept;
        if (kept == '\0')
            break;
    }
    free(partial);
    return result;
}

char *file_join(const char *directory, const char *name)
{
    size_t room = strlen(directory) + strlen(name) + 2;
    char *path = mem_new(room, 1);
    if (path)
        snprintf(path, room, "%s/%s", directory, name);
    return path;
}
