#include "startup.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "blas.h"

/* Opened the wrong way round, so that reading and writing are still errors. */
void startup_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            _exit(1); /* there is nowhere to tell it */
}

/* OpenBLAS picks its kernels when it is loaded; where it does not know the CPU it picks slow ones,
 * and can only be told better before that. */
static void restart_with_better_core(char **argv)
{
    const char *core = getenv("OPENBLAS_CORETYPE") ? NULL : blas_better_core();
    if (!core || setenv("OPENBLAS_CORETYPE", core, 1) != 0)
        return;
    execv("/proc/self/exe", argv); /* where that fails, the slow kernels are still right */
}

void startup_blas(char **argv)
{
    restart_with_better_core(argv);
    blas_init();
}
