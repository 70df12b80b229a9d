/* The learning curve of a run: losses over steps. Neighbouring rows of the log are averaged, so
 * that a curve needs the same memory for a run of any length. It does not depend on when the rows
 * are added. It is written as plain SVG, without opening a font or starting a thread. */
#ifndef RUNE_CURVE_H
#define RUNE_CURVE_H

#include <stdint.h>

#define CURVE_POINTS 600 /* of a line, at most; even */

struct curve_point {
    double step, loss; /* means over the rows */
    uint64_t rows;
};

struct curve_line {
    struct curve_point points[CURVE_POINTS];
    int count;
    uint64_t share; /* rows per point; the last may have fewer */
};

/* All zero when empty. */
struct curve {
    struct curve_line train, val;
};

/* Adds a row of the log. A loss that is not finite is left out (NAN: no validation). */
void curve_add(struct curve *curve, double step, double train_loss, double val_loss);

/* Writes the curve as SVG under a title of any bytes. Returns 0, or −1 and a message. */
int curve_write(const struct curve *curve, const char *path, const char *title);

#endif
