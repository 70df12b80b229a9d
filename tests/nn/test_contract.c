/* What every cell must keep, see layer.h: whoever writes one is told here what it breaks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "cell_pass.h"
#include "engines.h"

/* Members come late out of barriers, each by turns, so that one that reads what another has yet to
 * write does so in most runs. */
void __real_team_barrier(struct member *member);
void __wrap_team_barrier(struct member *member);

void __wrap_team_barrier(struct member *member)
{
    static _Thread_local unsigned count;
    __real_team_barrier(member);
    if (member->size > 1 && (int)(count++ % 3) == member->rank % 3)
        nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
}

static const struct cell_shape shapes[] = {
    {1, 3, 20, 130, true},  {1, 3, 20, 130, false},  {64, 3, 17, 20, true}, {64, 3, 17, 20, false},
    {50, 2, 65, 100, true}, {50, 4, 33, 100, false}, {5, 4, 7, 3, false},   {6, 9, 20, 70, false},
};

#define NUM_SHAPES (sizeof shapes / sizeof *shapes)

static void same(const char *cell, const char *engine, const char *what, const char *rule,
                 const real *one, const real *other, size_t n)
{
    if (one && other && memcmp(one, other, n * sizeof *one) != 0)
        fail_msg("%s on %s: %s %s", cell, engine, what, rule);
}

static void compare(const struct cell_pass *one, const struct cell_pass *other,
                    const struct cell_problem *p, const char *rule)
{
    const struct layer_kind *kind = one->layer.kind;
    const char *engine = one->engine->name;
    const size_t before = (size_t)p->shape.B * (size_t)p->shape.H;
    const bool both_train = one->layer.training && other->layer.training;
    for (int s = 0; s < kind->num_states; s++)
        same(p->cell, engine, kind->quantities[s], rule, one->layer.state[s], other->layer.state[s],
             p->states + before);
    if (!both_train)
        return;
    same(p->cell, engine, "dx", rule, one->layer.dx, other->layer.dx, p->input);
    for (int k = 0; k < kind->num_params; k++)
        same(p->cell, engine, kind->params[k].name, rule, one->layer.grad[k], other->layer.grad[k],
             cell_param_size(p, k));
}

/* Runs `check` for every cell, engine and shape. */
static void for_all(void (*check)(const struct cell_problem *, const struct engine *))
{
    struct random random = {4, 0};
    for (int c = 0; engines_at(0)->cells[c]; c++)
        for (size_t i = 0; i < NUM_SHAPES; i++) {
            struct cell_problem problem;
            cell_problem_init(&problem, engines_at(0)->cells[c], &random, shapes[i], false);
            for (int k = 0; engines_at(k); k++)
                check(&problem, engines_at(k));
            cell_problem_release(&problem);
        }
}

static void check_threads(const struct cell_problem *p, const struct engine *engine)
{
    static const int threads[] = {2, 3, 4, 6};
    struct cell_pass alone, together;
    cell_pass_init(&alone, p, engine, engine_trains(engine));
    cell_pass_run(&alone, 1);
    for (int t = 0; t < 4; t++) {
        cell_pass_init(&together, p, engine, engine_trains(engine));
        cell_pass_run(&together, threads[t]);
        compare(&alone, &together, p, "depends on the number of threads");
        cell_pass_release(&together);
    }
    cell_pass_release(&alone);
}

static void threads_make_no_difference(void **state)
{
    (void)state;
    for_all(check_threads);
}

static void check_pieces(const struct cell_problem *p, const struct engine *engine)
{
    struct cell_pass whole, pieces;
    cell_pass_init(&whole, p, engine, engine_trains(engine));
    cell_pass_run(&whole, 2);
    for (int piece = 1; piece <= 2; piece++) {
        cell_pass_init(&pieces, p, engine, engine_trains(engine));
        pieces.piece = piece;
        cell_pass_run(&pieces, 2);
        compare(&whole, &pieces, p, "depends on the timesteps of a call");
        cell_pass_release(&pieces);
    }
    cell_pass_release(&whole);
}

static void timesteps_can_be_taken_one_by_one(void **state)
{
    (void)state;
    for_all(check_pieces);
}

static void check_training(const struct cell_problem *p, const struct engine *engine)
{
    struct cell_pass training, reading;
    if (!engine_trains(engine))
        return;
    cell_pass_init(&training, p, engine, true);
    cell_pass_init(&reading, p, engine, false);
    cell_pass_run(&training, 2);
    cell_pass_run(&reading, 2);
    compare(&training, &reading, p, "depends on whether it trains");
    same(p->cell, engine->name, "the packed layout", "depends on whether it trains",
         training.packed, reading.packed, reading.layer.kind->packed_size(&reading.layer));
    cell_pass_release(&training);
    cell_pass_release(&reading);
}

