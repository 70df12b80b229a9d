/* LSTM with forget gate (Hochreiter & Schmidhuber 1997; Gers, Schmidhuber & Cummins 2000):
 *
 *     i_t = σ(W_ii x_t + W_hi h_{t−1} + b_i)
 *     f_t = σ(W_if x_t + W_hf h_{t−1} + b_f)
 *     g_t = tanh(W_ig x_t + W_hg h_{t−1} + b_g)
 *     o_t = σ(W_io x_t + W_ho h_{t−1} + b_o)
 *     c_t = f_t ∘ c_{t−1} + i_t ∘ g_t
 *     h_t = o_t ∘ tanh c_t
 *
 * and back, with δ for the gradient of the loss:
 *
 *     δh_t = δy_t + W_hhᵀ δa_{t+1}                 a: the gates' arguments
 *     δc_t = δh_t ∘ o_t ∘ (1 − tanh² c_t) + δc_{t+1} ∘ f_{t+1}
 *     δa_i = δc_t ∘ g_t ∘ i_t (1 − i_t)            δa_g = δc_t ∘ i_t ∘ (1 − g_t²)
 *     δa_f = δc_t ∘ c_{t−1} ∘ f_t (1 − f_t)        δa_o = δh_t ∘ tanh c_t ∘ o_t (1 − o_t)
 *
 * A member of the team owns PANEL neighbouring units, or several times as many, with their four
 * gates, of all streams or of some: a timestep is two products, its non-linearities, and at most
 * one barrier. */
#include "engine.h"
#include "grid.h"
#include "linear.h"
#include "panel.h"

enum { I, F, G, O, GATES };
enum { WEIGHT_IH, WEIGHT_HH, BIAS, PARAMS };
enum { STATE_H, STATE_C, STATES };

static const char *const quantities[] = {"h", "c", "i", "f", "g", "o"};

/* Rows of a tile: four blocks of 13, or three of AMX's tiles and a bit. */
#define TILE_ROWS 52

/* The forget gate starts open (Jozefowicz et al. 2015). */
static const real bias_start[GATES] = {[F] = 1};

static const struct cell_param params[PARAMS] = {
    [WEIGHT_IH] = {.name = "weight_ih", .gates = GATES, .columns = CELL_INPUT},
    [WEIGHT_HH] = {.name = "weight_hh", .gates = GATES, .columns = CELL_HIDDEN},
    [BIAS] = {.name = "bias_ih",
              .twin = "bias_hh",
              .gates = GATES,
              .columns = CELL_VECTOR,
              .start = bias_start},
};

/* --- packed weights --------------------------------------------------------------------------- */

/* Panels of W_hh and of W_ih. On the way forward a panel holds units of one gate: [gate][panel] of
 * depth H or D. On the way back it holds columns, its depth is all gates, one after the other. */
struct weights {
    word *hh, *ih;           /* forward */
    word *hh_back, *ih_back; /* back; training only */
    size_t size;
};

/* Words of a panel whose depth is all gates. */
static size_t back_size(int H)
{
    return GATES * panel_size(H);
}

static struct weights weights_at(const struct layer *layer, word *packed)
{
    const int H = layer->H, D = layer->onehot ? 0 : layer->D;
    const size_t hh = GATES * (size_t)panel_count(H) * panel_size(H);
    const size_t ih = D > 0 ? GATES * (size_t)panel_count(H) * panel_size(D) : 0;
    const size_t ih_back = (size_t)panel_count(D) * back_size(H);
    const size_t forward = hh + ih;
    return (struct weights){packed, packed + hh, packed + forward, packed + forward + hh,
                            forward + (layer->training ? hh + ih_back : 0)};
}

static struct weights weights_of(const struct layer *layer)
{
    return weights_at(layer, (word *)layer->packed); /* which none but pack writes */
}

static size_t packed_size(const struct layer *layer)
{
    return weights_at(layer, NULL).size;
}

