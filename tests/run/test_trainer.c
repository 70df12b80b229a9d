/* Training runs: after interruption and resumption, their files are the same to the bit. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "checkpoint.h"
#include "error.h"
#include "random.h"
#include "rows.h"
#include "scratch.h"
#include "train.h"

#define STEPS 40
#define RASH_RATE 30.0 /* at which training diverges */

/* Two texts that are not random. A tenth of them is long enough to be held out. */
static void write_texts(void)
{
    static const char *const words[] = {"one ",   "two ",   "three ",
                                        "four\n", "five, ", "\xC3\xA9t\xC3\xA9 "};
    struct random random = {1, 0};
    char text[8000];
    for (int file = 0; file < 2; file++) {
        size_t length = 0;
        while (length < 6500 + 300 * (size_t)file) {
            const char *word = words[random_below(&random, 6)];
            memcpy(text + length, word, strlen(word));
            length += strlen(word);
        }
        scratch_write(scratch_path(file ? "b.txt" : "a.txt"), text, length);
    }
}

static struct plan small_plan(void)
{
    return (struct plan){.cell = "lstm",
                         .num_layers = 2,
                         .hidden_size = 13,
                         .batch_size = 4,
                         .seq_length = 9,
                         .dropout = 0.3,
                         .max_epochs = 0,
                         .max_steps = STEPS,
                         .schedule = {SCHEDULE_COSINE, 0.01, 5},
                         .optim = {OPTIM_ADAM, 0.001, 1, 0},
                         .seed = 5,
                         .val_fraction = 0.1,
                         .validate_every = 10,
                         .save_every = 1000,
                         .patience = 0};
}

static const struct train_source *source(void)
{
    static const char *files[2];
    static struct train_source source = {.files = files, .num_files = 2, .min_count = 1};
    files[0] = scratch_path("a.txt");
    files[1] = scratch_path("b.txt");
    return &source;
}

/* Sets the stop flag after a step. */
struct stopper {
    uint64_t step; /* 0: never */
    atomic_bool stop;
};

static void stepped(void *context, const struct trainer *trainer)
{
    struct stopper *stopper = context;
    stopper->stop = stopper->step > 0 && trainer->progress.step >= stopper->step;
}

/* Replaces the corpus in memory by one of the same texts in a file. */
static void move_corpus_to_file(struct trainer *trainer)
{
    const struct corpus_options options = {.files = (const char *const *)trainer->files,
                                           .num_files = trainer->num_files,
                                           .val_fraction = trainer->plan.val_fraction,
                                           .temp_path = scratch_path("ids"),
                                           .in_memory_max = 0,
                                           .fixed_vocab = true};
    corpus_release(&trainer->corpus);
    assert_int_equal(corpus_open(&trainer->corpus, &trainer->model.vocab, &options), 0);
    assert_non_null(trainer->corpus.file);
}

struct way {
    bool all; /* nothing is held out: the best model has the lowest training loss */
    bool in_file;
    int threads, threads_later;
    enum precision precision;
};

/* Starts or resumes a run, and trains until a step. */
static void session(const char *directory, bool resume, const struct way *way, uint64_t until)
{
    struct trainer trainer = {0};
    struct stopper stopper = {.step = until};
    const struct train_observer observer = {.context = &stopper, .stepped = stepped};
    struct plan plan = small_plan();
    plan.precision = way->precision;
    if (way->all)
        plan.val_fraction = 0;
    const int opened =
        resume ? trainer_resume(&trainer, directory, &plan_unchanged, way->threads_later, &observer)
               : trainer_open(&trainer, directory, source(), &plan, way->threads, &observer);
    if (opened != 0)
        fail_msg("%s", error_message());
    if (way->in_file)
        move_corpus_to_file(&trainer);
    assert_int_equal(train_run(&trainer, &stopper.stop), 0);
    assert_int_equal(trainer.progress.step, until > 0 ? until : STEPS);
    assert_int_equal(trainer.end, until > 0 ? TRAIN_INTERRUPTED : TRAIN_COMPLETE);
    trainer_close(&trainer);
}

static void read_in(const char *directory, const char *name, uint8_t **bytes, size_t *length)
{
    char path[400];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    assert_int_equal(file_read(path, bytes, length), 0);
}

static void assert_same_file(const char *a, const char *b, const char *name)
{
    uint8_t *of_a, *of_b;
    size_t length_a, length_b;
    read_in(a, name, &of_a, &length_a);
    read_in(b, name, &of_b, &length_b);
    assert_int_equal(length_a, length_b);
    assert_memory_equal(of_a, of_b, length_a);
    free(of_a);
    free(of_b);
}

/* Rows are equal except for columns that depend on the clock. */
static void assert_same_log(const char *a, const char *b)
{
    struct log_row *of_a, *of_b;
    size_t count_a, count_b;
    char path[300];
    snprintf(path, sizeof path, "%s/log.csv", a);
    assert_int_equal(log_read(path, &of_a, &count_a), 0);
    snprintf(path, sizeof path, "%s/log.csv", b);
    assert_int_equal(log_read(path, &of_b, &count_b), 0);
    assert_int_equal(count_a, count_b);
    assert_int_equal(count_a, STEPS); /* a tenth of a validation's steps is one */
    for (size_t k = 0; k < count_a; k++) {
        of_a[k].seconds = of_b[k].seconds = of_a[k].chars_per_second = of_b[k].chars_per_second = 0;
        if (isnan(of_a[k].val_loss) && isnan(of_b[k].val_loss))
            of_a[k].val_loss = of_b[k].val_loss = 0;
        assert_memory_equal(&of_a[k], &of_b[k], sizeof *of_a);
    }
    free(of_a);
    free(of_b);
}

static void assert_same_run(const char *a, const char *b)
{
    assert_same_file(a, b, "last.safetensors");
    assert_same_file(a, b, "best.safetensors");
    assert_same_log(a, b);
}

static const struct way plain = {.threads = 1, .threads_later = 1};