static void training_makes_no_difference(void **state)
{
    (void)state;
    for_all(check_training);
}

struct projection {
    const struct layer *layer;
    real *projected;
};

static void project(struct member *member, void *argument)
{
    const struct projection *projection = argument;
    projection->layer->kind->project(member, projection->layer, projection->projected);
}

/* What comes from below can be computed beforehand, and chosen by ids. */
static void check_projection(const struct cell_problem *p, const struct engine *engine)
{
    const struct cell_shape shape = p->shape;
    struct cell_pass pass, known;
    if (shape.onehot)
        return;
    cell_pass_init(&pass, p, engine, false);
    cell_pass_init(&known, p, engine, false);
    cell_pass_run(&pass, 1);
    struct layer *layer = &pass.layer;
    const size_t width = (size_t)layer->kind->projected_width(layer);
    const size_t rows = (size_t)shape.B * (size_t)shape.T;
    real *projected = array_new(rows * width);
    int32_t *ids = malloc(rows * sizeof *ids);
    struct team *team = team_new(2);
    team_run(team, project, &(struct projection){layer, projected});
    for (size_t r = 0; r < rows; r++)
        ids[r] = (int32_t)r;
    known.layer.onehot = true;
    known.layer.ids = ids;
    known.layer.projected = projected;
    cell_pass_run(&known, 1);
    double *h = array_doubles(pass.layer.y, p->states);
    array_near("h", known.layer.y, h, p->states,
               engine->precision == PRECISION_FP32 ? 1e3 * UNIT : 0.03);
    free(h);
    free(ids);
    team_free(team);
    array_free(projected);
    cell_pass_release(&pass);
    cell_pass_release(&known);
}

static void inputs_can_be_projected_beforehand(void **state)
{
    (void)state;
    for_all(check_projection);
}

/* What is one-hot and what is dense give the same, whichever way the weights lie. */
static void check_onehot(const struct cell_problem *p, const struct engine *engine)
{
    struct cell_pass onehot, dense;
    if (!p->shape.onehot)
        return;
    struct cell_problem other = *p;
    other.shape.onehot = false;
    other.ids = NULL;
    cell_pass_init(&onehot, p, engine, false);
    cell_pass_init(&dense, &other, engine, false);
    cell_pass_run(&onehot, 2);
    cell_pass_run(&dense, 2);
    double *h = array_doubles(dense.layer.y, p->states);
    array_near("h", onehot.layer.y, h, p->states,
               engine->precision == PRECISION_FP32 ? 1e3 * UNIT : 0.03);
    free(h);
    cell_pass_release(&onehot);
    cell_pass_release(&dense);
}

static void onehot_equals_dense(void **state)
{
    (void)state;
    for_all(check_onehot);
}

/* Names are what files, help and pages are made of. */
static void rows_are_complete(void **state)
{
    (void)state;
    for (int k = 0; engines_at(k); k++)
        for (int c = 0; engines_at(k)->cells[c]; c++) {
            const struct layer_kind *kind = engines_at(k)->cells[c];
            assert_in_range(kind->num_states, 1, LAYER_STATES);
            assert_in_range(kind->num_gates, 0, LAYER_GATES);
            assert_in_range(kind->num_params, 1, LAYER_PARAMS);
            assert_in_range(kind->num_options, 0, LAYER_OPTIONS);
            assert_true(kind->num_values >= kind->num_gates);
            assert_true(kind->forget_gate >= -1 && kind->forget_gate < kind->num_gates);
            assert_string_equal(kind->quantities[0], "h");
            for (int q = 0; q < kind->num_states + kind->num_gates; q++)
                assert_true(kind->quantities[q][0] && kind->descriptions[q][0]);
            assert_string_equal(kind->name, engines_at(0)->cells[c]->name);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_complete),
        cmocka_unit_test(threads_make_no_difference),
        cmocka_unit_test(timesteps_can_be_taken_one_by_one),
        cmocka_unit_test(training_makes_no_difference),
        cmocka_unit_test(inputs_can_be_projected_beforehand),
        cmocka_unit_test(onehot_equals_dense),
    };
    return cmocka_run_group_tests_name("contract", tests, NULL, NULL);
}
