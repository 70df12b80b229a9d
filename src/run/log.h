/* log.csv: the losses and speed of a run while it trains. */
#ifndef RUNE_LOG_H
#define RUNE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log_row {
    uint64_t step;
    double epoch, seconds;
    double train_loss, val_loss; /* nats per character; val_loss is NAN without a validation */
    double learning_rate, grad_norm, chars_per_second;
};

/* Size of the buffer of rows that could not be written. */
#define LOG_WAITING 8192

struct log {
    bool is_open;
    int file;
    uint64_t rows;
    long end;                  /* length of the header and the rows */
    char waiting[LOG_WAITING]; /* rows that could not be written yet */
    uint64_t rows_waiting;
};

/* Opens or creates a log, and truncates it to its first `rows` rows (0: a new log). If it has fewer
 * valid rows, those are kept, and log->rows tells how many: a damaged log is not an error. *last,
 * if not NULL, is the last row, and unchanged if there is none. Symbolic links are refused. Returns
 * 0, or −1 and a message. */
int log_open(struct log *log, const char *path, uint64_t rows, struct log_row *last);

/* Appends a row. Returns 0, or −1 and a message with the file unchanged. The row is then kept, if
 * the buffer has space for it, and written with the next one. */
int log_append(struct log *log, const struct log_row *row);

/* Writes the waiting rows and syncs the file. Returns 0, or −1 and a message. */
int log_sync(struct log *log);

/* Safe on a zeroed log. */
void log_close(struct log *log);

/* How far a growing log has been read. Zeroed: not at all. */
struct log_position {
    uint64_t rows;
    long last;     /* offset of the last of them, */
    uint64_t step; /* and its step and time, by which it is recognised */
    double seconds;
};

/* Result of log_follow if a row, or the header, is not one: a write may have been cut off. */
#define LOG_DAMAGED (-2)

/* Passes the rows after a position to `take` and advances the position, so that a growing log is
 * read only once. If the position is zeroed, or the log was truncated before it, take(context,
 * NULL) is called first: earlier rows are void and all rows follow. Returns 0, or LOG_DAMAGED or
 * −1, with a message, and the position after the last valid row. */
int log_follow(const char *path, struct log_position *position,
               void (*take)(void *context, const struct log_row *row), void *context);

#endif