static void resumed_equals_uninterrupted(void **state)
{
    (void)state;
    static const uint64_t steps[] = {1, 5, 9, 10, 11, 23, 30, 39};
    char whole[300];
    snprintf(whole, sizeof whole, "%s", scratch_path("whole"));
    session(whole, false, &plain, 0);
    for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
        const struct way way = {.in_file = k % 2 == 1,
                                .threads = 1 + (k == 0 || k == 3),
                                .threads_later = 1 + (k == 1 || k == 3)};
        char name[32], cut[300];
        snprintf(name, sizeof name, "cut-%d", (int)steps[k]);
        snprintf(cut, sizeof cut, "%s", scratch_path(name));
        session(cut, false, &way, steps[k]);
        session(cut, true, &way, 0);
        assert_same_run(whole, cut);
    }
    char often[300];
    snprintf(often, sizeof often, "%s", scratch_path("often"));
    for (size_t k = 0; k < sizeof steps / sizeof *steps; k++)
        session(often, k > 0, &plain, steps[k]);
    session(often, true, &plain, 0);
    assert_same_run(whole, often);
}

static void nothing_held_out(void **state)
{
    (void)state;
    static const uint64_t steps[] = {4, 20, 27};
    const struct way all = {.all = true, .threads = 1, .threads_later = 1};
    const char *whole = scratch_path("whole-all"), *cut = scratch_path("cut-all");
    session(whole, false, &all, 0);
    for (size_t k = 0; k < sizeof steps / sizeof *steps; k++)
        session(cut, k > 0, &all, steps[k]);
    session(cut, true, &all, 0);
    assert_same_run(whole, cut);
}

/* Also in bf16, if this machine has it; the model is then different. */
static void resumed_goes_on_in_bf16(void **state)
{
    (void)state;
    static const struct way whole_way = {
        .threads = 1, .threads_later = 1, .precision = PRECISION_BF16};
    static const struct way cut_way = {
        .threads = 2, .threads_later = 3, .precision = PRECISION_BF16};
    const char *whole = scratch_path("whole-bf16"), *cut = scratch_path("cut-bf16");
    session(whole, false, &whole_way, 0);
    session(cut, false, &cut_way, 17);
    session(cut, true, &cut_way, 0); /* the precision is the plan's */
    assert_same_run(whole, cut);
    struct model exact = {0}, rounded = {0};
    const struct engine *engine = engine_of(PRECISION_FP32, 0);
    assert_int_equal(model_load(&exact, engine, scratch_path("whole")), 0);
    assert_int_equal(model_load(&rounded, engine, whole), 0);
    const bool same = memcmp(exact.weights, rounded.weights, exact.params.size * sizeof(real)) == 0;
    assert_int_equal(same, engine_of(PRECISION_BF16, 0) == NULL);
    model_release(&exact);
    model_release(&rounded);
}

/* The steps of a run without a trainer. */
static void one_step(struct member *member, void *argument)
{
    struct trainer *trainer = argument;
    const uint64_t step = trainer->progress.step;
    model_pack(member, &trainer->model);
    model_forward(member, &trainer->tape, trainer->batch.reset, trainer->plan.seed, step);
    model_loss(member, &trainer->tape, trainer->batch.y);
    model_backward(member, &trainer->tape, trainer->batch.y);
    optimizer_step(member, &trainer->optimizer, &trainer->model, &trainer->tape, step + 1,
                   schedule_rate(&trainer->plan.schedule, step, STEPS));
}

static void a_run_is_its_steps(void **state)
{
    (void)state;
    struct trainer trainer = {0};
    struct model trained = {0};
    const struct train_observer observer = {0};
    const struct plan plan = small_plan();
    assert_int_equal(trainer_open(&trainer, scratch_path("by-hand"), source(), &plan, 1, &observer),
                     0);
    const size_t size = trainer.model.params.size * sizeof(real);
    real *start = calloc(1, size);
    params_start(&trainer.model.params, plan.seed, start);
    assert_memory_equal(start, trainer.model.weights, size);
    free(start);
    for (; trainer.progress.step < STEPS; trainer.progress.step++) {
        assert_int_equal(batch_next(&trainer.batch), 1);
        team_run(trainer.team, one_step, &trainer);
    }
    assert_int_equal(
        model_load(&trained, trainer.model.engine, scratch_path("whole/last.safetensors")), 0);
    assert_memory_equal(trained.weights, trainer.model.weights, trained.params.size * sizeof(real));
    model_release(&trained);
    trainer_close(&trainer);
}

/* A killed run continues from its last save and repeats the same steps. */
static void a_killed_run_goes_on(void **state)
{
    (void)state;
    const char *whole = scratch_path("whole"), *killed = scratch_path("killed");
    struct trainer trainer = {0};
    struct stopper stopper = {.step = 17};
    const struct train_observer observer = {.context = &stopper, .stepped = stepped};
    uint8_t *at_ten;
    size_t length;
    session(killed, false, &plain, 10);
    read_in(killed, "last.safetensors", &at_ten, &length);
    assert_int_equal(trainer_resume(&trainer, killed, &plan_unchanged, 2, &observer), 0);
    assert_int_equal(train_run(&trainer, &stopper.stop), 0);
    trainer_close(&trainer);
    scratch_write(scratch_path("killed/last.safetensors"), at_ten,
                  length); /* the log is ahead of it */
    free(at_ten);
    session(killed, true, &plain, 0);
    assert_same_run(whole, killed);
}

static void what_a_run_leaves(void **state)
{
    (void)state;
    struct model model = {0};
    struct log_row *rows;
    size_t count;
    double best = INFINITY;
    assert_int_equal(model_load(&model, engine_find(PRECISION_FP32), scratch_path("whole")), 0);
    assert_int_equal(log_read(scratch_path("whole/log.csv"), &rows, &count), 0);
    for (size_t k = 0; k < count; k++) {
        assert_int_equal(rows[k].step, k + 1);
        assert_int_equal(isnan(rows[k].val_loss) != 0, (k + 1) % 10 != 0);
        best = fmin(best, isnan(rows[k].val_loss) ? INFINITY : rows[k].val_loss);
    }
    assert_true(fabs(model.val_loss - best) < 1e-6);
    assert_true(rows[count - 1].train_loss < rows[0].train_loss);
    assert_int_equal(access(scratch_path("whole/corpus.ids"), F_OK), -1);
    free(rows);
    model_release(&model);
}

