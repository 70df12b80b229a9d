#include "linear.h"

#include "grid.h"

/* Rows of a chunk over which the gradients of weights are summed at once. */
#define DEEPEST 1280

/* Columns that one member sums over all rows: a few cache lines. */
#define COLUMNS 64

/* --- y = x Wᵀ + b ----------------------------------------------------------------------------- */

static size_t panels_size(int N, int K)
{
    return (size_t)panel_count(N) * panel_size(K);
}

size_t linear_packed_size(int D, int N, bool training)
{
    return panels_size(N, D) + (training ? panels_size(D, N) : 0);
}

void linear_pack(struct member *member, int D, int N, const real *weight, bool training,
                 word *packed)
{
    int first, last;
    team_share(member, panel_count(N), &first, &last);
    for (int panel = first; panel < last; panel++)
        panel_pack_turned(D, panel_width(N, panel),
                          weight + (size_t)panel * (size_t)PANEL * (size_t)D, (size_t)D,
                          packed + (size_t)panel * panel_size(D));
    if (!training)
        return;
    packed += panels_size(N, D);
    team_share(member, (int)words(N), &first, &last);
    panels_pack(first, last, N, D, weight, (size_t)D, packed, panel_size(N));
}

void product_over_rows(int rows, int N, int first, int last, size_t K, struct rows x,
                       const word *panels, real *y, size_t y_stride)
{
    for (int r = 0; r < rows; r += SLAB) {
        const int slab = smaller(rows - r, SLAB);
        for (size_t k = 0; k < K; k += DEEP)
            for (int panel = first; panel < last; panel++)
                panel_product(slab, panel_width(N, panel), K - k < DEEP ? K - k : DEEP,
                              (struct rows){x.data + (size_t)r * x.stride + k, x.stride},
                              panels + (size_t)panel * panel_space(K) + panel_space(k),
                              y + (size_t)r * y_stride + panel * PANEL, y_stride);
    }
}

/* y[R][N] = x[R][D] · panels, to which `bias` is added unless it is NULL. */
static void product(struct member *member, int R, int D, int N, const real *x, const word *panels,
                    const real *bias, real *y, word *scratch)
{
    const struct rows rows = rows_of(member, R, D, x, scratch);
    const struct grid grid = grid_cut(member, R, panel_count(N), panel_size(D), false);
    const int from = grid.first_panel * PANEL,
              width = panels_width(N, grid.first_panel, grid.last_panel);
    for (int r = grid.first_row; r < grid.last_row && !team_stops(member->team); r += SLAB) {
        const int slab = smaller(grid.last_row - r, SLAB);
        real *out = y + (size_t)r * (size_t)N;
        for (int s = 0; s < slab && width > 0; s++)
            if (bias)
                memcpy(out + (size_t)s * (size_t)N + from, bias + from,
                       (size_t)width * sizeof(real));
            else
                memset(out + (size_t)s * (size_t)N + from, 0, (size_t)width * sizeof(real));
        product_over_rows(slab, N, grid.first_panel, grid.last_panel, words(D),
                          (struct rows){rows.data + (size_t)r * rows.stride, rows.stride}, panels,
                          out, (size_t)N);
    }
}

size_t linear_scratch_size(int R, int D, int N, bool training)
{
    const size_t forward = rows_scratch(R, D);
    const size_t backward =
        training ? rows_scratch(R, N) + weight_gradients_scratch(R, N, panel_count(D) * PANEL) : 0;
    return forward > backward ? forward : backward;
}

void linear_forward(struct member *member, int R, int D, int N, const real *x, const word *packed,
                    const real *bias, real *y, word *scratch)
{
    product(member, R, D, N, x, packed, bias, y, scratch);
}

void linear_backward(struct member *member, int R, int D, int N, const real *x, const word *packed,
                     const real *dy, real *dweight, real *dbias, real *dx, word *scratch)
{
    product(member, R, N, D, dy, packed + panels_size(N, D), NULL, dx, scratch);
    weight_gradients(member, R, N, dy, 1, &(struct weight_gradient){D, x, dweight}, dbias,
                     scratch + rows_scratch(R, N));
}

