#include "progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "error.h"
#include "mem.h"
#include "sample.h"
#include "say.h"

#define SAMPLE_LENGTH 240     /* characters of the sample, at most */
#define SAMPLE_LINES 6        /* lines of it, at most */
#define TERMINAL_INTERVAL 0.2 /* seconds between updates */
#define PLAIN_INTERVAL 15.0

void progress_init(struct progress *progress, bool quiet)
{
    *progress = (struct progress){.quiet = quiet, .terminal = isatty(STDERR_FILENO) != 0};
    progress->drawn_at = clock_seconds();
}

void progress_break(struct progress *progress)
{
    if (progress->line_open)
        fputc('\n', stderr);
    progress->line_open = false;
}

/* Whether an update is due; if so, the next interval begins. */
static bool is_due(struct progress *progress)
{
    const double time = clock_seconds();
    if (progress->quiet ||
        time - progress->drawn_at < (progress->terminal ? TERMINAL_INTERVAL : PLAIN_INTERVAL))
        return false;
    progress->drawn_at = time;
    return true;
}

/* Begins a line; on a terminal it replaces the one there. */
static void open_line(struct progress *progress)
{
    if (progress->terminal)
        fputs("\r\033[K", stderr);
    progress->line_open = progress->terminal;
}

static void close_line(const struct progress *progress)
{
    if (!progress->terminal)
        fputc('\n', stderr);
    fflush(stderr);
}

static void reading(void *context, uint64_t done, uint64_t total)
{
    struct progress *progress = context;
    if (!is_due(progress))
        return;
    open_line(progress);
    fprintf(stderr, "reading %.1f of %.1f MB", (double)done / 1e6, (double)total / 1e6);
    close_line(progress);
}

static void note(void *context, const char *text)
{
    struct progress *progress = context;
    progress_break(progress);
    if (!progress->quiet)
        say("note: %s", text);
}

const char *progress_number(uint64_t number)
{
    static char buffers[4][32];
    static int next;
    char digits[24], *out = buffers[next = (next + 1) % 4], *to = out;
    const int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
    for (int k = 0; k < length; k++) {
        if (k > 0 && (length - k) % 3 == 0)
            *to++ = ',';
        *to++ = digits[k];
    }
    *to = '\0';
    return out;
}

static void started(void *context, const struct trainer *trainer)
{
    struct progress *progress = context;
    const struct plan *plan = &trainer->plan;
    const struct model *model = &trainer->model;
    progress_break(progress);
    if (progress->quiet)
        return;
    say("text    %s symbols (%s), %s characters to train on, %s to validate",
        progress_number((uint64_t)model->vocab_size), vocab_unit_names[model->vocab.treatment.unit],
        progress_number(trainer->corpus.training.length),
        progress_number(trainer->corpus.validation.length));
    say("model   %s, %d layers of %d, %s parameters", model->cell->name, model->num_layers,
        model->hidden_size, progress_number(model->params.total));
    say("fit     %s, learning rate %g, %d streams of %d characters, dropout %g, seed %llu",
        optim_names[plan->optim.kind], plan->schedule.rate, plan->batch_size, plan->seq_length,
        plan->dropout, (unsigned long long)plan->seed);
    if (trainer->progress.total_steps > 0)
        say("until   step %s (%.1f epochs), validated every %s steps",
            progress_number(trainer->progress.total_steps),
            (double)trainer->progress.total_steps * plan->batch_size * plan->seq_length /
                (double)trainer->corpus.training.length,
            progress_number(trainer->validate_every));
    else
        say("until   %g minutes are over", plan->max_minutes);
    say("machine %d threads, %s, %.3g MB of memory", team_size(trainer->team), model->engine->name,
        (double)trainer->memory / 1e6);
}

