/* Setup before a command runs. */
#ifndef RUNE_STARTUP_H
#define RUNE_STARTUP_H

/* Opens /dev/null for each of stdin, stdout and stderr that is closed. Otherwise a file opened
 * later would get its descriptor and receive its output. Makes stderr line-buffered. */
void startup_streams(void);

#endif
