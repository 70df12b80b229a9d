#include "reference.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- the cells -------------------------------------------------------------------------------- */

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* Of an argument, where the value is v. */
static double sigmoid_slope(double v)
{
    return v * (1 - v);
}

static double tanh_slope(double v)
{
    return 1 - v * v;
}

static void rnn_forward(const double *options, const double *x, const double *h,
                        const double *before, double *gates, double *after)
{
    (void)before, (void)gates;
    const double a = x[0] + h[0];
    after[0] = options[0] > 0 ? fmax(a, 0) : tanh(a);
}

static void rnn_backward(const double *options, const double *x, const double *h,
                         const double *before, const double *after, const double *dafter,
                         double *dx, double *dh, double *dbefore)
{
    (void)before;
    const double slope = options[0] > 0 ? x[0] + h[0] > 0 : tanh_slope(after[0]);
    dx[0] = dh[0] = dafter[0] * slope;
    dbefore[0] = 0;
}

static void gru_forward(const double *options, const double *x, const double *h,
                        const double *before, double *gates, double *after)
{
    const bool resets_before = options[0] > 0;
    const double r = sigmoid(x[0] + h[0]), z = sigmoid(x[1] + h[1]);
    const double n = tanh(x[2] + (resets_before ? h[2] : r * h[2]));
    gates[0] = r, gates[1] = z, gates[2] = n;
    after[0] = (1 - z) * n + z * before[0];
}

static void gru_backward(const double *options, const double *x, const double *h,
                         const double *before, const double *after, const double *dafter,
                         double *dx, double *dh, double *dbefore)
{
    double gates[3], same;
    (void)after;
    gru_forward(options, x, h, before, gates, &same);
    const double r = gates[0], z = gates[1], n = gates[2];
    const double da_n = dafter[0] * (1 - z) * tanh_slope(n);
    const bool resets_before = options[0] > 0;
    dx[0] = dh[0] = resets_before ? 0 : da_n * h[2] * sigmoid_slope(r);
    dx[1] = dh[1] = dafter[0] * (before[0] - n) * sigmoid_slope(z);
    dx[2] = da_n;
    dh[2] = resets_before ? da_n : da_n * r;
    dbefore[0] = dafter[0] * z;
}

static double gru_change(const double *options, const double *x, const double *h,
                         const double *before)
{
    return options[0] > 0 ? sigmoid(x[0] + h[0]) * before[0] : before[0];
}

static double gru_change_back(const double *options, const double *x, const double *h,
                              const double *before, double ds, double *dx, double *dh)
{
    const double r = sigmoid(x[0] + h[0]), da_r = ds * before[0] * sigmoid_slope(r);
    if (options[0] == 0)
        return ds;
    dx[0] += da_r;
    dh[0] += da_r;
    return ds * r;
}

static void lstm_forward(const double *options, const double *x, const double *h,
                         const double *before, double *gates, double *after)
{
    (void)options;
    for (int k = 0; k < 4; k++)
        gates[k] = k == 2 ? tanh(x[k] + h[k]) : sigmoid(x[k] + h[k]);
    after[1] = gates[1] * before[1] + gates[0] * gates[2];
    after[0] = gates[3] * tanh(after[1]);
}

static void lstm_backward(const double *options, const double *x, const double *h,
                          const double *before, const double *after, const double *dafter,
                          double *dx, double *dh, double *dbefore)
{
    double gates[4], same[2];
    lstm_forward(options, x, h, before, gates, same);
    const double i = gates[0], f = gates[1], g = gates[2], o = gates[3], y = tanh(after[1]);
    const double dc = dafter[1] + dafter[0] * o * (1 - y * y);
    dx[0] = dc * g * sigmoid_slope(i);
    dx[1] = dc * before[1] * sigmoid_slope(f);
    dx[2] = dc * i * tanh_slope(g);
    dx[3] = dafter[0] * y * sigmoid_slope(o);
    memcpy(dh, dx, 4 * sizeof *dh);
    dbefore[0] = 0;
    dbefore[1] = dc * f;
}

