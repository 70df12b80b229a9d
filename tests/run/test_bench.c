/* What is measured, not how fast it is. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench.h"
#include "blas.h"
#include "error.h"
#include "peak.h"

static const struct bench_config tiny = {
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
    assert_int_equal(bench_cost(&cost, engine_at(0), &config), 0);
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

static void test_every_work_runs(void **state)
{
    (void)state;
    for (int work = BENCH_TRAIN; bench_work_names[work]; work++)
        for (int threads = 1; threads <= 3; threads++)
            for (int precision = 0; bench_precision_names[precision]; precision++) {
                struct bench_config config = tiny;
                double speed = 0;
                config.work = (enum bench_work)work;
                config.precision = (enum bench_precision)precision;
                config.threads = threads;
                config.seq_length = work == BENCH_SAMPLE ? 1 : 4;
                assert_int_equal(bench_run(&speed, engine_at(0), &config, 0.01), 0);
                assert_true(isfinite(speed) && speed > 0);
            }
}

static void test_what_cannot_be_measured_says_so(void **state)
{
    (void)state;
    struct bench_config config = tiny;
    double speed;
    config.batch_size = config.seq_length = 1000000;
    assert_int_equal(bench_run(&speed, engine_at(0), &config, 0.01), -1);
    assert_non_null(strstr(error_message(), "1000000 streams"));
    config = tiny;
    config.hidden_size = 1 << 20;
    assert_int_equal(bench_run(&speed, engine_at(0), &config, 0.01), -1);
    assert_non_null(strstr(error_message(), "GB"));
    assert_int_equal(peak_read(1, (size_t)1 << 50, 0.01, &speed), -1);
    assert_non_null(strstr(error_message(), "GB"));
}

static void test_limits_are_numbers(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 4096, 1000000};
    for (int threads = 1; threads <= 3; threads++) {
        double gflops = 0, gbytes = 0;
        assert_int_equal(peak_sgemm(threads, 0.01, &gflops), 0);
        assert_true(isfinite(gflops) && gflops > 0);
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            assert_int_equal(peak_read(threads, sizes[k], 0.01, &gbytes), 0);
            assert_true(isfinite(gbytes) && gbytes > 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cost_counted_by_hand),
        cmocka_unit_test(test_every_work_runs),
        cmocka_unit_test(test_what_cannot_be_measured_says_so),
        cmocka_unit_test(test_limits_are_numbers),
    };
    blas_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
