/* What is measured, not how fast it is. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench.h"
#include "error.h"

static const struct bench_config tiny = {
    .cell = "lstm",
    .num_layers = 1,
    .hidden_size = 3,
    .batch_size = 2,
    .seq_length = 4,
    .vocab_size = 5,
    .threads = 1,
};

static struct bench_cost cost_of(struct bench_config config)
{
    struct bench_cost cost;
    config.engine = config.engine ? config.engine : engine_at(0);
    assert_int_equal(bench_cost(&cost, &config), 0);
    return cost;
}

static void test_cost_counted_by_hand(void **state)
{
    (void)state;
    struct bench_config config = tiny;
    /* weight_hh 12 x 3, bias 12, linear 5 x 3 + 5; weight_ih 12 x 5 is not multiplied with. */
    enum { USED = 36 + 12 + 15 + 5, ROW = 12 };
    config.work = BENCH_TRAIN;
    assert_true(cost_of(config).flops == 6 * USED);
    config.work = BENCH_EVAL;
    assert_true(cost_of(config).flops == 2 * USED);
    config.work = BENCH_SAMPLE;
    assert_true(cost_of(config).flops == 2 * USED);
    assert_int_equal(cost_of(config).bytes_read, 4 * (USED + ROW));
    assert_int_equal(cost_of(config).weight_bytes, 4 * (USED + 5 * ROW));
    /* The second layer's input is a product: 12 x 3 more than what the first one has. */
    config.num_layers = 2;
    assert_true(cost_of(config).flops == 2 * (USED + 36 + 36 + 12));
    assert_int_equal(cost_of(config).bytes_read, 4 * (USED + 36 + 36 + 12 + ROW));
}

/* Rounded weights are counted as they lie there: a panel is 32 or 16 columns wide. */
static void test_cost_of_rounded_weights(void **state)
{
    (void)state;
    enum { H = 512, V = 96, MATRICES = 3 * 4 * H * H + V * H, FLOATS = 2 * 4 * H + V + 4 * H };
    struct bench_config config = {BENCH_SAMPLE, NULL, "lstm", 2, H, 1, V, 1, 1};
    for (int precision = PRECISION_BF16; precision_names[precision]; precision++) {
        config.engine = engine_of((enum precision)precision, 0);
        if (!config.engine)
            continue;
        /* a scale of 4 bytes for each 64 of 8 bits */
        const size_t packed =
            precision == PRECISION_BF16 ? 2 * MATRICES : MATRICES + MATRICES / 64 * 4;
        assert_int_equal(cost_of(config).bytes_read, packed + 4 * FLOATS);
        assert_int_equal(cost_of(config).weight_bytes, packed + 4 * (FLOATS + (V - 1) * 4 * H));
    }
}

static void check_that_it_runs(const struct engine *engine, enum bench_work work, int threads)
{
    struct bench_config config = tiny;
    struct bench_result result = {0};
    config.engine = engine;
    config.work = work;
    config.threads = threads;
    config.seq_length = work == BENCH_SAMPLE ? 1 : 4;
    assert_int_equal(bench_run(&result, &config, 0.01), 0);
    const struct bench_cost cost = cost_of(config);
    const double speed = result.chars_per_second;
    assert_true(isfinite(speed) && speed > 0);
    assert_true(result.gflops == 1e-9 * cost.flops * speed);
    assert_true(isnan(result.gbytes_per_second)); /* there are two streams */
    assert_int_equal(result.weight_bytes, cost.weight_bytes);
}

static void test_every_work_runs(void **state)
{
    (void)state;
    for (int precision = 0; precision_names[precision]; precision++) {
        const struct engine *engine = engine_of((enum precision)precision, 0);
        for (int work = BENCH_TRAIN; bench_work_names[work] && engine; work++)
            for (int threads = 1; threads <= 3; threads++)
                if (precision != PRECISION_INT8 || work != BENCH_TRAIN)
                    check_that_it_runs(engine, (enum bench_work)work, threads);
    }
}

static void test_one_stream_of_samples_reads_weights(void **state)
{
    (void)state;
    struct bench_config config = tiny;
    struct bench_result result;
    config.engine = engine_at(0);
    config.work = BENCH_SAMPLE;
    config.batch_size = config.seq_length = 1;
    assert_int_equal(bench_run(&result, &config, 0.01), 0);
    assert_true(result.gbytes_per_second ==
                1e-9 * (double)cost_of(config).bytes_read * result.chars_per_second);
}

static void test_what_cannot_be_measured_says_so(void **state)
{
    (void)state;
    struct bench_config config = tiny;
    struct bench_result result;
    config.engine = engine_at(0);
    config.batch_size = config.seq_length = 1000000;
    assert_int_equal(bench_run(&result, &config, 0.01), -1);
    assert_non_null(strstr(error_message(), "1000000 streams"));
    config = tiny;
    config.engine = engine_at(0);
    config.hidden_size = 1 << 20;
    assert_int_equal(bench_run(&result, &config, 0.01), -1);
    assert_non_null(strstr(error_message(), "memory"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cost_counted_by_hand),
        cmocka_unit_test(test_cost_of_rounded_weights),
        cmocka_unit_test(test_every_work_runs),
        cmocka_unit_test(test_one_stream_of_samples_reads_weights),
        cmocka_unit_test(test_what_cannot_be_measured_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
