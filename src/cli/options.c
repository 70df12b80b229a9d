#include "options.h"

#include <assert.h>
#include <getopt.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "mem.h"
#include "suggest.h"

#define HELP_WIDTH 79  /* columns */
#define OPTIONS_MAX 64 /* of a command */

/* What getopt_long returns: the letter of a short option, LONG + index for a long one, or */
#define LONG 1000
#define ARGUMENT 1        /* an argument, in optarg */
#define MISSING_VALUE ':' /* the option in optopt lacks its value */
#define UNKNOWN '?'       /* no such option, or the one in optopt takes no value */

/* --- names ------------------------------------------------------------------------------------ */

bool options_given(const struct options *options, const char *name)
{
    for (size_t k = 0; k < options->count; k++)
        if (options->list[k].name && strcmp(options->list[k].name, name) == 0)
            return options->list[k].given;
    return false;
}

/* --- lists ------------------------------------------------------------------------------------ */

void options_append(char *list, size_t room, const char *name)
{
    strncat(list, list[0] ? ", " : "", room - strlen(list) - 1);
    strncat(list, name, room - strlen(list) - 1);
}

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

static void *value_of(const struct options *options, const struct option_row *option)
{
    return (char *)options->values + option->value;
}

static int refuse_number(const struct option_row *option, struct option_item item)
{
    const int length = (int)item.length;
    if (option->kind == OPTION_REAL && isinf(option->max))
        return error_set("--%s: \"%.*s\" is not a number of at least %g", option->name, length,
                         item.text, option->min);
    return error_set("--%s: \"%.*s\" is not %s%sa %s from %.16g to %s%.16g", option->name, length,
                     item.text, option->zero ? option->zero : "", option->zero ? " or " : "",
                     option->kind == OPTION_REAL ? "number" : "whole number", option->min,
                     option->max_excluded ? "below " : "", option->max);
}

/* Parses a number with an optional suffix k or M, in the option's range. */
static int parse_number(const struct option_row *option, struct option_item item, double *number)
{
    char *end;
    *number = strtod(item.text, &end);
    if (end == item.text)
        return refuse_number(option, item);
    if (option->kind != OPTION_REAL && (*end == 'k' || *end == 'M'))
        *number *= *end++ == 'k' ? 1e3 : 1e6;
    if (end != item.text + item.length || !isfinite(*number) || *number < option->min ||
        *number > option->max || (option->max_excluded && *number == option->max) ||
        (option->kind != OPTION_REAL && *number != floor(*number)))
        return refuse_number(option, item);
    return 0;
}

static int parse_choice(const struct option_row *option, struct option_item item, int *choice)
{
    char known[256] = "";
    for (int k = 0; option->choices[k]; k++) {
        if (option_item_is(item, option->choices[k])) {
            *choice = k;
            return 0;
        }
        options_append(known, sizeof known, option->choices[k]);
    }
    return error_set("--%s: there is no \"%.*s\"; it takes one of %s", option->name,
                     (int)item.length, item.text, known);
}

/* Parses a choice, the word for 0, or a number that fits an int. */
static int parse_int(const struct option_row *option, struct option_item item, int *value)
{
    double number;
    if (option->choices)
        return parse_choice(option, item, value);
    if (option->zero && option_item_is(item, option->zero)) {
        *value = 0;
        return 0;
    }
    if (parse_number(option, item, &number) != 0)
        return -1;
    *value = (int)number;
    return 0;
}

static int parse_list(const struct option_row *option, const char *text, struct option_list *list)
{
    struct option_item item;
    for (list->count = 0; option_item_next(&text, &item); list->count++) {
        if (list->count == OPTION_LIST_MAX)
            return error_set("--%s: takes at most %d values", option->name, OPTION_LIST_MAX);
        if (parse_int(option, item, &list->items[list->count]) != 0)
            return -1;
    }
    return 0;
}

static int store(struct option_row *option, void *value, const char *text)
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

static struct option_row help = {.name = "help", .letter = 'h', .help = "Print this and exit"};

