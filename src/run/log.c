#include "log.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"

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

/* Reads the first `rows` rows, as far as they are there and sound. Returns where they end; 0 where
 * not even the header is there. */
static long read_rows(struct log *log, uint64_t rows, struct log_row *last)
{
    struct log_row row;
    rewind(log->stream);
    if (skip_header(log->stream) != 0)
        return 0;
    long end = ftell(log->stream);
    for (; log->rows < rows && read_row(log->stream, &row) == 1; log->rows++) {
        end = ftell(log->stream);
        if (last)
            *last = row;
    }
    return end;
}

int log_open(struct log *log, const char *path, uint64_t rows, struct log_row *last)
{
    *log = (struct log){.stream = fopen(path, "a+")};
    if (!log->stream)
        return error_set("%s: cannot be written: %s", path, strerror(errno));
    const long end = rows > 0 ? read_rows(log, rows, last) : 0;
    /* What follows is appended, so that it is enough to cut the file. */
    if (end < 0 || fflush(log->stream) != 0 || ftruncate(fileno(log->stream), end) != 0 ||
        fseek(log->stream, 0, SEEK_END) != 0 || (end == 0 && fputs(header, log->stream) < 0) ||
        fflush(log->stream) != 0) {
        error_set("%s: cannot be written: %s", path, strerror(errno));
        log_close(log);
        return -1;
    }
    return 0;
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

int log_sync(struct log *log)
{
    if (fflush(log->stream) != 0 || (fdatasync(fileno(log->stream)) != 0 && errno != EINVAL))
        return error_set("log.csv: cannot be written: %s", strerror(errno));
    return 0;
}

void log_close(struct log *log)
{
    if (log->stream)
        fclose(log->stream);
    *log = (struct log){0};
}

/* Whether the row that was read last still stands where it stood. */
static bool is_at(FILE *stream, const struct log_place *place)
{
    struct log_row row;
    return place->rows > 0 && fseek(stream, place->last, SEEK_SET) == 0 &&
           read_row(stream, &row) == 1 && row.step == place->step && row.seconds == place->seconds;
}

int log_follow(const char *path, struct log_place *place,
               void (*take)(void *context, const struct log_row *row), void *context)
{
    struct log_row row;
    int status = 1;
    FILE *stream = fopen(path, "r");
    if (!stream)
        return error_set("%s: %s", path, strerror(errno));
    if (!is_at(stream, place)) {
        *place = (struct log_place){0};
        take(context, NULL);
        rewind(stream);
        status = skip_header(stream) == 0 ? 1 : -1;
    }
    long start = ftell(stream);
    while (status == 1 && (status = read_row(stream, &row)) == 1) {
        take(context, &row);
        *place = (struct log_place){place->rows + 1, start, row.step, row.seconds};
        start = ftell(stream);
    }
    if (status == 0 && ferror(stream))
        error_set("%s: %s", path, strerror(errno)), status = -1;
    else if (status < 0)
        error_set("%s: row %llu is damaged", path, (unsigned long long)place->rows + 1);
    fclose(stream);
    return status;
}