/* --- gradients of weights --------------------------------------------------------------------- */

/* Chunks of about equal size. */
static int chunk_rows(int R)
{
    const int chunks = (R + DEEPEST - 1) / DEEPEST;
    return (R + chunks - 1) / chunks;
}

/* Not a power of two, so that the rows of a block do not fall on the same lines of the cache. */
static size_t turned_stride(int K)
{
    return words(K) + 16;
}

size_t weight_gradients_scratch(int R, int N, int D)
{
    const int K = chunk_rows(R);
    return panels_size(D, K) + (size_t)N * turned_stride(K);
}

/* Panels of the columns of all inputs over the rows [start, start + K). */
static void pack_inputs(struct member *member, int start, int K, int count,
                        const struct weight_gradient *gradients, word *panels)
{
    for (int i = 0; i < count; i++) {
        const int D = gradients[i].D;
        int first, last;
        team_share(member, (int)words(K), &first, &last);
        panels_pack(first, last, K, D, gradients[i].x + (size_t)start * (size_t)D, (size_t)D,
                    panels, panel_size(K));
        panels += panels_size(D, K);
    }
}

/* Adds the products of `rows` turned rows with all panels, in the first chunk to 0. */
static void add_products(int rows, int n, int K, bool first, struct rows turned, int count,
                         const struct weight_gradient *gradients, const word *panels)
{
    for (int i = 0; i < count; i++) {
        const int D = gradients[i].D;
        real *dweight = gradients[i].dweight + (size_t)n * (size_t)D;
        if (first)
            memset(dweight, 0, (size_t)rows * (size_t)D * sizeof(real));
        product_over_rows(rows, D, 0, panel_count(D), words(K), turned, panels, dweight, (size_t)D);
        panels += panels_size(D, K);
    }
}

void weight_gradients(struct member *member, int R, int N, const real *dy, int count,
                      const struct weight_gradient *gradients, real *dbias, word *scratch)
{
    const int chunk = chunk_rows(R);
    word *panels = scratch, *turned = scratch;
    for (int i = 0; i < count; i++)
        turned += panels_size(gradients[i].D, chunk);
    int first, last;
    team_share(member, (N + LANES - 1) / LANES, &first, &last);
    first *= LANES;
    last = smaller(last * LANES, N);
    for (int start = 0; start < R; start += chunk) {
        const int K = smaller(chunk, R - start);
        pack_inputs(member, start, K, count, gradients, panels);
        team_barrier(member);
        for (int n = first; n < last && !team_stops(member->team); n += SLAB) {
            const int rows = smaller(last - n, SLAB);
            const struct rows at = {turned + (size_t)first * turned_stride(chunk),
                                    turned_stride(chunk)};
            real sums[SLAB];
            rows_pack_turned(rows, K, dy + (size_t)start * (size_t)N + n, (size_t)N,
                             turned + (size_t)first * turned_stride(chunk), at.stride, sums);
            for (int row = 0; row < rows; row++)
                dbias[n + row] = sums[row] + (start > 0 ? dbias[n + row] : 0);
            add_products(rows, n, K, start == 0, at, count, gradients, panels);
        }
        team_barrier(member);
    }
}

void onehot_gradient(struct member *member, int R, int V, int N, const int32_t *ids, const real *dy,
                     real *dweight)
{
    int first, last;
    team_share(member, (N + COLUMNS - 1) / COLUMNS, &first, &last);
    for (int tile = first; tile < last; tile++) {
        const int n = tile * COLUMNS, width = smaller(N - n, COLUMNS);
        for (int v = 0; v < V; v++)
            memset(dweight + (size_t)v * (size_t)N + n, 0, (size_t)width * sizeof(real));
        for (int r = 0; r < R; r++) {
            if (ids[r] < 0)
                continue;
            const real *from = dy + (size_t)r * (size_t)N + n;
            real *to = dweight + (size_t)ids[r] * (size_t)N + n;
            for (int k = 0; k < width; k++)
                to[k] += from[k];
        }
    }
}