static void format_ints(const struct option_row *option, const int *ints, int count, char *out,
                        size_t room)
{
    for (int k = 0, used = 0; k < count && used < (int)room; k++) {
        char number[16];
        snprintf(number, sizeof number, "%d", ints[k]);
        used += snprintf(out + used, room - (size_t)used, "%s%s", k > 0 ? "," : "",
                         option->choices ? option->choices[ints[k]] : number);
    }
}

/* Writes the default as text; leaves `out` as it is where there is none. */
static void format_default(const struct option_row *option, const void *value, char *out,
                           size_t room)
{
    const struct option_list *list = value;
    if (option->default_text)
        snprintf(out, room, "%s", option->default_text);
    else if (option->kind == OPTION_INT || option->kind == OPTION_CHOICE)
        format_ints(option, value, 1, out, room);
    else if (option->kind == OPTION_INTS || option->kind == OPTION_CHOICES)
        format_ints(option, list->items, list->count, out, room);
    else if (option->kind == OPTION_COUNT)
        snprintf(out, room, "%llu", (unsigned long long)*(const uint64_t *)value);
    else if (option->kind == OPTION_REAL)
        snprintf(out, room, "%g", *(const double *)value);
    else if (option->kind == OPTION_TEXT && *(const char *const *)value)
        snprintf(out, room, "%s", *(const char *const *)value);
}

/* Prints words wrapped at HELP_WIDTH, indented by `left`, where the cursor already is. */
static void print_words(const char *words, int left)
{
    int at = left;
    while (*(words += strspn(words, " \n"))) {
        const int length = (int)strcspn(words, " \n");
        if (at > left && at + 1 + length > HELP_WIDTH) {
            printf("\n%*s", left, "");
            at = left;
        }
        at += printf("%s%.*s", at > left ? " " : "", length, words);
        words += length;
    }
    putchar('\n');
}

static void print_row(const struct options *options, const struct option_row *option, int left)
{
    char value[64] = "", text[512];
    int at = option->letter ? printf("  -%c, ", option->letter) : printf("      ");
    at += printf("--%s", option->name);
    at += option->argument ? printf("=%s", option->argument) : 0;
    printf("%*s", left - at, "");
    format_default(option, value_of(options, option), value, sizeof value);
    snprintf(text, sizeof text, value[0] ? "%s (default: %s)" : "%s", option->help, value);
    print_words(text, left);
}

static void print_help(const struct options *options)
{
    size_t longest = strlen(help.name);
    for (size_t k = 0; k < options->count; k++) {
        const struct option_row *option = &options->list[k];
        size_t length = option->name ? strlen(option->name) : 0;
        length += option->argument ? strlen("=") + strlen(option->argument) : 0;
        longest = length > longest ? length : longest;
    }
    const int left = (int)(strlen("  -h, --") + longest + strlen("   "));
    printf("Usage: rune %s %s\n\n", options->command, options->usage);
    print_words(options->summary, 0);
    for (size_t k = 0; k < options->count; k++)
        if (options->list[k].kind == OPTION_GROUP)
            printf("\n%s\n", options->list[k].help);
        else
            print_row(options, &options->list[k], left);
    print_row(options, &help, left);
}

/* --- parsing ---------------------------------------------------------------------------------- */

static int refuse_option(const struct options *options, const char *typed, struct option_item name)
{
    const char *names[OPTIONS_MAX + 1];
    char advice[SUGGEST_ROOM];
    size_t count = 0;
    for (size_t k = 0; k < options->count; k++)
        if (options->list[k].name)
            names[count++] = options->list[k].name;
    names[count++] = help.name;
    const size_t dashes = strspn(typed, "-");
    const int length = (int)(dashes + name.length);
    if (access(typed, F_OK) == 0)
        return error_set("there is no option %s; if the file is meant, write ./%s", typed, typed);
    suggest(advice, name, "--", names, count, suggest_options);
    return advice[0] ? error_set("there is no option %.*s; %s", length, typed, advice)
                     : error_set("there is no option %.*s; rune %s --help lists all", length, typed,
                                 options->command);
}