/* Packs `weight`, which has K columns, for the way forward and, unless it is NULL, back. */
static void pack_weight(struct member *member, int H, int K, const real *weight, word *forward,
                        word *back)
{
    int first, last;
    team_share(member, GATES * panel_count(H), &first, &last);
    for (int k = first; k < last; k++) {
        const int gate = k / panel_count(H), panel = k % panel_count(H);
        panel_pack_turned(K, panel_width(H, panel),
                          weight + (size_t)(gate * H + panel * PANEL) * (size_t)K, (size_t)K,
                          forward + (size_t)k * panel_size(K));
    }
    if (!back)
        return;
    team_share(member, (int)words(H), &first, &last);
    for (int gate = 0; gate < GATES; gate++)
        panels_pack(first, last, H, K, weight + (size_t)(gate * H) * (size_t)K, (size_t)K,
                    back + (size_t)gate * panel_size(H), back_size(H));
}

static void pack(struct member *member, const struct layer *layer, real *packed)
{
    const struct weights to = weights_at(layer, packed);
    pack_weight(member, layer->H, layer->H, layer->param[WEIGHT_HH], to.hh,
                layer->training ? to.hh_back : NULL);
    if (!layer->onehot)
        pack_weight(member, layer->H, layer->D, layer->param[WEIGHT_IH], to.ih,
                    layer->training ? to.ih_back : NULL);
}

/* --- rows that products read ------------------------------------------------------------------ */

/* Where words are numbers, products read states and gates where they are; else what two timesteps
 * hand on is packed here. */
struct scratch {
    real *dc;   /* [B][H] δc_{t+1} ∘ f_{t+1} */
    word *h;    /* [2][B][words(H)] */
    word *da;   /* [2][B][4][words(H)] */
    word *rest; /* for the input, and for the gradients of weights */
    size_t size;
};

static size_t step_words(const struct layer *layer)
{
    return WORD > 1 ? (size_t)layer->B * words(layer->H) : 0;
}

static struct scratch scratch_at(const struct layer *layer)
{
    const int B = layer->B, H = layer->H, R = layer->T * B;
    const int D = layer->onehot ? 0 : panel_count(layer->D) * PANEL;
    const size_t dc = layer->training ? ((size_t)B * (size_t)H + 15) / 16 * 16 : 0;
    const size_t h = 2 * step_words(layer), da = layer->training ? GATES * h : 0;
    const size_t input = layer->onehot ? 0 : rows_scratch(R, layer->D);
    const size_t gradients =
        layer->training ? weight_gradients_scratch(R, GATES * H, panel_count(H) * PANEL + D) : 0;
    real *at = layer->scratch;
    return (struct scratch){at, at + dc, at + dc + h, at + dc + h + da,
                            dc + h + da + (input > gradients ? input : gradients)};
}

static size_t scratch_size(const struct layer *layer)
{
    return scratch_at(layer).size;
}

/* h_{t−1}, [B] rows */
static struct rows hidden_rows(const struct layer *layer, int t)
{
    if (WORD == 1)
        return (struct rows){layer->state[STATE_H] +
                                 (size_t)t * (size_t)layer->B * (size_t)layer->H,
                             (size_t)layer->H};
    return (struct rows){scratch_at(layer).h + (size_t)(t % 2) * step_words(layer),
                         words(layer->H)};
}

/* δa_t, [B] rows of all gates */
static struct rows gradient_rows(const struct layer *layer, int t)
{
    if (WORD == 1)
        return (struct rows){layer->gates + (size_t)t * (size_t)layer->B * GATES * (size_t)layer->H,
                             GATES * (size_t)layer->H};
    return (struct rows){scratch_at(layer).da + (size_t)(t % 2) * GATES * step_words(layer),
                         GATES * words(layer->H)};
}

static word *row_at(struct rows rows, int row)
{
    return (word *)rows.data + (size_t)row * rows.stride;
}

/* --- the equations ---------------------------------------------------------------------------- */

/* The cell's equations for `width` units of one row: from the arguments a[4][PANEL] to the gates,
 * the cell and the output. */