static void refusals(void **state)
{
    (void)state;
    struct trainer trainer = {0};
    const struct train_observer observer = {0};
    const struct plan plan = small_plan();
    struct train_source forced = *source();
    assert_int_equal(trainer_open(&trainer, scratch_path("whole"), source(), &plan, 1, &observer),
                     -1);
    assert_non_null(strstr(error_message(), "--resume"));
    forced.force = true;
    assert_int_equal(trainer_open(&trainer, scratch_path("often"), &forced, &plan, 1, &observer),
                     0);
    assert_int_equal(access(scratch_path("often/best.safetensors"), F_OK), -1);
    trainer_close(&trainer); /* a run that was opened but not trained can be resumed */
    assert_int_equal(trainer_resume(&trainer, scratch_path("often"), &plan_unchanged, 1, &observer),
                     0);
    struct trainer other = {0};
    assert_int_equal(trainer_open(&other, scratch_path("often"), &forced, &plan, 1, &observer), -1);
    assert_non_null(strstr(error_message(), "another process"));
    assert_int_equal(trainer_resume(&other, scratch_path("often"), &plan_unchanged, 1, &observer),
                     -1);
    assert_non_null(strstr(error_message(), "another process"));
    trainer_close(&trainer);
    assert_int_equal(
        trainer_resume(&trainer, scratch_path("nowhere"), &plan_unchanged, 1, &observer), -1);
    assert_non_null(strstr(error_message(), "is not a run"));
    uint8_t *text;
    size_t length;
    assert_int_equal(file_read(scratch_path("a.txt"), &text, &length), 0);
    text[100] = text[100] == 'e' ? 'o' : 'e'; /* symbols that the vocabulary has */
    scratch_write(scratch_path("a.txt"), text, length);
    assert_int_equal(trainer_resume(&trainer, scratch_path("whole"), &plan_unchanged, 1, &observer),
                     -1);
    assert_non_null(strstr(error_message(), "has changed since the run began"));
    assert_non_null(strstr(error_message(), "a.txt has changed"));
    free(text);
    write_texts();
    assert_int_equal(file_read(scratch_path("b.txt"), &text, &length), 0);
    text[length - 1] = text[length - 1] == 'e' ? 'o' : 'e';
    scratch_write(scratch_path("b.txt"), text, length);
    assert_int_equal(trainer_resume(&trainer, scratch_path("whole"), &plan_unchanged, 1, &observer),
                     -1);
    assert_non_null(strstr(error_message(), "b.txt has changed since the run began"));
    free(text);
    write_texts();
}

/* A run keeps how its texts are read: their encoding, and what is unknown to its initial model. */
static void texts_are_read_again_as_they_were(void **state)
{
    (void)state;
    const struct train_observer observer = {0};
    const struct plan plan = small_plan();
    const char *const path = scratch_path("wide.txt");
    struct trainer trainer = {0};
    uint8_t wide[2 * 4000];
    for (size_t i = 0; i < sizeof wide / 2; i++)
        memcpy(wide + 2 * i, i % 9 == 0 ? "Q" : i % 2 == 0 ? "e" : " ", 2);
    memcpy(wide, "\xFF\xFE", 2);
    scratch_write(path, wide, sizeof wide);
    const struct train_source from = {.files = &path,
                                      .num_files = 1,
                                      .treatment.encoding = "UTF-16",
                                      .init_from = scratch_path("whole"),
                                      .on_unknown = ENCODE_SKIP};
    assert_int_equal(trainer_open(&trainer, scratch_path("wide"), &from, &plan, 1, &observer), 0);
    const uint64_t unknown = trainer.corpus.num_unknown, length = trainer.corpus.length;
    const uint64_t hash = trainer.corpus.hash;
    assert_int_equal(unknown, 444);
    assert_int_equal(length, 3999 - 444);
    trainer_close(&trainer);
    assert_int_equal(trainer_resume(&trainer, scratch_path("wide"), &plan_unchanged, 1, &observer),
                     0);
    assert_int_equal(trainer.corpus.length, length);
    assert_int_equal(trainer.corpus.num_unknown, unknown);
    assert_int_equal(trainer.corpus.hash, hash);
    trainer_close(&trainer);
}

static void new_limits_prolong_a_run(void **state)
{
    (void)state;
    struct trainer trainer = {0};
    const struct train_observer observer = {0};
    struct plan longer = plan_unchanged;
    longer.max_steps = STEPS + 5;
    assert_int_equal(trainer_resume(&trainer, scratch_path("killed"), &longer, 2, &observer), 0);
    assert_int_equal(train_run(&trainer, NULL), 0);
    assert_int_equal(trainer.progress.step, STEPS + 5);
    trainer_close(&trainer);
}

/* The corpus of a run is read again with the same parts. */
static void the_text_of_a_run(void **state)
{
    (void)state;
    struct model model = {0};
    struct corpus corpus = {0};
    assert_int_equal(model_load(&model, engine_find(PRECISION_FP32), scratch_path("whole")), 0);
    assert_int_equal(trainer_read_corpus(&corpus, scratch_path("whole"), &model.vocab), 0);
    assert_int_equal(corpus.validation.num_segments, 2);
    struct team *team = team_new(1);
    struct evaluator evaluator = {0};
    struct evaluation evaluation;
    assert_int_equal(evaluator_init(&evaluator, team, &model, &corpus, &corpus.validation, 4, 0),
                     0);
    assert_int_equal(evaluate(&evaluator, &evaluation, NULL, NULL), 0);
    assert_true(evaluation.loss == model.val_loss); /* what validation measured */
    evaluator_release(&evaluator);
    team_free(team);
    corpus_release(&corpus);
    model_release(&model);
}

static atomic_bool alarm_rang;

static void ring(int number)
{
    (void)number;
    atomic_store(&alarm_rang, true);
}