static const struct reference_cell cells[] = {
    {"lstm", 4, false, lstm_forward, lstm_backward, NULL, NULL},
    {"gru", 3, true, gru_forward, gru_backward, gru_change, gru_change_back},
    {"rnn", 1, false, rnn_forward, rnn_backward, NULL, NULL},
};

const struct reference_cell *reference_cell(const struct layer_kind *kind)
{
    for (size_t k = 0; k < sizeof cells / sizeof *cells; k++)
        if (strcmp(cells[k].name, kind->name) == 0)
            return &cells[k];
    fail_msg("tests/nn/reference.c does not have the equations of the cell \"%s\"", kind->name);
    return NULL;
}

/* --- a layer ---------------------------------------------------------------------------------- */

/* Where number (t, b, k) of an array [T][B][width] stands. */
static size_t at(const struct reference *of, int t, int b, int width, int k)
{
    return ((size_t)t * (size_t)of->B + (size_t)b) * (size_t)width + (size_t)k;
}

/* The sums of unit u, and its states before timestep t and after. */
struct unit {
    double x[REFERENCE_BLOCKS], h[REFERENCE_BLOCKS];
    double before[LAYER_STATES], after[LAYER_STATES];
};

/* `changed`: what the last block of W_hh multiplies. */
static struct unit unit_at(const struct reference *of, int t, int b, int u, const double *changed)
{
    const int D = of->D, H = of->H;
    const double *x = of->x + at(of, t, b, D, 0), *h = of->state[0] + at(of, t, b, H, 0);
    struct unit unit = {.x = {0}};
    for (int block = 0; block < of->cell->blocks; block++) {
        const size_t row = (size_t)(block * H + u);
        unit.x[block] = of->b_ih[row];
        unit.h[block] = of->b_hh ? of->b_hh[row] : 0;
        for (int k = 0; k < D; k++)
            if (x[k] != 0)
                unit.x[block] += of->weight_ih[row * (size_t)D + (size_t)k] * x[k];
        for (int k = 0; k < H; k++)
            unit.h[block] += of->weight_hh[row * (size_t)H + (size_t)k] *
                             (block == of->cell->blocks - 1 ? changed[k] : h[k]);
    }
    for (int s = 0; s < of->kind->num_states; s++) {
        unit.before[s] = of->state[s][at(of, t, b, H, u)];
        unit.after[s] = of->state[s][at(of, t + 1, b, H, u)];
    }
    return unit;
}

/* What the last block of W_hh multiplies, [H]. */
static void change(const struct reference *of, int t, int b, double *changed)
{
    const double *h = of->state[0] + at(of, t, b, of->H, 0);
    for (int u = 0; u < of->H; u++) {
        const struct unit unit = unit_at(of, t, b, u, h);
        changed[u] =
            of->cell->change ? of->cell->change(of->options, unit.x, unit.h, unit.before) : h[u];
    }
}

void reference_forward(const struct reference *of)
{
    const int H = of->H, G = of->kind->num_gates;
    double *changed = malloc((size_t)H * sizeof *changed);
    for (int t = 0; t < of->T; t++)
        for (int b = 0; b < of->B; b++) {
            change(of, t, b, changed);
            for (int u = 0; u < H; u++) {
                struct unit unit = unit_at(of, t, b, u, changed);
                double gates[LAYER_GATES];
                of->cell->forward(of->options, unit.x, unit.h, unit.before, gates, unit.after);
                for (int s = 0; s < of->kind->num_states; s++)
                    of->state[s][at(of, t + 1, b, H, u)] = unit.after[s];
                for (int g = 0; g < G; g++)
                    of->gates[at(of, t, b, G * H, g * H + u)] = gates[g];
            }
        }
    free(changed);
}

/* The gradients of a unit's sums. */
struct sums {
    double x[REFERENCE_BLOCKS], h[REFERENCE_BLOCKS];
};

