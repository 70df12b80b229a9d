#include "linear.h"

#include "blas.h"

/* Columns that one member sums over all rows; a few cache lines, so that members do not share any.
 */
#define COLUMNS 64

static void copy(int n, const real *from, real *to)
{
    memcpy(to, from, (size_t)n * sizeof(real));
}

static void add(int n, const real *from, real *to)
{
    for (int i = 0; i < n; i++)
        to[i] += from[i];
}

void linear_forward(struct member *member, int R, int D, int N, const real *x, const real *weight,
                    const real *bias, real *y)
{
    int first, last;
    team_share(member, R, &first, &last);
    for (int r = first; r < last; r++)
        copy(N, bias, y + (size_t)r * (size_t)N);
    team_barrier(member);
    blas_gemm(member, R, N, D, (struct blas_operand){x, D, false},
              (struct blas_operand){weight, D, true}, 1, y, N);
}

/* out[n] = Σ_r dy[r][n] */
static void sum_rows(struct member *member, int R, int N, const real *dy, real *out)
{
    int first, last;
    team_share(member, (N + COLUMNS - 1) / COLUMNS, &first, &last);
    for (int tile = first; tile < last; tile++) {
        int n = tile * COLUMNS, width = N - n < COLUMNS ? N - n : COLUMNS;
        memset(out + n, 0, (size_t)width * sizeof(real));
        for (int r = 0; r < R; r++)
            add(width, dy + (size_t)r * (size_t)N + n, out + n);
    }
}

void linear_backward(struct member *member, int R, int D, int N, const real *x, const real *weight,
                     const real *dy, real *dweight, real *dbias, real *dx)
{
    blas_gemm(member, N, D, R, (struct blas_operand){dy, N, true},
              (struct blas_operand){x, D, false}, 0, dweight, D);
    sum_rows(member, R, N, dy, dbias);
    if (dx)
        blas_gemm(member, R, D, N, (struct blas_operand){dy, N, false},
                  (struct blas_operand){weight, D, false}, 0, dx, D);
}

void onehot_forward(struct member *member, int R, int N, const int32_t *ids, const real *weight,
                    const real *bias, real *y)
{
    int first, last;
    team_share(member, R, &first, &last);
    for (int r = first; r < last; r++) {
        real *to = y + (size_t)r * (size_t)N;
        copy(N, bias, to);
        if (ids[r] >= 0)
            add(N, weight + (size_t)ids[r] * (size_t)N, to);
    }
}

void onehot_backward(struct member *member, int R, int V, int N, const int32_t *ids, const real *dy,
                     real *dweight, real *dbias)
{
    int first, last;
    sum_rows(member, R, N, dy, dbias);
    team_share(member, (N + COLUMNS - 1) / COLUMNS, &first, &last);
    for (int tile = first; tile < last; tile++) {
        int n = tile * COLUMNS, width = N - n < COLUMNS ? N - n : COLUMNS;
        for (int v = 0; v < V; v++)
            memset(dweight + (size_t)v * (size_t)N + n, 0, (size_t)width * sizeof(real));
        for (int r = 0; r < R; r++)
            if (ids[r] >= 0)
                add(width, dy + (size_t)r * (size_t)N + n,
                    dweight + (size_t)ids[r] * (size_t)N + n);
    }
}

void layer_input_forward(struct member *member, const struct layer *layer, int gates, int weight,
                         int bias)
{
    int R = layer->T * layer->B, N = gates * layer->H;
    if (layer->ids)
        onehot_forward(member, R, N, layer->ids, layer->param[weight], layer->param[bias],
                       layer->gates);
    else
        linear_forward(member, R, layer->D, N, layer->x, layer->param[weight], layer->param[bias],
                       layer->gates);
}

void layer_input_backward(struct member *member, const struct layer *layer, int gates, int weight,
                          int bias)
{
    int R = layer->T * layer->B, N = gates * layer->H;
    if (layer->ids)
        onehot_backward(member, R, layer->D, N, layer->ids, layer->gates, layer->grad[weight],
                        layer->grad[bias]);
    else
        linear_backward(member, R, layer->D, N, layer->x, layer->param[weight], layer->gates,
                        layer->grad[weight], layer->grad[bias], layer->dx);
}
