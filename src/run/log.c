#include "log.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "error.h"
#include "mem.h"

static const char header[] =
    "step,epoch,seconds,train_loss,val_loss,learning_rate,grad_norm,chars_per_second\n";

/* Reads the next row. Returns 1, 0 at the end, or −1 if the line is not a row. */
static int read_row(FILE *stream, struct log_row *row)
{
    char line[512], *at = line, *end;
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

/* Goes behind the first `rows` rows of an open log and cuts it there. */
static int cut(struct log *log, const char *path, uint64_t rows, struct log_row *last)
{
    struct log_row row = {0};
    if (skip_header(log->stream) != 0)
        return error_set("%s: does not begin with the header of a log", path);
    for (; log->rows < rows; log->rows++)
        if (read_row(log->stream, &row) != 1)
            return error_set("%s: has only %llu of the %llu rows that the checkpoint counts", path,
                             (unsigned long long)log->rows, (unsigned long long)rows);
    if (last)
        *last = row;
    const long end = ftell(log->stream);
    if (end < 0 || ftruncate(fileno(log->stream), end) != 0 ||
        fseek(log->stream, end, SEEK_SET) != 0)
        return error_set("%s: cannot be cut: %s", path, strerror(errno));
    return 0;
}

int log_open(struct log *log, const char *path, uint64_t rows, struct log_row *last)
{
    *log = (struct log){.stream = fopen(path, rows > 0 ? "r+" : "a+")};
    if (!log->stream)
        return error_set("%s: cannot be written: %s", path, strerror(errno));
    int result = 0;
    if (flock(fileno(log->stream), LOCK_EX | LOCK_NB) != 0)
        result =
            error_set("%s: another process is training in this run; wait for it or stop it", path);
    else if (rows > 0)
        result = cut(log, path, rows, last);
    else if (ftruncate(fileno(log->stream), 0) != 0 || fputs(header, log->stream) < 0 ||
             fflush(log->stream) != 0)
        result = error_set("%s: cannot be written: %s", path, strerror(errno));
    if (result != 0)
        log_close(log);
    return result;
}

int log_append(struct log *log, const struct log_row *row)
{
    char val_loss[32] = "";
    if (!isnan(row->val_loss))
        snprintf(val_loss, sizeof val_loss, "%.6f", row->val_loss);
    fprintf(log->stream, "%llu,%.4f,%.3f,%.6f,%s,%.6g,%.6g,%.0f\n", (unsigned long long)row->step,
            row->epoch, row->seconds, row->train_loss, val_loss, row->learning_rate, row->grad_norm,
            row->chars_per_second);
    log->rows++;
    if (fflush(log->stream) != 0 || ferror(log->stream))
        return error_set("log.csv: cannot be written: %s", strerror(errno));
    return 0;
}

void log_close(struct log *log)
{
    if (log->stream)
        fclose(log->stream);
    *log = (struct log){0};
}

int log_read(const char *path, struct log_row **rows, size_t *count)
{
    size_t capacity = 0;
    struct log_row row;
    FILE *stream = fopen(path, "r");
    *rows = NULL;
    *count = 0;
    if (!stream)
        return error_set("%s: %s", path, strerror(errno));
    int status = skip_header(stream) == 0 ? 1 : -1;
    while (status == 1 && (status = read_row(stream, &row)) == 1) {
        if (mem_grow(rows, &capacity, *count + 1, sizeof **rows) != 0)
            break;
        (*rows)[(*count)++] = row;
    }
    fclose(stream);
    if (status == 0)
        return 0;
    free(*rows);
    *rows = NULL;
    return status < 0 ? error_set("%s: row %zu is damaged", path, *count + 1) : -1;
}
