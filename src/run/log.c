#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "file.h"

static const char header[] =
    "step,epoch,seconds,train_loss,val_loss,learning_rate,grad_norm,chars_per_second\n";

#define ROW_BYTES 512 /* more than the longest row */

/* Reads the next row. Returns 1, 0 at the end, or −1 if the line is not a row. */
static int read_row(FILE *stream, struct log_row *row)
{
    char line[ROW_BYTES], *at = line, *end;
    double numbers[8];
    if (!fgets(line, sizeof line, stream))
        return 0;
    for (int k = 0; k < 8; k++, at = end + 1) {
        numbers[k] = strtod(at, &end);
        if (end == at)
            numbers[k] = NAN;
        if (*end != (k < 7 ? ',' : '\n'))
            return -1;
    }
    if (!(numbers[0] >= 0 && numbers[0] < 0x1p63))
        return -1;
    *row = (struct log_row){(uint64_t)numbers[0], numbers[1], numbers[2], numbers[3],
                            numbers[4],           numbers[5], numbers[6], numbers[7]};
    return 1;
}

static int skip_header(FILE *stream)
{
    char line[sizeof header + 1];
    return fgets(line, sizeof line, stream) && strcmp(line, header) == 0 ? 0 : -1;
}

/* Reads up to `rows` valid rows. Returns the offset of their end, 0 if there is no header, or −1
 * and errno if the file cannot be read. */
static long read_rows(struct log *log, uint64_t rows, struct log_row *last)
{
    struct log_row row;
    const int copy = dup(log->file);
    FILE *stream = copy >= 0 ? fdopen(copy, "r") : NULL;
    if (!stream) {
        if (copy >= 0)
            close(copy);
        return -1;
    }
    long end = skip_header(stream) == 0 ? ftell(stream) : 0;
    for (; end > 0 && log->rows < rows && read_row(stream, &row) == 1; log->rows++) {
        end = ftell(stream);
        if (last)
            *last = row;
    }
    const int reason = errno;
    const bool failed = ferror(stream) != 0; /* otherwise it is the end of the file */
    fclose(stream);
    errno = reason;
    return failed ? -1 : end;
}

/* Opens or creates a file for appending. Links are not followed: in a run from somebody else, they
 * might point to a file of the user. */
static int open_file(const char *path)
{
    struct stat status;
    const int flags = O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    const int file = open(path, flags, 0666);
    if (file < 0 && errno == ELOOP)
        return error_set("%s: is a symbolic link, which a run does not follow: remove it", path);
    if (file < 0)
        return file_write_error(path, "cannot be written", errno);
    if (fstat(file, &status) == 0 && S_ISREG(status.st_mode))
        return file;
    close(file);
    return error_set("%s: is not a regular file: remove it", path);
}

/* Appends a text or nothing: after a partial write the file is truncated again. */
static int append(struct log *log, const char *text)
{
    const size_t length = strlen(text);
    if (ftruncate(log->file, log->end) != 0) /* the rest of an earlier failure */
        return file_write_error("log.csv", "cannot be written", errno);
    const ssize_t written = write(log->file, text, length);
    if (written == (ssize_t)length) {
        log->end += (long)length;
        return 0;
    }
    const int reason = written < 0 ? errno : ENOSPC;
    if (written > 0 && ftruncate(log->file, log->end) != 0)
        errno = reason; /* the next call truncates it */
    return file_write_error("log.csv", "cannot be written", reason);
}

int log_open(struct log *log, const char *path, uint64_t rows, struct log_row *last)
{
    *log = (struct log){.file = open_file(path)};
    if (log->file < 0)
        return -1;
    log->is_open = true;
    log->end = rows > 0 ? read_rows(log, rows, last) : 0;
    int result = 0;
    if (log->end < 0)
        result = error_set("%s: cannot be read: %s", path, strerror(errno));
    else if (ftruncate(log->file, log->end) != 0)
        result = file_write_error(path, "cannot be written", errno);
    else if (log->end == 0)
        result = append(log, header);
    if (result != 0)
        log_close(log);
    return result;
}

static int write_waiting(struct log *log)
{
    if (log->waiting[0] && append(log, log->waiting) != 0)
        return -1;
    log->rows += log->rows_waiting;
    log->rows_waiting = 0;
    log->waiting[0] = '\0';
    return 0;
}

int log_append(struct log *log, const struct log_row *row)
{
    char val_loss[32] = "", text[ROW_BYTES];
    if (!isnan(row->val_loss))
        snprintf(val_loss, sizeof val_loss, "%.6f", row->val_loss);
    snprintf(text, sizeof text, "%llu,%.4f,%.3f,%.6f,%s,%.6g,%.6g,%.0f\n",
             (unsigned long long)row->step, row->epoch, row->seconds, row->train_loss, val_loss,
             row->learning_rate, row->grad_norm, row->chars_per_second);
    if (strlen(log->waiting) + strlen(text) < sizeof log->waiting) {
        strcat(log->waiting, text);
        log->rows_waiting++;
    }
    return write_waiting(log);
}

int log_sync(struct log *log)
{
    if (write_waiting(log) != 0)
        return -1;
    if (fdatasync(log->file) != 0 && errno != EINVAL)
        return file_write_error("log.csv", "cannot be written", errno);
    return 0;
}

void log_close(struct log *log)
{
    if (log->is_open)
        close(log->file);
    *log = (struct log){0};
}

/* Whether the last row that was read is still in the file at its offset. */
static bool is_at(FILE *stream, const struct log_position *position)
{
    struct log_row row;
    return position->rows > 0 && fseek(stream, position->last, SEEK_SET) == 0 &&
           read_row(stream, &row) == 1 && row.step == position->step &&
           row.seconds == position->seconds;
}

int log_follow(const char *path, struct log_position *position,
               void (*take)(void *context, const struct log_row *row), void *context)
{
    struct log_row row;
    int status = 1;
    FILE *stream = fopen(path, "r");
    if (!stream)
        return error_set("%s: %s", path, strerror(errno));
    if (!is_at(stream, position)) {
        *position = (struct log_position){0};
        take(context, NULL);
        rewind(stream);
        status = skip_header(stream) == 0 ? 1 : -1;
    }
    long start = ftell(stream);
    while (status == 1 && (status = read_row(stream, &row)) == 1) {
        take(context, &row);
        *position = (struct log_position){position->rows + 1, start, row.step, row.seconds};
        start = ftell(stream);
    }
    if (ferror(stream))
        status = error_set("%s: %s", path, strerror(errno));
    else if (status < 0)
        status =
            (error_set("%s: row %llu is damaged", path, (unsigned long long)position->rows + 1),
             LOG_DAMAGED);
    fclose(stream);
    return status;
}