/* Whether `typed` is a long option with one dash, which getopt_long reads as short ones. */
static bool is_long_with_one_dash(const struct options *options, struct option_item name)
{
    for (size_t k = 0; k < options->count; k++)
        if (options->list[k].name && name.length > 1 && suggest_same(name, options->list[k].name))
            return true;
    return false;
}

/* The option of a value that getopt_long returned, or NULL. */
static struct option_row *find_option(const struct options *options, int found)
{
    if (found == help.letter)
        return &help;
    for (size_t k = 0; k < options->count; k++)
        if (found == LONG + (int)k || (found != 0 && found == options->list[k].letter))
            return &options->list[k];
    return NULL;
}

/* Stores the option that getopt_long found in `typed`. getopt_long accepts abbreviated names, which
 * are refused here. */
static int store_typed(const struct options *options, const char *typed, int found)
{
    const bool is_long = strncmp(typed, "--", 2) == 0;
    const char *bare = typed + strspn(typed, "-");
    const struct option_item name = {bare, strcspn(bare, "=")};
    struct option_row *option =
        find_option(options, found == UNKNOWN || found == MISSING_VALUE ? optopt : found);
    if (!option ||
        (is_long ? !option_item_is(name, option->name) : is_long_with_one_dash(options, name)))
        return refuse_option(options, typed, name);
    if (found == UNKNOWN)
        return error_set("--%s takes no value", option->name);
    if (found == MISSING_VALUE)
        return error_set("--%s: its value, %s, is missing", option->name, option->argument);
    help.given = option == &help;
    return option == &help ? 0 : store(option, value_of(options, option), optarg ? optarg : "");
}

/* Builds getopt_long's tables of long and short options. */
static void list_names(const struct options *options, struct option *names, char *letters)
{
    *letters++ = '-'; /* arguments are returned in order, even with POSIXLY_CORRECT set */
    *letters++ = MISSING_VALUE;
    *letters++ = help.letter;
    *names++ = (struct option){help.name, no_argument, NULL, help.letter};
    for (size_t k = 0; k < options->count; k++) {
        const struct option_row *option = &options->list[k];
        const int value = option->argument ? required_argument : no_argument;
        if (option->name)
            *names++ = (struct option){option->name, value, NULL, LONG + (int)k};
        if (option->letter)
            *letters++ = option->letter;
        if (option->letter && value == required_argument)
            *letters++ = ':';
    }
    *names = (struct option){0};
    *letters = '\0';
}

int options_parse(struct options *options, int argc, char **argv)
{
    struct option names[OPTIONS_MAX + 2];
    char letters[2 * OPTIONS_MAX + 4];
    assert(options->count <= OPTIONS_MAX);
    list_names(options, names, letters);
    options->arguments = (const char **)(void *)(argv + 1); /* overwrites what was read */
    while (optind < argc && !help.given) {
        const char *typed = argv[optind];
        const int found = getopt_long(argc, argv, letters, names, NULL);
        if (found == -1) /* "--": the rest are arguments */
            break;
        if (found == ARGUMENT)
            options->arguments[options->num_arguments++] = optarg;
        else if (store_typed(options, typed, found) != 0)
            return options_status();
    }
    if (help.given)
        return (print_help(options), -1);
    while (optind < argc)
        options->arguments[options->num_arguments++] = argv[optind++];
    options->arguments[options->num_arguments] = NULL;
    if (options->num_arguments < options->min_arguments)
        return (error_set("%s is needed, as in: rune %s %s", options->required, options->command,
                          options->example),
                STATUS_USAGE);
    if (options->max_arguments >= 0 && options->num_arguments > options->max_arguments)
        return (error_set("\"%s\" is one argument too many: rune %s %s",
                          options->arguments[options->max_arguments], options->command,
                          options->usage),
                STATUS_USAGE);
    return 0;
}

int options_status(void)
{
    return error_is_memory() ? STATUS_FAILED : STATUS_USAGE;
}

void options_release(struct options *options)
{
    for (size_t k = 0; k < options->count; k++)
        if (options->list[k].kind == OPTION_TEXTS)
            free(((struct option_texts *)value_of(options, &options->list[k]))->list);
}
