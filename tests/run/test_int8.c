/* Sampling with 8-bit weights: the divergence from float32, and the decision based on it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "error.h"
#include "int8.h"
#include "random.h"
#include "sample.h"

enum { L = 2, H = 80, V = 37, B = INT8_TEXTS, T = INT8_SYMBOLS, N = T * B };

static real *weights_of(struct model *model, int layer, int param)
{
    const int place = layer < L ? model_layer_index(model, layer) : model->depth - 1;
    return model->weights + params_at(&model->params, place, param)->offset;
}

/* In the upper layer, the first of each 64 units is always 0, as its output gate is closed. */
static void init_model(struct model *model, const struct engine *engine)
{
    enum { BIAS = 2, OUTPUT_GATE = 3 };
    struct random random = {1, 0};
    *model = (struct model){0};
    assert_int_equal(model_init(model, engine, "lstm", NULL, L, H, V, NULL), 0);
    assert_int_equal(model_allocate(model), 0);
    model->vocab.unknown = VOCAB_NONE;
    for (size_t k = 0; k < model->params.size; k++)
        model->weights[k] = (real)random_between(&random, -0.5, 0.5);
    for (int unit = 0; unit < H; unit += 64)
        weights_of(model, L - 1, BIAS)[OUTPUT_GATE * H + unit] = -1e4F;
}

static void write_text(struct model *model, struct team *team, int32_t *ids)
{
    const struct sample_options options = {.temperature = 1, .top_p = 1, .seed = 1};
    struct sampler sampler = {0};
    assert_int_equal(sampler_init(&sampler, team, model, B, &options), 0);
    for (int t = 0; t < T; t++) {
        sampler_next(&sampler);
        memcpy(ids + t * B, sampler.ids, B * sizeof *ids);
    }
    sampler_release(&sampler);
}

static void forward(struct member *member, void *tape)
{
    model_forward(member, tape, NULL, 0, 0);
}

/* The probabilities of the model at each position of a text, in one pass. */
static void expect(struct model *model, struct team *team, const int32_t *ids, double *probs)
{
    struct tape tape = {0};
    int32_t inputs[N];
    for (int b = 0; b < B; b++)
        inputs[b] = VOCAB_NONE;
    memcpy(inputs + B, ids, (N - B) * sizeof *ids);
    assert_int_equal(tape_init(&tape, model, B, T, false, 0), 0);
    tape_set_input(&tape, inputs);
    model_prepare(team, model);
    team_run(team, forward, &tape);
    for (int k = 0; k < N; k++) {
        double sum = 0;
        for (int v = 0; v < V; v++)
            sum += probs[k * V + v] = exp((double)tape.logits[k * V + v]);
        for (int v = 0; v < V; v++)
            probs[k * V + v] /= sum;
    }
    tape_release(&tape);
}

static void the_divergence_is_as_defined(void **state)
{
    (void)state;
    static double exact[N * V], rounded[N * V];
    const struct engine *int8, *own = engine_of(PRECISION_FP32, 0);
    for (int k = 0; (int8 = engine_of(PRECISION_INT8, k)); k++) {
        struct model model;
        struct team *team = team_new(2);
        int32_t ids[N];
        double divergence, expected = 0;
        init_model(&model, own);
        write_text(&model, team, ids);
        expect(&model, team, ids, exact);
        assert_int_equal(try_int8(&model, team, int8, &divergence), 0);
        assert_ptr_equal(model.engine, int8);
        expect(&model, team, ids, rounded);
        for (int i = 0; i < N * V; i++)
            expected += exact[i] * log(exact[i] / rounded[i]) / N;
        assert_true(expected > 1e-7 && expected < INT8_LIMIT);
        assert_true(fabs(divergence - expected) < 0.01 * expected);
        model_release(&model);
        team_free(team);
    }
}

/* The divergence does not depend on the number of threads. */
static void threads_agree(void **state)
{
    (void)state;
    const struct engine *int8 = engine_of(PRECISION_INT8, 0);
    double divergence[3];
    for (int threads = 1; threads <= 3 && int8; threads++) {
        struct model model;
        struct team *team = team_new(threads);
        init_model(&model, engine_of(PRECISION_FP32, 0));
        assert_int_equal(try_int8(&model, team, int8, &divergence[threads - 1]), 0);
        assert_true(divergence[threads - 1] == divergence[0]);
        model_release(&model);
        team_free(team);
    }
}

/* With the same engine there is no divergence. */
static void the_same_is_taken(void **state)
{
    (void)state;
    struct model model;
    struct team *team = team_new(1);
    double divergence = 1;
    init_model(&model, engine_of(PRECISION_FP32, 0));
    assert_int_equal(try_int8(&model, team, model.engine, &divergence), 0);
    assert_true(divergence == 0);
    model_release(&model);
    team_free(team);
}

/* One very large weight per group of a symbol's weights makes the others round to 0. It belongs to
 * a unit that is always 0, so that the float32 model does not change. */
static void outliers_are_refused(void **state)
{
    (void)state;
    const struct engine *int8, *own = engine_of(PRECISION_FP32, 0);
    for (int k = 0; (int8 = engine_of(PRECISION_INT8, k)); k++) {
        struct model model;
        struct team *team = team_new(1);
        int32_t before[N], after[N];
        double divergence = 0;
        init_model(&model, own);
        write_text(&model, team, before);
        for (int v = 0; v < V; v++)
            for (int unit = 0; unit < H; unit += 64)
                weights_of(&model, L, 0)[v * H + unit] = 1000;
        assert_int_equal(try_int8(&model, team, int8, &divergence), 0);
        assert_true(divergence > 10 * INT8_LIMIT);
        assert_ptr_equal(model.engine, own);
        write_text(&model, team, after);
        assert_memory_equal(before, after, sizeof before);
        model_release(&model);
        team_free(team);
    }
}

static void what_is_no_number_is_refused(void **state)
{
    (void)state;
    const struct engine *int8 = engine_of(PRECISION_INT8, 0);
    struct model model;
    struct team *team = team_new(1);
    double divergence = 0;
    init_model(&model, engine_of(PRECISION_FP32, 0));
    weights_of(&model, L, 1)[0] = INFINITY; /* the first symbol has probability 1 */
    if (int8) {
        assert_int_equal(try_int8(&model, team, int8, &divergence), -1);
        assert_non_null(strstr(error_message(), "not finite"));
    }
    model_release(&model);
    team_free(team);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_divergence_is_as_defined),
        cmocka_unit_test(threads_agree),
        cmocka_unit_test(the_same_is_taken),
        cmocka_unit_test(outliers_are_refused),
        cmocka_unit_test(what_is_no_number_is_refused),
    };
    return cmocka_run_group_tests_name("int8", tests, NULL, NULL);
}