static void row_forward(int width, int H, const real *a, const real *c_before, real *gates, real *c,
                        real *h)
{
    for (int u = 0; u < width; u += LANES) {
        const int n = width - u < LANES ? width - u : LANES;
        const vec i = vec_sigmoid(vec_load(a + I * PANEL + u));
        const vec f = vec_sigmoid(vec_load(a + F * PANEL + u));
        const vec g = vec_tanh(vec_load(a + G * PANEL + u));
        const vec o = vec_sigmoid(vec_load(a + O * PANEL + u));
        const vec cell = f * vec_load_part(c_before + u, n) + i * g;
        vec_store_part(gates + I * H + u, i, n);
        vec_store_part(gates + F * H + u, f, n);
        vec_store_part(gates + G * H + u, g, n);
        vec_store_part(gates + O * H + u, o, n);
        vec_store_part(c + u, cell, n);
        vec_store_part(h + u, o * vec_tanh(cell), n);
    }
}

/* `gates` holds their values on the way in and the gradients of their arguments on the way out;
 * `dc` holds δc_{t+1} ∘ f_{t+1} on the way in and δc_t ∘ f_t on the way out. */
static void row_backward(int width, int H, real *gates, const real *c_before, const real *c,
                         const real *dh, real *dc)
{
    for (int u = 0; u < width; u += LANES) {
        const int n = width - u < LANES ? width - u : LANES;
        const vec i = vec_load_part(gates + I * H + u, n), f = vec_load_part(gates + F * H + u, n);
        const vec g = vec_load_part(gates + G * H + u, n), o = vec_load_part(gates + O * H + u, n);
        const vec tanh_c = vec_tanh(vec_load_part(c + u, n)), dhidden = vec_load_part(dh + u, n);
        const vec dcell = dhidden * o * (1 - tanh_c * tanh_c) + vec_load_part(dc + u, n);
        vec_store_part(gates + I * H + u, dcell * g * i * (1 - i), n);
        vec_store_part(gates + F * H + u, dcell * vec_load_part(c_before + u, n) * f * (1 - f), n);
        vec_store_part(gates + G * H + u, dcell * i * (1 - g * g), n);
        vec_store_part(gates + O * H + u, dhidden * tanh_c * o * (1 - o), n);
        vec_store_part(dc + u, dcell * f, n);
    }
}

/* Packs h_0, what the last chunk left. */
static void begin_hidden(struct member *member, const struct layer *layer)
{
    const struct rows h = hidden_rows(layer, 0);
    int first, last;
    if (WORD == 1)
        return;
    team_share(member, layer->B, &first, &last);
    for (int b = first; b < last; b++)
        row_pack(layer->H, layer->state[STATE_H] + (size_t)b * (size_t)layer->H, row_at(h, b));
    team_barrier(member);
}

/* How the team shares out a layer's units and streams. */
static struct grid units_grid(struct member *member, const struct layer *layer)
{
    return grid_cut(member, layer->B, panel_count(layer->H),
                    GATES * (panel_size(layer->H) + (layer->onehot ? 0 : panel_size(layer->D))),
                    true);
}

/* Timesteps whose dense inputs are multiplied at once: with few streams, weights are worth reading
 * only for several. */
static int bulk_steps(const struct layer *layer, const struct grid *grid)
{
    const bool whole = grid->last_row - grid->first_row == layer->B;
    return !layer->onehot && whole && layer->B <= TILE_ROWS / 2 ? TILE_ROWS / layer->B : 1;
}

static size_t gates_offset(const struct layer *layer, int row)
{
    return (size_t)row * GATES * (size_t)layer->H;
}

/* Products of several timesteps' inputs leave b + W_ih x in the gates. */
static void bulk_input(const struct layer *layer, const struct grid *grid, struct rows x, int t,
                       int steps)
{
    const int H = layer->H, first = t * layer->B, rows = steps * layer->B;
    const struct rows from = {row_at(x, first), x.stride};
    const word *panels = weights_of(layer).ih;
    for (int gate = 0; gate < GATES;
         gate++, panels += (size_t)panel_count(H) * panel_size(layer->D)) {
        const int unit = grid->first_panel * PANEL;
        const int width = panels_width(H, grid->first_panel, grid->last_panel);
        real *to = layer->gates + gates_offset(layer, first) + gate * H;
        for (int r = 0; r < rows && width > 0; r++)
            memcpy(to + gates_offset(layer, r) + unit, layer->param[BIAS] + gate * H + unit,
                   (size_t)width * sizeof(real));
        product_over_rows(rows, H, grid->first_panel, grid->last_panel, words(layer->D), from,
                          panels, to, GATES * (size_t)H);
    }
}

