#include "renderer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif

#include "canvas.h"
#include "error.h"
#include "file.h"

/* Processor seconds in which fonts must be found: without memory, fontconfig may search forever. */
#define FONT_SECONDS 60

/* Messages of the renderer to the main process, each ending with NUL: the type, then the path of a
 * complete file or the message of a failure. */
#define WROTE 'w'
#define FAILED 'f'

static const char *const extensions[] = {
    [DRAWING_PNG] = "png", [DRAWING_SVG] = "svg", [DRAWING_PDF] = "pdf"};

int renderer_write(const struct renderer *renderer, const struct drawing *drawing, const char *name)
{
    char file[64];
    struct file_out out;
    snprintf(file, sizeof file, "%s.%s", name, extensions[renderer->format]);
    int result = view_open(&out, renderer->directory, file);
    if (result == 0)
        result = drawing_put(&out, renderer->format, drawing);
    return view_close(&out, renderer->options, result);
}

/* --- in the renderer -------------------------------------------------------------------------- */

static void send_path(void *context, const char *path)
{
    dprintf(*(const int *)context, "%c%s%c", WROTE, path, '\0');
}

/* Signals end the renderer; it removes its own unfinished files but not the main process's. */
static void reset_signals(void)
{
    for (int number = 1; number < NSIG; number++) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            signal(number, SIG_DFL);
    }
    file_disown();
    file_clean_on_signals();
}

/* Hides what libraries print, which is not for the user, and leaves no core file. */
static int silence(void)
{
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    return nowhere >= 0 && dup2(nowhere, STDERR_FILENO) >= 0
               ? 0
               : error_set("/dev/null: %s", strerror(errno));
}

/* Ends the renderer with the main process, even if that is killed. */
static void end_with_parent(pid_t parent)
{
#if defined(__linux__)
    prctl(PR_SET_PDEATHSIG, SIGTERM);
#endif
    if (getppid() != parent)
        _exit(EXIT_FAILURE);
}

static void find_fonts(void)
{
    struct itimerval limit = {.it_value = {FONT_SECONDS, 0}};
    signal(SIGPROF, SIG_DFL);
    setitimer(ITIMER_PROF, &limit, NULL);
    canvas_text_width(CANVAS_FONT, "x");
    limit.it_value.tv_sec = 0;
    setitimer(ITIMER_PROF, &limit, NULL);
}

/* --- in the main process ---------------------------------------------------------------------- */

/* Reads the renderer's messages and reports its files. Returns whether it failed; its message is
 * then set. */
static bool read_messages(FILE *from, const struct view_options *options)
{
    bool failed = false;
    char *message = NULL;
    size_t room = 0;
    while (getdelim(&message, &room, '\0', from) > 1)
        if (message[0] == FAILED)
            failed = error_set("%s", message + 1) != 0;
        else if (options->wrote)
            options->wrote(options->context, message + 1);
    free(message);
    fclose(from);
    return failed;
}

static int wait_for(pid_t child, int from, const char *directory,
                    const struct view_options *options)
{
    int status = 0;
    FILE *stream = fdopen(from, "r");
    if (!stream)
        close(from); /* its next write then ends it */
    const bool failed = stream && read_messages(stream, options);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (stream && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS)
        return 0;
    if (!failed)
        error_set("%s: pictures cannot be drawn: memory or threads ran out (%s); take a shorter "
                  "passage or fewer units, or end other programs",
                  directory, WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "no answer");
    file_sweep(directory); /* its unfinished files */
    return -1;
}

/* Signals are blocked until the renderer has set up its handlers. */
int renderer_run(const struct inspection *inspection, const struct view_options *options,
                 const char *directory, enum drawing_format format,
                 int (*draw)(const struct renderer *renderer, const struct inspection *inspection))
{
    struct view_options sent = *options;
    const struct renderer renderer = {format, directory, &sent};
    const pid_t parent = getpid();
    int ends[2];
    sigset_t all, before;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_set("%s: pictures cannot be drawn: %s", directory, strerror(errno));
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const pid_t child = fork();
    if (child == 0) {
        sent.wrote = send_path;
        sent.context = &ends[1];
        reset_signals();
        int result = silence();
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        end_with_parent(parent);
        find_fonts();
        if (result == 0)
            result = draw(&renderer, inspection);
        if (result != 0)
            dprintf(ends[1], "%c%s%c", FAILED, error_message(), '\0');
        _exit(result == 0 ? EXIT_SUCCESS
                          : EXIT_FAILURE); /* does not flush the main process's buffers */
    }
    const int reason = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(ends[1]);
    if (child > 0)
        return wait_for(child, ends[0], directory, options);
    close(ends[0]);
    return error_set(
        "%s: pictures cannot be drawn: no process can be started: %s; end other programs",
        directory, strerror(reason));
}