/* Adds the gradients of a unit's sums of one block to those of all they were computed from: what
 * W_hh multiplied has its gradient in dh. */
static void spread_block(const struct reference *of, int t, int b, int u, int block,
                         const struct sums *da, const double *multiplied, double *dh)
{
    const int H = of->H, D = of->D;
    const size_t row = (size_t)(block * H + u);
    of->db_ih[row] += da->x[block];
    if (of->db_hh)
        of->db_hh[row] += da->h[block];
    for (int k = 0; k < D; k++) {
        const size_t place = row * (size_t)D + (size_t)k;
        const double x = of->x[at(of, t, b, D, k)];
        if (x != 0)
            of->dweight_ih[place] += da->x[block] * x;
        if (of->dx)
            of->dx[at(of, t, b, D, k)] += da->x[block] * of->weight_ih[place];
    }
    for (int k = 0; k < H; k++) {
        const size_t place = row * (size_t)H + (size_t)k;
        of->dweight_hh[place] += da->h[block] * multiplied[k];
        dh[k] += da->h[block] * of->weight_hh[place];
    }
}

static void clear(double *array, size_t rows, int columns)
{
    if (array)
        memset(array, 0, rows * (size_t)columns * sizeof *array);
}

/* One timestep of one stream: `d`, the gradient of the states after it, becomes that of the states
 * before. work: [(3 + a unit's sums) · H]. */
static void step_backward(const struct reference *of, int t, int b, double *d, double *work)
{
    const int H = of->H, S = of->kind->num_states, last = of->cell->blocks - 1;
    double *changed = work, *dh = work + H, *ds = work + 2 * (size_t)H;
    struct sums *da = (struct sums *)(work + 3 * (size_t)H);
    const double *h = of->state[0] + at(of, t, b, H, 0);
    change(of, t, b, changed);
    clear(dh, 2, H);
    for (int u = 0; u < H; u++) {
        const struct unit unit = unit_at(of, t, b, u, changed);
        double dafter[LAYER_STATES], dbefore[LAYER_STATES];
        for (int s = 0; s < S; s++)
            dafter[s] = d[s * H + u];
        dafter[0] += of->dy[at(of, t, b, H, u)];
        if (of->dh)
            of->dh[at(of, t, b, H, u)] = dafter[0];
        of->cell->backward(of->options, unit.x, unit.h, unit.before, unit.after, dafter, da[u].x,
                           da[u].h, dbefore);
        spread_block(of, t, b, u, last, &da[u], changed, ds);
        for (int s = 0; s < S; s++)
            d[s * H + u] = dbefore[s];
    }
    for (int u = 0; u < H; u++) {
        const struct unit unit = unit_at(of, t, b, u, changed);
        d[u] += of->cell->change_back ? of->cell->change_back(of->options, unit.x, unit.h,
                                                              unit.before, ds[u], da[u].x, da[u].h)
                                      : ds[u];
        for (int block = 0; block < last; block++)
            spread_block(of, t, b, u, block, &da[u], h, dh);
    }
    for (int u = 0; u < H; u++)
        d[u] += dh[u];
}

void reference_backward(const struct reference *of)
{
    const int H = of->H, S = of->kind->num_states;
    const size_t rows = (size_t)(of->cell->blocks * H);
    clear(of->dweight_ih, rows, of->D);
    clear(of->dweight_hh, rows, H);
    clear(of->db_ih, rows, 1);
    clear(of->db_hh, rows, 1);
    clear(of->dx, (size_t)of->T * (size_t)of->B, of->D);
    double *d = malloc((size_t)(S * H) * sizeof *d);
    double *work = malloc((size_t)H * (3 * sizeof *work + sizeof(struct sums)));
    for (int b = 0; b < of->B; b++) {
        clear(d, (size_t)(S * H), 1);
        for (int t = of->T - 1; t >= 0; t--)
            step_backward(of, t, b, d, work);
    }
    free(d);
    free(work);
}
