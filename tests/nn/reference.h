/* The LSTM from its equations, one number at a time, in double precision. */
#ifndef RUNE_TEST_REFERENCE_H
#define RUNE_TEST_REFERENCE_H

struct reference {
    int B, T, D, H;
    const double *x;                         /* [T][B][D] */
    const double *weight_ih, *weight_hh, *b; /* [4H][D], [4H][H], [4H]; gates i f g o */
    double *h, *c;                           /* [T + 1][B][H]; slot 0 is given */
    double *gates;                           /* [T][B][4][H] */
    const double *dy;                        /* [T][B][H] */
    double *dweight_ih, *dweight_hh, *db, *dx;
};

/* Fills h, c and gates. */
void reference_forward(const struct reference *lstm);

/* Fills the gradients of Σ dy ∘ h; none flows into slot 0. */
void reference_backward(const struct reference *lstm);

#endif
