#include "recurrent.h"

#include "grid.h"
#include "linear.h"

/* Rows of a tile: a multiple of 13, the MR of AVX-512. */
#define TILE_ROWS 52

/* How many blocks from `first` on have consecutive sums: one product serves them all. */
static int run_length(const struct block_map *map, int first)
{
    int n = 1;
    while (first + n < map->count && map->of[first + n] == map->of[first] + n)
        n++;
    return n;
}

/* --- memory ----------------------------------------------------------------------------------- */

/* The packed weights. Forward panels come first: their offsets must not depend on `training`. W_hh
 * precedes W_ih, which one-hot layers omit.
 *
 * Forward, a panel has units of one block of rows: [block][panel] of depth H or D. Backward, it has
 * columns; its depth is the rows of a run of blocks, one block after the other. */
struct weights {
    word *hh, *changed, *ih;                /* forward; `changed` are the blocks that multiply s */
    word *hh_back, *changed_back, *ih_back; /* backward; training only */
    size_t size;
};

/* The blocks of W_hh that multiply h, or those that multiply the changed state s. */
static struct block_map state_blocks(const struct layer *layer, bool changed)
{
    const struct recurrent *recurrent = layer->kind->recurrent;
    const int last = recurrent->changed_blocks ? recurrent->changed_blocks(layer->options) : 0;
    const int first = recurrent->state.count - last;
    return changed ? (struct block_map){last, recurrent->state.of + first}
                   : (struct block_map){first, recurrent->state.of};
}

static struct weights weights_at(const struct layer *layer, word *at)
{
    const struct recurrent *recurrent = layer->kind->recurrent;
    const size_t H = (size_t)panel_count(layer->N), D = (size_t)panel_count(layer->D);
    const size_t block = H * panel_size(layer->N), blocks_x = (size_t)recurrent->input.count;
    const size_t hh = (size_t)recurrent->state.count * block;
    const size_t unchanged = (size_t)state_blocks(layer, false).count * block;
    const size_t ih = layer->onehot ? 0 : blocks_x * H * panel_size(layer->D);
    const size_t ih_back = layer->needs_dx ? blocks_x * D * panel_size(layer->N) : 0;
    struct weights weights = {.size = hh + ih + (layer->training ? hh + ih_back : 0)};
    if (!at)
        return weights;
    weights.hh = at;
    weights.changed = at + unchanged;
    weights.ih = at + hh;
    if (layer->training) {
        weights.hh_back = at + hh + ih;
        weights.changed_back = weights.hh_back + unchanged;
        weights.ih_back = weights.hh_back + hh;
    }
    return weights;
}

/* If a word is a number, products read states and values in place, and the arrays of words are
 * empty but for `rest`. */
struct scratch {
    real *carried;  /* [num_carried][B][H] */
    real *changed;  /* [T][B][H] s, of one timestep at a time unless it trains */
    real *dchanged; /* [B][H] */
    word *h;        /* [T + 1][B][words(H)] */
    word *s;        /* [B][words(H)] */
    word *da;       /* [T][B][num_sums][words(H)] */
    word *rest;     /* the packed input, or what weight_gradients needs */
    size_t size;
};

static size_t step_words(const struct layer *layer)
{
    return WORD > 1 ? (size_t)layer->B * words(layer->N) : 0;
}

/* Takes `count` numbers from the scratch memory, in whole lines of the cache; measures only while
 * `base` is NULL. */
static real *take(struct scratch *scratch, real *base, size_t count)
{
    real *array = base ? base + scratch->size : NULL;
    scratch->size += (count + 15) / 16 * 16;
    return array;
}

