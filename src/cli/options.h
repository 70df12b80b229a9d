/* Command-line options: one table drives parsing, range checks and help. */
#ifndef RUNE_OPTIONS_H
#define RUNE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* Exit statuses; error_message() has the reason. */
#define STATUS_FAILED 1
#define STATUS_USAGE 2

enum option_kind {
    OPTION_GROUP,   /* a heading of the help, in `help` */
    OPTION_FLAG,    /* bool: true if given */
    OPTION_INT,     /* int in [min, max]; the suffixes k and M multiply by 10^3 and 10^6 */
    OPTION_COUNT,   /* uint64_t in [min, max], with the same suffixes */
    OPTION_REAL,    /* double in [min, max], or [min, max) with `max_excluded` */
    OPTION_TEXT,    /* const char *, a pointer into argv */
    OPTION_TEXTS,   /* struct option_texts; may be given more than once */
    OPTION_CHOICE,  /* int, an index into `choices` */
    OPTION_INTS,    /* struct option_list of OPTION_INTs, separated by commas */
    OPTION_CHOICES, /* struct option_list of OPTION_CHOICEs, separated by commas */
};

struct option_texts {
    const char **list;
    size_t count, capacity;
};

#define OPTION_LIST_MAX 64

struct option_list {
    int count, items[OPTION_LIST_MAX];
};

/* A row of the table. */
struct option_row {
    const char *name; /* without dashes; NULL for a heading */
    char letter;      /* the short option, or 0 */
    enum option_kind kind;
    size_t value;         /* offset in options.values; the field's initial value is the default */
    const char *argument; /* placeholder of the value in the help, "N"; NULL for a flag */
    const char *help;
    const char *default_text;   /* the default in the help, in place of the field's initial value */
    const char *const *choices; /* ends with NULL */
    double min, max;
    bool max_excluded;
    const char *zero; /* of an OPTION_INT: a word that stands for 0; or NULL */
    bool given;       /* out: set by options_parse */
};

struct options {
    const char *command; /* "train" */
    const char *usage;   /* what follows the command: "FILE… [-o RUN]" */
    const char *summary; /* one or two sentences for the help */
    struct option_row *list;
    size_t count;
    void *values;                     /* the struct that the options fill */
    const char **arguments;           /* out: what is not an option; ends with NULL */
    int num_arguments;                /* out */
    int min_arguments, max_arguments; /* max −1: any number */
    /* for the message when an argument is missing: "a MODEL", "runs/book" */
    const char *required, *example;
};

/* Parses argv, whose first element is the command. May be called once per process. Options may
 * follow arguments, until a "--"; names cannot be abbreviated. Texts point into argv, whose
 * elements are reordered. Returns 0; or −1 after printing --help; or options_status() and a
 * message. Call options_release in every case. */
int options_parse(struct options *options, int argc, char **argv);
void options_release(struct options *options);

/* The exit status for refused options: STATUS_FAILED if memory ran out, else STATUS_USAGE. */
int options_status(void);

/* Whether the option of that name was given. */
bool options_given(const struct options *options, const char *name);

/* An item of a list such as "h,c,o"; not NUL-terminated. */
struct option_item {
    const char *text;
    size_t length;
};

/* Moves the first item of *list into *item; *list becomes NULL after the last. Returns false if
 * *list is NULL. "" is a list of one empty item. */
bool option_item_next(const char **list, struct option_item *item);

bool option_item_is(struct option_item item, const char *name);

/* Appends a name to a list "a, b" in a buffer of `room` bytes; what does not fit is cut off. */
void options_append(char *list, size_t room, const char *name);

#endif