/* Sets `alarm_rang` in so many microseconds. */
static void set_alarm(unsigned microseconds)
{
    const struct itimerval timer = {.it_value = {0, (suseconds_t)microseconds}};
    atomic_store(&alarm_rang, false);
    signal(SIGALRM, ring);
    assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

/* Interrupted within a step or validation, which is then repeated. */
static void interrupted_at_any_moment(void **state)
{
    (void)state;
    const char *run = scratch_path("any moment");
    const struct train_observer observer = {0};
    const struct plan plan = small_plan();
    struct random random = {7, 0};
    int interruptions = 0;
    for (bool done = false; !done;) {
        struct trainer trainer = {0};
        const int threads = 1 + interruptions % 3;
        const int opened = interruptions == 0
                               ? trainer_open(&trainer, run, source(), &plan, threads, &observer)
                               : trainer_resume(&trainer, run, &plan_unchanged, threads, &observer);
        assert_int_equal(opened, 0);
        /* Delays grow, as a slow machine may need longer than that for a step. */
        set_alarm(1 + (unsigned)random_below(&random, 4000 + 500 * interruptions));
        assert_int_equal(train_run(&trainer, &alarm_rang), 0);
        done = trainer.end == TRAIN_COMPLETE;
        interruptions += !done;
        trainer_close(&trainer);
    }
    set_alarm(0);
    print_message("# interrupted %d times\n", interruptions);
    assert_true(interruptions > 5);
    assert_same_run(scratch_path("whole"), run);
}

/* A last validation that is interrupted is repeated when the run is resumed. */
static void the_last_validation_can_be_interrupted(void **state)
{
    (void)state;
    struct trainer trainer = {0};
    struct stopper stopper = {.step = STEPS};
    const struct train_observer observer = {.context = &stopper, .stepped = stepped};
    const struct plan plan = small_plan();
    const char *run = scratch_path("last validation");
    assert_int_equal(trainer_open(&trainer, run, source(), &plan, 2, &observer), 0);
    assert_int_equal(train_run(&trainer, &stopper.stop), 0);
    assert_int_equal(trainer.end, TRAIN_INTERRUPTED);
    assert_int_equal(trainer.progress.step, STEPS);
    assert_true(trainer.progress.validated_step < STEPS);
    trainer_close(&trainer);
    session(run, true, &(struct way){.threads_later = 1}, 0);
    assert_same_run(scratch_path("whole"), run);
}

/* --- a time limit ----------------------------------------------------------------------------- */

#define LIMIT 64.0 /* seconds; durations are sums of powers of two, so that they are exact */
#define STEP_SECONDS 0.03125
#define VALIDATION_SECONDS 0.5

/* A simulated clock. Time passes while a chunk is trained on, which the position of the first
 * stream tells, and while the model is validated. */
struct machine {
    struct trainer trainer;
    double time, factor; /* from half of the time limit on, everything takes so many times longer */
    uint64_t position, stop_at;
    atomic_bool stop;
    double rate; /* of the last step */
    bool rose;   /* the rate did, after warm-up */
    int validations, notes;
};

static void pass_time(struct machine *machine, double seconds)
{
    machine->time += seconds * (machine->time >= LIMIT / 2 ? machine->factor : 1);
}

static double machine_now(void *context)
{
    struct machine *machine = context;
    const uint64_t *const position = machine->trainer.batch.position;
    if (position && position[0] != machine->position)
        pass_time(machine, STEP_SECONDS);
    machine->position = position ? position[0] : 0;
    return machine->time;
}

static void machine_stepped(void *context, const struct trainer *trainer)
{
    struct machine *machine = context;
    const struct train_progress *progress = &trainer->progress;
    machine->rose |=
        progress->step > trainer->plan.schedule.warmup + 1 && progress->rate > machine->rate;
    machine->rate = progress->rate;
    machine->stop = machine->stop_at > 0 && progress->step >= machine->stop_at;
}

static void machine_validated(void *context, struct trainer *trainer)
{
    struct machine *machine = context;
    machine->validations++;
    assert_true(trainer->progress.validation_characters > 0);
    pass_time(machine, VALIDATION_SECONDS);
}

static void machine_note(void *context, const char *note)
{
    struct machine *machine = context;
    machine->notes += strstr(note, "always the same ones") != NULL;
}

/* Trains a run until a step (0: to its end) on such a machine. */
static void train_on(struct machine *machine, const char *run, bool resume,
                     const struct train_source *text, uint64_t until)
{
    const struct train_observer observer = {.context = machine,
                                            .stepped = machine_stepped,
                                            .validated = machine_validated,
                                            .note = machine_note,
                                            .now = machine_now};
    struct trainer *const trainer = &machine->trainer;
    struct plan plan = small_plan();
    plan.max_steps = 0;
    plan.max_minutes = LIMIT / 60;
    plan.validate_every = 0;
    *trainer = (struct trainer){0};
    machine->stop_at = until;
    machine->stop = false;
    const int opened = resume ? trainer_resume(trainer, run, &plan_unchanged, 1, &observer)
                              : trainer_open(trainer, run, text, &plan, 2, &observer);
    if (opened != 0)
        fail_msg("%s", error_message());
    machine->position = trainer->batch.position[0];
    assert_int_equal(train_run(trainer, &machine->stop), 0);
    assert_int_equal(trainer->end, until > 0 ? TRAIN_INTERRUPTED : TRAIN_TIME_LIMIT);
}

/* On a machine that becomes slower or faster half way, a run ends on time, with the lowest rate. */
static void a_time_limit_is_kept_at_any_speed(void **state)
{
    (void)state;
    static const double factors[] = {4, 0.25, 1};
    for (size_t k = 0; k < sizeof factors / sizeof *factors; k++) {
        struct machine machine = {.factor = factors[k]};
        char run[32];
        snprintf(run, sizeof run, "speed-%d", (int)k);
        train_on(&machine, scratch_path(run), false, source(), 0);
        const struct train_progress *progress = &machine.trainer.progress;
        print_message("# at %g times the duration: %g s, %d steps, rate %.3g\n", factors[k],
                      machine.time, (int)progress->step, progress->rate);
        const double step = STEP_SECONDS * fmax(factors[k], 1);
        assert_true(machine.time >= LIMIT - 2 * step && machine.time <= LIMIT + 2 * step);
        assert_true(progress->rate < 0.025 * machine.trainer.plan.schedule.rate);
        assert_false(machine.rose);
        assert_int_equal(progress->validated_step, progress->step);
        trainer_close(&machine.trainer);
    }
}

/* With the same times, a run that is interrupted equals one that is not. Older sessions count. */
static void an_interrupted_run_keeps_its_time(void **state)
{
    (void)state;
    static const uint64_t steps[] = {3, 40, 450, 1100};
    struct machine machine = {.factor = 4};
    char whole[300], cut[300];
    snprintf(whole, sizeof whole, "%s", scratch_path("timed"));
    snprintf(cut, sizeof cut, "%s", scratch_path("timed, cut"));
    train_on(&machine, whole, false, source(), 0);
    trainer_close(&machine.trainer);
    machine = (struct machine){.factor = 4};
    for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
        train_on(&machine, cut, k > 0, source(), steps[k]);
        trainer_close(&machine.trainer);
    }
    train_on(&machine, cut, true, source(), 0);
    trainer_close(&machine.trainer);
    assert_same_file(whole, cut, "last.safetensors");
    assert_same_file(whole, cut, "best.safetensors");
}

