/* log.csv: one row now and then while a run trains. */
#ifndef RUNE_LOG_H
#define RUNE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log_row {
    uint64_t step;
    double epoch, seconds;
    double train_loss,
        val_loss; /* nats per character; val_loss NAN where there was no validation */
    double learning_rate, grad_norm, chars_per_second;
};

/* Bytes of rows that wait for room on the disk. */
#define LOG_WAITING 8192

struct log {
    bool is_open;
    int file;
    uint64_t rows;
    long end;                  /* bytes that the header and the rows take */
    char waiting[LOG_WAITING]; /* rows that could not be written yet */
    uint64_t rows_waiting;
};

/* Opens a log behind its first `rows` rows: what follows is cut off (0: a new log). A log is a
 * by-product: where it has fewer sound rows, those are kept, and log->rows tells how many. *last,
 * if not NULL, is the last row kept, and untouched if there is none. A symbolic link is refused.
 * Returns 0, or −1 and a message. */
int log_open(struct log *log, const char *path, uint64_t rows, struct log_row *last);

/* Appends a row. Returns 0; or −1 and a message with the log as it was, and then the row waits for
 * the next one, if there is room for it. */
int log_append(struct log *log, const struct log_row *row);

/* Writes rows that wait, and waits until all are on the disk. Returns 0, or −1 and a message. */
int log_sync(struct log *log);

/* Safe on a zeroed log. */
void log_close(struct log *log);

/* How far a log that grows has been read. Zeroed: not yet. */
struct log_place {
    uint64_t rows;
    long last;     /* where the last of them begins, */
    uint64_t step; /* and by what it is known */
    double seconds;
};

/* Reads the rows behind a place, one at a time, and moves it behind them: a log that is looked at
 * again and again is read once. Where the place is zeroed, or the log was cut before it since,
 * take(context, NULL) comes first: then all rows follow, and those of before are void. Returns 0,
 * or −1 and a message, with the place behind the rows that were sound. */
int log_follow(const char *path, struct log_place *place,
               void (*take)(void *context, const struct log_row *row), void *context);

#endif
