/* The LSTM of every engine, forward and back, against its equations in double precision. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arrays.h"
#include "engines.h"
#include "reference.h"

#define BF16_UNIT (1.0 / 512)

enum { WEIGHT_IH, WEIGHT_HH, BIAS };

/* One layer's inputs, and what is right for it. */
struct problem {
    int B, T, D, H;
    int32_t *ids; /* [T][B], or NULL: dense input */
    real *x, *weight_ih, *weight_hh, *bias, *h0, *c0, *dy;
    struct reference right;
    size_t states, gates, input; /* numbers in arrays of [T][B][H], [T][B][4][H], [T][B][D] */
};

/* With one-hot input x is what the ids mean: a 1 at the id, or nothing where it is −1. */
static void make_input(struct problem *p, struct random *random, bool onehot)
{
    if (!onehot) {
        p->x = array_random(random, p->input, 1);
        return;
    }
    const size_t rows = (size_t)p->T * (size_t)p->B;
    p->x = array_new(p->input);
    p->ids = malloc(rows * sizeof *p->ids);
    memset(p->x, 0, p->input * sizeof *p->x);
    for (size_t r = 0; r < rows; r++) {
        p->ids[r] = random_below(random, 8) == 0 ? -1 : random_below(random, p->D);
        if (p->ids[r] >= 0)
            p->x[r * (size_t)p->D + (size_t)p->ids[r]] = 1;
    }
}

static void solve(struct problem *p)
{
    const size_t B = (size_t)p->B, H = (size_t)p->H, D = (size_t)p->D;
    p->right = (struct reference){
        .B = p->B,
        .T = p->T,
        .D = p->D,
        .H = p->H,
        .x = array_doubles(p->x, p->input),
        .weight_ih = array_doubles(p->weight_ih, 4 * H * D),
        .weight_hh = array_doubles(p->weight_hh, 4 * H * H),
        .b = array_doubles(p->bias, 4 * H),
        .h = calloc(p->states + B * H, sizeof(double)),
        .c = calloc(p->states + B * H, sizeof(double)),
        .gates = calloc(p->gates, sizeof(double)),
        .dy = array_doubles(p->dy, p->states),
        .dweight_ih = calloc(4 * H * D, sizeof(double)),
        .dweight_hh = calloc(4 * H * H, sizeof(double)),
        .db = calloc(4 * H, sizeof(double)),
        .dx = p->ids ? NULL : calloc(p->input, sizeof(double)),
    };
    for (size_t k = 0; k < B * H; k++) {
        p->right.h[k] = (double)p->h0[k];
        p->right.c[k] = (double)p->c0[k];
    }
    reference_forward(&p->right);
    reference_backward(&p->right);
}

static void problem_init(struct problem *p, struct random *random, int B, int T, int D, int H,
                         bool onehot)
{
    const size_t b = (size_t)B, t = (size_t)T, d = (size_t)D, h = (size_t)H;
    *p = (struct problem){.B = B, .T = T, .D = D, .H = H};
    p->states = t * b * h;
    p->gates = 4 * p->states;
    p->input = t * b * d;
    make_input(p, random, onehot);
    /* Twice what training starts from: gates then use all of their range. */
    p->weight_ih = array_weights(random, 4 * h, d, onehot ? 2 : 2 / sqrt(D));
    p->weight_hh = array_weights(random, 4 * h, h, 2 / sqrt(H));
    p->bias = array_random(random, 4 * h, 1);
    p->h0 = array_random(random, b * h, 1);
    p->c0 = array_random(random, b * h, 2);
    p->dy = array_random(random, p->states, 1);
    solve(p);
}