/* Of a long validation part, each validation reads the same stretches. */
static void validations_read_stretches(void **state)
{
    (void)state;
    enum { LENGTH = 200000 };
    const char *files[1] = {scratch_path("long.txt")};
    const struct train_source text = {.files = files, .num_files = 1, .min_count = 1};
    struct machine machine = {.factor = 1};
    struct trainer *const trainer = &machine.trainer;
    struct random random = {3, 0};
    char *characters = malloc(LENGTH);
    for (int k = 0; k < LENGTH; k++)
        characters[k] = (char)('a' + random_below(&random, k < LENGTH / 2 ? 5 : 20));
    scratch_write(files[0], characters, LENGTH);
    free(characters);
    train_on(&machine, scratch_path("stretches"), false, &text, 200);
    const uint64_t read = trainer->progress.validation_characters;
    assert_int_equal(trainer->corpus.validation.length, LENGTH / 10);
    assert_int_equal(read, 5000);
    assert_int_equal(machine.notes, 1);
    trainer_close(trainer);
    train_on(&machine, scratch_path("stretches"), true, &text, 0);
    assert_int_equal(trainer->progress.validation_characters, read);
    assert_int_equal(machine.notes, 1); /* it was said before */
    struct evaluation stretches, whole;
    assert_int_equal(evaluate(&trainer->evaluator, &stretches, NULL, NULL), 0);
    evaluator_limit(&trainer->evaluator, LENGTH);
    assert_int_equal(evaluate(&trainer->evaluator, &whole, NULL, NULL), 0);
    assert_int_equal(stretches.characters, read);
    assert_int_equal(whole.characters, LENGTH / 10);
    assert_true(trainer->val_loss == stretches.loss && stretches.loss != whole.loss);
    trainer_close(trainer);
}

/* --- what users are told ---------------------------------------------------------------------- */

/* Counts messages to the user. */
struct told {
    int notes;
    char last[600];
};

static void take_note(void *context, const char *note)
{
    struct told *told = context;
    told->notes++;
    snprintf(told->last, sizeof told->last, "%s", note);
}

/* A run that diverges restores its best model RECOVERY_MAX times and is then given up. */
static void a_run_that_explodes_is_given_up(void **state)
{
    (void)state;
    struct trainer trainer = {0};
    struct told told = {0};
    const struct train_observer observer = {.context = &told, .note = take_note};
    struct plan plan = small_plan();
    plan.schedule = (struct schedule){SCHEDULE_CONSTANT, 1e38, 0};
    plan.optim = (struct optim){.kind = OPTIM_SGD};
    plan.max_steps = 1000;
    assert_int_equal(
        trainer_open(&trainer, scratch_path("explodes"), source(), &plan, 1, &observer), 0);
    assert_int_equal(train_run(&trainer, NULL), -1);
    assert_non_null(strstr(error_message(), "diverges"));
    assert_int_equal(trainer.end, TRAIN_DIVERGED);
    assert_int_equal(told.notes, RECOVERY_MAX);
    assert_non_null(strstr(told.last, "half the learning rate"));
    trainer_close(&trainer);
    struct model model = {0};
    assert_int_equal(model_load(&model, engine_find(PRECISION_FP32), scratch_path("explodes")), 0);
    model_release(&model);
    assert_int_equal(
        trainer_resume(&trainer, scratch_path("explodes"), &plan_unchanged, 1, &observer), 0);
    trainer_close(&trainer);
}

/* A resumed run takes other options: it is another run from there on, which its models tell. */
static void options_change_a_run(void **state)
{
    (void)state;
    struct trainer trainer = {0};
    struct told told = {0};
    struct stopper stopper = {.step = 30};
    const struct train_observer observer = {.context = &told, .note = take_note},
                                stops = {.context = &stopper, .stepped = stepped};
    const char *run = scratch_path("changed");
    struct plan changes = plan_unchanged;
    struct model model = {0};
    changes.schedule.rate = 0.002;
    changes.dropout = 0;
    changes.validate_every = 5;
    session(run, false, &plain, 20);
    assert_int_equal(trainer_resume(&trainer, run, &changes, 1, &observer), 0);
    assert_int_equal(told.notes, 1);
    assert_non_null(strstr(told.last, "from step 20 on this is another run: learning-rate 0.01 to "
                                      "0.002, dropout 0.3 to 0, validate-every 10 to 5"));
    trainer.observer = stops;
    assert_int_equal(train_run(&trainer, &stopper.stop), 0);
    assert_true(trainer.progress.rate < 0.002);
    assert_int_equal(trainer.progress.validated_step, 25);
    trainer_close(&trainer);

    /* The changes are kept, also by the models, and are not noted again. */
    session(run, true, &plain, 0);
    changes = plan_unchanged;
    changes.max_steps = STEPS + 1;
    assert_int_equal(trainer_resume(&trainer, run, &changes, 1, &observer), 0);
    assert_int_equal(told.notes, 2);
    assert_true(trainer.plan.dropout == 0 && trainer.plan.validate_every == 5);
    assert_int_equal(train_run(&trainer, NULL), 0);
    trainer_close(&trainer);
    const struct engine *engine = engine_find(PRECISION_FP32);
    assert_int_equal(model_load(&model, engine, scratch_path("changed/last.safetensors")), 0);
    assert_string_equal(model.history,
                        "step 20: learning-rate 0.01 to 0.002, dropout 0.3 to 0, validate-every 10 "
                        "to 5\nstep 40: max-steps 40 to 41");
    model_release(&model);
    assert_int_equal(model_load(&model, engine, scratch_path("whole")), 0);
    assert_null(model.history);
    model_release(&model);

    /* A run that begins with the model is a new one. */
    struct train_source from = *source();
    const struct plan plan = small_plan();
    from.init_from = scratch_path("changed/last.safetensors");
    assert_int_equal(trainer_open(&trainer, scratch_path("from"), &from, &plan, 1, &observer), 0);
    assert_null(trainer.model.history);
    trainer_close(&trainer);

    changes = plan_unchanged;
    changes.schedule.rate = 1e6; /* times a decay of 0.001 */
    assert_int_equal(trainer_resume(&trainer, run, &changes, 1, &observer), -1);
    assert_non_null(strstr(error_message(), "--weight-decay"));
}

