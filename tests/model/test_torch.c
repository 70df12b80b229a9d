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

/* The fixture's numbers have ten digits; in single precision a number of the size of 1 has seven,
 * and the last of them is lost on the way. */
#ifdef RUNE_DOUBLE
#define TOLERANCE 1e-9
#else
#define TOLERANCE 1e-6
#endif
#define BF16_TOLERANCE 1e-2 /* a rounding is 2e-3 */

struct reading {
    const struct fixture *fixture;
    struct model model;
    struct tape tape;
};

static void write_file(const char *path, const struct fixture *fixture)
{
    static uint8_t file[8192];
    const size_t header = strlen(fixture->header), weights = (size_t)fixture->num_weights;
    const uint64_t length = htole64(header);
    const size_t size = 8 + header + 4 * weights + 8;
    assert_true(size <= sizeof file);
    memset(file, 0, sizeof file);
    memcpy(file, &length, 8);
    memcpy(file + 8, fixture->header, header);
    for (size_t k = 0; k < weights; k++) {
        const float weight = (float)fixture->weights[k] / 64;
        uint32_t bits;
        memcpy(&bits, &weight, sizeof bits);
        bits = htole32(bits);
        memcpy(file + 8 + header + 4 * k, &bits, sizeof bits);
    }
    scratch_write(path, file, size);
}

static void run(struct member *member, void *argument)
{
    struct reading *reading = argument;
    model_pack(member, &reading->model);
    model_forward(member, &reading->tape, NULL, 0, 0);
    model_loss(member, &reading->tape, reading->fixture->y);
}

static void run_back(struct member *member, void *argument)
{
    struct reading *reading = argument;
    model_backward(member, &reading->tape, reading->fixture->y);
}

static void compare_gradients(const struct fixture *fixture, const struct params *params,
                              const real *gradients, double tolerance)
{
    size_t compared = 0;
    for (size_t k = 0; k < sizeof fixture->gradients / sizeof *fixture->gradients; k++)
        for (int p = 0; p < params->count; p++) {
            const struct param *param = &params->list[p];
            const size_t rows = (size_t)param->rows, columns = (size_t)param->columns;
            /* Where a cell has one bias and PyTorch two, they have the same gradient. */
            if (!fixture->gradients[k].name ||
                (strcmp(fixture->gradients[k].name, param->name) != 0 &&
                 strcmp(fixture->gradients[k].name, param->zero_bias) != 0))
                continue;
            for (size_t row = 0; row < rows; row++)
                for (size_t column = 0; column < columns; column++, compared++) {
                    const real got =
                        gradients[param->offset + (param->transposed ? column * rows + row
                                                                     : row * columns + column)];
                    const double right = fixture->gradients[k].values[row * columns + column];
                    if (!(fabs((double)got - right) <= tolerance))
                        fail_msg("%s [%zu, %zu]: %.9g, not %.9g", fixture->gradients[k].name, row,
                                 column, (double)got, right);
                }
        }
    assert_int_equal(compared, fixture->num_weights);
}

static void check(const struct fixture *fixture, const struct engine *engine, struct team *team)
{
    struct reading reading = {.fixture = fixture, .model.training = true};
    const double tolerance = engine->precision == PRECISION_BF16 ? BF16_TOLERANCE : TOLERANCE;
    assert_int_equal(model_load(&reading.model, engine, scratch_path("torch")), 0);
    assert_int_equal(tape_init(&reading.tape, &reading.model, FIXTURE_B, FIXTURE_T, true, 0), 0);
    tape_set_input(&reading.tape, fixture->x);
    team_run(team, run, &reading);
    double largest = 1;
    for (size_t n = 0; n < ROWS * FIXTURE_V; n++)
        largest = fmax(largest, fabs(fixture->logits[n]));
    for (size_t n = 0; n < ROWS * FIXTURE_V; n++)
        assert_true(fabs((double)reading.tape.logits[n] - fixture->logits[n]) <=
                    tolerance * largest);
    assert_true(fabs(reading.tape.loss - fixture->loss) <= tolerance * largest);
    team_run(team, run_back, &reading);
    compare_gradients(fixture, &reading.model.params, reading.tape.gradients, tolerance * largest);
    tape_release(&reading.tape);
    model_release(&reading.model);
}

static void logits_and_gradients(void **state)
{
    (void)state;
    struct team *team = team_new(2);
    for (size_t f = 0; f < sizeof fixtures / sizeof *fixtures; f++) {
        write_file(scratch_path("torch"), &fixtures[f]);
        for (int k = 0; engine_at(k); k++)
            check(&fixtures[f], engine_at(k), team);
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
