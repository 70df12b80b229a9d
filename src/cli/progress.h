/* Progress of training on stderr: one line that is redrawn on a terminal, plain lines at intervals
 * elsewhere. */
#ifndef RUNE_PROGRESS_H
#define RUNE_PROGRESS_H

#include "curve.h"
#include "train.h"

/* The number of samples is chosen from the time that the run takes. */
#define PROGRESS_SAMPLES_AUTO (-1)

struct progress {
    bool quiet, terminal;
    int samples;        /* that the run shows in all, spread over it; or PROGRESS_SAMPLES_AUTO */
    int shown;          /* number of those that were due so far */
    double sampled_at;  /* time of the last sample */
    bool line_open;     /* the terminal's cursor is in an unfinished line */
    double drawn_at;    /* seconds of the clock */
    struct curve curve; /* the rows of the log so far */
    struct log_position place; /* the end of those rows in the log */
    bool curve_failed;         /* the message was printed */
};

void progress_init(struct progress *progress, bool quiet, int samples);

/* The observer that prints the progress; `progress` must outlive it. */
struct train_observer progress_observer(struct progress *progress);

/* Ends an unfinished line, so that others can be printed. */
void progress_break(struct progress *progress);

/* Formats a number as "1,003,854". Valid until the fourth call after this. */
const char *progress_number(uint64_t number);

#endif
