#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "file.h"
#include "label_add.h"
#include "labels.h"
#include "mem.h"

#define MAX_FIELD (64 << 10) /* bytes */
#define MAX_COLUMNS 1000
#define WHERE 256 /* bytes */

/* --- CSV, field by field ---------------------------------------------------------------------- */

enum ending { END_FIELD, END_LINE, END_FILE };

struct csv {
    FILE *file;
    const char *path;
    size_t line; /* from 1, where the next character stands */
    char *field; /* the last that was read, with a NUL behind it */
    size_t length, capacity;
};

static int refuse(const struct csv *csv, size_t line, const char *what)
{
    return error_set("%s: line %zu: %s", file_name(csv->path), line, what);
}

/* The next character; a line end is '\n', whichever it is. */
static int next(struct csv *csv)
{
    int c = getc_unlocked(csv->file);
    if (c == '\r') {
        c = getc_unlocked(csv->file);
        if (c != '\n') {
            ungetc(c, csv->file);
            c = '\r';
        }
    }
    csv->line += c == '\n';
    return c;
}

static int put(struct csv *csv, int c)
{
    if (csv->length == MAX_FIELD)
        return refuse(csv, csv->line, "a field is over 64 kB long: is it a CSV file?");
    if (mem_grow(&csv->field, &csv->capacity, csv->length + 2, 1) != 0)
        return -1;
    csv->field[csv->length++] = (char)c;
    csv->field[csv->length] = '\0';
    return 0;
}

/* Reads a field in quotes, of which the first is read; two of them inside stand for one. *c is then
 * the character after the last. */
static int read_quoted(struct csv *csv, int *c)
{
    size_t line = csv->line;
    for (;;) {
        *c = next(csv);
        if (*c == EOF)
            return refuse(csv, line, "a quote is not closed");
        if (*c == '"' && (*c = next(csv)) != '"')
            return 0;
        if (put(csv, *c) != 0)
            return -1;
    }
}

/* Reads a field. Returns 0 and what ended it, or −1 and a message. */
static int read_field(struct csv *csv, enum ending *ending)
{
    size_t line = csv->line;
    int c;
    if (mem_grow(&csv->field, &csv->capacity, 1, 1) != 0)
        return -1;
    csv->field[csv->length = 0] = '\0';
    c = next(csv);
    if (c == '"') {
        if (read_quoted(csv, &c) != 0)
            return -1;
        if (c != ',' && c != '\n' && c != EOF)
            return refuse(csv, line, "a field goes on behind its closing quote");
    }
    for (; c != ',' && c != '\n' && c != EOF; c = next(csv))
        if (put(csv, c) != 0)
            return -1;
    if (ferror(csv->file))
        return refuse(csv, line, "cannot be read");
    *ending = c == ',' ? END_FIELD : c == '\n' ? END_LINE : END_FILE;
    return 0;
}

static bool at_end(struct csv *csv)
{
    int c = getc_unlocked(csv->file);
    ungetc(c, csv->file);
    return c == EOF;
}

/* --- columns ---------------------------------------------------------------------------------- */

struct column {
    const char *name;
    float *values; /* [length] in the labels' memory; NULL: skipped */
};

struct table {
    struct column *columns;
    size_t count, capacity;
    struct arena names;
};

/* The place of names, for messages. Returns out. */
static const char *name_header(const char *path, char out[WHERE])
{
    snprintf(out, WHERE, "%s: line 1: ", file_name(path));
    return out;
}

