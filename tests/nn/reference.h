/* The recurrent cells from their equations, one number at a time, in double precision. A cell that
 * is added to nn/ is added here. */
#ifndef RUNE_TEST_REFERENCE_H
#define RUNE_TEST_REFERENCE_H

#include "layer.h"

#define REFERENCE_BLOCKS 4

/* The equations of one unit. x[blocks] = W_ih x + b_ih and h[blocks] = W_hh h + b_hh. */
struct reference_cell {
    const char *name;
    int blocks;
    bool has_bias_hh;
    void (*forward)(const double *options, const double *x, const double *h, const double *before,
                    double *gates, double *after);
    /* From dafter, the gradient of the states after, those of x, h and, h's product left out, of
     * the states before. */
    void (*backward)(const double *options, const double *x, const double *h, const double *before,
                     const double *after, const double *dafter, double *dx, double *dh,
                     double *dbefore);
    /* What the last block of W_hh multiplies instead of the unit's h_{t−1}, from the sums of the
     * other blocks; NULL: that h. And from its gradient ds: adds those of the sums to dx and dh,
     * and returns that of h_{t−1}. */
    double (*change)(const double *options, const double *x, const double *h, const double *before);
    double (*change_back)(const double *options, const double *x, const double *h,
                          const double *before, double ds, double *dx, double *dh);
};

/* That of a cell; fails the test if there is none. */
const struct reference_cell *reference_cell(const struct layer_kind *kind);

struct reference {
    const struct reference_cell *cell;
    const struct layer_kind *kind;
    const double *options;
    int B, T, D, H;
    const double *x;                     /* [T][B][D] */
    const double *weight_ih, *weight_hh; /* [blocks · H][D], [blocks · H][H] */
    const double *b_ih, *b_hh;           /* [blocks · H]; b_hh NULL where the cell has none */
    double *state[LAYER_STATES];         /* [T + 1][B][H]; slot 0 is given */
    double *gates;                       /* [T][B][G][H] */
    const double *dy;                    /* [T][B][H] */
    double *dweight_ih, *dweight_hh, *db_ih, *db_hh, *dx;
    double *dh; /* [T][B][H] the whole gradient of the output; may be NULL, as dx */
};

/* Fills states and gates. */
void reference_forward(const struct reference *reference);

/* Fills the gradients of Σ dy ∘ h; none flows into slot 0. dx may be NULL. */
void reference_backward(const struct reference *reference);

#endif
