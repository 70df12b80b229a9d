/* What the program does before a command runs. */
#ifndef RUNE_STARTUP_H
#define RUNE_STARTUP_H

/* Puts something in the place of stdin, stdout and stderr where they are closed, so that no file
 * that is opened later takes their place and gets what is meant for them. From then on stderr is
 * written line by line. */
void startup_streams(void);

#endif
