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
    struct bench_config config = {BENCH_SAMPLE, NULL, 2, H, 1, V, 1, 1};
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
    double speed = 0;
    config.engine = engine;
    config.work = work;
    config.threads = threads;
    config.seq_length = work == BENCH_SAMPLE ? 1 : 4;
    assert_int_equal(bench_run(&speed, &config, 0.01), 0);
    assert_true(isfinite(speed) && speed > 0);
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

static void test_what_cannot_be_measured_says_so(void **state)
{
    (void)state;
    struct bench_config config = tiny;
    double speed;
    config.engine = engine_at(0);
    config.batch_size = config.seq_length = 1000000;
    assert_int_equal(bench_run(&speed, &config, 0.01), -1);
    assert_non_null(strstr(error_message(), "1000000 streams"));
    config = tiny;
    config.engine = engine_at(0);
    config.hidden_size = 1 << 20;
    assert_int_equal(bench_run(&speed, &config, 0.01), -1);
    assert_non_null(strstr(error_message(), "memory"));
    assert_int_equal(peak_read(1, SIZE_MAX / 2, 0.01, &speed), -1);
    assert_non_null(strstr(error_message(), "memory"));
}

/* The sums are whole numbers, so that they are the same in any order. */
static void test_blas_multiplies(void **state)
{
    (void)state;
    enum { M = 7, N = 5, K = 33 };
    float a[M][K], b[K][N], c[M][N];
    struct blas blas = {0};
    for (int k = 0; k < K; k++) {
        for (int m = 0; m < M; m++)
            a[m][k] = (float)((m * 7 + k * 3) % 11 - 5);
        for (int n = 0; n < N; n++)
            b[k][n] = (float)((k * 5 + n * 2) % 13 - 6);
    }
    blas_close(&blas);
    for (int turn = 0; turn < 2; turn++) { /* it can be opened again */
        assert_int_equal(blas_open(&blas), 0);
        assert_true(strlen(blas.core) > 0);
        blas_product(&blas, M, N, K, a[0], b[0], c[0]);
        for (int m = 0; m < M; m++)
            for (int n = 0; n < N; n++) {
                float sum = 0;
                for (int k = 0; k < K; k++)
                    sum += a[m][k] * b[k][n];
                assert_true(c[m][n] == sum);
            }
        blas_close(&blas);
    }
}

static void test_limits_are_numbers(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 4096, 1000000};
    struct blas blas = {0};
    assert_int_equal(blas_open(&blas), 0);
    for (int threads = 1; threads <= 3; threads++) {
        double gflops = 0, gbytes = 0;
        assert_int_equal(peak_sgemm(&blas, threads, 0.01, &gflops), 0);
        assert_true(isfinite(gflops) && gflops > 0);
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            assert_int_equal(peak_read(threads, sizes[k], 0.01, &gbytes), 0);
            assert_true(isfinite(gbytes) && gbytes > 0);
        }
    }
    blas_close(&blas);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cost_counted_by_hand),
        cmocka_unit_test(test_cost_of_rounded_weights),
        cmocka_unit_test(test_every_work_runs),
        cmocka_unit_test(test_what_cannot_be_measured_says_so),
        cmocka_unit_test(test_blas_multiplies),
        cmocka_unit_test(test_limits_are_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
