#include "linear.h"

#include "grid.h"
#include "layer.h"

/* KC for the gradients of weights, whose depth is the rows of a chunk. */
#define GRADIENT_KC 1280

/* Columns of a one-hot gradient that a member takes at once: a few cache lines. */
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
        panel_pack_transposed(D, panel_width(N, panel),
                              weight + (size_t)panel * (size_t)NR * (size_t)D, (size_t)D,
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
    for (int r = 0; r < rows; r += MC) {
        const int M = smaller(rows - r, MC);
        for (size_t k = 0; k < K; k += KC)
            for (int panel = first; panel < last; panel++)
                panel_product(M, panel_width(N, panel), K - k < KC ? K - k : KC,
                              (struct rows){x.data + (size_t)r * x.stride + k, x.stride},
                              panels + (size_t)panel * panel_space(K) + panel_space(k),
                              y + (size_t)r * y_stride + panel * NR, y_stride);
    }
}

/* y[R][N] = x[R][D] · panels + bias; bias may be NULL. */
static void product(struct member *member, int R, int D, int N, const real *x, const word *panels,
                    const real *bias, real *y, word *scratch)
{
    const struct rows rows = rows_of(member, R, D, x, scratch);
    const struct grid grid = grid_cut(member, R, panel_count(N), panel_size(D), false);
    const int from = grid.first_panel * NR,
              width = panels_width(N, grid.first_panel, grid.last_panel);
    for (int r = grid.first_row; r < grid.last_row && !team_stops(member->team); r += MC) {
        const int M = smaller(grid.last_row - r, MC);
        real *out = y + (size_t)r * (size_t)N;
        for (int s = 0; s < M && width > 0; s++)
            if (bias)
                memcpy(out + (size_t)s * (size_t)N + from, bias + from,
                       (size_t)width * sizeof(real));
            else
                memset(out + (size_t)s * (size_t)N + from, 0, (size_t)width * sizeof(real));
        product_over_rows(M, N, grid.first_panel, grid.last_panel, words(D),
                          (struct rows){rows.data + (size_t)r * rows.stride, rows.stride}, panels,
                          out, (size_t)N);
    }
}

size_t linear_scratch_size(int R, int D, int N, bool training)
{
    const size_t forward = rows_scratch(R, D);
    const size_t backward = training ? rows_scratch(R, N) : 0;
    const size_t gradients = training ? weight_gradients_scratch(R, N, panel_count(D) * NR) : 0;
    const size_t most = forward > backward ? forward : backward;
    return most > gradients ? most : gradients;
}

void linear_forward(struct member *member, int R, int D, int N, const real *x, const word *packed,
                    const real *bias, real *y, word *scratch)
{
    product(member, R, D, N, x, packed, bias, y, scratch);
}

void linear_backward(struct member *member, int R, int D, int N, const word *packed, const real *dy,
                     real *dx, word *scratch)
{
    product(member, R, N, D, dy, packed + panels_size(N, D), NULL, dx, scratch);
}

/* --- gradients of weights --------------------------------------------------------------------- */

/* R rows are cut into chunks of about equal size. */
static int chunk_rows(int R)
{
    const int chunks = (R + GRADIENT_KC - 1) / GRADIENT_KC;
    return (R + chunks - 1) / chunks;
}

/* Not a power of two: the rows of a block would fall into the same cache set. */
static size_t transposed_stride(int K)
{
    return words(K) + 16;
}

size_t weight_gradients_scratch(int R, int N, int D)
{
    const int K = chunk_rows(R);
    return panels_size(D, K) + (size_t)N * transposed_stride(K);
}

/* Whether gradient k has the same x as the one before it, and so the same panels. */
static bool shares_panels(const struct weight_gradient *gradients, int k)
{
    return k > 0 && gradients[k].x == gradients[k - 1].x;
}

/* Packs the columns of all x, rows [start, start + K), into panels. */
static void pack_inputs(struct member *member, int start, int K, int count,
                        const struct weight_gradient *gradients, word *panels)
{
    int first, last;
    team_share(member, (int)words(K), &first, &last);
    for (int k = 0; k < count; k++) {
        const int D = gradients[k].D;
        if (shares_panels(gradients, k) || D == 0)
            continue;
        panels_pack(first, last, K, D, gradients[k].x + (size_t)start * (size_t)D, (size_t)D,
                    panels, panel_size(K));
        panels += panels_size(D, K);
    }
}

/* Some columns of dy over a chunk of K rows, transposed: column `from` is row 0. */
struct columns {
    int from, count;
    struct rows rows;
    const real *sums; /* [count] over the chunk */
};

/* Adds the product of these columns with all panels to the gradients. The first chunk overwrites.
 */
