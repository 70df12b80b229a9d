#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "startup.h"

/* With any of the three streams closed, a file opened next does not get its descriptor, and the
 * stream cannot be used. */
static void closed_streams_stay_of_no_use(void **state)
{
    (void)state;
    int kept[3], file[8], reads[8], writes[8];
    char byte = 'x';
    for (int fd = 0; fd < 3; fd++)
        kept[fd] = fcntl(fd, F_DUPFD, 10);
    for (int closed = 0; closed < 8; closed++) {
        for (int fd = 0; fd < 3; fd++)
            if (closed >> fd & 1)
                close(fd);
        startup_streams();
        file[closed] = open("/dev/null", O_RDWR);
        reads[closed] = closed & 1 ? read(0, &byte, 1) < 0 && errno == EBADF : 1;
        writes[closed] = closed & 2 ? write(1, &byte, 1) < 0 && errno == EBADF : 1;
        close(file[closed]);
        for (int fd = 0; fd < 3; fd++)
            dup2(kept[fd], fd);
    }
    for (int closed = 0; closed < 8; closed++) {
        assert_true(file[closed] > STDERR_FILENO);
        assert_true(reads[closed] && writes[closed]);
    }
    for (int fd = 0; fd < 3; fd++)
        close(kept[fd]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(closed_streams_stay_of_no_use)};
    return cmocka_run_group_tests_name("startup", tests, NULL, NULL);
}
