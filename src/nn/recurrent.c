#include "recurrent.h"

#include "grid.h"
#include "linear.h"

/* Rows of a tile: four blocks of 13, or two of 26. */
#define TILE_ROWS 52

/* --- memory ----------------------------------------------------------------------------------- */

/* Panels of W_hh and of W_ih, which comes second: a layer that has W_ih x in other ways finds W_hh
 * in the same place. On the way forward a panel holds units of one gate: [gate][panel] of
 * depth H or D. On the way back it holds columns, its depth is all gates, one after the other. */
struct weights {
    word *hh, *ih;           /* forward */
    word *hh_back, *ih_back; /* back; training only */
    size_t size;
};

static struct weights weights_at(const struct layer *layer, word *at)
{
    const size_t G = (size_t)layer->cell->num_gates, H = (size_t)panel_count(layer->H);
    const size_t D = layer->onehot ? 0 : (size_t)panel_count(layer->D);
    const size_t hh = G * H * panel_size(layer->H);
    const size_t ih = D > 0 ? G * H * panel_size(layer->D) : 0;
    const size_t ih_back = D * G * panel_size(layer->H);
    const size_t size = hh + ih + (layer->training ? hh + ih_back : 0);
    if (!at || !layer->training)
        return (struct weights){at, at ? at + hh : NULL, NULL, NULL, size};
    return (struct weights){at, at + hh, at + hh + ih, at + hh + ih + hh, size};
}

/* Where words are numbers, products read states and gates where they are; else from here. */
struct scratch {
    real *carried; /* [num_carried][B][H] */
    word *h;       /* [T + 1][B][words(H)] */
    word *da;      /* [T][B][G][words(H)] */
    word *rest;    /* for the input, and for the gradients of weights */
    size_t size;
};

static size_t step_words(const struct layer *layer)
{
    return WORD > 1 ? (size_t)layer->B * words(layer->H) : 0;
}

static struct scratch scratch_at(const struct layer *layer, real *at)
{
    const size_t G = (size_t)layer->cell->num_gates, states = (size_t)layer->B * (size_t)layer->H;
    const int R = layer->T * layer->B, H = panel_count(layer->H) * PANEL;
    const int D = layer->onehot ? 0 : panel_count(layer->D) * PANEL;
    const size_t carried =
        layer->training ? ((size_t)layer->cell->recurrent->num_carried * states + 15) / 16 * 16 : 0;
    const size_t h = (size_t)(layer->T + 1) * step_words(layer);
    const size_t da = layer->training ? G * (size_t)layer->T * step_words(layer) : 0;
    const size_t input = layer->onehot ? 0 : rows_scratch(R, layer->D);
    const size_t gradients =
        layer->training ? weight_gradients_scratch(R, layer->cell->num_gates * layer->H, H + D) : 0;
    const size_t size = carried + h + da + (input > gradients ? input : gradients);
    if (!at)
        return (struct scratch){.size = size};
    return (struct scratch){at, at + carried, at + carried + h, at + carried + h + da, size};
}

size_t recurrent_packed_size(const struct layer *layer)
{
    return weights_at(layer, NULL).size;
}

size_t recurrent_scratch_size(const struct layer *layer)
{
    return scratch_at(layer, NULL).size;
}

/* Packs a weight of G · H rows and K columns for the way forward and, unless it is NULL, back. */
static void pack_weight(struct member *member, int G, int H, int K, const real *weight,
                        word *forward, word *back)
{
    int first, last;
    team_share(member, G * panel_count(H), &first, &last);
    for (int k = first; k < last; k++) {
        const int gate = k / panel_count(H), panel = k % panel_count(H);
        panel_pack_turned(K, panel_width(H, panel),
                          weight + (size_t)(gate * H + panel * PANEL) * (size_t)K, (size_t)K,
                          forward + (size_t)k * panel_size(K));
    }
    if (!back)
        return;
    team_share(member, (int)words(H), &first, &last);
    for (int gate = 0; gate < G; gate++)
        panels_pack(first, last, H, K, weight + (size_t)(gate * H) * (size_t)K, (size_t)K,
                    back + (size_t)gate * panel_size(H), (size_t)G * panel_size(H));
}

void recurrent_pack(struct member *member, const struct layer *layer, word *packed)
{
    const struct recurrent *recurrent = layer->cell->recurrent;
    const struct weights to = weights_at(layer, packed);
    pack_weight(member, layer->cell->num_gates, layer->H, layer->H,
                layer->param[recurrent->weight_hh], to.hh, to.hh_back);
    if (!layer->onehot)
        pack_weight(member, layer->cell->num_gates, layer->H, layer->D,
                    layer->param[recurrent->weight_ih], to.ih, to.ih_back);
}

