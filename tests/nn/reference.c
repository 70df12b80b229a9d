#include "reference.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* Where number (t, b, k) of an array [T][B][width] stands. */
static size_t at(const struct reference *lstm, int t, int b, int width, int k)
{
    return ((size_t)t * (size_t)lstm->B + (size_t)b) * (size_t)width + (size_t)k;
}

void reference_forward(const struct reference *lstm)
{
    const int H = lstm->H, D = lstm->D;
    for (int t = 0; t < lstm->T; t++)
        for (int b = 0; b < lstm->B; b++) {
            const double *x = lstm->x + at(lstm, t, b, D, 0), *h = lstm->h + at(lstm, t, b, H, 0);
            double *gate = lstm->gates + at(lstm, t, b, 4 * H, 0);
            for (int row = 0; row < 4 * H; row++) {
                double sum = lstm->b[row];
                for (int k = 0; k < D; k++)
                    if (x[k] != 0)
                        sum += lstm->weight_ih[(size_t)row * (size_t)D + (size_t)k] * x[k];
                for (int k = 0; k < H; k++)
                    sum += lstm->weight_hh[(size_t)row * (size_t)H + (size_t)k] * h[k];
                gate[row] = row / H == 2 ? tanh(sum) : sigmoid(sum);
            }
            for (int u = 0; u < H; u++) {
                const double i = gate[u], f = gate[H + u], g = gate[2 * H + u], o = gate[3 * H + u];
                const double c = f * lstm->c[at(lstm, t, b, H, u)] + i * g;
                lstm->c[at(lstm, t + 1, b, H, u)] = c;
                lstm->h[at(lstm, t + 1, b, H, u)] = o * tanh(c);
            }
        }
}

/* Adds the gradient `da` of one gate's argument to everything that it was computed from. */
static void spread(const struct reference *lstm, int t, int b, int row, double da, double *dh)
{
    const int H = lstm->H, D = lstm->D;
    lstm->db[row] += da;
    for (int k = 0; k < D; k++) {
        const size_t place = (size_t)row * (size_t)D + (size_t)k;
        const double x = lstm->x[at(lstm, t, b, D, k)];
        if (x != 0)
            lstm->dweight_ih[place] += da * x;
        if (lstm->dx)
            lstm->dx[at(lstm, t, b, D, k)] += da * lstm->weight_ih[place];
    }
    for (int k = 0; k < H; k++) {
        const size_t place = (size_t)row * (size_t)H + (size_t)k;
        lstm->dweight_hh[place] += da * lstm->h[at(lstm, t, b, H, k)];
        dh[k] += da * lstm->weight_hh[place];
    }
}

static void clear(double *array, size_t rows, int columns)
{
    if (array)
        memset(array, 0, rows * (size_t)columns * sizeof *array);
}

void reference_backward(const struct reference *lstm)
{
    const int H = lstm->H;
    const size_t rows = 4 * (size_t)H;
    clear(lstm->dweight_ih, rows, lstm->D);
    clear(lstm->dweight_hh, rows, H);
    clear(lstm->db, rows, 1);
    clear(lstm->dx, (size_t)lstm->T * (size_t)lstm->B, lstm->D);
    double *dh = malloc((size_t)H * sizeof *dh), *dc = malloc((size_t)H * sizeof *dc);
    double *dh_before = malloc((size_t)H * sizeof *dh);
    for (int b = 0; b < lstm->B; b++) {
        clear(dh, (size_t)H, 1); /* what comes from the timestep behind */
        clear(dc, (size_t)H, 1);
        for (int t = lstm->T - 1; t >= 0; t--) {
            const double *gate = lstm->gates + at(lstm, t, b, 4 * H, 0);
            clear(dh_before, (size_t)H, 1);
            for (int u = 0; u < H; u++) {
                const double i = gate[u], f = gate[H + u], g = gate[2 * H + u], o = gate[3 * H + u];
                const double y = tanh(lstm->c[at(lstm, t + 1, b, H, u)]);
                const double dhidden = dh[u] + lstm->dy[at(lstm, t, b, H, u)];
                const double dcell = dc[u] + dhidden * o * (1 - y * y);
                spread(lstm, t, b, u, dcell * g * i * (1 - i), dh_before);
                spread(lstm, t, b, H + u, dcell * lstm->c[at(lstm, t, b, H, u)] * f * (1 - f),
                       dh_before);
                spread(lstm, t, b, 2 * H + u, dcell * i * (1 - g * g), dh_before);
                spread(lstm, t, b, 3 * H + u, dhidden * y * o * (1 - o), dh_before);
                dc[u] = dcell * f;
            }
            memcpy(dh, dh_before, (size_t)H * sizeof *dh);
        }
    }
    free(dh);
    free(dc);
    free(dh_before);
}