static void print_duration(double seconds)
{
    const long whole = lround(seconds);
    if (whole >= 3600)
        fprintf(stderr, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
    else
        fprintf(stderr, "%ld:%02ld", whole / 60, whole % 60);
}

/* Seconds to go at the speed of this session, its validations included. */
static double time_left(const struct trainer *trainer)
{
    const struct train_progress *at = &trainer->progress;
    const struct train_clock *clock = &trainer->clock;
    const double limit = trainer->plan.max_minutes * 60 - trainer_limited_seconds(trainer);
    const double done = (double)(at->step - clock->first);
    if (at->total_steps == 0 || done == 0)
        return fmax(limit, 0);
    const double rest = at->total_steps > at->step ? (double)(at->total_steps - at->step) : 0;
    const double left = rest * clock->session / done;
    return trainer->plan.max_minutes > 0 ? fmax(fmin(left, limit), 0) : left;
}

static void print_status(const struct trainer *trainer, double train_loss)
{
    const double loss = isnan(trainer->val_loss) ? train_loss : trainer->val_loss;
    fprintf(stderr, "epoch %.2f  step %llu", trainer_epochs(trainer),
            (unsigned long long)trainer->progress.step);
    if (trainer->progress.total_steps > 0)
        fprintf(stderr, "/%llu", (unsigned long long)trainer->progress.total_steps);
    fprintf(stderr, "  train %.4f", train_loss);
    if (!isnan(trainer->val_loss))
        fprintf(stderr, "  val %.4f", trainer->val_loss);
    fprintf(stderr, "  %.3f bits/char  %s chars/s  ", loss / log(2),
            progress_number((uint64_t)trainer_speed(trainer)));
    print_duration(time_left(trainer));
    fprintf(stderr, " left");
}

static void stepped(void *context, const struct trainer *trainer)
{
    struct progress *progress = context;
    const struct train_progress *at = &trainer->progress;
    if (!is_due(progress))
        return;
    open_line(progress);
    print_status(trainer, loss_mean(&at->since_row, trainer->train_loss));
    close_line(progress);
}

/* Draws a sample into new memory. Where memory runs out it is shorter or NULL: training goes on. */
static char *draw_sample(struct trainer *trainer, size_t *length)
{
    const struct sample_options options = {
        .temperature = 0.8, .top_p = 1, .seed = trainer->progress.step};
    struct sampler sampler = {0};
    char *text = NULL;
    size_t capacity = 0;
    int left = sampler_init(&sampler, trainer->team, &trainer->model, 1, &options) == 0
                   ? SAMPLE_LENGTH
                   : 0;
    *length = 0;
    if (left > 0)
        sampler_start(&sampler);
    for (int lines = 0; left > 0 && lines < SAMPLE_LINES;) {
        if (sampler_next(&sampler) != 0 || team_should_stop(trainer->team))
            break;
        if (sampler.leads[0].silent)
            continue;
        left--;
        const struct vocab_symbol symbol = trainer->model.vocab.symbols[sampler.ids[0]];
        if (mem_grow(&text, &capacity, *length + symbol.length, 1) != 0)
            break;
        memcpy(text + *length, symbol.bytes, symbol.length);
        *length += symbol.length;
        lines += symbol.bytes[symbol.length - 1] == '\n';
    }
    sampler_release(&sampler);
    return text;
}

static void print_sample(struct trainer *trainer)
{
    size_t length;
    char *text = draw_sample(trainer, &length);
    for (size_t at = 0; at < length;) {
        const char *newline = memchr(text + at, '\n', length - at);
        const size_t step = newline ? (size_t)(newline - text) + 1 - at : length - at;
        fputs("  | ", stderr);
        say_text(stderr, text + at, step);
        at += step;
        if (!newline)
            fputc('\n', stderr);
    }
    free(text);
}

static void add_row(void *context, const struct log_row *row)
{
    struct curve *curve = context;
    if (row)
        curve_add(curve, (double)row->step, row->train_loss, row->val_loss);
    else
        *curve = (struct curve){0};
}

/* A curve that cannot be written does not end the run; the reason is printed once. */
static void draw_curve(struct progress *progress, const struct trainer *trainer)
{
    char *log_path = rundir_file(&trainer->rundir, RUNDIR_LOG);
    char *path = rundir_file(&trainer->rundir, RUNDIR_CURVE);
    if ((!log_path || !path ||
         log_follow(log_path, &progress->place, add_row, &progress->curve) != 0 ||
         curve_write(&progress->curve, path, trainer->rundir.path) != 0) &&
        !progress->curve_failed) {
        note(progress, error_message());
        progress->curve_failed = true;
    }
    free(log_path);
    free(path);
}

static void validated(void *context, struct trainer *trainer)
{
    struct progress *progress = context;
    draw_curve(progress, trainer);
    if (progress->quiet)
        return;
    open_line(progress);
    print_status(trainer, trainer->train_loss);
    progress->line_open = false;
    fputc('\n', stderr);
    print_sample(trainer);
    progress->drawn_at = clock_seconds();
}

struct train_observer progress_observer(struct progress *progress)
{
    return (struct train_observer){.context = progress,
                                   .reading = reading,
                                   .note = note,
                                   .started = started,
                                   .stepped = stepped,
                                   .validated = validated};
}