static struct scratch scratch_at(const struct layer *layer, real *base)
{
    const struct recurrent *recurrent = layer->kind->recurrent;
    const size_t A = (size_t)recurrent->num_sums, T = (size_t)layer->T;
    const size_t states = (size_t)layer->B * (size_t)layer->N;
    const int R = layer->T * layer->B, H = panel_count(layer->N) * NR;
    const int D = layer->onehot ? 0 : panel_count(layer->D) * NR;
    const bool training = layer->training, changes = state_blocks(layer, true).count > 0;
    const size_t input = layer->onehot ? 0 : rows_scratch(R, layer->D);
    const size_t gradients =
        training ? weight_gradients_scratch(R, recurrent->num_sums * layer->N, H + changes * H + D)
                 : 0;
    struct scratch scratch = {.size = 0};
    scratch.carried = take(&scratch, base, training ? (size_t)recurrent->num_carried * states : 0);
    scratch.changed = take(&scratch, base, changes ? (training ? T : 1) * states : 0);
    scratch.dchanged = take(&scratch, base, changes && training ? states : 0);
    scratch.h = take(&scratch, base, (T + 1) * step_words(layer));
    scratch.s = take(&scratch, base, changes ? step_words(layer) : 0);
    scratch.da = take(&scratch, base, training ? A * T * step_words(layer) : 0);
    scratch.rest = take(&scratch, base, input > gradients ? input : gradients);
    return scratch;
}

size_t recurrent_packed_size(const struct layer *layer)
{
    return weights_at(layer, NULL).size;
}

size_t recurrent_scratch_size(const struct layer *layer)
{
    return scratch_at(layer, NULL).size;
}

/* Packs a weight of `blocks` · H rows and K columns for the way forward. */
static void pack_forward(struct member *member, int blocks, int H, int K, const real *weight,
                         word *to)
{
    int first, last;
    team_share(member, blocks * panel_count(H), &first, &last);
    for (int k = first; k < last; k++) {
        const int block = k / panel_count(H), panel = k % panel_count(H);
        panel_pack_transposed(K, panel_width(H, panel),
                              weight + (size_t)(block * H + panel * NR) * (size_t)K, (size_t)K,
                              to + (size_t)k * panel_size(K));
    }
}

static void pack_backward(struct member *member, const struct block_map *map, int H, int K,
                          const real *weight, word *to)
{
    int first, last;
    team_share(member, (int)words(H), &first, &last);
    for (int block = 0, n; block < map->count; block += n) {
        n = run_length(map, block);
        for (int k = 0; k < n; k++)
            panels_pack(first, last, H, K, weight + (size_t)((block + k) * H) * (size_t)K,
                        (size_t)K, to + (size_t)k * panel_size(H), (size_t)n * panel_size(H));
        to += (size_t)n * (size_t)panel_count(K) * panel_size(H);
    }
}

/* The same for weights that are transposed, [K][blocks · H]. */
static void pack_backward_transposed(struct member *member, const struct block_map *map, int H,
                                     int K, const real *weight, word *to)
{
    const size_t stride = (size_t)(map->count * H);
    int first, last;
    team_share(member, panel_count(K), &first, &last);
    for (int block = 0, n; block < map->count; block += n) {
        n = run_length(map, block);
        const size_t size = (size_t)n * panel_size(H);
        for (int panel = first; panel < last; panel++)
            for (int k = 0; k < n; k++)
                panel_pack_transposed(
                    H, panel_width(K, panel),
                    weight + (size_t)(panel * NR) * stride + (size_t)((block + k) * H), stride,
                    to + (size_t)panel * size + (size_t)k * panel_size(H));
        to += (size_t)panel_count(K) * size;
    }
}

void recurrent_pack(struct member *member, const struct layer *layer, word *packed)
{
    const struct recurrent *recurrent = layer->kind->recurrent;
    const struct block_map state = state_blocks(layer, false), changed = state_blocks(layer, true);
    const struct weights to = weights_at(layer, packed);
    const real *hh = layer->param[recurrent->weight_hh], *ih = layer->param[recurrent->weight_ih];
    pack_forward(member, recurrent->state.count, layer->N, layer->N, hh, to.hh);
    if (!layer->onehot)
        pack_forward(member, recurrent->input.count, layer->N, layer->D, ih, to.ih);
    if (!layer->training)
        return;
    pack_backward(member, &state, layer->N, layer->N, hh, to.hh_back);
    pack_backward(member, &changed, layer->N, layer->N,
                  hh + (size_t)(state.count * layer->N) * (size_t)layer->N, to.changed_back);
    if (layer->needs_dx && layer->onehot)
        pack_backward_transposed(member, &recurrent->input, layer->N, layer->D, ih, to.ih_back);
    else if (layer->needs_dx)
        pack_backward(member, &recurrent->input, layer->N, layer->D, ih, to.ih_back);
}

