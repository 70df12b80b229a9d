/* What model files tell of their training. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "error.h"
#include "made_corpus.h"
#include "origin.h"
#include "random.h"
#include "scratch.h"

enum { V = 7, N = 10000, CUT = 7001 };

/* The corpus is read in pieces; the naive sums are over all of it. The last symbol is held out
 * alone. */
static void the_loss_of_guessing_by_frequency(void **state)
{
    (void)state;
    static int32_t ids[N];
    struct random random = {1, 0};
    struct corpus corpus;
    struct origin origin = {0};
    double counts[V] = {0}, sum = 0;
    for (int k = 0; k < N; k++)
        ids[k] = random_below(&random, k < CUT ? V - 1 : V);
    corpus_of(&corpus, ids, N);
    corpus.notes.bytes = 12345;
    assert_int_equal(origin_measure(&origin, &corpus, V), 0); /* nothing is held out */
    for (int k = 0; k < N; k++)
        counts[ids[k]]++;
    for (int k = 0; k < N; k++)
        sum -= log((counts[ids[k]] + 1) / (N + V));
    assert_true(fabs(origin.unigram_loss - sum / N) < 1e-6);
    assert_int_equal(origin.training, N);
    assert_int_equal(origin.held_out, 0);
    assert_int_equal(origin.bytes, 12345);

    struct corpus_segment held_out = {CUT, N - CUT, 0};
    corpus.training.segments[0].length = corpus.training.length = CUT;
    corpus.validation = (struct corpus_part){&held_out, 1, N - CUT};
    assert_int_equal(origin_measure(&origin, &corpus, V), 0);
    memset(counts, 0, sizeof counts);
    sum = 0;
    for (int k = 0; k < CUT; k++)
        counts[ids[k]]++;
    assert_true(counts[V - 1] == 0);
    for (int k = CUT; k < N; k++)
        sum -= log((counts[ids[k]] + 1) / (CUT + V));
    assert_true(fabs(origin.unigram_loss - sum / (N - CUT)) < 1e-6);
    assert_int_equal(origin.held_out, N - CUT);
    corpus.validation = (struct corpus_part){0};
    corpus_release(&corpus);
}

/* Writes a file with an origin; with a plan if there is one. */
static void save(const char *path, const struct origin *origin, const struct plan *plan)
{
    struct safetensors_out *out = safetensors_out_new();
    if (origin)
        origin_save(origin, out);
    if (plan)
        plan_save_fit(plan, out);
    assert_int_equal(safetensors_save(out, path), 0);
    safetensors_out_free(out);
}

static int load(const char *path, struct origin *origin)
{
    struct safetensors *in = safetensors_open(path);
    assert_non_null(in);
    const int result = origin_load(origin, in);
    safetensors_free(in);
    return result;
}

static void an_origin_comes_back(void **state)
{
    (void)state;
    char text[] = "a \"text\".txt", init_from[] = "model.safetensors";
    const struct plan plan = {.batch_size = 3,
                              .seq_length = 5,
                              .seed = 7,
                              .val_fraction = 0.25,
                              .schedule = {.rate = 0.125, .warmup = 9}};
    const struct origin saved = {.text = text,
                                 .init_from = init_from,
                                 .num_files = 4,
                                 .bytes = 1000,
                                 .training = 700,
                                 .held_out = 99,
                                 .unigram_loss = 3.25};
    struct origin origin = {0};
    const char *const path = scratch_path("model");
    save(path, &saved, &plan);
    assert_int_equal(load(path, &origin), 0);
    assert_string_equal(origin.text, text);
    assert_string_equal(origin.init_from, init_from);
    assert_non_null(origin.version);
    assert_int_equal(origin.num_files, 4);
    assert_int_equal(origin.bytes, 1000);
    assert_int_equal(origin.training, 700);
    assert_int_equal(origin.held_out, 99);
    assert_true(origin.unigram_loss == 3.25);
    assert_int_equal(origin.plan.batch_size, 3);
    assert_int_equal(origin.plan.schedule.warmup, 9);
    assert_true(origin.plan.val_fraction == 0.25);
    origin_release(&origin);
    save(path, NULL, NULL); /* an older file */
    assert_int_equal(load(path, &origin), 0);
    assert_null(origin.text);
    save(path, &saved, NULL);
    assert_int_equal(load(path, &origin), -1);
    assert_null(origin.text);
    assert_non_null(strstr(error_message(), "plan.batch_size"));
}

static void seconds_are_those_of_the_step(void **state)
{
    (void)state;
    static const char header[] =
        "step,epoch,seconds,train_loss,val_loss,learning_rate,grad_norm,chars_per_second\n";
    char text[400];
    double seconds;
    snprintf(text, sizeof text, "%s10,1,2.5,5,,0.1,1,9\n20,2,4.5,5,,0.1,1,9\n30,3,7", header);
    scratch_write(scratch_path("best.safetensors"), "", 0);
    scratch_write(scratch_path("other.safetensors"), "", 0);
    assert_int_equal(origin_seconds(scratch_directory, 20, &seconds), 0);
    assert_true(isnan(seconds)); /* there is no log */
    scratch_write(scratch_path("log.csv"), text, strlen(text));
    const struct {
        uint64_t step;
        double seconds;
    } cases[] = {{10, 2.5}, {19, 2.5}, {20, 4.5}, {30, 4.5}};
    for (int k = 0; k < 4; k++) {
        assert_int_equal(origin_seconds(scratch_directory, cases[k].step, &seconds), 0);
        assert_true(seconds == cases[k].seconds);
        assert_int_equal(origin_seconds(scratch_path("best.safetensors"), cases[k].step, &seconds),
                         0);
        assert_true(seconds == cases[k].seconds);
    }
    assert_int_equal(origin_seconds(scratch_directory, 9, &seconds), 0);
    assert_true(isnan(seconds));
    assert_int_equal(origin_seconds(scratch_path("other.safetensors"), 20, &seconds), 0);
    assert_true(isnan(seconds));
    assert_int_equal(origin_seconds("-", 20, &seconds), 0);
    assert_true(isnan(seconds));
    assert_int_equal(origin_seconds(scratch_path("missing"), 20, &seconds), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_loss_of_guessing_by_frequency),
        cmocka_unit_test(an_origin_comes_back),
        cmocka_unit_test(seconds_are_those_of_the_step),
    };
    return cmocka_run_group_tests_name("origin", tests, scratch_make, scratch_remove);
}
