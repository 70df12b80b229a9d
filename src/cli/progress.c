#include "progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "clock.h"
#include "error.h"
#include "mem.h"
#include "sample.h"
#include "say.h"

#define SAMPLE_LENGTH 240     /* characters of the sample, at most */
#define SAMPLE_LINES 6        /* lines of it, at most */
#define SAMPLE_SECONDS 1.0    /* that it takes, at most: a busy machine draws a shorter one */
#define TERMINAL_INTERVAL 0.2 /* seconds between updates */
#define PLAIN_INTERVAL 15.0
#define LINE_BYTES 256

/* By default, samples are so many seconds apart or more, and so many at most; one is at the end. */
#define SAMPLE_INTERVAL 10.0
#define MOST_SAMPLES 20

void progress_init(struct progress *progress, bool quiet, int samples)
{
    *progress = (struct progress){
        .quiet = quiet, .terminal = isatty(STDERR_FILENO) != 0, .samples = samples};
    progress->drawn_at = progress->sampled_at = clock_seconds();
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

static void say_until(const struct trainer *trainer)
{
    const struct plan *plan = &trainer->plan;
    const uint64_t steps = plan_steps(plan, trainer->corpus.training.length);
    const double minutes = plan->max_minutes;
    say_part("until   ");
    if (steps > 0)
        say_part("step %s (%.1f epochs)%s", progress_number(steps),
                 (double)steps * plan->batch_size * plan->seq_length /
                     (double)trainer->corpus.training.length,
                 minutes > 0 ? " or " : "");
    if (minutes > 0)
        say_part("%g minute%s over", minutes, minutes == 1 ? " is" : "s are");
    else
        say_part(", validated every %s steps", progress_number(trainer->validate_every));
    fputc('\n', stderr);
}

/* Samples that are due by now. */
static int samples_due(const struct progress *progress, const struct trainer *trainer)
{
    const bool chosen = progress->samples == PROGRESS_SAMPLES_AUTO;
    return (int)(trainer_done(trainer) * (chosen ? MOST_SAMPLES : progress->samples));
}

static void started(void *context, const struct trainer *trainer)
{
    struct progress *progress = context;
    const struct plan *plan = &trainer->plan;
    const struct model *model = &trainer->model;
    progress_break(progress);
    progress->shown = samples_due(progress, trainer);
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
    say_until(trainer);
    say("machine %d threads, %s, %.3g MB of memory", team_size(trainer->team), model->engine->name,
        (double)trainer->memory / 1e6);
}

static void format_duration(double seconds, char *out, size_t room)
{
    const long whole = lround(seconds);
    if (whole >= 3600)
        snprintf(out, room, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
    else
        snprintf(out, room, "%ld:%02ld", whole / 60, whole % 60);
}

/* Seconds to go: until the time limit, or at the speed of this session, its validations
 * included. */
static double time_left(const struct trainer *trainer)
{
    const struct train_progress *at = &trainer->progress;
    const uint64_t steps = plan_steps(&trainer->plan, trainer->corpus.training.length);
    const double limit = trainer->plan.max_minutes > 0
                             ? fmax(at->pace.deadline - trainer_seconds(trainer), 0)
                             : (double)INFINITY;
    const double done = (double)(at->step - trainer->clock.first);
    if (steps == 0 || done == 0)
        return limit;
    const double rest = steps > at->step ? (double)(steps - at->step) : 0;
    return fmin(rest * (trainer_now(trainer) - trainer->clock.trains_since) / done, limit);
}

/* The losses, and the step at which the validation loss was measured if it is not this one. */
static void format_losses(const struct trainer *trainer, double train_loss, char *out, size_t room)
{
    const struct train_progress *at = &trainer->progress;
    const double val_loss = trainer->val_loss, loss = isnan(val_loss) ? train_loss : val_loss;
    char validated[64] = "", step[48] = "";
    if (!isnan(val_loss))
        snprintf(validated, sizeof validated, " · val %.4f", val_loss);
    if (!isnan(val_loss) && at->validated_step != at->step)
        snprintf(step, sizeof step, " (step %llu)", (unsigned long long)at->validated_step);
    snprintf(out, room, "train %.4f%s nats, %.2f bits%s", train_loss, validated, loss / log(2),
             step);
}

/* What a terminal is wide; 0 elsewhere. */
static size_t columns(const struct progress *progress)
{
    struct winsize size;
    if (!progress->terminal)
        return 0;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* A terminal that is narrow gets less, for only what fits into one line can be redrawn. */
static void print_status(const struct progress *progress, const struct trainer *trainer,
                         double train_loss)
{
    const struct train_progress *at = &trainer->progress;
    const uint64_t steps = plan_steps(&trainer->plan, trainer->corpus.training.length);
    char line[LINE_BYTES], losses[LINE_BYTES / 2], left[32] = "", total[32] = "", speed[64] = "",
                                                   epoch[32] = "";
    format_losses(trainer, train_loss, losses, sizeof losses);
    if (isfinite(time_left(trainer)))
        format_duration(time_left(trainer), left, sizeof left);
    if (steps > 0)
        snprintf(total, sizeof total, "/%llu", (unsigned long long)steps);
    snprintf(speed, sizeof speed, "%s chars/s  ",
             progress_number((uint64_t)trainer_speed(trainer)));
    snprintf(epoch, sizeof epoch, "epoch %.2f  ", trainer_epochs(trainer));
    for (int omitted = 0; omitted <= 3; omitted++) {
        snprintf(line, sizeof line, "%sstep %llu%s  %s  %s%s left", omitted < 2 ? epoch : "",
                 (unsigned long long)at->step, omitted < 3 ? total : "", losses,
                 omitted < 1 ? speed : "", left);
        if (columns(progress) == 0 || strlen(line) <= columns(progress))
            break;
    }
    fputs(line, stderr);
}

static void stepped(void *context, const struct trainer *trainer)
{
    struct progress *progress = context;
    const struct train_progress *at = &trainer->progress;
    if (!is_due(progress))
        return;
    open_line(progress);
    print_status(progress, trainer, loss_mean(&at->since_row, trainer->train_loss));
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
    const double start = clock_seconds();
    *length = 0;
    if (left > 0)
        sampler_start(&sampler);
    for (int lines = 0; left > 0 && lines < SAMPLE_LINES;) {
        if (clock_seconds() - start > SAMPLE_SECONDS || sampler_next(&sampler) != 0 ||
            team_should_stop(trainer->team))
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

/* Whether a sample is to be shown now: at equal distances, and at the end. */
static bool is_sample_due(struct progress *progress, const struct trainer *trainer)
{
    const bool chosen = progress->samples == PROGRESS_SAMPLES_AUTO,
               ends = trainer->end != TRAIN_RUNNING;
    const int due = samples_due(progress, trainer);
    const double time = clock_seconds();
    if (!ends &&
        (due <= progress->shown || (chosen && time - progress->sampled_at < SAMPLE_INTERVAL)))
        return false;
    if (!chosen && progress->shown >= progress->samples)
        return false;
    progress->shown = due;
    progress->sampled_at = time;
    return true;
}

/* A line stays on the terminal where a sample follows it, and at the end. */
static void validated(void *context, struct trainer *trainer)
{
    struct progress *progress = context;
    draw_curve(progress, trainer);
    if (progress->quiet)
        return;
    const bool samples = is_sample_due(progress, trainer),
               stays = samples || trainer->end != TRAIN_RUNNING;
    if (!stays && !is_due(progress))
        return;
    open_line(progress);
    print_status(progress, trainer, trainer->train_loss);
    if (!stays) {
        close_line(progress);
        return;
    }
    progress->line_open = false;
    fputc('\n', stderr);
    if (samples)
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