/* --- a layer at work -------------------------------------------------------------------------- */

struct work {
    const struct layer *layer;
    const struct recurrent *recurrent;
    struct weights weights;
    struct scratch scratch;
    struct grid grid; /* how the team shares out units and streams */
    int unit, width;  /* the member's units */
    size_t G, H, B;
};

static struct work begin(struct member *member, const struct layer *layer)
{
    const struct weights weights =
        weights_at(layer, (word *)layer->packed); /* which none but pack writes */
    const struct grid grid =
        grid_cut(member, layer->B, panel_count(layer->H),
                 (size_t)layer->cell->num_gates *
                     (panel_size(layer->H) + (layer->onehot ? 0 : panel_size(layer->D))),
                 true);
    return (struct work){
        .layer = layer,
        .recurrent = layer->cell->recurrent,
        .weights = weights,
        .scratch = scratch_at(layer, layer->scratch),
        .grid = grid,
        .unit = grid.first_panel * PANEL,
        .width = panels_width(layer->H, grid.first_panel, grid.last_panel),
        .G = (size_t)layer->cell->num_gates,
        .H = (size_t)layer->H,
        .B = (size_t)layer->B,
    };
}

/* Row r = t · B + b of the gates. */
static real *gates_row(const struct work *work, size_t r)
{
    return work->layer->gates + r * work->G * work->H;
}

/* The states of row r, before its timestep and after, from `unit` on. */
static void states_at(const struct work *work, size_t r, int unit, const real *before[],
                      real *after[])
{
    for (int s = 0; s < work->layer->cell->num_states; s++) {
        real *state = work->layer->state[s] + r * work->H + unit;
        before[s] = state;
        after[s] = state + work->B * work->H;
    }
}

/* h_{t−1}, as products read it, and δa_t: [B] rows */
static struct rows hidden_rows(const struct work *work, int t)
{
    if (WORD == 1)
        return (struct rows){work->layer->state[0] + (size_t)t * work->B * work->H, work->H};
    return (struct rows){work->scratch.h + (size_t)t * step_words(work->layer),
                         words(work->layer->H)};
}

static struct rows gradient_rows(const struct work *work, int t)
{
    if (WORD == 1)
        return (struct rows){gates_row(work, (size_t)t * work->B), work->G * work->H};
    return (struct rows){work->scratch.da + (size_t)t * work->G * step_words(work->layer),
                         work->G * words(work->layer->H)};
}

static word *row_at(struct rows rows, int row)
{
    return (word *)rows.data + (size_t)row * rows.stride;
}

static struct rows rows_from(struct rows rows, int row)
{
    return (struct rows){row_at(rows, row), rows.stride};
}

/* Timesteps whose dense inputs are multiplied at once, so that there are `rows` to read the weights
 * for. */
static int bulk_steps(const struct work *work, int rows)
{
    const int B = work->layer->B;
    const bool whole = work->grid.last_row - work->grid.first_row == B;
    return !work->layer->onehot && whole && rows > B ? rows / B : 1;
}

/* --- forward ---------------------------------------------------------------------------------- */

/* Packs h_0, what the last chunk left. */
static void begin_hidden(struct member *member, const struct work *work)
{
    int first, last;
    if (WORD == 1)
        return;
    const struct rows h = hidden_rows(work, 0);
    team_share(member, work->layer->B, &first, &last);
    for (int b = first; b < last; b++)
        row_pack(work->layer->H, work->layer->state[0] + (size_t)b * work->H, row_at(h, b));
    team_barrier(member);
}

/* Leaves b + W_ih x of so many timesteps in the gates. */
static void bulk_input(const struct work *work, struct rows x, int t, int steps)
{
    const struct layer *layer = work->layer;
    const word *panels = work->weights.ih;
    const size_t first = (size_t)t * work->B;
    const int rows = steps * layer->B;
    for (size_t gate = 0; gate < work->G; gate++) {
        const real *bias = layer->param[work->recurrent->bias] + gate * work->H + work->unit;
        real *to = gates_row(work, first) + gate * work->H;
        for (int r = 0; r < rows && work->width > 0; r++)
            memcpy(gates_row(work, first + (size_t)r) + gate * work->H + work->unit, bias,
                   (size_t)work->width * sizeof(real));
        product_over_rows(rows, layer->H, work->grid.first_panel, work->grid.last_panel,
                          words(layer->D), rows_from(x, t * layer->B), panels, to,
                          work->G * work->H);
        panels += (size_t)panel_count(layer->H) * panel_size(layer->D);
    }
}