/* A member's work on a tile: the arguments of the gates of some rows, which lie side by side so
 * that they stay in the cache until they are the gates. */
struct tile {
    int panel, unit, width;
    int row, rows; /* of all timesteps' */
    _Alignas(64) real a[TILE_ROWS][GATES][PANEL];
};

/* a = b, + W_ih x where x is one-hot; or what bulk_input has made. */
static void tile_begin(const struct layer *layer, struct tile *tile, bool bulk)
{
    const size_t H = (size_t)layer->H;
    for (int r = 0; r < tile->rows; r++) {
        const real *bias = layer->param[BIAS] + tile->unit;
        real *gates = layer->gates + gates_offset(layer, tile->row + r) + tile->unit;
        const int id = layer->onehot ? layer->ids[tile->row + r] : -1;
        const real *weight =
            layer->param[WEIGHT_IH] + (size_t)(id < 0 ? 0 : id) * GATES * H + tile->unit;
        for (size_t gate = 0; gate < GATES; gate++, bias += H, gates += H, weight += H)
            for (int u = 0; u < PANEL; u += LANES) {
                const int n = tile->width - u < LANES ? tile->width - u : LANES;
                if (n <= 0)
                    break;
                vec a = vec_load_part(bulk ? gates + u : bias + u, n);
                if (id >= 0)
                    a += vec_load_part(weight + u, n);
                vec_store(&tile->a[r][gate][u], a);
                /* The line is about to be written: it comes while the product is made. */
                __builtin_prefetch(gates + u, 1);
            }
    }
}

/* a += rows · W, the four panels of the tile's units, each of `depth` words */
static void tile_multiply(const struct layer *layer, struct tile *tile, struct rows rows,
                          const word *panels, size_t depth)
{
    for (int gate = 0; gate < GATES; gate++)
        panel_product(tile->rows, tile->width, depth, rows,
                      panels +
                          (size_t)(gate * panel_count(layer->H) + tile->panel) * panel_space(depth),
                      tile->a[0][gate], GATES * PANEL);
}

/* The equations for the tile's rows, and their outputs as the next timestep's product reads them.
 */
static void tile_finish(const struct layer *layer, const struct tile *tile, struct rows next, int b)
{
    const size_t H = (size_t)layer->H, step = (size_t)layer->B * H;
    for (int r = 0; r < tile->rows; r++) {
        const size_t at = (size_t)(tile->row + r) * H + (size_t)tile->unit;
        row_forward(tile->width, layer->H, tile->a[r][0], layer->state[STATE_C] + at,
                    layer->gates + gates_offset(layer, tile->row + r) + tile->unit,
                    layer->state[STATE_C] + at + step, layer->state[STATE_H] + at + step);
        row_pack(tile->width, layer->state[STATE_H] + at + step,
                 row_at(next, b + r) + tile->unit / WORD);
    }
}

static void step_forward(const struct layer *layer, const struct grid *grid, struct rows x, int t,
                         bool bulk)
{
    const struct rows h = hidden_rows(layer, t), next = hidden_rows(layer, t + 1);
    const struct weights weights = weights_of(layer);
    struct tile tile;
    for (int panel = grid->first_panel; panel < grid->last_panel; panel++)
        for (int b = grid->first_row; b < grid->last_row; b += tile.rows) {
            tile.panel = panel;
            tile.unit = panel * PANEL;
            tile.width = panel_width(layer->H, panel);
            tile.row = t * layer->B + b;
            tile.rows = grid->last_row - b < TILE_ROWS ? grid->last_row - b : TILE_ROWS;
            tile_begin(layer, &tile, bulk);
            if (!layer->onehot && !bulk)
                tile_multiply(layer, &tile, (struct rows){row_at(x, tile.row), x.stride},
                              weights.ih, words(layer->D));
            tile_multiply(layer, &tile, (struct rows){row_at(h, b), h.stride}, weights.hh,
                          words(layer->H));
            tile_finish(layer, &tile, next, b);
        }
}

