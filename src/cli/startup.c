#include "startup.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* stdin is opened for writing and the others for reading, so that using them is still an error. */
void startup_streams(void)
{
    static char line[BUFSIZ];
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            _exit(1); /* there is nowhere to report it */
    setvbuf(stderr, line, _IOLBF, sizeof line);
}
