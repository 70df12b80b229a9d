#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "error.h"
#include "log.h"
#include "rows.h"
#include "scratch.h"

static struct log_row row_of(uint64_t step)
{
    const double x = (double)step;
    return (struct log_row){.step = step,
                            .epoch = x / 8,
                            .seconds = x / 4,
                            .train_loss = 5 - x / 64,
                            .val_loss = step % 3 == 0 ? 4 - x / 64 : NAN,
                            .learning_rate = 0.015625,
                            .grad_norm = 0.5,
                            .chars_per_second = 1000 + x};
}

static void assert_rows(const char *path, size_t expected)
{
    struct log_row *rows;
    size_t count;
    assert_int_equal(log_read(path, &rows, &count), 0);
    assert_int_equal(count, expected);
    for (size_t k = 0; k < count; k++) {
        const struct log_row row = row_of(k + 1);
        assert_int_equal(rows[k].step, row.step);
        assert_true(rows[k].epoch == row.epoch && rows[k].seconds == row.seconds);
        assert_true(rows[k].train_loss == row.train_loss);
        assert_true(rows[k].learning_rate == row.learning_rate);
        assert_true(rows[k].grad_norm == row.grad_norm);
        assert_true(rows[k].chars_per_second == row.chars_per_second);
        assert_true(isnan(row.val_loss) ? isnan(rows[k].val_loss)
                                        : rows[k].val_loss == row.val_loss);
    }
    free(rows);
}

static void append(struct log *log, uint64_t first, uint64_t last)
{
    for (uint64_t step = first; step <= last; step++) {
        const struct log_row row = row_of(step);
        assert_int_equal(log_append(log, &row), 0);
    }
}

static const char *new_log(uint64_t rows)
{
    struct log log;
    const char *path = scratch_path("log.csv");
    assert_int_equal(log_open(&log, path, 0, NULL), 0);
    append(&log, 1, rows);
    assert_int_equal(log.rows, rows);
    log_close(&log);
    return path;
}

static void rows_come_back(void **state)
{
    (void)state;
    assert_rows(new_log(0), 0);
    assert_rows(new_log(1), 1);
    assert_rows(new_log(100), 100);
    struct log log;
    assert_int_equal(log_open(&log, scratch_path("log.csv"), 0, NULL), 0);
    append(&log, 1, 2);
    assert_rows(scratch_path("log.csv"), 2); /* of an open log too, and the old rows are gone */
    log_close(&log);
    log_close(&log);
}

/* A log that is ahead of the checkpoint is truncated to it, and continues from there. */
static void a_log_is_cut(void **state)
{
    (void)state;
    for (uint64_t kept = 1; kept <= 7; kept++) {
        struct log log;
        struct log_row last;
        const char *path = new_log(7);
        assert_int_equal(log_open(&log, path, kept, &last), 0);
        assert_int_equal(last.step, kept);
        assert_int_equal(log.rows, kept);
        assert_rows(path, (size_t)kept);
        append(&log, kept + 1, 9);
        log_close(&log);
        assert_rows(path, 9);
    }
}

/* The last row may be incomplete after a power failure. */
static void what_is_behind_the_cut_may_be_damaged(void **state)
{
    (void)state;
    struct log log;
    const char *path = new_log(3);
    FILE *file = fopen(path, "a");
    fputs("4,0.5,gar", file);
    fclose(file);
    assert_int_equal(log_open(&log, path, 3, NULL), 0);
    append(&log, 4, 4);
    log_close(&log);
    assert_rows(path, 4);
}

