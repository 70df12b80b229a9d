#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "error.h"
#include "file.h"
#include "findings.h"

#define MAX_COLUMNS 20

/* A table read back (RFC 4180); fields point into the file. */
struct table {
    char *file;
    char *(*rows)[MAX_COLUMNS];
    int count, columns;
};

/* Terminates the field at `at`, without its quotes. Returns what follows it. */
static char *cut_field(char **at)
{
    char *from = *at, *to = *at;
    if (*from != '"') {
        from += strcspn(from, ",\n");
        to = from;
    } else {
        for (from++; from[0] != '"' || from[1] == '"'; *to++ = *from++)
            from += from[0] == '"';
        from++;
    }
    assert_true(*from == ',' || *from == '\n');
    char after = *from;
    *to = '\0';
    *at = from + 1;
    return after == '\n' ? NULL : *at;
}

static struct table read_table(const struct example *example, const char *name)
{
    struct table table = {0};
    size_t length;
    table.file = example_read(example, name, &length);
    table.rows = calloc(length, sizeof *table.rows);
    assert_non_null(table.rows);
    for (char *at = table.file; at < table.file + length; table.count++) {
        int column = 0;
        do {
            assert_true(column < MAX_COLUMNS);
            table.rows[table.count][column++] = at;
        } while (cut_field(&at));
        if (table.count == 0)
            table.columns = column;
        assert_int_equal(column, table.columns);
    }
    return table;
}

static void table_release(struct table *table)
{
    free(table->rows);
    free(table->file);
}

static void check_row(const struct table *table, int row, const char *const *expected)
{
    for (int column = 0; column < table->columns; column++)
        assert_string_equal(table->rows[row][column], expected[column]);
}

static void write_tables(struct example *example)
{
    assert_int_equal(tables_write(&example->inspection, &example->options, example->directory), 0);
}

static void neurons_are_ranked(void **state)
{
    (void)state;
    struct example example;
    char sentence[DISCOVERY_ROOM];
    findings_init(&example);
    const struct inspection *inspection = &example.inspection;
    write_tables(&example);
    struct table table = read_table(&example, "neurons.csv");
    assert_int_equal(table.count, 1 + 3);
    assert_int_equal(table.columns, 8);
    check_row(&table, 0,
              (const char *const[]){"rank", "layer", "unit", "quantity", "label", "measure",
                                    "score", "description"});
    discovery_describe(&inspection->discoveries.list[0], &inspection->trace, &inspection->labels,
                       sentence);
    check_row(&table, 1,
              (const char *const[]){"1", "1", "0", "c", "left in line", "r", "-0.93", sentence});
    discovery_describe(&inspection->discoveries.list[3], &inspection->trace, &inspection->labels,
                       sentence);
    check_row(&table, 3,
              (const char *const[]){"3", "0", "2", "c", "the, \"he\"\x1B", "mi", "0.4", sentence});
    table_release(&table);
    example_release(&example);
}

static void scores_are_complete(void **state)
{
    (void)state;
    struct example example;
    findings_init(&example);
    write_tables(&example);
    struct table table = read_table(&example, "scores.csv");
    assert_int_equal(table.count, 1 + 4);
    check_row(&table, 0,
              (const char *const[]){"rank", "layer", "unit", "quantity", "label", "measure",
                                    "score", "alone", "auc", "average_precision", "r", "r2",
                                    "mutual_information", "p"});
    check_row(&table, 1,
              (const char *const[]){"1", "1", "0", "c", "left in line", "r", "-0.93", "0.1", "", "",
                                    "-0.93", "0.8649", "1.25", "0.0001"});
    check_row(&table, 3,
              (const char *const[]){"3", "0", "1", "h", "inside quotes", "auc", "0.97", "0.5",
                                    "0.97", "0.88", "0.7", "0.49", "0.5", "0.0002"});
    table_release(&table);
    example_release(&example);
}

