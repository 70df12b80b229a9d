#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "error.h"
#include "file.h"
#include "options.h"
#include "say.h"
#include "startup.h"
#include "suggest.h"
#include "version.h"

static const struct {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"train", "train a model on a text", command_train},
    {"sample", "print text that a model generates", command_sample},
    {"eval", "measure how well a model predicts a text", command_eval},
    {"inspect", "show what a model's neurons do while it reads a text", command_inspect},
    {"info", "describe a model file", command_info},
    {"bench", "measure the engine on this machine", command_bench},
};

#define NUM_COMMANDS (sizeof commands / sizeof *commands)

/* What other programs call them. */
static const struct synonym synonyms[] = {
    {"fit", "train", NULL},
    {"learn", "train", NULL},
    {"resume", NULL, "rune train --resume RUN goes on with a run"},
    {"continue", NULL, "rune train --resume RUN goes on with a run"},
    {"generate", "sample", NULL},
    {"write", "sample", NULL},
    {"predict", "sample", NULL},
    {"evaluate", "eval", NULL},
    {"test", "eval", NULL},
    {"validate", "eval", NULL},
    {"describe", "info", NULL},
    {"show", "info", NULL},
    {"show", "inspect", NULL},
    {"visualize", "inspect", NULL},
    {"version", NULL, "did you mean rune --version?"},
    {0},
};

static void print_help(FILE *out)
{
    fprintf(
        out,
        "Usage: rune COMMAND …\n\nA character-level recurrent language model: train it on a text, "
        "sample from it, look inside.\n\n");
    for (size_t k = 0; k < NUM_COMMANDS; k++)
        fprintf(out, "  rune %-8s %s\n", commands[k].name, commands[k].summary);
    fprintf(out,
            "\nrune help COMMAND lists a command's options; rune --version prints the version.\n");
}

static int refuse_command(const char *typed)
{
    const char *names[NUM_COMMANDS];
    char advice[SUGGEST_ROOM];
    struct option_item bare = {typed + strspn(typed, "-"), 0};
    bare.length = strlen(bare.text);
    for (size_t k = 0; k < NUM_COMMANDS; k++)
        names[k] = commands[k].name;
    suggest(advice, bare, "", names, NUM_COMMANDS, synonyms);
    say("rune: there is no command \"%s\"; %s", typed,
        advice[0] ? advice : "rune --help lists all");
    return STATUS_USAGE;
}

/* Reports a failure of the command, or of stdout. Returns the exit status. */
static int finish(const char *command, int status)
{
    if (status == 0 && (fflush(stdout) != 0 || ferror(stdout)))
        status = (error_set("stdout: %s", strerror(errno)), STATUS_FAILED);
    if (status != 0)
        say("rune %s: %s", command, error_message());
    return status;
}

static int run_command(int argc, char **argv)
{
    for (size_t k = 0; k < NUM_COMMANDS; k++)
        if (strcmp(argv[0], commands[k].name) == 0)
            return finish(argv[0], commands[k].run(argc, argv));
    return refuse_command(argv[0]);
}

/* "rune help", or "rune help COMMAND", which is "rune COMMAND --help". */
static int help(int argc, char **argv)
{
    char option[] = "--help";
    if (argc > 1)
        return run_command(2, (char *[]){argv[1], option, NULL});
    print_help(stdout);
    return finish(argv[0], 0);
}

int main(int argc, char **argv)
{
    startup_streams();
    say_set_program(argv[0]);
    if (argc < 2) {
        print_help(stderr);
        return STATUS_USAGE;
    }
    const char *what = argv[1];
    if (strcmp(what, "help") == 0 || strcmp(what, "--help") == 0 || strcmp(what, "-h") == 0)
        return help(argc - 1, argv + 1);
    if (strcmp(what, "--version") == 0) {
        printf("rune %s\n", RUNE_VERSION);
        return finish(what, 0);
    }
    file_clean_on_signals();
    signal(SIGXFSZ, SIG_IGN); /* a file over its size limit is then an error, like a full disk */
    return run_command(argc - 1, argv + 1);
}
