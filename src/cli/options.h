/* Options: one table drives parsing, checking and help. */
#ifndef RUNE_OPTIONS_H
#define RUNE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#define STATUS_FAILED 1 /* it failed, and error_message() says what */
#define STATUS_USAGE 2  /* wrong usage, likewise */

enum option_kind {
    OPTION_GROUP,   /* a heading in the help: `help` */
    OPTION_FLAG,    /* bool: true if it is given */
    OPTION_INT,     /* int, in [min, max]; k and M multiply by 10^3 and 10^6 */
    OPTION_COUNT,   /* uint64_t, likewise */
    OPTION_REAL,    /* double, in [min, max] or, with `below`, [min, max) */
    OPTION_TEXT,    /* const char * */
    OPTION_TEXTS,   /* struct option_texts: may be given several times */
    OPTION_CHOICE,  /* int: the index of one of `choices` */
    OPTION_INTS,    /* struct option_list of numbers as OPTION_INT takes them, between commas */
    OPTION_CHOICES, /* struct option_list of indices of `choices`, likewise */
};

struct option_texts {
    const char **list;
    size_t count, capacity;
};

#define OPTION_LIST_MOST 64

struct option_list {
    int count, items[OPTION_LIST_MOST];
};

/* A row of the table. */
struct option_row {
    const char *name; /* without the dashes */
    char letter;      /* or 0 */
    enum option_kind kind;
    size_t value; /* offset of its field in the values; what that holds before is the default */
    const char *argument; /* "N", "FILE": its value in the help; NULL for a flag */
    const char *help;
    const char *unset; /* the default in words where the value before is none ("chosen", …) */
    const char *const *choices; /* NULL at the end */
    double min, max;
    bool below;
    bool given; /* set by options_parse */
};

struct options {
    const char *command; /* "train" */
    const char *usage;   /* "FILE… [-o RUN]" */
    const char *summary; /* a sentence or two for the help */
    struct option_row *list;
    size_t count;
    void *values;           /* the struct whose fields the options fill */
    const char **arguments; /* what is not an option; set by options_parse, NULL at the end */
    int num_arguments;
    int least, most;    /* how many there may be; most −1: any number */
    const char *wanted; /* what is missing if there are fewer: "a MODEL" */
};

/* Parses argv (argv[0] is the command), once a process. Returns 0; options_refused() and a message;
 * or −1 if --help was asked for and printed. Options may stand behind arguments, up to a "--"; no
 * name may be cut short. Texts in the values are argv's, whose elements are moved. options_release
 * afterwards in every case. */
int options_parse(struct options *options, int argc, char **argv);
void options_release(struct options *options);

/* The status of options that were refused: STATUS_USAGE, or STATUS_FAILED if there was only no
 * memory for them. */
int options_refused(void);

/* Whether an option was given. */
bool options_given(const struct options *options, const char *name);

/* One of "h,c,o". */
struct option_item {
    const char *text;
    size_t length;
};

/* Takes the first item off a list, which is then NULL if it was the last. False if there is none;
 * "" is a list of one that is empty. */
bool option_item_next(const char **list, struct option_item *item);

bool option_item_is(struct option_item item, const char *name);

/* The one of `count` names that is nearest to what was typed, or NULL if none is near. One that
 * begins with it is. */
const char *options_nearest(struct option_item typed, const char *const *names, size_t count);

#endif