static void ablation_has_a_column_for_each_label(void **state)
{
    (void)state;
    struct example example;
    findings_init(&example);
    struct ablation *ablation = &example.inspection.ablation;
    ablation->change[1] = 0.125F;
    ablation->by_label[FINDINGS_LABELS + 1] = -0.5F;
    ablation->by_label[FINDINGS_LABELS + 5] = NAN;
    write_tables(&example);
    struct table table = read_table(&example, "ablation.csv");
    assert_int_equal(table.count, 1 + (int)ablation->count);
    check_row(&table, 0,
              (const char *const[]){"layer", "unit", "change", "inside quotes", "inside (",
                                    "capital", "inside a word", "the, \"he\"\x1B"});
    assert_string_equal(table.rows[2][1], "1");
    assert_string_equal(table.rows[2][2], "0.125");
    assert_string_equal(table.rows[2][3], "-0.5");
    assert_string_equal(table.rows[2][7], "");
    table_release(&table);
    ablation->by_label = NULL;
    write_tables(&example);
    table = read_table(&example, "ablation.csv");
    assert_int_equal(table.columns, 3);
    table_release(&table);
    example_release(&example);
}

static void gates_have_their_time_constant(void **state)
{
    (void)state;
    struct example example;
    findings_init(&example);
    const struct gates *gates = &example.inspection.gates;
    const struct trace *trace = &example.inspection.trace;
    const size_t place = gates_place(trace, 1, 1, 2);
    assert_int_equal(place, (1 * 2 + 1) * FINDINGS_HIDDEN + 2);
    gates->low[place] = 0.25F;
    gates->high[place] = 0.5F;
    gates->mean[place] = 0.75F;
    gates->mean[gates_place(trace, 1, 1, 3)] = 1; /* it never fades */
    write_tables(&example);
    struct table table = read_table(&example, "gates.csv");
    assert_int_equal(table.count, 1 + 4 * 2 * FINDINGS_HIDDEN);
    check_row(
        &table, 0,
        (const char *const[]){"layer", "unit", "gate", "low", "high", "mean", "time_constant"});
    const int row = 1 + (FINDINGS_HIDDEN + 2) * 4 + 1;
    check_row(&table, row, (const char *const[]){"1", "2", "f", "0.25", "0.5", "0.75", "3.47606"});
    assert_string_equal(table.rows[row + 1][2], "g");
    assert_string_equal(table.rows[row + 1][6], "");
    assert_string_equal(table.rows[row + 4][5], "1");
    assert_string_equal(table.rows[row + 4][6], "");
    table_release(&table);
    example_release(&example);
}

static void reach_names_its_curves(void **state)
{
    (void)state;
    struct example example;
    findings_init(&example);
    example.inspection.reach.median[2 * FINDINGS_STEPS + 7] = 0.0625F;
    write_tables(&example);
    struct table table = read_table(&example, "reach.csv");
    assert_int_equal(table.count, 1 + 3 * FINDINGS_STEPS);
    check_row(&table, 0, (const char *const[]){"curve", "k", "median", "low", "high"});
    assert_string_equal(table.rows[1][0], "layer 0");
    const int row = 1 + 2 * FINDINGS_STEPS + 7;
    assert_string_equal(table.rows[row][0], "input");
    assert_string_equal(table.rows[row][1], "7");
    assert_string_equal(table.rows[row][2], "0.0625");
    table_release(&table);
    example_release(&example);
}

static bool exists(const struct example *example, const char *name)
{
    char *path = file_join(example->directory, name);
    bool found = access(path, F_OK) == 0;
    free(path);
    return found;
}

static void without_findings_there_is_only_a_header(void **state)
{
    (void)state;
    struct example example;
    size_t length;
    example_awkward(&example, 1);
    write_tables(&example);
    char *file = example_read(&example, "neurons.csv", &length);
    assert_string_equal(file, "rank,layer,unit,quantity,label,measure,score,description\n");
    free(file);
    struct table table = read_table(&example, "scores.csv");
    assert_int_equal(table.count, 1);
    table_release(&table);
    assert_false(exists(&example, "ablation.csv"));
    assert_false(exists(&example, "gates.csv"));
    assert_false(exists(&example, "reach.csv"));
    assert_int_equal(tables_write(&example.inspection, &example.options, "/nonexistent"), -1);
    assert_non_null(strstr(error_message(), "/nonexistent/neurons.csv"));
    example_release(&example);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neurons_are_ranked),
        cmocka_unit_test(scores_are_complete),
        cmocka_unit_test(ablation_has_a_column_for_each_label),
        cmocka_unit_test(gates_have_their_time_constant),
        cmocka_unit_test(reach_names_its_curves),
        cmocka_unit_test(without_findings_there_is_only_a_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