/* --- a layer at work -------------------------------------------------------------------------- */

struct work {
    const struct layer *layer;
    const struct recurrent *recurrent;
    struct weights weights;
    struct scratch scratch;
    struct block_map state, changed; /* the blocks of W_hh that multiply h, and s */
    struct grid grid;                /* how the team shares units and streams */
    int unit, width;                 /* the member's units */
    size_t H, B, sums, values;
    int input_block[SUMS_MAX], state_block[SUMS_MAX]; /* of each sum, or −1 */
};

static void list_blocks(const struct block_map *map, int block[SUMS_MAX])
{
    for (int a = 0; a < SUMS_MAX; a++)
        block[a] = -1;
    for (int k = 0; k < map->count; k++)
        block[map->of[k]] = k;
}

static struct work begin(struct member *member, const struct layer *layer)
{
    const struct recurrent *recurrent = layer->kind->recurrent;
    const size_t panel_words =
        (size_t)recurrent->state.count * panel_size(layer->N) +
        (layer->onehot ? 0 : (size_t)recurrent->input.count * panel_size(layer->D));
    const struct grid grid = grid_cut(member, layer->B, panel_count(layer->N), panel_words, true);
    struct work work = {
        .layer = layer,
        .recurrent = recurrent,
        .weights = weights_at(layer, (word *)layer->packed), /* which none but pack writes */
        .scratch = scratch_at(layer, layer->scratch),
        .state = state_blocks(layer, false),
        .changed = state_blocks(layer, true),
        .grid = grid,
        .unit = grid.first_panel * NR,
        .width = panels_width(layer->N, grid.first_panel, grid.last_panel),
        .H = (size_t)layer->N,
        .B = (size_t)layer->B,
        .sums = (size_t)recurrent->num_sums,
        .values = (size_t)layer->kind->num_values,
    };
    list_blocks(&recurrent->input, work.input_block);
    list_blocks(&recurrent->state, work.state_block);
    return work;
}

/* Row r = t · B + b of the values. */
static real *values_row(const struct work *work, size_t r)
{
    return work->layer->values + r * work->values * work->H;
}

/* The states of row r, before its timestep and after, from `unit` on. */
static void states_at(const struct work *work, size_t r, int unit, const real *before[],
                      real *after[])
{
    for (int s = 0; s < work->layer->kind->num_states; s++) {
        real *state = work->layer->state[s] + r * work->H + unit;
        before[s] = state;
        after[s] = state + work->B * work->H;
    }
}

/* The B rows of h_{t−1}, of s_t and of δa_t, as products read them. */
static struct rows hidden_rows(const struct work *work, int t)
{
    if (WORD == 1)
        return (struct rows){work->layer->state[0] + (size_t)t * work->B * work->H, work->H};
    return (struct rows){work->scratch.h + (size_t)t * step_words(work->layer),
                         words(work->layer->N)};
}

/* The B rows of s_t. */
static real *changed_at(const struct work *work, int t)
{
    return work->scratch.changed + (work->layer->training ? (size_t)t * work->B * work->H : 0);
}

static struct rows changed_rows(const struct work *work, int t)
{
    return WORD == 1 ? (struct rows){changed_at(work, t), work->H}
                     : (struct rows){work->scratch.s, words(work->layer->N)};
}

static struct rows gradient_rows(const struct work *work, int t)
{
    if (WORD == 1)
        return (struct rows){values_row(work, (size_t)t * work->B), work->values * work->H};
    return (struct rows){work->scratch.da + (size_t)t * work->sums * step_words(work->layer),
                         work->sums * words(work->layer->N)};
}