/* Minutes that are given to a finished run count from then on, also if it is interrupted. */
static void a_run_is_prolonged_by_minutes(void **state)
{
    (void)state;
    struct machine machine = {.factor = 1};
    struct trainer *const trainer = &machine.trainer;
    const struct train_observer observer = {
        .context = &machine, .stepped = machine_stepped, .now = machine_now};
    const char *run = scratch_path("prolonged");
    struct plan more = plan_unchanged;
    more.max_minutes = LIMIT / 60;
    train_on(&machine, run, false, source(), 0);
    const double end = machine.time;
    const uint64_t step = trainer->progress.step;
    trainer_close(trainer);
    for (int k = 0; k < 2; k++) {
        const uint64_t until = k == 0 ? step + 100 : 0;
        machine.stop_at = until;
        machine.stop = false;
        *trainer = (struct trainer){0};
        assert_int_equal(
            trainer_resume(trainer, run, k == 0 ? &more : &plan_unchanged, 1, &observer), 0);
        machine.position = trainer->batch.position[0];
        assert_int_equal(train_run(trainer, &machine.stop), 0);
        if (k == 0) /* the rate goes on from the middle of a run that is twice as long */
            assert_true(trainer->progress.rate < 0.6 * trainer->plan.schedule.rate &&
                        trainer->progress.rate > 0.2 * trainer->plan.schedule.rate);
        trainer_close(trainer);
    }
    print_message("# from %g s to %g s\n", end, machine.time);
    assert_true(machine.time > end + LIMIT - 2 * VALIDATION_SECONDS);
    assert_true(machine.time <= end + LIMIT + 2 * STEP_SECONDS);
}

/* Less than is held out by default. It is held out again when the run is resumed or evaluated. */
static void a_fraction_that_was_asked_for_is_held_out(void **state)
{
    (void)state;
    struct trainer trainer = {0};
    const struct train_observer observer = {0};
    struct plan plan = small_plan();
    struct corpus corpus = {0};
    plan.val_fraction = 0.01;
    plan.val_required = 1;
    const char *run = scratch_path("asked for");
    assert_int_equal(trainer_open(&trainer, run, source(), &plan, 1, &observer), 0);
    const uint64_t held_out = trainer.corpus.validation.length;
    assert_in_range(held_out, 100, 200);
    assert_int_equal(train_run(&trainer, NULL), 0);
    assert_true(isfinite(trainer.val_loss));
    assert_int_equal(trainer_read_corpus(&corpus, run, &trainer.model.vocab), 0);
    assert_int_equal(corpus.validation.length, held_out);
    corpus_release(&corpus);
    trainer_close(&trainer);
}

/* SGD without clipping, at a learning rate slightly too high for the model. */
static struct plan rash_plan(void)
{
    struct plan plan = small_plan();
    plan.schedule = (struct schedule){SCHEDULE_CONSTANT, RASH_RATE, 0};
    plan.optim = (struct optim){.kind = OPTIM_SGD};
    plan.dropout = 0;
    plan.max_steps = 300;
    return plan;
}

/* Trains it until a step or the end; returns the total number of restores. */
static uint64_t train_rashly(const char *run, bool resume, uint64_t until)
{
    struct trainer trainer = {0};
    struct stopper stopper = {.step = until};
    const struct train_observer observer = {.context = &stopper, .stepped = stepped};
    const struct plan plan = rash_plan();
    assert_int_equal(resume ? trainer_resume(&trainer, run, &plan_unchanged, 2, &observer)
                            : trainer_open(&trainer, run, source(), &plan, 1, &observer),
                     0);
    if (train_run(&trainer, &stopper.stop) != 0)
        fail_msg("%s", error_message());
    const uint64_t count = trainer.progress.recovery.count;
    trainer_close(&trainer);
    return count;
}

/* It restores, finishes with a lower rate, and does the same if it is interrupted. */
static void a_rash_run_recovers(void **state)
{
    (void)state;
    const char *whole = scratch_path("rash"), *parts = scratch_path("rash parts");
    struct model model = {0};
    const uint64_t count = train_rashly(whole, false, 0);
    print_message("# it went back %d times\n", (int)count);
    assert_true(count >= 1 && count <= RECOVERY_MAX);
    assert_int_equal(model_load(&model, engine_find(PRECISION_FP32), whole), 0);
    assert_true(model.val_loss < log(model.vocab_size));
    model_release(&model);
    train_rashly(parts, false, 7);
    for (uint64_t step = 60; step < 300; step += 60)
        train_rashly(parts, true, step);
    assert_int_equal(train_rashly(parts, true, 0), count);
    assert_same_file(whole, parts, "last.safetensors");
    assert_same_file(whole, parts, "best.safetensors");
}

/* A limit on the size of files simulates a full disk; it is lifted later. */
static void a_full_disk_does_not_end_a_run(void **state)
{
    (void)state;
    struct trainer trainer = {0};
    struct told told = {0};
    const struct train_observer observer = {.context = &told, .note = take_note};
    const struct plan plan = small_plan();
    struct rlimit limit, small;
    const char *run = scratch_path("full disk");
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    small = (struct rlimit){100, limit.rlim_max};
    assert_int_equal(trainer_open(&trainer, run, source(), &plan, 1, &observer), 0);
    setrlimit(RLIMIT_FSIZE, &small);
    const int full = train_run(&trainer, NULL);
    setrlimit(RLIMIT_FSIZE, &limit);
    assert_int_equal(full, -1); /* the last save failed, too */
    assert_non_null(strstr(error_message(), "full disk"));
    assert_int_equal(trainer.progress.step, STEPS);
    assert_int_equal(told.notes, 3); /* log, best model, state: once each */
    trainer_close(&trainer);
    session(run, true, &(struct way){.threads_later = 1}, 0); /* from its first save */
    assert_same_run(scratch_path("whole"), run);
}