/* a of some rows and one panel of units, side by side so that they stay in the cache until they are
 * the gates. */
struct tile {
    int panel, unit, width;
    int b, rows;
    size_t row;                                          /* the first one, t · B + b */
    _Alignas(64) real a[TILE_ROWS * CELL_GATES * PANEL]; /* [rows][G][PANEL] */
};

/* a = b, + W_ih x where x is one-hot; or what bulk_input has made. */
static void tile_begin(const struct work *work, struct tile *tile, bool bulk)
{
    const struct layer *layer = work->layer;
    real *a = tile->a;
    for (size_t row = tile->row; row < tile->row + (size_t)tile->rows; row++) {
        const int id = layer->onehot ? layer->ids[row] : -1;
        const real *bias = layer->param[work->recurrent->bias] + tile->unit;
        const real *weight = layer->param[work->recurrent->weight_ih] + tile->unit +
                             (size_t)(id < 0 ? 0 : id) * work->G * work->H;
        real *gates = gates_row(work, row) + tile->unit;
        for (size_t gate = 0; gate < work->G;
             gate++, a += PANEL, bias += work->H, weight += work->H, gates += work->H)
            for (int u = 0; u < tile->width; u += LANES) {
                const int n = tile->width - u < LANES ? tile->width - u : LANES;
                vec sum = vec_load_part(bulk ? gates + u : bias + u, n);
                if (id >= 0)
                    sum += vec_load_part(weight + u, n);
                vec_store(a + u, sum);
                /* The line is about to be written: it comes while the product is made. */
                __builtin_prefetch(gates + u, 1);
            }
    }
}

/* a += rows · W, the panels of the tile's units, each of `depth` words */
static void tile_multiply(const struct work *work, struct tile *tile, struct rows rows,
                          const word *panels, size_t depth)
{
    const size_t apart = (size_t)panel_count(work->layer->H) * panel_space(depth);
    panels += (size_t)tile->panel * panel_space(depth);
    for (size_t k = 0; k < depth; k += DEEP)
        for (size_t gate = 0; gate < work->G; gate++)
            panel_product(tile->rows, tile->width, depth - k < DEEP ? depth - k : DEEP,
                          (struct rows){rows.data + k, rows.stride},
                          panels + gate * apart + panel_space(k), tile->a + gate * PANEL,
                          work->G * PANEL);
}

/* The equations, and h as the next timestep's product reads it. */
static void tile_finish(const struct work *work, const struct tile *tile, struct rows next)
{
    const real *before[CELL_STATES];
    real *after[CELL_STATES];
    for (int r = 0; r < tile->rows; r++) {
        const size_t row = tile->row + (size_t)r;
        states_at(work, row, tile->unit, before, after);
        work->recurrent->row_forward(tile->width, tile->a + (size_t)r * work->G * PANEL, before,
                                     gates_row(work, row) + tile->unit, work->H, after);
        row_pack(tile->width, after[0], row_at(next, tile->b + r) + tile->unit / WORD);
    }
}

static void step_forward(const struct work *work, struct rows x, int t, bool bulk)
{
    const struct layer *layer = work->layer;
    const struct rows h = hidden_rows(work, t), next = hidden_rows(work, t + 1);
    struct tile tile;
    for (int panel = work->grid.first_panel; panel < work->grid.last_panel; panel++)
        for (int b = work->grid.first_row; b < work->grid.last_row; b += tile.rows) {
            const int left = work->grid.last_row - b;
            tile.panel = panel;
            tile.unit = panel * PANEL;
            tile.width = panel_width(layer->H, panel);
            tile.b = b;
            tile.rows = left < TILE_ROWS ? left : TILE_ROWS;
            tile.row = (size_t)t * work->B + (size_t)b;
            tile_begin(work, &tile, bulk);
            if (!layer->onehot && !bulk)
                tile_multiply(work, &tile, rows_from(x, (int)tile.row), work->weights.ih,
                              words(layer->D));
            tile_multiply(work, &tile, rows_from(h, b), work->weights.hh, words(layer->H));
            tile_finish(work, &tile, next);
        }
}