static word *row_at(struct rows rows, int row)
{
    return (word *)rows.data + (size_t)row * rows.stride;
}

static struct rows rows_from(struct rows rows, int row)
{
    return (struct rows){row_at(rows, row), rows.stride};
}

/* Timesteps whose dense inputs are multiplied at once: enough for `rows` rows. */
static int bulk_steps(const struct work *work, int rows)
{
    const int B = work->layer->B;
    const bool whole = work->grid.last_row - work->grid.first_row == B;
    return !work->layer->onehot && whole && rows > B ? rows / B : 1;
}

/* --- forward ---------------------------------------------------------------------------------- */

/* Packs h_{t−1}, which the last call or the last chunk left. */
static void begin_hidden(struct member *member, const struct work *work, int t)
{
    int first, last;
    if (WORD == 1)
        return;
    const struct rows h = hidden_rows(work, t);
    const real *state = work->layer->state[0] + (size_t)t * work->B * work->H;
    team_share(member, work->layer->B, &first, &last);
    for (int b = first; b < last; b++)
        row_pack(work->layer->N, state + (size_t)b * work->H, row_at(h, b));
    team_barrier(member);
}

/* The biases of a sum from `unit` on; NULL if it has none of that kind. */
struct biases {
    const real *ih, *hh;
};

static struct biases biases_of(const struct work *work, size_t sum, int unit)
{
    const struct recurrent *recurrent = work->recurrent;
    const int x = work->input_block[sum], h = work->state_block[sum];
    struct biases biases = {NULL, NULL};
    if (x >= 0)
        biases.ih = work->layer->param[recurrent->bias_ih] + (size_t)x * work->H + unit;
    if (h >= 0 && recurrent->bias_hh >= 0)
        biases.hh = work->layer->param[recurrent->bias_hh] + (size_t)h * work->H + unit;
    return biases;
}

/* The sum of up to three vectors from unit u on; NULL: 0. The order of the additions is fixed, so
 * that every path gives the same bits. */
static inline vec add_up(const real *first, const real *second, const real *third, int u, int n)
{
    vec sum = first ? vec_load_part(first + u, n) : (vec){0};
    if (second)
        sum += vec_load_part(second + u, n);
    if (third)
        sum += vec_load_part(third + u, n);
    return sum;
}

/* Computes b + W_ih x of some timesteps from t on, whose rows are x, into `values`. */
static void bulk_input(const struct work *work, struct rows x, int t, int steps)
{
    const struct layer *layer = work->layer;
    const word *panels = work->weights.ih;
    const size_t first = (size_t)t * work->B;
    const int rows = steps * layer->B;
    for (int block = 0; block < work->recurrent->input.count; block++) {
        const size_t sum = (size_t)work->recurrent->input.of[block];
        const struct biases biases = biases_of(work, sum, work->unit);
        real *to = values_row(work, first) + sum * work->H;
        for (int r = 0; r < rows; r++) {
            real *row = to + (size_t)r * work->values * work->H + work->unit;
            for (int u = 0; u < work->width; u += LANES) {
                const int n = work->width - u < LANES ? work->width - u : LANES;
                vec_store_part(row + u, add_up(biases.ih, biases.hh, NULL, u, n), n);
            }
        }
        product_over_rows(rows, layer->N, work->grid.first_panel, work->grid.last_panel,
                          words(layer->D), x, panels, to, work->values * work->H);
        panels += (size_t)panel_count(layer->N) * panel_size(layer->D);
    }
}

/* The sums of some rows and one panel of units. They stay in the cache until the equations
 * have read them. */
struct tile {
    int panel, unit, width;
    int b, rows;
    size_t row;                                     /* the first one, t · B + b */
    _Alignas(64) real a[TILE_ROWS * SUMS_MAX * NR]; /* [rows][num_sums][NR] */
};

/* Begins the sums: b, plus a row of W_ih or of `projected` if ids choose one; or, with `bulk`,
 * what bulk_input has computed. */