static void problem_release(struct problem *p)
{
    const struct reference *right = &p->right;
    real *const arrays[] = {p->x, p->weight_ih, p->weight_hh, p->bias, p->h0, p->c0, p->dy};
    const double *const doubles[] = {
        right->x,     right->weight_ih, right->weight_hh,  right->b,          right->h,  right->c,
        right->gates, right->dy,        right->dweight_ih, right->dweight_hh, right->db, right->dx};
    for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++)
        array_free(arrays[k]);
    for (size_t k = 0; k < sizeof doubles / sizeof *doubles; k++)
        free((void *)(uintptr_t)doubles[k]);
    free(p->ids);
}

/* What an engine works on. */
struct pass {
    const struct engine *engine;
    const struct cell *cell;
    struct layer layer;
    real *packed;
};

/* n roundings add up like a random walk of steps of one unit; a factor of 8 takes in the farthest
 * of the many numbers compared, and what a small layer remembers for long. */
static double rounding(const struct pass *pass, double n, double largest)
{
    if (pass->engine->precision == PRECISION_BF16)
        return 8 * BF16_UNIT * largest;
    return 8 * sqrt(n) * UNIT * largest;
}

static void run_forward(struct member *member, void *argument)
{
    const struct pass *pass = argument;
    pass->cell->pack(member, &pass->layer, pass->packed);
    team_barrier(member);
    pass->cell->forward(member, &pass->layer);
}

static void run_backward(struct member *member, void *argument)
{
    const struct pass *pass = argument;
    pass->cell->backward(member, &pass->layer);
}

/* The one-hot layer's matrix and its gradient lie the other way round: rows × columns becomes
 * columns × rows. */
static real *turned(const real *from, size_t rows, size_t columns)
{
    real *to = array_new(rows * columns);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            to[c * rows + r] = from[r * columns + c];
    return to;
}

static real *copied(const real *from, size_t n)
{
    return turned(from, 1, n);
}

static void pass_init(struct pass *pass, const struct problem *p, const struct engine *engine)
{
    const size_t H = (size_t)p->H, D = (size_t)p->D, B = (size_t)p->B;
    pass->engine = engine;
    pass->cell = engine_cell(engine, "lstm");
    pass->layer = (struct layer){
        .cell = pass->cell,
        .B = p->B,
        .T = p->T,
        .D = p->D,
        .H = p->H,
        .onehot = p->ids,
        .training = engine_trains(engine),
        .ids = p->ids,
        .x = p->ids ? NULL : p->x,
        .param = {p->ids ? turned(p->weight_ih, 4 * H, D) : copied(p->weight_ih, 4 * H * D),
                  p->weight_hh, p->bias},
        .grad = {array_new(4 * H * D), array_new(4 * H * H), array_new(4 * H)},
        .state = {array_new(p->states + B * H), array_new(p->states + B * H)},
        .gates = array_new(p->gates),
        .dy = copied(p->dy, p->states),
        .dx = p->ids ? NULL : array_new(p->input),
    };
    pass->layer.packed = pass->packed = array_new(pass->cell->packed_size(&pass->layer));
    pass->layer.scratch = array_new(pass->cell->scratch_size(&pass->layer));
    memcpy(pass->layer.state[0], p->h0, B * H * sizeof(real));
    memcpy(pass->layer.state[1], p->c0, B * H * sizeof(real));
}

static void pass_release(struct pass *pass)
{
    struct layer *layer = &pass->layer;
    real *const arrays[] = {layer->grad[WEIGHT_IH],
                            layer->grad[WEIGHT_HH],
                            layer->grad[BIAS],
                            layer->state[0],
                            layer->state[1],
                            layer->gates,
                            layer->dy,
                            layer->dx,
                            layer->scratch,
                            pass->packed,
                            (real *)(uintptr_t)layer->param[WEIGHT_IH]};
    for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++)
        array_free(arrays[k]);
}

/* A state is the work of all timesteps up to its own, each with a product of length D + H and some
 * twenty operations more; what the recurrence forgets makes up for what it enlarges. */
