#include "drawer.h"

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

/* Seconds of processor time after which fonts should have been found: without memory, fontconfig
 * may look for them for ever. */
#define FONT_SECONDS 60

/* What the drawer tells the first process, with a NUL behind each: a file that is whole, or the
 * message of a failure. */
#define WROTE 'w'
#define FAILED 'f'

static const char *const extensions[] = {
    [DRAWING_PNG] = "png", [DRAWING_SVG] = "svg", [DRAWING_PDF] = "pdf"};

int drawer_write(const struct drawer *drawer, const struct drawing *drawing, const char *name)
{
    char file[64];
    struct file_out out;
    snprintf(file, sizeof file, "%s.%s", name, extensions[drawer->format]);
    int result = view_open(&out, drawer->directory, file);
    if (result == 0)
        result = drawing_put(&out, drawer->format, drawing);
    return view_close(&out, drawer->options, result);
}

/* --- in the drawer ---------------------------------------------------------------------------- */

static void tell_file(void *context, const char *path)
{
    dprintf(*(const int *)context, "%c%s%c", WROTE, path, '\0');
}

/* Signals end it; the files under way of the first process are not its own to remove. */
static void begin_signals(void)
{
    for (int number = 1; number < NSIG; number++) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            signal(number, SIG_DFL);
    }
    file_disown();
    file_clean_on_signals();
}

/* What libraries say is not for the user. */
static int silence(void)
{
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    return nowhere >= 0 && dup2(nowhere, STDERR_FILENO) >= 0
               ? 0
               : error_set("/dev/null: %s", strerror(errno));
}

/* Ends with the first process, also where that is killed. */
static void follow(pid_t first)
{
#if defined(__linux__)
    prctl(PR_SET_PDEATHSIG, SIGTERM);
#endif
    if (getppid() != first)
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

/* --- in the first process --------------------------------------------------------------------- */

/* Passes on what the drawer tells. Returns whether it told of a failure, with its message set. */
static bool listen(FILE *from, const struct view_options *options)
{
    bool failed = false;
    char *told = NULL;
    size_t room = 0;
    while (getdelim(&told, &room, '\0', from) > 1)
        if (told[0] == FAILED)
            failed = error_set("%s", told + 1) != 0;
        else if (options->wrote)
            options->wrote(options->context, told + 1);
    free(told);
    fclose(from);
    return failed;
}

static int wait_for(pid_t drawer, int from, const char *directory,
                    const struct view_options *options)
{
    int status = 0;
    FILE *stream = fdopen(from, "r");
    if (!stream)
        close(from); /* it then ends at what it tells next */
    const bool failed = stream && listen(stream, options);
    while (waitpid(drawer, &status, 0) < 0 && errno == EINTR)
        ;
    if (stream && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS)
        return 0;
    if (!failed)
        error_set("%s: pictures cannot be drawn: memory or threads ran out (%s): take a shorter "
                  "passage or fewer units, or end other programs",
                  directory, WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "no answer");
    file_sweep(directory); /* what it had under way */
    return -1;
}

/* No signal meets the drawer before it is ready for one. */
int drawer_run(const struct inspection *inspection, const struct view_options *options,
               const char *directory, enum drawing_format format,
               int (*draw)(const struct drawer *drawer, const struct inspection *inspection))
{
    struct view_options told = *options;
    const struct drawer drawer = {format, directory, &told};
    const pid_t first = getpid();
    int ends[2];
    sigset_t all, before;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_set("%s: pictures cannot be drawn: %s", directory, strerror(errno));
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const pid_t other = fork();
    if (other == 0) {
        told.wrote = tell_file;
        told.context = &ends[1];
        begin_signals();
        int result = silence();
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        follow(first);
        find_fonts();
        if (result == 0)
            result = draw(&drawer, inspection);
        if (result != 0)
            dprintf(ends[1], "%c%s%c", FAILED, error_message(), '\0');
        _exit(result == 0 ? EXIT_SUCCESS : EXIT_FAILURE); /* what is buffered is not its own */
    }
    const int reason = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(ends[1]);
    if (other > 0)
        return wait_for(other, ends[0], directory, options);
    close(ends[0]);
    return error_set("%s: pictures cannot be drawn: no process can be started for it: %s: end "
                     "other programs",
                     directory, strerror(reason));
}