static void tile_begin(const struct work *work, struct tile *tile, bool bulk)
{
    const struct layer *layer = work->layer;
    const struct recurrent *recurrent = work->recurrent;
    const real *table = layer->projected ? layer->projected : layer->param[recurrent->weight_ih];
    const size_t table_width = (size_t)recurrent->input.count * work->H;
    real *a = tile->a;
    for (size_t row = tile->row; row < tile->row + (size_t)tile->rows; row++) {
        const int id = layer->onehot ? layer->ids[row] : -1;
        const real *known = table + (size_t)(id < 0 ? 0 : id) * table_width + tile->unit;
        for (size_t k = 0; k < work->sums; k++, a += NR) {
            const int x = work->input_block[k];
            const struct biases biases = biases_of(work, k, tile->unit);
            const real *values = values_row(work, row) + k * work->H + tile->unit;
            const real *of_id = id < 0 || x < 0 ? NULL : known + (size_t)x * work->H;
            for (int u = 0; u < tile->width; u += LANES) {
                const int n = tile->width - u < LANES ? tile->width - u : LANES;
                vec_store(a + u, bulk && x >= 0 ? vec_load_part(values + u, n)
                                                : add_up(biases.ih, biases.hh, of_id, u, n));
                /* The line is about to be written: it comes while the product is made. */
                __builtin_prefetch(values + u, 1);
            }
        }
    }
}

/* Adds rows · W to the tile's sums. `panels`, `depth` words deep, are those of all units;
 * block g of W is for sum to->of[g]. */
static void tile_multiply(const struct work *work, struct tile *tile, struct rows rows,
                          const struct block_map *to, const word *panels, size_t depth)
{
    const size_t apart = (size_t)panel_count(work->layer->N) * panel_space(depth);
    panels += (size_t)tile->panel * panel_space(depth);
    for (size_t k = 0; k < depth; k += KC)
        for (int block = 0; block < to->count; block++)
            panel_product(tile->rows, tile->width, depth - k < KC ? depth - k : KC,
                          (struct rows){rows.data + k, rows.stride},
                          panels + (size_t)block * apart + panel_space(k),
                          tile->a + (size_t)to->of[block] * NR, work->sums * NR);
}

/* Makes the changed state, and keeps the sums for round 2 where the values will be. */
static void tile_change(const struct work *work, const struct tile *tile, int t)
{
    const struct rows s = changed_rows(work, t);
    const real *before[LAYER_STATES];
    real *after[LAYER_STATES];
    for (int r = 0; r < tile->rows; r++) {
        const size_t row = tile->row + (size_t)r, b = (size_t)(tile->b + r);
        const real *a = tile->a + (size_t)r * work->sums * NR;
        real *values = values_row(work, row) + tile->unit;
        real *changed = changed_at(work, t) + b * work->H + tile->unit;
        states_at(work, row, tile->unit, before, after);
        work->recurrent->row_change(work->layer->options, tile->width, a, before, changed);
        row_pack(tile->width, changed, row_at(s, (int)b) + tile->unit / WORD);
        for (size_t k = 0; k < work->sums; k++)
            memcpy(values + k * work->H, a + k * NR, (size_t)tile->width * sizeof *a);
    }
}

/* Reads the sums that tile_change has kept. */
static void tile_again(const struct work *work, struct tile *tile)
{
    real *a = tile->a;
    for (size_t row = tile->row; row < tile->row + (size_t)tile->rows; row++)
        for (size_t k = 0; k < work->sums; k++, a += NR)
            for (int u = 0; u < tile->width; u += LANES)
                vec_store(a + u, vec_load_part(values_row(work, row) + k * work->H + tile->unit + u,
                                               smaller(tile->width - u, LANES)));
}

/* Applies the equations, and packs h for the next timestep's product. */
static void tile_finish(const struct work *work, const struct tile *tile, int t)
{
    const struct rows next = hidden_rows(work, t + 1);
    const real *before[LAYER_STATES];
    real *after[LAYER_STATES];
    for (int r = 0; r < tile->rows; r++) {
        const size_t row = tile->row + (size_t)r;
        states_at(work, row, tile->unit, before, after);
        work->recurrent->row_forward(work->layer->options, tile->width,
                                     tile->a + (size_t)r * work->sums * NR, before,
                                     values_row(work, row) + tile->unit, work->H, after);
        row_pack(tile->width, after[0], row_at(next, tile->b + r) + tile->unit / WORD);
    }
}

