/* What the program does before a command runs. */
#ifndef RUNE_STARTUP_H
#define RUNE_STARTUP_H

/* Puts something in the place of stdin, stdout and stderr where they are closed, so that no file
 * that is opened later takes their place and gets what is meant for them. */
void startup_streams(void);

/* Gets OpenBLAS ready; may start the program again, with `argv`, where OpenBLAS must be told at its
 * start which kernels to take. */
void startup_blas(char **argv);

#endif