static void damage_is_told(void **state)
{
    (void)state;
    static const char header[] =
        "step,epoch,seconds,train_loss,val_loss,learning_rate,grad_norm,chars_per_second\n";
    static const char *const damaged[] = {
        "1,2,3,4,5,6,7\n",     "1,2,3,4,5,6,7,8,9\n", "1,2,3,4,5,6,7,8",
        "one,2,3,4,5,6,7,8\n", "1,2,3,4,5,six,7,8\n", "\n",
        ",,,,,,,\n",           "-1,2,3,4,5,6,7,8\n",  "1e30,2,3,4,5,6,7,8\n",
        "nan,2,3,4,5,6,7,8\n",
    };
    const char *path = scratch_path("damaged.csv");
    struct log_row *rows;
    struct log log;
    size_t count;
    for (size_t k = 0; k < sizeof damaged / sizeof *damaged; k++) {
        char text[300];
        const int length =
            snprintf(text, sizeof text, "%s1,0,0,5,,0.1,1,9\n%s", header, damaged[k]);
        scratch_write(path, text, (size_t)length);
        if (log_read(path, &rows, &count) != LOG_DAMAGED)
            fail_msg("\"%s\" was read", damaged[k]);
        assert_null(rows);
        assert_non_null(strstr(error_message(), "damaged.csv: row 2"));
        assert_int_equal(log_open(&log, path, 2, NULL), 0);
        assert_int_equal(log.rows, 1); /* it does not count as a row, and is cut off */
        append(&log, 2, 2);
        log_close(&log);
        assert_int_equal(log_read(path, &rows, &count), 0);
        assert_int_equal(count, 2);
        free(rows);
    }
    scratch_write(path, "step,loss\n1,2\n", 14);
    assert_int_equal(log_read(path, &rows, &count), LOG_DAMAGED);
    assert_int_equal(log_open(&log, path, 1, NULL), 0); /* and a new one begins */
    assert_int_equal(log.rows, 0);
    append(&log, 1, 1);
    log_close(&log);
    assert_rows(path, 1);
    assert_int_equal(log_read(scratch_path("missing"), &rows, &count), -1);
    assert_int_equal(log_open(&log, scratch_path("missing"), 1, NULL), 0);
    assert_int_equal(log.rows, 0);
    log_close(&log);
    assert_int_equal(log_open(&log, scratch_path("missing/log"), 0, NULL), -1);
}

/* The rows that a reader received since the last restart. */
struct seen {
    int beginnings;
    uint64_t count;
};

static void see(void *context, const struct log_row *row)
{
    struct seen *seen = context;
    if (!row)
        *seen = (struct seen){.beginnings = seen->beginnings + 1};
    else
        assert_int_equal(row->step, ++seen->count);
}

/* Each row of a growing log is read once; all are read again if it was truncated meanwhile. */
static void a_log_is_followed(void **state)
{
    (void)state;
    struct log log;
    struct log_position place = {0};
    struct seen seen = {0};
    const char *path = new_log(0);
    assert_int_equal(log_follow(path, &place, see, &seen), 0);
    assert_int_equal(seen.count, 0);
    assert_int_equal(log_open(&log, path, 0, NULL), 0);
    append(&log, 1, 5);
    assert_int_equal(log_follow(path, &place, see, &seen), 0);
    assert_true(seen.beginnings == 2 && seen.count == 5 && place.rows == 5);
    assert_int_equal(log_follow(path, &place, see, &seen), 0);
    append(&log, 6, 7);
    assert_int_equal(log_follow(path, &place, see, &seen), 0);
    assert_true(seen.beginnings == 2 && seen.count == 7 && place.rows == 7);
    log_close(&log);

    assert_int_equal(log_open(&log, path, 3, NULL), 0); /* cut, and shorter than before */
    assert_int_equal(log_follow(path, &place, see, &seen), 0);
    assert_true(seen.beginnings == 3 && seen.count == 3);
    append(&log, 4, 9);
    assert_int_equal(log_follow(path, &place, see, &seen), 0);
    assert_true(seen.beginnings == 3 && seen.count == 9);
    log_close(&log);

    assert_int_equal(log_open(&log, path, 4, NULL), 0); /* cut, and longer again */
    for (uint64_t step = 5; step <= 12; step++) {
        struct log_row row = row_of(step);
        row.seconds += 100;
        assert_int_equal(log_append(&log, &row), 0);
    }
    log_close(&log);
    assert_int_equal(log_follow(path, &place, see, &seen), 0);
    assert_true(seen.beginnings == 4 && seen.count == 12 && place.rows == 12);

    FILE *file = fopen(path, "a");
    fputs("13,0.5,gar", file);
    fclose(file);
    assert_int_equal(log_follow(path, &place, see, &seen), LOG_DAMAGED);
    assert_non_null(strstr(error_message(), "log.csv: row 13 is damaged"));
    assert_true(seen.beginnings == 4 && seen.count == 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back),
        cmocka_unit_test(a_log_is_cut),
        cmocka_unit_test(what_is_behind_the_cut_may_be_damaged),
        cmocka_unit_test(damage_is_told),
        cmocka_unit_test(a_log_is_followed),
    };
    return cmocka_run_group_tests_name("log", tests, scratch_make, scratch_remove);
}
