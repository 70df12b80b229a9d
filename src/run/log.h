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

struct log {
    bool is_open;
    int file;
    uint64_t rows;
    long end; /* bytes that the header and the rows take */
};

/* Opens a log behind its first `rows` rows: what follows is cut off (0: a new log). A log is a
 * by-product: where it has fewer sound rows, those are kept, and log->rows tells how many. *last,
 * if not NULL, is the last row kept, and untouched if there is none. A symbolic link is refused.
 * Returns 0, or −1 and a message. */
int log_open(struct log *log, const char *path, uint64_t rows, struct log_row *last);

/* Appends a row. Returns 0, or −1 and a message with the log as it was. */
int log_append(struct log *log, const struct log_row *row);

/* Waits until the rows are on the disk. Returns 0, or −1 and a message. */
int log_sync(struct log *log);

/* Safe on a zeroed log. */
void log_close(struct log *log);

/* All rows of a log; *rows is the caller's, to free(). Returns 0, or −1 and a message. */
int log_read(const char *path, struct log_row **rows, size_t *count);

#endif