static int add_column(struct table *table, const struct csv *csv, struct labels *labels)
{
    struct column column = {0};
    const char *name = csv->field;
    char where[WHERE];
    if (strncmp(name, "\xEF\xBB\xBF", 3) == 0 && table->count == 0) /* a byte order mark */
        name += 3;
    if (table->count == MAX_COLUMNS)
        return refuse(csv, 1, "over 1000 columns: is it a CSV file?");
    if (strlen(csv->field) != csv->length)
        return refuse(csv, 1, "a name with a NUL byte: is it a CSV file?");
    if (mem_grow(&table->columns, &table->capacity, table->count + 1, sizeof column) != 0)
        return -1;
    if (strcmp(name, "position") != 0 && strcmp(name, "character") != 0) {
        if (label_check_name(labels, name_header(csv->path, where), name) != 0)
            return -1;
        column.name = arena_copy(&table->names, name);
        column.values = arena_take(&labels->memory, labels->length, sizeof *column.values);
        if (!column.name || !column.values)
            return -1;
    }
    table->columns[table->count++] = column;
    return 0;
}

static int read_header(struct csv *csv, struct table *table, struct labels *labels)
{
    enum ending ending = END_FIELD;
    bool any = false;
    while (ending == END_FIELD) {
        if (read_field(csv, &ending) != 0 || add_column(table, csv, labels) != 0)
            return -1;
        any = any || table->columns[table->count - 1].values;
    }
    return any ? 0 : refuse(csv, 1, "names no label");
}

static int read_number(const struct csv *csv, size_t line, const char *column, float *value)
{
    char *end;
    *value = (float)strtod(csv->field, &end);
    while (*end == ' ')
        end++;
    if (csv->length == 0 || end != csv->field + csv->length)
        return error_set("%s: line %zu: %s: '%.40s' is not a number", file_name(csv->path), line,
                         column, csv->field);
    if (!isfinite(*value))
        return error_set("%s: line %zu: %s: %.40s is not finite", file_name(csv->path), line,
                         column, csv->field);
    return 0;
}

/* Reads the line of character t; beyond the length it is only checked. */
static int read_row(struct csv *csv, struct table *table, size_t t, size_t length)
{
    enum ending ending = END_FIELD;
    size_t line = csv->line, i = 0;
    for (; ending == END_FIELD && i < table->count; i++) {
        struct column *column = &table->columns[i];
        float value = 0;
        if (read_field(csv, &ending) != 0 ||
            (column->values && read_number(csv, line, column->name, &value) != 0))
            return -1;
        if (column->values && t < length)
            column->values[t] = value;
    }
    if (i < table->count || ending == END_FIELD)
        return error_set("%s: line %zu: has %s fields than the %zu of the first line",
                         file_name(csv->path), line, ending == END_FIELD ? "more" : "fewer",
                         table->count);
    return 0;
}

static int read_table(struct csv *csv, struct table *table, struct labels *labels,
                      size_t text_length)
{
    if (read_header(csv, table, labels) != 0)
        return -1;
    for (size_t t = 0; t < text_length; t++) {
        if (at_end(csv))
            return error_set("%s: line %zu: the file ends after the lines of %zu characters, but "
                             "the text has %zu",
                             file_name(csv->path), csv->line, t, text_length);
        if (read_row(csv, table, t, labels->length) != 0)
            return -1;
    }
    if (!at_end(csv))
        return error_set("%s: line %zu: more lines than the %zu characters of the text",
                         file_name(csv->path), csv->line, text_length);
    return 0;
}

/* --- labels ----------------------------------------------------------------------------------- */

static int add_label(struct labels *labels, const char *path, const struct column *column)
{
    char where[WHERE];
    bool binary = true;
    for (size_t t = 0; binary && t < labels->length; t++)
        binary = column->values[t] == 0 || column->values[t] == 1;
    return label_add_own(labels, name_header(path, where), column->name,
                         binary ? LABEL_BINARY : LABEL_SCALAR, column->values);
}

int labels_add_file(struct labels *labels, const char *path, size_t text_length)
{
    struct csv csv = {.file = file_open(path), .path = path, .line = 1};
    struct table table = {0};
    if (!csv.file)
        return -1;
    int result = read_table(&csv, &table, labels, text_length);
    for (size_t i = 0; result == 0 && i < table.count; i++)
        if (table.columns[i].values)
            result = add_label(labels, path, &table.columns[i]);
    arena_release(&table.names);
    free(table.columns);
    free(csv.field);
    fclose(csv.file);
    return result;
}