static double compare_forward(const struct pass *pass, const struct problem *p)
{
    const size_t first = (size_t)p->B * (size_t)p->H;
    const double n = p->T * ((p->ids ? 1 : p->D) + p->H + 20);
    const double largest = fmax(1, array_largest(p->right.c, p->states + first));
    double worst =
        array_near("gates", pass->layer.gates, p->right.gates, p->gates, rounding(pass, n, 1));
    worst = fmax(worst, array_near("h", pass->layer.state[0] + first, p->right.h + first, p->states,
                                   rounding(pass, n, 1)));
    return fmax(worst, array_near("c", pass->layer.state[1] + first, p->right.c + first, p->states,
                                  rounding(pass, n, largest)));
}

/* The way back is as long again, with products of length 4H; a weight's gradient then is a sum over
 * all rows, of numbers of the size of 1 whatever their sum is. */
static double compare_backward(const struct pass *pass, const struct problem *p)
{
    const struct reference *right = &p->right;
    const size_t H = (size_t)p->H, D = (size_t)p->D, rows = 4 * H;
    const double n = p->T * ((p->ids ? 1 : p->D) + 5 * p->H + 40), sum = n + p->T * p->B;
    const double ih = fmax(1, array_largest(right->dweight_ih, rows * D)),
                 hh = fmax(1, array_largest(right->dweight_hh, rows * H)),
                 b = fmax(1, array_largest(right->db, rows));
    real *dweight = p->ids ? turned(pass->layer.grad[WEIGHT_IH], D, rows)
                           : copied(pass->layer.grad[WEIGHT_IH], rows * D);
    double worst =
        array_near("dweight_ih", dweight, right->dweight_ih, rows * D, rounding(pass, sum, ih));
    array_free(dweight);
    worst = fmax(worst, array_near("dweight_hh", pass->layer.grad[WEIGHT_HH], right->dweight_hh,
                                   rows * H, rounding(pass, sum, hh)));
    worst = fmax(worst, array_near("dbias", pass->layer.grad[BIAS], right->db, rows,
                                   rounding(pass, sum, b)));
    if (p->ids)
        return worst;
    return fmax(worst, array_near("dx", pass->layer.dx, right->dx, p->input,
                                  rounding(pass, n, fmax(1, array_largest(right->dx, p->input)))));
}

static void check(struct random *random, int B, int T, int D, int H, bool onehot, int threads)
{
    struct problem problem;
    struct pass pass;
    struct team *team = team_new(threads);
    problem_init(&problem, random, B, T, D, H, onehot);
    for (int k = 0; engines_at(k); k++) {
        pass_init(&pass, &problem, engines_at(k));
        team_run(team, run_forward, &pass);
        const double forward = compare_forward(&pass, &problem);
        double backward = 0;
        if (pass.layer.training) {
            team_run(team, run_backward, &pass);
            backward = compare_backward(&pass, &problem);
        }
        print_message("# %s, B %d T %d %s %d H %d: %.2f and %.2f of the tolerance\n",
                      engines_at(k)->name, B, T, onehot ? "V" : "D", D, H, forward, backward);
        pass_release(&pass);
    }
    problem_release(&problem);
    team_free(team);
}

static const int batches[] = {1, 7, 50, 64}, lengths[] = {1, 2, 50},
                 widths[] = {1, 3, 17, 100, 127}, symbols[] = {1, 2, 65, 300};

/* Shapes beyond this many products take longer than they teach. */
#ifndef WORK
#define WORK 1e8
#endif

static void onehot_input(void **state)
{
    (void)state;
    struct random random = {1, 0};
    for (int round = 0; round < 24;) {
        const int B = batches[random_below(&random, 4)], T = lengths[random_below(&random, 3)],
                  H = widths[round % 5], V = symbols[round % 4];
        if (4.0 * B * T * H * H > WORK)
            continue;
        check(&random, B, T, V, H, true, 1 + round % 3);
        round++;
    }
}