/* What one timestep reads. */
struct step {
    int t;
    struct rows x;
    bool bulk; /* bulk_input has multiplied x */
};

/* The first round of products: all that h and x go into. */
static void tile_first(const struct work *work, const struct step *step, struct tile *tile)
{
    tile_begin(work, tile, step->bulk);
    if (!work->layer->onehot && !step->bulk)
        tile_multiply(work, tile, rows_from(step->x, tile->b), &work->recurrent->input,
                      work->weights.ih, words(work->layer->D));
    tile_multiply(work, tile, rows_from(hidden_rows(work, step->t), tile->b), &work->state,
                  work->weights.hh, words(work->layer->N));
    if (work->changed.count > 0)
        tile_change(work, tile, step->t);
    else
        tile_finish(work, tile, step->t);
}

/* The second round: what the changed state goes into. */
static void tile_second(const struct work *work, const struct step *step, struct tile *tile)
{
    tile_again(work, tile);
    tile_multiply(work, tile, rows_from(changed_rows(work, step->t), tile->b), &work->changed,
                  work->weights.changed, words(work->layer->N));
    tile_finish(work, tile, step->t);
}

static void for_tiles(const struct work *work, const struct step *step,
                      void (*round)(const struct work *, const struct step *, struct tile *))
{
    struct tile tile;
    for (int panel = work->grid.first_panel; panel < work->grid.last_panel; panel++)
        for (int b = work->grid.first_row; b < work->grid.last_row; b += tile.rows) {
            tile.panel = panel;
            tile.unit = panel * NR;
            tile.width = panel_width(work->layer->N, panel);
            tile.b = b;
            tile.rows = smaller(work->grid.last_row - b, TILE_ROWS);
            tile.row = (size_t)step->t * work->B + (size_t)b;
            round(work, step, &tile);
        }
}

/* The dense input of the timesteps [first, last), as products read it; nothing for one-hot input.
 */
static struct rows input_rows(struct member *member, const struct work *work, int first, int last)
{
    const struct layer *layer = work->layer;
    if (layer->onehot)
        return (struct rows){0};
    return rows_of(member, (last - first) * layer->B, layer->D,
                   layer->x + (size_t)first * work->B * (size_t)layer->D, work->scratch.rest);
}

void recurrent_forward(struct member *member, const struct layer *layer, int first, int last)
{
    struct work work = begin(member, layer);
    const int steps = bulk_steps(&work, TILE_ROWS);
    const struct rows x = input_rows(member, &work, first, last);
    begin_hidden(member, &work, first);
    for (int t = first; t < last; t++) {
        const struct rows now = layer->onehot ? x : rows_from(x, (t - first) * layer->B);
        const struct step step = {t, now, steps > 1};
        if (step.bulk && (t - first) % steps == 0)
            bulk_input(&work, now, t, smaller(last - t, steps));
        if (!team_should_stop(member->team))
            for_tiles(&work, &step, tile_first);
        team_barrier(&work.grid.group);
        if (work.changed.count == 0)
            continue;
        if (!team_should_stop(member->team))
            for_tiles(&work, &step, tile_second);
        team_barrier(&work.grid.group);
    }
}

int recurrent_projected_width(const struct layer *layer)
{
    return layer->kind->recurrent->input.count * layer->N;
}

void recurrent_project(struct member *member, const struct layer *layer, real *projected)
{
    const struct work work = begin(member, layer);
    const int R = layer->T * layer->B, width = recurrent_projected_width(layer);
    const struct rows x = input_rows(member, &work, 0, layer->T);
    int first, last;
    team_share(member, panel_count(layer->N), &first, &last);
    const int units = panels_width(layer->N, first, last);
    for (int block = 0; block < work.recurrent->input.count; block++) {
        real *to = projected + block * layer->N;
        for (int r = 0; r < R && units > 0; r++)
            memset(to + (size_t)r * (size_t)width + first * NR, 0, (size_t)units * sizeof(real));
        product_over_rows(R, layer->N, first, last, words(layer->D), x,
                          work.weights.ih +
                              (size_t)(block * panel_count(layer->N)) * panel_size(layer->D),
                          to, (size_t)width);
    }
}