static void forward(struct member *member, const struct layer *layer)
{
    struct grid grid = units_grid(member, layer);
    const int T = layer->T, steps = bulk_steps(layer, &grid);
    const struct rows x =
        layer->onehot ? (struct rows){0}
                      : rows_of(member, T * layer->B, layer->D, layer->x, scratch_at(layer).rest);
    begin_hidden(member, layer);
    for (int t = 0; t < T; t++) {
        if (steps > 1 && t % steps == 0)
            bulk_input(layer, &grid, x, t, T - t < steps ? T - t : steps);
        step_forward(layer, &grid, x, t, steps > 1);
        team_barrier(&grid.group);
    }
}

static void step_backward(const struct layer *layer, const struct grid *grid, int t)
{
    const size_t H = (size_t)layer->H, step = (size_t)layer->B * H;
    const int unit = grid->first_panel * PANEL,
              width = panels_width(layer->H, grid->first_panel, grid->last_panel);
    const int b0 = grid->first_row, rows = grid->last_row - b0;
    const struct rows da = gradient_rows(layer, t), after = gradient_rows(layer, t + 1);
    real *dc = scratch_at(layer).dc;
    if (t < layer->T - 1)
        product_over_rows(rows, layer->H, grid->first_panel, grid->last_panel,
                          GATES * words(layer->H), (struct rows){row_at(after, b0), after.stride},
                          weights_of(layer).hh_back, layer->dy + (size_t)t * step + (size_t)b0 * H,
                          H);
    for (int b = b0; b < b0 + rows && width > 0; b++) {
        const size_t at = (size_t)b * H + (size_t)unit, row = (size_t)t * step + at;
        real *gates = layer->gates + gates_offset(layer, t * layer->B + b) + unit;
        if (t == layer->T - 1)
            memset(dc + at, 0, (size_t)width * sizeof(real));
        row_backward(width, layer->H, gates, layer->state[STATE_C] + row,
                     layer->state[STATE_C] + row + step, layer->dy + row, dc + at);
        for (size_t gate = 0; gate < GATES; gate++)
            row_pack(width, gates + gate * H, row_at(da, b) + gate * words(layer->H) + unit / WORD);
    }
}

/* δx_t = W_ihᵀ δa_t */
static void input_backward(const struct layer *layer, const struct grid *grid, int t)
{
    const struct rows da = gradient_rows(layer, t);
    const size_t D = (size_t)layer->D, row = (size_t)(t * layer->B + grid->first_row);
    const int rows = grid->last_row - grid->first_row;
    int first, last;
    team_share(&grid->group, panel_count(layer->D), &first, &last);
    const int width = panels_width(layer->D, first, last);
    for (int r = 0; r < rows && width > 0; r++)
        memset(layer->dx + (row + (size_t)r) * D + first * PANEL, 0, (size_t)width * sizeof(real));
    product_over_rows(rows, layer->D, first, last, GATES * words(layer->H),
                      (struct rows){row_at(da, grid->first_row), da.stride},
                      weights_of(layer).ih_back, layer->dx + row * D, D);
}

static void gradients(struct member *member, const struct layer *layer)
{
    const int R = layer->T * layer->B, N = GATES * layer->H;
    const struct weight_gradient inputs[] = {
        {layer->H, layer->state[STATE_H], layer->grad[WEIGHT_HH]},
        {layer->D, layer->x, layer->grad[WEIGHT_IH]},
    };
    weight_gradients(member, R, N, layer->gates, layer->onehot ? 1 : 2, inputs, layer->grad[BIAS],
                     scratch_at(layer).rest);
    if (layer->onehot)
        onehot_gradient(member, R, layer->D, N, layer->ids, layer->gates, layer->grad[WEIGHT_IH]);
}

static void backward(struct member *member, const struct layer *layer)
{
    struct grid grid = units_grid(member, layer);
    for (int t = layer->T - 1; t >= 0; t--) {
        step_backward(layer, &grid, t);
        team_barrier(&grid.group);
        if (layer->dx)
            input_backward(layer, &grid, t);
    }
    team_barrier(member);
    gradients(member, layer);
}

const struct cell VARIANT(lstm_cell) = {
    .name = "lstm",
    .num_states = STATES,
    .num_gates = GATES,
    .num_params = PARAMS,
    .quantities = quantities,
    .params = params,
    .packed_size = packed_size,
    .scratch_size = scratch_size,
    .pack = pack,
    .forward = forward,
    .backward = backward,
};
