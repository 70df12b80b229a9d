/* The commands. Each parses its own options. Returns 0, or a STATUS_… (options.h) and a message. */
#ifndef RUNE_COMMANDS_H
#define RUNE_COMMANDS_H

int command_train(int argc, char **argv);
int command_sample(int argc, char **argv);
int command_eval(int argc, char **argv);
int command_inspect(int argc, char **argv);
int command_info(int argc, char **argv);
int command_bench(int argc, char **argv);

#endif
