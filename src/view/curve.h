/* The learning curve of a run: the losses of its log over its steps. Rows are added one by one and
 * kept as means of neighbours, so that a curve takes the same memory however long the run is, and
 * is the same whether its rows come at once or in parts. It is drawn as plain SVG: no font is
 * opened, no thread started. */
#ifndef RUNE_CURVE_H
#define RUNE_CURVE_H

#include <stdint.h>

#define CURVE_POINTS 600 /* of a line, at most: even */

struct curve_point {
    double step, loss; /* means over the rows */
    uint64_t rows;
};

struct curve_line {
    struct curve_point points[CURVE_POINTS];
    int count;
    uint64_t share; /* rows of each point, the last one may have fewer */
};

/* Zeroed it is empty. */
struct curve {
    struct curve_line train, val;
};

/* Adds a row of the log; a loss that is not finite (NAN: there was no validation) is left out. */
void curve_add(struct curve *curve, double step, double train_loss, double val_loss);

/* Writes it as SVG below that title, of any bytes. Returns 0, or −1 and a message. */
int curve_write(const struct curve *curve, const char *path, const char *title);

#endif