void recurrent_forward(struct member *member, const struct layer *layer)
{
    struct work work = begin(member, layer);
    const int T = layer->T, steps = bulk_steps(&work, TILE_ROWS);
    struct rows x = {0};
    if (!layer->onehot)
        x = rows_of(member, T * layer->B, layer->D, layer->x, work.scratch.rest);
    begin_hidden(member, &work);
    for (int t = 0; t < T; t++) {
        if (steps > 1 && t % steps == 0)
            bulk_input(&work, x, t, T - t < steps ? T - t : steps);
        if (!team_stops(member->team))
            step_forward(&work, x, t, steps > 1);
        team_barrier(&work.grid.group);
    }
}

/* --- back ------------------------------------------------------------------------------------- */

/* δh_t = δy_t + W_hhᵀ δa_{t+1}, and the equations. */
static void step_backward(const struct work *work, int t)
{
    const struct layer *layer = work->layer;
    const struct rows da = gradient_rows(work, t), later = gradient_rows(work, t + 1);
    const int first = work->grid.first_row, last = work->grid.last_row, width = work->width;
    const size_t row = (size_t)t * work->B, states = work->B * work->H;
    const real *before[CELL_STATES];
    real *after[CELL_STATES], *carried[CELL_STATES];
    if (t < layer->T - 1)
        product_over_rows(last - first, layer->H, work->grid.first_panel, work->grid.last_panel,
                          work->G * words(layer->H), rows_from(later, first), work->weights.hh_back,
                          layer->dy + (row + (size_t)first) * work->H, work->H);
    for (int b = first; b < last && width > 0; b++) {
        const size_t at = (size_t)b * work->H + (size_t)work->unit;
        real *gates = gates_row(work, row + (size_t)b) + work->unit;
        states_at(work, row + (size_t)b, work->unit, before, after);
        for (int k = 0; k < work->recurrent->num_carried; k++) {
            carried[k] = work->scratch.carried + (size_t)k * states + at;
            if (t == layer->T - 1)
                memset(carried[k], 0, (size_t)width * sizeof(real));
        }
        work->recurrent->row_backward(width, gates, work->H, before, (const real *const *)after,
                                      layer->dy + row * work->H + at, carried);
        for (size_t gate = 0; gate < work->G; gate++)
            row_pack(width, gates + gate * work->H,
                     row_at(da, b) + gate * words(layer->H) + work->unit / WORD);
    }
}

/* δx_t = W_ihᵀ δa_t for so many timesteps from t on. */
static void input_backward(const struct work *work, int t, int steps)
{
    const struct layer *layer = work->layer;
    const size_t D = (size_t)layer->D, b = (size_t)work->grid.first_row;
    const int rows = (steps - 1) * layer->B + work->grid.last_row - work->grid.first_row;
    real *dx = layer->dx + ((size_t)t * work->B + b) * D;
    int first, last;
    team_share(&work->grid.group, panel_count(layer->D), &first, &last);
    const int width = panels_width(layer->D, first, last);
    for (int r = 0; r < rows && width > 0; r++)
        memset(dx + (size_t)r * D + first * PANEL, 0, (size_t)width * sizeof(real));
    product_over_rows(rows, layer->D, first, last, work->G * words(layer->H),
                      rows_from(gradient_rows(work, t), work->grid.first_row),
                      work->weights.ih_back, dx, D);
}

static void weights_backward(struct member *member, const struct work *work)
{
    const struct layer *layer = work->layer;
    const struct recurrent *recurrent = work->recurrent;
    const int R = layer->T * layer->B, N = layer->cell->num_gates * layer->H;
    const struct weight_gradient inputs[] = {
        {layer->H, layer->state[0], layer->grad[recurrent->weight_hh]},
        {layer->D, layer->x, layer->grad[recurrent->weight_ih]},
    };
    weight_gradients(member, R, N, layer->gates, layer->onehot ? 1 : 2, inputs,
                     layer->grad[recurrent->bias], work->scratch.rest);
    if (layer->onehot)
        onehot_gradient(member, R, layer->D, N, layer->ids, layer->gates,
                        layer->grad[recurrent->weight_ih]);
}

void recurrent_backward(struct member *member, const struct layer *layer)
{
    struct work work = begin(member, layer);
    const int T = layer->T, steps = bulk_steps(&work, GRID_WORTH_READING);
    for (int t = T - 1; t >= 0; t--) {
        const bool stops = team_stops(member->team);
        if (!stops)
            step_backward(&work, t);
        team_barrier(&work.grid.group);
        if (!stops && layer->dx && t % steps == 0)
            input_backward(&work, t, T - t < steps ? T - t : steps);
    }
    team_barrier(member);
    weights_backward(member, &work);
}
