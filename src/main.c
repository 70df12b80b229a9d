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

static void print_help(FILE *out)
{
    fprintf(
        out,
        "Usage: rune COMMAND …\n\nA character-level recurrent language model: train it on a text, "
        "sample from it, look inside.\n\n");
    for (size_t k = 0; k < NUM_COMMANDS; k++)
        fprintf(out, "  rune %-8s %s\n", commands[k].name, commands[k].summary);
    fprintf(
        out,
        "\nrune COMMAND --help lists a command's options; rune --version prints the version.\n");
}

static int refuse_command(const char *typed)
{
    const char *names[NUM_COMMANDS];
    for (size_t k = 0; k < NUM_COMMANDS; k++)
        names[k] = commands[k].name;
    const char *nearest =
        options_nearest((struct option_item){typed, strlen(typed)}, names, NUM_COMMANDS);
    if (nearest)
        say("rune: there is no command \"%s\"; did you mean %s?", typed, nearest);
    else
        say("rune: there is no command \"%s\"; see rune --help", typed);
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

int main(int argc, char **argv)
{
    startup_streams();
    if (argc < 2) {
        print_help(stderr);
        return STATUS_USAGE;
    }
    const char *what = argv[1];
    if (strcmp(what, "--help") == 0 || strcmp(what, "-h") == 0) {
        print_help(stdout);
        return finish(what, 0);
    }
    if (strcmp(what, "--version") == 0) {
        printf("rune %s\n", RUNE_VERSION);
        return finish(what, 0);
    }
    file_clean_on_signals();
    signal(SIGXFSZ, SIG_IGN); /* a file over its size limit is then an error, like a full disk */
    for (size_t k = 0; k < NUM_COMMANDS; k++)
        if (strcmp(what, commands[k].name) == 0)
            return finish(what, commands[k].run(argc - 1, argv + 1));
    return refuse_command(what);
}
