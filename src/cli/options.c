#include "options.h"

#include <errno.h>
#include <math.h>
#include <popt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "mem.h"

#define HELP_VALUE 1000 /* what popt returns for --help; options return their index + 1 */

/* --- names ------------------------------------------------------------------------------------ */

static size_t smallest(size_t a, size_t b, size_t c)
{
    const size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Letters to insert, drop, replace or swap (optimal string alignment). */
static size_t distance(const char *a, const char *b)
{
    enum { MOST = 32 };
    size_t rows[MOST + 1][MOST + 1];
    const size_t m = strlen(a), n = strlen(b);
    if (m > MOST || n > MOST)
        return SIZE_MAX;
    for (size_t i = 0; i <= m; i++)
        for (size_t j = 0; j <= n; j++) {
            if (i == 0 || j == 0) {
                rows[i][j] = i + j;
                continue;
            }
            rows[i][j] = smallest(rows[i - 1][j] + 1, rows[i][j - 1] + 1,
                                  rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                rows[i][j] = smallest(rows[i][j], rows[i - 2][j - 2] + 1, SIZE_MAX);
        }
    return rows[m][n];
}

const char *options_nearest(const char *typed, const char *const *names, size_t count)
{
    const char *nearest = NULL;
    size_t least = strlen(typed) / 3 + 2;
    for (size_t k = 0; k < count; k++) {
        const size_t away = distance(typed, names[k]);
        if (away < least) {
            least = away;
            nearest = names[k];
        }
    }
    return nearest;
}

bool options_given(const struct options *options, const char *name)
{
    for (size_t k = 0; k < options->count; k++)
        if (options->list[k].name && strcmp(options->list[k].name, name) == 0)
            return options->list[k].given;
    return false;
}

/* --- lists ------------------------------------------------------------------------------------ */

bool option_item_next(const char **list, struct option_item *item)
{
    if (!*list)
        return false;
    *item = (struct option_item){*list, strcspn(*list, ",")};
    *list = item->text[item->length] ? item->text + item->length + 1 : NULL;
    return true;
}

bool option_item_is(struct option_item item, const char *name)
{
    return strlen(name) == item.length && strncmp(name, item.text, item.length) == 0;
}

/* --- values ----------------------------------------------------------------------------------- */

static void *value_of(const struct options *options, const struct option *option)
{
    return (char *)options->values + option->value;
}

static int wrong(const struct option *option, struct option_item item)
{
    const int length = (int)item.length;
    if (option->kind == OPTION_REAL && isinf(option->max))
        return error_set("--%s: \"%.*s\" is not a number of at least %g", option->name, length,
                         item.text, option->min);
    if (option->kind == OPTION_REAL)
        return error_set("--%s: \"%.*s\" is not a number from %g to %s%g", option->name, length,
                         item.text, option->min, option->below ? "below " : "", option->max);
    return error_set("--%s: \"%.*s\" is not a whole number from %.0f to %.0f", option->name, length,
                     item.text, option->min, option->max);
}

/* A number with an optional k or M, in the option's range. */
static int parse_number(const struct option *option, struct option_item item, double *number)
{
    char *end;
    *number = strtod(item.text, &end);
    if (end == item.text)
        return wrong(option, item);
    if (option->kind != OPTION_REAL && *end == 'k') {
        *number *= 1e3;
        end++;
    } else if (option->kind != OPTION_REAL && *end == 'M') {
        *number *= 1e6;
        end++;
    }
    if (end != item.text + item.length || !isfinite(*number) || *number < option->min ||
        *number > option->max || (option->below && *number == option->max) ||
        (option->kind != OPTION_REAL && *number != floor(*number)))
        return wrong(option, item);
    return 0;
}

static int parse_choice(const struct option *option, struct option_item item, int *choice)
{
    char known[256] = "";
    for (int k = 0; option->choices[k]; k++) {
        if (option_item_is(item, option->choices[k])) {
            *choice = k;
            return 0;
        }
        strncat(known, k ? ", " : "", sizeof known - strlen(known) - 1);
        strncat(known, option->choices[k], sizeof known - strlen(known) - 1);
    }
    return error_set("--%s: there is no \"%.*s\"; it takes one of %s", option->name,
                     (int)item.length, item.text, known);
}

/* A choice, or a number that is kept in an int. */
static int parse_int(const struct option *option, struct option_item item, int *value)
{
    double number;
    if (option->choices)
        return parse_choice(option, item, value);
    if (parse_number(option, item, &number) != 0)
        return -1;
    *value = (int)number;
    return 0;
}

static int parse_list(const struct option *option, const char *text, struct option_list *list)
{
    struct option_item item;
    for (list->count = 0; option_item_next(&text, &item); list->count++) {
        if (list->count == OPTION_LIST_MOST)
            return error_set("--%s: takes at most %d values", option->name, OPTION_LIST_MOST);
        if (parse_int(option, item, &list->items[list->count]) != 0)
            return -1;
    }
    return 0;
}

static int take(struct option *option, void *value, const char *text)
{
    const struct option_item whole = {text, strlen(text)};
    double number = 0;
    int result = 0;
    switch (option->kind) {
    case OPTION_GROUP:
        break;
    case OPTION_FLAG:
        *(bool *)value = true;
        break;
    case OPTION_TEXT:
        *(const char **)value = text;
        break;
    case OPTION_TEXTS: {
        struct option_texts *texts = value;
        result = mem_grow(&texts->list, &texts->capacity, texts->count + 1, sizeof *texts->list);
        if (result == 0)
            texts->list[texts->count++] = text;
        break;
    }
    case OPTION_INT:
    case OPTION_CHOICE:
        result = parse_int(option, whole, value);
        break;
    case OPTION_INTS:
    case OPTION_CHOICES:
        result = parse_list(option, text, value);
        break;
    case OPTION_COUNT:
        result = parse_number(option, whole, &number);
        if (result == 0)
            *(uint64_t *)value = (uint64_t)number;
        break;
    case OPTION_REAL:
        result = parse_number(option, whole, value);
        break;
    }
    option->given = option->given || result == 0;
    return result;
}

/* --- help ------------------------------------------------------------------------------------- */

static void print_item(const struct option *option, int value, char *out, size_t room)
{
    if (option->choices)
        snprintf(out, room, "%s", option->choices[value]);
    else
        snprintf(out, room, "%d", value);
}

static void print_list(const struct option *option, const struct option_list *list, char *out,
                       size_t room)
{
    for (int k = 0; k < list->count; k++) {
        strncat(out, k ? "," : "", room - strlen(out) - 1);
        print_item(option, list->items[k], out + strlen(out), room - strlen(out));
    }
}

/* An option's help with its default behind it. */
static char *describe(const struct option *option, const void *default_value)
{
    char value[64] = "", text[512];
    if (option->unset)
        snprintf(value, sizeof value, "%s", option->unset);
    else if (option->kind == OPTION_INT || option->kind == OPTION_CHOICE)
        print_item(option, *(const int *)default_value, value, sizeof value);
    else if (option->kind == OPTION_INTS || option->kind == OPTION_CHOICES)
        print_list(option, default_value, value, sizeof value);
    else if (option->kind == OPTION_COUNT)
        snprintf(value, sizeof value, "%llu", (unsigned long long)*(const uint64_t *)default_value);
    else if (option->kind == OPTION_REAL)
        snprintf(value, sizeof value, "%g", *(const double *)default_value);
    else if (option->kind == OPTION_TEXT && *(const char *const *)default_value)
        snprintf(value, sizeof value, "%s", *(const char *const *)default_value);
    snprintf(text, sizeof text, value[0] ? "%s (default: %s)" : "%s", option->help, value);
    return mem_copy(text, strlen(text));
}

/* popt's tables: one a group, and one that includes them all. */
struct tables {
    struct poptOption *options, *groups;
    char **texts;
    size_t num_texts;
};

static void tables_release(struct tables *tables)
{
    for (size_t k = 0; k < tables->num_texts; k++)
        free(tables->texts[k]);
    free(tables->texts);
    free(tables->options);
    free(tables->groups);
}

static int tables_init(struct tables *tables, const struct options *options)
{
    size_t at = 0, groups = 0;
    *tables = (struct tables){
        .options = calloc(2 * options->count + 3, sizeof *tables->options),
        .groups = calloc(options->count + 2, sizeof *tables->groups),
        .texts = calloc(options->count + 1, sizeof *tables->texts),
    };
    if (!tables->options || !tables->groups || !tables->texts)
        return error_set("no memory for the options");
    for (size_t k = 0; k < options->count; k++) {
        const struct option *option = &options->list[k];
        if (option->kind == OPTION_GROUP) {
            at += at > 0; /* an empty row ends a table */
            tables->groups[groups++] = (struct poptOption){
                NULL, '\0', POPT_ARG_INCLUDE_TABLE, &tables->options[at], 0, option->help, NULL};
            continue;
        }
        char *text = tables->texts[tables->num_texts++] =
            describe(option, value_of(options, option));
        tables->options[at++] =
            (struct poptOption){option->name,
                                option->letter,
                                option->kind == OPTION_FLAG ? POPT_ARG_NONE : POPT_ARG_STRING,
                                NULL,
                                (int)k + 1,
                                text,
                                option->argument};
    }
    tables->options[at] = (struct poptOption){
        "help", 'h', POPT_ARG_NONE, NULL, HELP_VALUE, "Print this and exit", NULL};
    return 0;
}

static void print_help(const struct options *options, poptContext context)
{
    char usage[256];
    snprintf(usage, sizeof usage, "%s\n%s", options->usage, options->summary);
    poptSetOtherOptionHelp(context, usage);
    poptPrintHelp(context, stdout, 0);
}

/* --- parsing ---------------------------------------------------------------------------------- */

static int bad_option(const struct options *options, const char *typed, int problem)
{
    const char *names[128];
    size_t count = 0;
    if (problem != POPT_ERROR_BADOPT)
        return error_set("%s: %s", typed, poptStrerror(problem));
    for (size_t k = 0; k < options->count && count < 127; k++)
        if (options->list[k].name)
            names[count++] = options->list[k].name;
    names[count++] = "help";
    const char *bare = typed + strspn(typed, "-");
    const char *nearest = options_nearest(bare, names, count);
    if (nearest)
        return error_set("there is no option %s; did you mean --%s?", typed, nearest);
    return error_set("there is no option %s; see rune %s --help", typed, options->command);
}

static int take_arguments(struct options *options, poptContext context)
{
    options->arguments = poptGetArgs(context);
    while (options->arguments && options->arguments[options->num_arguments])
        options->num_arguments++;
    if (options->num_arguments < options->least)
        return error_set("%s is needed: rune %s %s", options->wanted, options->command,
                         options->usage);
    if (options->arguments && options->most >= 0 && options->num_arguments > options->most)
        return error_set("\"%s\" is one argument too many: rune %s %s",
                         options->arguments[options->most], options->command, options->usage);
    return 0;
}

/* The value of the option that popt has just found; it stays with the options. */
static const char *typed_value(struct options *options, poptContext context)
{
    if (mem_grow(&options->texts, &options->capacity, options->num_texts + 1,
                 sizeof *options->texts) != 0)
        return NULL;
    char *text = poptGetOptArg(context);
    options->texts[options->num_texts++] = text;
    return text ? text : "";
}

static int take_option(struct options *options, poptContext context, struct option *option)
{
    const char *text = option->kind == OPTION_FLAG ? "" : typed_value(options, context);
    return text ? take(option, value_of(options, option), text) : -1;
}

static int parse(struct options *options, poptContext context)
{
    int found;
    while ((found = poptGetNextOpt(context)) > 0) {
        if (found == HELP_VALUE) {
            print_help(options, context);
            return -1;
        }
        if (take_option(options, context, &options->list[found - 1]) != 0)
            return STATUS_USAGE;
    }
    if (found < -1 &&
        bad_option(options, poptBadOption(context, POPT_BADOPTION_NOALIAS), found) != 0)
        return STATUS_USAGE;
    return take_arguments(options, context) == 0 ? 0 : STATUS_USAGE;
}

int options_parse(struct options *options, int argc, char **argv)
{
    char name[64], *const command = argv[0];
    struct tables tables;
    int status = STATUS_USAGE;
    if (tables_init(&tables, options) == 0) {
        snprintf(name, sizeof name, "rune %s", options->command);
        argv[0] = name; /* as popt is to print it */
        options->context =
            poptGetContext(NULL, argc, (const char **)(void *)argv, tables.groups, 0);
        status = parse(options, options->context);
        argv[0] = command;
    }
    tables_release(&tables);
    return status;
}

void options_release(struct options *options)
{
    if (options->context)
        poptFreeContext(options->context);
    for (size_t k = 0; k < options->num_texts; k++)
        free(options->texts[k]);
    free(options->texts);
    for (size_t k = 0; k < options->count; k++)
        if (options->list[k].kind == OPTION_TEXTS)
            free(((struct option_texts *)value_of(options, &options->list[k]))->list);
}