static void dense_input(void **state)
{
    (void)state;
    struct random random = {2, 0};
    for (int round = 0; round < 15;) {
        const int B = batches[random_below(&random, 4)], T = lengths[random_below(&random, 3)],
                  H = widths[round % 5],
                  D = random_below(&random, 2) ? H : 1 + random_below(&random, 40);
        if (4.0 * B * T * H * (H + D) > WORK)
            continue;
        check(&random, B, T, D, H, false, 1 + round % 3);
        round++;
    }
    check(&random, 2, 2, 300, 270, false, 2); /* deeper than what is multiplied at once */
}

/* What is one-hot and what is dense give the same, whichever way the weights lie. */
static void onehot_equals_dense(void **state)
{
    (void)state;
    struct random random = {3, 0};
    struct team *team = team_new(2);
    for (int k = 0; engines_at(k); k++) {
        struct problem problem;
        struct pass onehot, dense;
        problem_init(&problem, &random, 7, 20, 65, 17, true);
        pass_init(&onehot, &problem, engines_at(k));
        int32_t *ids = problem.ids;
        problem.ids = NULL;
        pass_init(&dense, &problem, engines_at(k));
        problem.ids = ids;
        team_run(team, run_forward, &onehot);
        team_run(team, run_forward, &dense);
        double *h = array_doubles(dense.layer.state[0], problem.states);
        array_near("h", onehot.layer.state[0], h, problem.states,
                   rounding(&dense, 20 * (17 + 65 + 20), 1));
        free(h);
        pass_release(&onehot);
        pass_release(&dense);
        problem_release(&problem);
    }
    team_free(team);
}

static void same(const char *name, const real *one, const real *other, size_t n)
{
    if (one && memcmp(one, other, n * sizeof *one) != 0)
        fail_msg("%s depends on the number of threads", name);
}

static void pass_run(struct pass *pass, const struct problem *p, const struct engine *engine,
                     int threads)
{
    struct team *team = team_new(threads);
    pass_init(pass, p, engine);
    team_run(team, run_forward, pass);
    if (pass->layer.training)
        team_run(team, run_backward, pass);
    team_free(team);
}

static void threads_make_no_difference(void **state)
{
    (void)state;
    static const int shapes[][4] = {{1, 3, 20, 130}, {64, 3, 17, 20}, {50, 2, 65, 100}},
                     threads[] = {2, 3, 4, 6}; /* streams, timesteps, inputs, units */
    struct random random = {4, 0};
    for (int i = 0; i < 6; i++) {
        struct problem p;
        problem_init(&p, &random, shapes[i / 2][0], shapes[i / 2][1], shapes[i / 2][2],
                     shapes[i / 2][3], i % 2);
        const size_t H = (size_t)p.H, D = (size_t)p.D;
        for (int k = 0; engines_at(k); k++) {
            struct pass alone, together;
            pass_run(&alone, &p, engines_at(k), 1);
            for (int t = 0; t < 4; t++) {
                pass_run(&together, &p, engines_at(k), threads[t]);
                const struct layer *one = &alone.layer, *other = &together.layer;
                same("h", one->state[0], other->state[0], p.states + (size_t)p.B * H);
                same("c", one->state[1], other->state[1], p.states + (size_t)p.B * H);
                same("gates", one->gates, other->gates, p.gates);
                same("dx", one->dx, other->dx, p.input);
                same("dweight_ih", one->grad[WEIGHT_IH], other->grad[WEIGHT_IH], 4 * H * D);
                same("dweight_hh", one->grad[WEIGHT_HH], other->grad[WEIGHT_HH], 4 * H * H);
                same("dbias", one->grad[BIAS], other->grad[BIAS], 4 * H);
                pass_release(&together);
            }
            pass_release(&alone);
        }
        problem_release(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(onehot_input),
        cmocka_unit_test(dense_input),
        cmocka_unit_test(onehot_equals_dense),
        cmocka_unit_test(threads_make_no_difference),
    };
    return cmocka_run_group_tests_name("lstm", tests, NULL, NULL);
}
