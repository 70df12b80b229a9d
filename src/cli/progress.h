/* What a user sees while a model trains: on stderr, a line that is drawn over on a terminal, plain
 * lines elsewhere. */
#ifndef RUNE_PROGRESS_H
#define RUNE_PROGRESS_H

#include "curve.h"
#include "train.h"

struct progress {
    bool quiet, terminal;
    bool line_open; /* an unfinished line is on the terminal */
    double drawn_at;
    struct curve curve;     /* of the rows of the log */
    struct log_position place; /* behind them */
    bool told_of_curve;     /* that it cannot be written */
};

void progress_init(struct progress *progress, bool quiet);

/* An observer that draws; the progress must outlive it. */
struct train_observer progress_observer(struct progress *progress);

/* Ends a line that is being drawn, so that others can be printed. */
void progress_break(struct progress *progress);

/* A number with its thousands apart: "1,003,854". Valid until the fourth call after it. */
const char *progress_number(uint64_t number);

#endif