/* --- back ------------------------------------------------------------------------------------- */

/* to[rows][K] += δa · W for the columns of the panels [first, last), where block g of W belongs to
 * sum map->of[g]. */
static void multiply_back(const struct work *work, const struct block_map *map, int rows, int K,
                          int first, int last, struct rows da, const word *panels, real *to)
{
    const int H = work->layer->N;
    for (int block = 0, n; block < map->count; block += n) {
        n = run_length(map, block);
        product_over_rows(rows, K, first, last, (size_t)n * words(H),
                          (struct rows){da.data + (size_t)map->of[block] * words(H), da.stride},
                          panels, to, (size_t)K);
        panels += (size_t)n * (size_t)panel_count(K) * panel_size(H);
    }
}

/* What the equations back read and write of one row, from the member's first unit on. */
struct row_back {
    const real *before[LAYER_STATES], *after[LAYER_STATES];
    real *carried[LAYER_STATES];
    real *values;
};

static struct row_back row_back_at(const struct work *work, int t, int b)
{
    const size_t row = (size_t)t * work->B + (size_t)b, states = work->B * work->H;
    struct row_back back = {.values = values_row(work, row) + work->unit};
    real *after[LAYER_STATES];
    states_at(work, row, work->unit, back.before, after);
    for (int s = 0; s < work->layer->kind->num_states; s++)
        back.after[s] = after[s];
    for (int k = 0; k < work->recurrent->num_carried; k++)
        back.carried[k] =
            work->scratch.carried + (size_t)k * states + (size_t)b * work->H + (size_t)work->unit;
    return back;
}

/* Packs the gradients of a row's sums for the products to come. */
static void pack_gradients(const struct work *work, int t, int b, const real *values)
{
    word *to = row_at(gradient_rows(work, t), b) + work->unit / WORD;
    for (size_t k = 0; k < work->sums; k++)
        row_pack(work->width, values + k * work->H, to + k * words(work->layer->N));
}

/* δh_t = δy_t + W_hhᵀ δa_{t+1}, and the equations. */
static void step_backward(const struct work *work, int t)
{
    const struct layer *layer = work->layer;
    const int first = work->grid.first_row, last = work->grid.last_row, width = work->width;
    real *dh = layer->dy + (size_t)t * work->B * work->H;
    if (t < layer->T - 1)
        multiply_back(work, &work->state, last - first, layer->N, work->grid.first_panel,
                      work->grid.last_panel, rows_from(gradient_rows(work, t + 1), first),
                      work->weights.hh_back, dh + (size_t)first * work->H);
    for (int b = first; b < last && width > 0; b++) {
        const struct row_back back = row_back_at(work, t, b);
        for (int k = 0; k < work->recurrent->num_carried && t == layer->T - 1; k++)
            memset(back.carried[k], 0, (size_t)width * sizeof(real));
        work->recurrent->row_backward(layer->options, width, back.values, work->H, back.before,
                                      back.after, dh + (size_t)b * work->H + work->unit,
                                      back.carried);
        pack_gradients(work, t, b, back.values);
    }
}

