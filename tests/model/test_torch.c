/* A file that PyTorch could have written gives PyTorch's logits and gradients. */
#include <endian.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "checkpoint.h"
#include "scratch.h"
#include "team.h"
#include "torch_fixture.h"

#define ROWS (FIXTURE_B * FIXTURE_T)
#define WEIGHTS (sizeof fixture_weights)

/* The fixture's numbers have ten digits; in single precision a number of the size of 1 has seven,
 * and the last of them is lost on the way. */
#ifdef RUNE_DOUBLE
#define TOLERANCE 1e-9
#else
#define TOLERANCE 1e-6
#endif
#define BF16_TOLERANCE 1e-2 /* a rounding is 2e-3 */

struct pass {
    struct model model;
    struct tape tape;
};

static void write_file(const char *path)
{
    static uint8_t file[8 + sizeof fixture_header + 4 * WEIGHTS + 8];
    const size_t header = strlen(fixture_header);
    const uint64_t length = htole64(header);
    memcpy(file, &length, 8);
    memcpy(file + 8, fixture_header, header);
    for (size_t k = 0; k < WEIGHTS; k++) {
        const float weight = (float)fixture_weights[k] / 64;
        uint32_t bits;
        memcpy(&bits, &weight, sizeof bits);
        bits = htole32(bits);
        memcpy(file + 8 + header + 4 * k, &bits, sizeof bits);
    }
    scratch_write(path, file, 8 + header + 4 * WEIGHTS + 8);
}

static void run(struct member *member, void *argument)
{
    struct pass *pass = argument;
    model_pack(member, &pass->model);
    model_forward(member, &pass->tape, NULL, 0, 0);
    model_loss(member, &pass->tape, fixture_y);
}

static void run_back(struct member *member, void *argument)
{
    struct pass *pass = argument;
    model_backward(member, &pass->tape, fixture_y, 0);
}

static void compare_gradients(const struct params *params, const real *gradients, double tolerance)
{
    size_t compared = 0;
    for (size_t k = 0; k < sizeof fixture_gradients / sizeof *fixture_gradients; k++)
        for (int p = 0; p < params->count; p++) {
            const struct param *param = &params->list[p];
            const size_t rows = (size_t)param->rows, columns = (size_t)param->columns;
            /* This cell has one bias where PyTorch has two, which have the same gradient. */
            if (strcmp(fixture_gradients[k].name, param->name) != 0 &&
                strcmp(fixture_gradients[k].name, param->twin) != 0)
                continue;
            for (size_t row = 0; row < rows; row++)
                for (size_t column = 0; column < columns; column++, compared++) {
                    const real got =
                        gradients[param->offset +
                                  (param->turned ? column * rows + row : row * columns + column)];
                    const double right = fixture_gradients[k].values[row * columns + column];
                    if (!(fabs((double)got - right) <= tolerance))
                        fail_msg("%s [%zu, %zu]: %.9g, not %.9g", fixture_gradients[k].name, row,
                                 column, (double)got, right);
                }
        }
    assert_int_equal(compared, WEIGHTS);
}

static void logits_and_gradients(void **state)
{
    (void)state;
    write_file(scratch_path("torch"));
    struct team *team = team_new(2);
    for (int k = 0; engine_at(k); k++) {
        struct pass pass = {.model.training = true};
        const double tolerance =
            engine_at(k)->precision == PRECISION_BF16 ? BF16_TOLERANCE : TOLERANCE;
        assert_int_equal(model_load(&pass.model, engine_at(k), scratch_path("torch")), 0);
        assert_int_equal(tape_init(&pass.tape, &pass.model, FIXTURE_B, FIXTURE_T, true, 0), 0);
        tape_set_input(&pass.tape, fixture_x);
        team_run(team, run, &pass);
        for (size_t n = 0; n < ROWS * FIXTURE_V; n++)
            assert_true(fabs((double)pass.tape.logits[n] - fixture_logits[n]) <= tolerance);
        assert_true(fabs(pass.tape.loss - fixture_loss) <= tolerance);
        team_run(team, run_back, &pass);
        compare_gradients(&pass.model.params, pass.tape.gradients, tolerance);
        tape_release(&pass.tape);
        model_release(&pass.model);
    }
    team_free(team);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_and_gradients),
    };
    return cmocka_run_group_tests_name("torch", tests, scratch_make, scratch_remove);
}