static void add_columns(const struct columns *columns, int K, bool first_chunk, int count,
                        const struct weight_gradient *gradients, const word *panels)
{
    const word *next = panels;
    for (int k = 0; k < count; k++) {
        const struct weight_gradient *gradient = &gradients[k];
        const int D = gradient->D, end = columns->from + columns->count;
        const int from = gradient->from > columns->from ? gradient->from : columns->from;
        const int n = smaller(gradient->from + gradient->N, end) - from;
        if (!shares_panels(gradients, k)) {
            panels = next;
            next += panels_size(D, K);
        }
        if (n <= 0)
            continue;
        for (int i = 0; gradient->dbias && i < n; i++) {
            real *sum = gradient->dbias + (from - gradient->from + i);
            *sum = columns->sums[from - columns->from + i] + (first_chunk ? 0 : *sum);
        }
        if (D == 0)
            continue;
        real *dweight = gradient->dweight + (size_t)(from - gradient->from) * (size_t)D;
        if (first_chunk)
            memset(dweight, 0, (size_t)n * (size_t)D * sizeof(real));
        product_over_rows(n, D, 0, panel_count(D), words(K),
                          (struct rows){columns->rows.data +
                                            (size_t)(from - columns->from) * columns->rows.stride,
                                        columns->rows.stride},
                          panels, dweight, (size_t)D);
    }
}

void weight_gradients(struct member *member, int R, int N, const real *dy, size_t stride, int count,
                      const struct weight_gradient *gradients, word *scratch)
{
    const int chunk = chunk_rows(R);
    word *panels = scratch, *transposed = scratch;
    for (int k = 0; k < count; k++)
        transposed += shares_panels(gradients, k) ? 0 : panels_size(gradients[k].D, chunk);
    int first, last;
    team_share(member, (N + LANES - 1) / LANES, &first, &last);
    first *= LANES;
    last = smaller(last * LANES, N);
    transposed += (size_t)first * transposed_stride(chunk);
    for (int start = 0; start < R; start += chunk) {
        const int K = smaller(chunk, R - start);
        pack_inputs(member, start, K, count, gradients, panels);
        team_barrier(member);
        for (int n = first; n < last && !team_stops(member->team); n += MC) {
            real sums[MC];
            const struct columns columns = {
                n, smaller(last - n, MC), {transposed, transposed_stride(chunk)}, sums};
            rows_pack_transposed(columns.count, K, dy + (size_t)start * stride + n, stride,
                                 transposed, columns.rows.stride, sums);
            add_columns(&columns, K, start == 0, count, gradients, panels);
        }
        team_barrier(member);
    }
}

void onehot_gradient(struct member *member, int R, int V, int N, const int32_t *ids, const real *dy,
                     size_t stride, real *dweight, size_t dweight_stride)
{
    int first, last;
    team_share(member, (N + COLUMNS - 1) / COLUMNS, &first, &last);
    for (int tile = first; tile < last; tile++) {
        const int n = tile * COLUMNS, width = smaller(N - n, COLUMNS);
        for (int v = 0; v < V; v++)
            memset(dweight + (size_t)v * dweight_stride + n, 0, (size_t)width * sizeof(real));
        for (int r = 0; r < R; r++) {
            if (ids[r] < 0)
                continue;
            const real *from = dy + (size_t)r * stride + n;
            real *to = dweight + (size_t)ids[r] * dweight_stride + n;
            for (int k = 0; k < width; k++)
                to[k] += from[k];
        }
    }
}

/* --- the layer -------------------------------------------------------------------------------- */

enum { WEIGHT, BIAS, PARAMS };

static const struct layer_param params[PARAMS] = {
    [WEIGHT] = {.name = "weight", .blocks = 1, .columns = LAYER_INPUT},
    [BIAS] = {.name = "bias", .blocks = 1, .columns = LAYER_VECTOR},
};

static size_t packed_size(const struct layer *layer)
{
    return linear_packed_size(layer->D, layer->N, layer->training);
}

static size_t scratch_size(const struct layer *layer)
{
    return linear_scratch_size(layer->B * layer->T, layer->D, layer->N, layer->training);
}

static void pack(struct member *member, const struct layer *layer, word *packed)
{
    linear_pack(member, layer->D, layer->N, layer->param[WEIGHT], layer->training, packed);
}

static void forward(struct member *member, const struct layer *layer, int first, int last)
{
    const size_t row = (size_t)first * (size_t)layer->B;
    linear_forward(member, (last - first) * layer->B, layer->D, layer->N,
                   layer->x + row * (size_t)layer->D, layer->packed, layer->param[BIAS],
                   layer->y + row * (size_t)layer->N, layer->scratch);
}

static void backward(struct member *member, const struct layer *layer, int first, int last)
{
    const size_t row = (size_t)first * (size_t)layer->B;
    if (layer->dx)
        linear_backward(member, (last - first) * layer->B, layer->D, layer->N, layer->packed,
                        layer->dy + row * (size_t)layer->N, layer->dx + row * (size_t)layer->D,
                        layer->scratch);
}

static void gradients(struct member *member, const struct layer *layer)
{
    const struct weight_gradient gradient = {
        0, layer->N, layer->D, layer->x, layer->grad[WEIGHT], layer->grad[BIAS]};
    weight_gradients(member, layer->B * layer->T, layer->N, layer->dy, (size_t)layer->N, 1,
                     &gradient, layer->scratch);
}

const struct layer_kind VARIANT(linear_layer) = {
    .name = "linear",
    .prefix = "linear",
    .num_params = PARAMS,
    .params = params,
    .forget_gate = -1,
    .packed_size = packed_size,
    .scratch_size = scratch_size,
    .pack = pack,
    .forward = forward,
    .backward = backward,
    .gradients = gradients,
};