/* The old run stays until the new one is saved. */
static void force_keeps_the_old_run_until_the_new_one_is_saved(void **state)
{
    (void)state;
    struct trainer trainer = {0};
    const struct train_observer observer = {0};
    const struct plan plan = small_plan();
    struct train_source forced = *source();
    struct rlimit limit, small;
    const char *run = scratch_path("replaced");
    forced.force = true;
    session(run, false, &(struct way){.threads = 1}, 0);
    scratch_write(scratch_path("replaced/best.safetensors.backup"), "mine", 4);
    scratch_write(scratch_path("replaced/log.csv.abc123"), "mine", 4);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    small = (struct rlimit){100, limit.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    const int opened = trainer_open(&trainer, run, &forced, &plan, 1, &observer);
    setrlimit(RLIMIT_FSIZE, &limit);
    assert_int_equal(opened, -1);
    assert_same_run(scratch_path("whole"), run);
    assert_int_equal(trainer_open(&trainer, run, &forced, &plan, 1, &observer), 0);
    trainer_close(&trainer);
    assert_int_equal(access(scratch_path("replaced/best.safetensors"), F_OK), -1);
    session(run, true, &(struct way){.threads_later = 2}, 0);
    assert_same_run(scratch_path("whole"), run);
    assert_true(scratch_holds(scratch_path("replaced/best.safetensors.backup"), "mine", 4));
    assert_true(scratch_holds(scratch_path("replaced/log.csv.abc123"), "mine", 4));
}

/* A run that cannot be saved leaves nothing that blocks the next one. */
static void a_first_save_that_fails_is_no_dead_end(void **state)
{
    (void)state;
    struct trainer trainer = {0};
    const struct train_observer observer = {0};
    const struct plan plan = small_plan();
    struct rlimit limit, small;
    const char *run = scratch_path("no dead end");
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    small = (struct rlimit){100, limit.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    const int opened = trainer_open(&trainer, run, source(), &plan, 1, &observer);
    setrlimit(RLIMIT_FSIZE, &limit);
    assert_int_equal(opened, -1);
    assert_null(strstr(error_message(), "unchanged")); /* nothing stood there */
    assert_int_equal(access(run, F_OK), -1);
    assert_int_equal(trainer_open(&trainer, run, source(), &plan, 1, &observer), 0);
    trainer_close(&trainer);
}

static void links_in_a_run_are_not_followed(void **state)
{
    (void)state;
    struct trainer trainer = {0};
    const struct train_observer observer = {0};
    const char *run = scratch_path("links");
    session(run, false, &(struct way){.threads = 1}, 10);
    scratch_write(scratch_path("precious"), "mine", 4);
    remove(scratch_path("links/log.csv"));
    assert_int_equal(symlink(scratch_path("precious"), scratch_path("links/log.csv")), 0);
    assert_int_equal(trainer_resume(&trainer, run, &plan_unchanged, 1, &observer), -1);
    assert_non_null(strstr(error_message(), "symbolic link"));
    assert_true(scratch_holds(scratch_path("precious"), "mine", 4));
    remove(scratch_path("links/log.csv"));
    assert_int_equal(rename(scratch_path("links/last.safetensors"), scratch_path("elsewhere")), 0);
    assert_int_equal(symlink(scratch_path("elsewhere"), scratch_path("links/last.safetensors")), 0);
    assert_int_equal(trainer_resume(&trainer, run, &plan_unchanged, 1, &observer), -1);
    assert_non_null(strstr(error_message(), "symbolic link"));
}

/* Replaces the function of the C library. */
static int no_locks;

int flock(int fd, int operation)
{
    if (no_locks == 0)
        return (int)syscall(SYS_flock, fd, operation);
    errno = no_locks;
    return -1;
}

static void a_file_system_without_locks_is_a_note(void **state)
{
    (void)state;
    struct trainer trainer = {0};
    struct told told = {0};
    const struct train_observer observer = {.context = &told, .note = take_note};
    const struct plan plan = small_plan();
    const char *run = scratch_path("no locks");
    const int reasons[] = {ENOLCK, EOPNOTSUPP};
    for (int k = 0; k < 2; k++) {
        no_locks = reasons[k];
        const int opened = k == 0 ? trainer_open(&trainer, run, source(), &plan, 1, &observer)
                                  : trainer_resume(&trainer, run, &plan_unchanged, 1, &observer);
        const int trained = opened == 0 ? train_run(&trainer, NULL) : -1;
        no_locks = 0;
        trainer_close(&trainer);
        assert_int_equal(opened, 0);
        assert_int_equal(trained, 0);
        assert_int_equal(told.notes, k + 1);
        assert_non_null(strstr(told.last, "no locks"));
    }
    assert_same_run(scratch_path("whole"), run);
}

/* A directory of the user with a file that a run would overwrite. */
static void the_users_files_are_not_taken_for_a_run(void **state)
{
    (void)state;
    struct trainer trainer = {0};
    const struct train_observer observer = {0};
    const struct plan plan = small_plan();
    struct train_source forced = *source();
    const char *const own[] = {scratch_path("own/log.csv")};
    assert_int_equal(file_make_directory(scratch_path("own")), 0);
    scratch_write(scratch_path("own/log.csv"), "mine", 4);
    assert_int_equal(trainer_open(&trainer, scratch_path("own"), source(), &plan, 1, &observer),
                     -1);
    assert_non_null(strstr(error_message(), "log.csv"));
    assert_null(strstr(error_message(), "--resume"));
    assert_true(scratch_holds(scratch_path("own/log.csv"), "mine", 4));
    remove(own[0]);
    /* As a text it is kept, too, where the run that it belongs to would be replaced. */
    session(scratch_path("own"), false, &(struct way){.threads = 1}, 3);
    forced.files = own;
    forced.num_files = 1;
    forced.force = true;
    assert_int_equal(trainer_open(&trainer, scratch_path("own"), &forced, &plan, 1, &observer), -1);
    assert_non_null(strstr(error_message(), "would be replaced"));
    assert_int_equal(access(own[0], F_OK), 0);
}

/* A text that comes from stdin has a name of its own: that of an older run stays until it is
 * replaced, and a file of the user's that is called stdin.txt for ever. */
static void copies_of_stdin(void **state)
{
    (void)state;
    const struct train_observer observer = {0};
    const struct plan plan = small_plan();
    const char *const piped[] = {"-"}, *const run = scratch_path("piped");
    struct train_source from_stdin = *source();
    from_stdin.files = piped;
    from_stdin.num_files = 1;
    assert_int_equal(file_make_directory(run), 0);
    scratch_write(scratch_path("piped/stdin.txt"), "mine", 4);
    for (int k = 0; k < 3; k++) {
        struct trainer trainer = {0};
        struct rlimit limit;
        const int kept = dup(STDIN_FILENO);
        const int text = open(scratch_path(k == 0 ? "a.txt" : "b.txt"), O_RDONLY);
        dup2(text, STDIN_FILENO);
        close(text);
        from_stdin.force = k > 0;
        getrlimit(RLIMIT_FSIZE, &limit);
        signal(SIGXFSZ, SIG_IGN);
        const struct rlimit small = {9000, limit.rlim_max};
        if (k == 1) /* there is room for the text, but not for the model */
            setrlimit(RLIMIT_FSIZE, &small);
        const int opened = trainer_open(&trainer, run, &from_stdin, &plan, 1, &observer);
        setrlimit(RLIMIT_FSIZE, &limit);
        dup2(kept, STDIN_FILENO);
        close(kept);
        assert_int_equal(opened, k == 1 ? -1 : 0);
        trainer_close(&trainer);
        assert_int_equal(trainer_resume(&trainer, run, &plan_unchanged, 1, &observer), 0);
        trainer_close(&trainer);
    }
    assert_true(scratch_holds(scratch_path("piped/stdin.txt"), "mine", 4));
}

/* A lost best model is replaced, and the user is told. */
static void a_lost_best_model_is_made_good(void **state)
{
    (void)state;
    struct trainer trainer = {0};
    struct told told = {0};
    const struct train_observer observer = {.context = &told, .note = take_note};
    struct plan longer = plan_unchanged;
    longer.max_steps = STEPS + 1;
    const char *run = scratch_path("lost");
    session(run, false, &(struct way){.threads = 1}, 0);
    assert_int_equal(remove(scratch_path("lost/best.safetensors")), 0);
    assert_int_equal(trainer_resume(&trainer, run, &longer, 1, &observer), 0);
    assert_int_equal(told.notes, 2); /* the other is on the new limit */
    assert_int_equal(train_run(&trainer, NULL), 0);
    trainer_close(&trainer);
    assert_int_equal(access(scratch_path("lost/best.safetensors"), F_OK), 0);
}

/* After a run's directory was moved, another may have its path. */
static void a_run_that_was_moved_writes_nothing(void **state)
{
    (void)state;
    struct trainer trainer = {0};
    const struct train_observer observer = {0};
    const struct plan plan = small_plan();
    const char *run = scratch_path("moved");
    assert_int_equal(trainer_open(&trainer, run, source(), &plan, 1, &observer), 0);
    assert_int_equal(rename(run, scratch_path("moved away")), 0);
    session(run, false, &(struct way){.threads = 1}, 0);
    assert_int_equal(train_run(&trainer, NULL), -1);
    assert_non_null(strstr(error_message(), "was moved"));
    trainer_close(&trainer);
    assert_same_run(scratch_path("whole"), run);
}

static void a_decay_that_takes_all_is_refused(void **state)
{
    (void)state;
    struct trainer trainer = {0};
    const struct train_observer observer = {0};
    struct plan plan = small_plan();
    plan.optim.weight_decay = 100;
    assert_int_equal(trainer_open(&trainer, scratch_path("decays"), source(), &plan, 1, &observer),
                     -1);
    assert_non_null(strstr(error_message(), "--weight-decay"));
}

static void a_short_text_is_learned_by_heart(void **state)
{
    (void)state;
    struct trainer trainer = {0};
    const struct train_observer observer = {0};
    const char *files[1] = {scratch_path("short.txt")};
    const struct train_source short_source = {.files = files, .num_files = 1, .min_count = 1};
    struct plan plan = {.cell = "lstm",
                        .num_layers = 1,
                        .hidden_size = 64,
                        .batch_size = 5,
                        .seq_length = 25,
                        .max_steps = 600,
                        .schedule = {SCHEDULE_COSINE, 0.01, 0},
                        .optim = {.clip_norm = 5},
                        .seed = 1,
                        .val_fraction = 0.1,
                        .validate_every = 50,
                        .save_every = 1000};
    struct random random = {2, 0};
    char text[500];
    for (int k = 0; k < 500; k++) /* nothing to learn but the text itself */
        text[k] = (char)('a' + random_below(&random, 20));
    scratch_write(files[0], text, sizeof text);
    assert_int_equal(
        trainer_open(&trainer, scratch_path("short"), &short_source, &plan, 1, &observer), 0);
    assert_int_equal(trainer.corpus.validation.length, 0);
    assert_int_equal(train_run(&trainer, NULL), 0);
    print_message("# the training loss of 500 random characters is %.4f\n", trainer.train_loss);
    assert_true(trainer.train_loss < 0.1);
    assert_true(trainer.progress.best_loss < 0.1);
    trainer_close(&trainer);
}

static int make(void **state)
{
    if (scratch_make(state) != 0)
        return -1;
    write_texts();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resumed_equals_uninterrupted),
        cmocka_unit_test(resumed_goes_on_in_bf16),
        cmocka_unit_test(nothing_held_out),
        cmocka_unit_test(a_run_is_its_steps),
        cmocka_unit_test(a_killed_run_goes_on),
        cmocka_unit_test(what_a_run_leaves),
        cmocka_unit_test(refusals),
        cmocka_unit_test(texts_are_read_again_as_they_were),
        cmocka_unit_test(new_limits_prolong_a_run),
        cmocka_unit_test(the_text_of_a_run),
        cmocka_unit_test(interrupted_at_any_moment),
        cmocka_unit_test(the_last_validation_can_be_interrupted),
        cmocka_unit_test(a_time_limit_is_kept_at_any_speed),
        cmocka_unit_test(an_interrupted_run_keeps_its_time),
        cmocka_unit_test(validations_read_stretches),
        cmocka_unit_test(options_change_a_run),
        cmocka_unit_test(a_run_is_prolonged_by_minutes),
        cmocka_unit_test(a_fraction_that_was_asked_for_is_held_out),
        cmocka_unit_test(a_run_that_explodes_is_given_up),
        cmocka_unit_test(a_rash_run_recovers),
        cmocka_unit_test(a_full_disk_does_not_end_a_run),
        cmocka_unit_test(force_keeps_the_old_run_until_the_new_one_is_saved),
        cmocka_unit_test(a_first_save_that_fails_is_no_dead_end),
        cmocka_unit_test(a_file_system_without_locks_is_a_note),
        cmocka_unit_test(links_in_a_run_are_not_followed),
        cmocka_unit_test(the_users_files_are_not_taken_for_a_run),
        cmocka_unit_test(copies_of_stdin),
        cmocka_unit_test(a_lost_best_model_is_made_good),
        cmocka_unit_test(a_run_that_was_moved_writes_nothing),
        cmocka_unit_test(a_decay_that_takes_all_is_refused),
        cmocka_unit_test(a_short_text_is_learned_by_heart),
    };
    return cmocka_run_group_tests_name("trainer", tests, make, scratch_remove);
}