/* δs_t = Uᵀ δa_t, with U the blocks that multiply s, and back through the change. */
static void change_backward(const struct work *work, int t)
{
    const struct layer *layer = work->layer;
    const int first = work->grid.first_row, last = work->grid.last_row, width = work->width;
    for (int b = first; b < last && width > 0; b++)
        memset(work->scratch.dchanged + (size_t)b * work->H + work->unit, 0,
               (size_t)width * sizeof(real));
    multiply_back(work, &work->changed, last - first, layer->N, work->grid.first_panel,
                  work->grid.last_panel, rows_from(gradient_rows(work, t), first),
                  work->weights.changed_back, work->scratch.dchanged + (size_t)first * work->H);
    for (int b = first; b < last && width > 0; b++) {
        const struct row_back back = row_back_at(work, t, b);
        const size_t at = (size_t)b * work->H + (size_t)work->unit;
        work->recurrent->row_change_back(layer->options, width, back.values, work->H, back.before,
                                         work->scratch.dchanged + at, changed_at(work, t) + at,
                                         back.carried);
        pack_gradients(work, t, b, back.values);
    }
}

/* δx_t = W_ihᵀ δa_t for some timesteps from t on. */
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
        memset(dx + (size_t)r * D + first * NR, 0, (size_t)width * sizeof(real));
    multiply_back(work, &work->recurrent->input, rows, layer->D, first, last,
                  rows_from(gradient_rows(work, t), work->grid.first_row), work->weights.ih_back,
                  dx);
}

void recurrent_backward(struct member *member, const struct layer *layer, int first, int last)
{
    struct work work = begin(member, layer);
    const int steps = bulk_steps(&work, GRID_WORTH_READING);
    for (int t = last - 1; t >= first; t--) {
        const bool stops = team_should_stop(member->team);
        if (!stops)
            step_backward(&work, t);
        team_barrier(&work.grid.group);
        if (work.changed.count > 0) {
            if (!stops)
                change_backward(&work, t);
            team_barrier(&work.grid.group);
        }
        if (!stops && layer->dx && (t - first) % steps == 0)
            input_backward(&work, t, smaller(last - t, steps));
    }
}

/* Appends the gradients of some blocks of a weight [blocks · H][D] and of its bias (−1: none), from
 * block `first` on: a run of blocks each. Returns the new length of the list. */
static int list_gradients(const struct layer *layer, const struct block_map *map, int first, int D,
                          const real *x, int weight, int bias, struct weight_gradient *list,
                          int count)
{
    const size_t H = (size_t)layer->N;
    for (int block = 0, n; block < map->count; block += n) {
        n = run_length(map, block);
        const size_t row = (size_t)(first + block) * H;
        list[count++] = (struct weight_gradient){
            .from = map->of[block] * layer->N,
            .N = n * layer->N,
            .D = D,
            .x = x,
            .dweight = layer->grad[weight] + row * (size_t)D,
            .dbias = bias < 0 ? NULL : layer->grad[bias] + row,
        };
    }
    return count;
}

void recurrent_gradients(struct member *member, const struct layer *layer)
{
    const struct recurrent *recurrent = layer->kind->recurrent;
    const struct block_map *input = &recurrent->input;
    const struct block_map state = state_blocks(layer, false), changed = state_blocks(layer, true);
    const struct scratch scratch = scratch_at(layer, layer->scratch);
    const int R = layer->T * layer->B, N = recurrent->num_sums * layer->N;
    const size_t stride = (size_t)layer->kind->num_values * (size_t)layer->N;
    struct weight_gradient list[2 * SUMS_MAX];
    int count = list_gradients(layer, &state, 0, layer->N, layer->state[0], recurrent->weight_hh,
                               recurrent->bias_hh, list, 0);
    count = list_gradients(layer, &changed, state.count, layer->N, scratch.changed,
                           recurrent->weight_hh, recurrent->bias_hh, list, count);
    count = list_gradients(layer, input, 0, layer->onehot ? 0 : layer->D, layer->x,
                           recurrent->weight_ih, recurrent->bias_ih, list, count);
    weight_gradients(member, R, N, layer->values, stride, count, list, scratch.rest);
    for (int block = 0, n; layer->onehot && block < input->count; block += n) {
        n = run_length(input, block);
        onehot_gradient(member, R, layer->D, n * layer->N, layer->ids,
                        layer->values + (size_t)input->of[block] * (size_t)layer->N, stride,
                        layer->grad[recurrent->weight_ih] + (size_t)block * (size_t)layer->N,
                        (size_t)input->count * (size_t)layer->N);
    }
}
