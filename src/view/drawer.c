#include "drawer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif

#include "error.h"
#include "file.h"

/* What the drawer sends, in one packet each: a name, for a new file, which it then is given open;
 * or that it is done. With either the file before is whole. Or a message: it failed. */
#define NEW_FILE 'f'
#define DONE 'd'
#define FAILED 'e'
#define PACKET 2048

static const char *const extensions[] = {
    [DRAWING_PNG] = "png", [DRAWING_SVG] = "svg", [DRAWING_PDF] = "pdf"};

static void say(int link, char kind, const char *text)
{
    char packet[PACKET];
    const int length = snprintf(packet, sizeof packet, "%c%s", kind, text);
    send(link, packet, (size_t)length + 1,
         MSG_NOSIGNAL); /* nobody there: to be seen by the answer */
}

/* --- an open file on its way ------------------------------------------------------------------ */

union ancillary {
    struct cmsghdr header;
    char room[CMSG_SPACE(sizeof(int))];
};

static int send_file(int link, int fd)
{
    char byte = NEW_FILE;
    union ancillary ancillary = {.room = {0}};
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = &ancillary,
                             .msg_controllen = sizeof ancillary};
    ancillary.header.cmsg_level = SOL_SOCKET;
    ancillary.header.cmsg_type = SCM_RIGHTS;
    ancillary.header.cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(&ancillary.header), &fd, sizeof fd);
    return sendmsg(link, &message, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

/* −1 where none comes. */
static int receive_file(int link)
{
    char byte;
    int fd = -1;
    union ancillary ancillary = {.room = {0}};
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = &ancillary,
                             .msg_controllen = sizeof ancillary};
    if (recvmsg(link, &message, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&message))
        memcpy(&fd, CMSG_DATA(&ancillary.header), sizeof fd);
    return fd;
}

/* --- in the drawer ---------------------------------------------------------------------------- */

int drawer_write(const struct drawer *drawer, const struct drawing *drawing, const char *name)
{
    char file[64];
    struct file_out out = {0};
    snprintf(file, sizeof file, "%s.%s", name, extensions[drawer->format]);
    say(drawer->link, NEW_FILE, file);
    const int fd = receive_file(drawer->link);
    if (fd < 0)
        return error_set("%s/%s: cannot be drawn: it was not opened", drawer->directory, file);
    out.path = file_join(drawer->directory, file);
    if (out.path && !(out.stream = fdopen(fd, "wb")))
        file_refuse_write(out.path, "cannot be written", errno);
    int result = out.stream ? drawing_put(&out, drawer->format, drawing) : -1;
    if (out.stream && fclose(out.stream) != 0 && result == 0)
        result = file_refuse_write(out.path, "cannot be written", errno);
    free(out.path);
    return result;
}

/* The files under way are the first process's to remove, and what libraries say is not for the
 * user: this one only draws, and ends when the first one does. */
static int stand_apart(pid_t first)
{
    const struct rlimit none = {0, 0};
    for (int number = 1; number < NSIG; number++) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            signal(number, SIG_DFL);
    }
#if defined(__linux__)
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    if (getppid() != first)
        _exit(EXIT_FAILURE);
    setrlimit(RLIMIT_CORE, &none);
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere < 0 || dup2(nowhere, STDERR_FILENO) < 0)
        return error_set("/dev/null: %s", strerror(errno));
    return 0;
}

/* --- in the first process --------------------------------------------------------------------- */

/* Opens the files that the drawer asks for, and puts them in their place. Returns 0, −1 and a
 * message, or 1 where the drawer ended before its end. */
static int serve(const struct drawer *drawer, struct file_out *out)
{
    char packet[PACKET];
    ssize_t length;
    int result = 0;
    while (result == 0) {
        do
            length = recv(drawer->link, packet, sizeof packet - 1, 0);
        while (length < 0 && errno == EINTR);
        if (length <= 0)
            return 1;
        packet[length] = '\0';
        if (packet[0] == FAILED)
            return error_set("%s", packet + 1);
        if (out->stream)
            result = view_close(out, drawer->options, 0);
        if (result != 0 || packet[0] == DONE)
            return result;
        result = view_open(out, drawer->directory, packet + 1);
        if (result == 0 && send_file(drawer->link, fileno(out->stream)) != 0)
            return 1;
    }
    return result;
}

static int run(const struct drawer *drawer, pid_t other)
{
    struct file_out out = {0};
    int status = 0;
    const int result = serve(drawer, &out);
    close(drawer->link); /* it then has nothing to wait for */
    while (waitpid(other, &status, 0) < 0 && errno == EINTR)
        ;
    if (result == 1)
        error_set("%s: pictures cannot be drawn: memory or threads ran out (%s): take a shorter "
                  "passage or fewer units, or end other programs",
                  drawer->directory,
                  WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "no answer");
    if (result != 0)
        view_close(&out, drawer->options, -1);
    return result == 0 ? 0 : -1;
}

/* No signal meets the handlers of this process in the other. */
int drawer_run(const struct inspection *inspection, const struct view_options *options,
               const char *directory, enum drawing_format format,
               int (*draw)(const struct drawer *drawer, const struct inspection *inspection))
{
    struct drawer drawer = {format, directory, options, -1};
    const pid_t first = getpid();
    int ends[2];
    sigset_t all, before;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return error_set("%s: pictures cannot be drawn: %s", directory, strerror(errno));
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const pid_t other = fork();
    if (other == 0) {
        close(ends[0]);
        drawer.link = ends[1];
        int result = stand_apart(first);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (result == 0)
            result = draw(&drawer, inspection);
        say(drawer.link, result == 0 ? DONE : FAILED, result == 0 ? "" : error_message());
        _exit(EXIT_SUCCESS); /* what is buffered elsewhere is the first process's to write */
    }
    const int reason = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(ends[1]);
    drawer.link = ends[0];
    if (other > 0)
        return run(&drawer, other);
    close(ends[0]);
    return error_set(
        "%s: pictures cannot be drawn: no process can be started for it: %s: end other "
        "programs",
        directory, strerror(reason));
}
