/* A training run: its parts, and how it is created, saved and resumed. */
#ifndef RUNE_TRAINER_H
#define RUNE_TRAINER_H

#include <stdbool.h>
#include <stdint.h>

#include "batch.h"
#include "corpus.h"
#include "evaluate.h"
#include "file.h"
#include "log.h"
#include "optimizer.h"
#include "origin.h"
#include "pace.h"
#include "plan.h"
#include "recovery.h"
#include "rundir.h"
#include "team.h"

struct trainer;

/* Callbacks for events of a run, each of which may be NULL. They must not change the trainer. */
struct train_observer {
    void *context;
    void (*reading)(void *context, uint64_t done, uint64_t total); /* bytes of text */
    void (*note)(void *context, const char *note);                 /* a message for the user */
    void (*started)(void *context, const struct trainer *trainer);
    void (*stepped)(void *context, const struct trainer *trainer);
    void (*validated)(void *context, struct trainer *trainer); /* may sample from the model */
    double (*now)(void *context); /* the clock of the run, in seconds; NULL: clock_seconds */
};

/* A running mean of training losses. */
struct loss_mean {
    double sum;
    uint64_t steps;
};

static inline void loss_mean_add(struct loss_mean *mean, double loss)
{
    mean->sum += loss;
    mean->steps++;
}

static inline double loss_mean(const struct loss_mean *mean, double if_empty)
{
    return mean->steps > 0 ? mean->sum / (double)mean->steps : if_empty;
}

/* The progress of a run. All of it is saved in last.safetensors. */
struct train_progress {
    uint64_t step;                  /* optimizer steps done */
    uint64_t total_steps;           /* with a time limit an estimate; 0: not known yet */
    uint64_t characters;            /* targets trained on */
    uint64_t validated_step;        /* step of the last validation; 0: none yet */
    uint64_t bad_validations;       /* validations since the best one */
    uint64_t validation_characters; /* that each validation reads; 0: not chosen yet */
    uint64_t log_rows;              /* rows in log.csv */
    uint64_t log_step;              /* step of the last row */
    uint64_t corpus_hash;
    double best_loss; /* lowest validation loss; lowest training loss if nothing is held out */
    /* loss of the last validation if it is lower than best_loss but its model could not be saved;
     * otherwise infinity */
    double unsaved_loss;
    struct loss_mean since_row;        /* training losses since the last row of the log */
    struct loss_mean since_validation; /* training losses since the last validation */
    double rate, grad_norm;            /* of the last step */
    struct recovery recovery;
    struct pace pace; /* used, and saved, only with a time limit */
};

/* Why a run ended. */
enum train_end {
    TRAIN_RUNNING,  /* it has not ended */
    TRAIN_COMPLETE, /* all steps are done */
    TRAIN_TIME_LIMIT,
    TRAIN_PATIENCE, /* too many bad validations */
    TRAIN_DIVERGED,
    TRAIN_INTERRUPTED,
};

/* Times in seconds. They are not saved. A session is the time from when a run is opened or resumed
 * to the end of the process. */
struct train_clock {
    double before;              /* time of earlier sessions, as the run or its log tells */
    double started;             /* when this session began, */
    double trains_since;        /* and when it began to train */
    double saved;               /* time of the last save, or of the last failed one */
    double save_seconds;        /* duration of the last save */
    uint64_t saved_step;        /* step of that save */
    uint64_t first;             /* first step of this session */
    double step_seconds;        /* time of the timed steps; the first steps are not timed */
    uint64_t steps, characters; /* number of timed steps, and of their targets */
};

/* Size of a message, with its NUL. */
#define TRAIN_MESSAGE 600

struct trainer {
    struct plan plan;
    struct train_observer observer;
    struct rundir rundir;
    char *init_from;          /* path of the initial model, or NULL */
    char **files;             /* paths of the texts; the copy of stdin is relative to the run */
    const char *const *named; /* [num_files] as the user named them; NULL in a resumed run */
    int num_files;
    char *encoding;                      /* of the texts, see struct text_treatment */
    enum encode_unknown on_unknown;      /* for what the vocabulary of an initial model lacks */
    struct origin origin;                /* of the model; without a plan */
    struct file_out stdin_copy;          /* uncommitted until the run is created */
    char stdin_name[RUNDIR_STDIN_BYTES]; /* its name in the run, or "" */
    struct team *team;
    struct corpus corpus;
    struct model model;
    struct batch batch;
    struct tape tape;
    struct optimizer optimizer;
    struct evaluator evaluator; /* of the validation part; unused if nothing is held out */
    struct log log;
    size_t memory;           /* bytes needed for training */
    uint64_t validate_every; /* steps; 0 until the number of steps is known */
    struct train_progress progress;
    struct train_clock clock;
    double train_loss; /* of the last row of the log */
    double val_loss;   /* of the last validation, or NAN */
    enum train_end end;
    /* Messages of the last save of the run, of the best model and of a row, if they failed; else
     * "". */
    char unsaved[TRAIN_MESSAGE], unsaved_best[TRAIN_MESSAGE], unlogged[TRAIN_MESSAGE];
};

/* The sources of a new run. */
struct train_source {
    const char *const *files; /* paths; "-" is stdin, of which the run keeps a copy */
    int num_files;
    struct text_treatment treatment;
    uint64_t min_count;
    const char
        *init_from; /* path of an initial model, which also gives vocabulary and shape; or NULL */
    enum encode_unknown on_unknown; /* for what its vocabulary lacks */
    bool force;                     /* an older run in the directory is replaced */
};

/* Fills a zeroed trainer for a new run in `directory`, which it creates, and saves it. An older run
 * stays until the new one is saved. Returns 0, or −1 and a message. */
int trainer_open(struct trainer *trainer, const char *directory, const struct train_source *source,
                 const struct plan *plan, int threads, const struct train_observer *observer);

/* Fills a zeroed trainer from the run's last.safetensors, and changes its plan as plan_change says,
 * which is noted and added to the model's history. Returns 0, or −1 and a message. */
int trainer_resume(struct trainer *trainer, const char *directory, const struct plan *changes,
                   int threads, const struct train_observer *observer);

/* Passes a message of one line to the observer. */
void trainer_note(const struct trainer *trainer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Safe on a zeroed trainer. */
void trainer_close(struct trainer *trainer);

/* Writes last.safetensors. Returns 0, or −1 and a message with the old file as it was. */
int trainer_save(struct trainer *trainer);

/* The same for the model alone, as best.safetensors. */
int trainer_save_best(struct trainer *trainer);

/* Sets the total number of steps, from which the validations follow: the steps between them and,
 * unless they were chosen before, the characters that each reads. */
void trainer_set_total(struct trainer *trainer, uint64_t total);

/* The clock, and the seconds of all sessions of the run. */
double trainer_now(const struct trainer *trainer);
double trainer_seconds(const struct trainer *trainer);

/* The share of the run that is done, from 0 to 1. */
double trainer_done(const struct trainer *trainer);

/* Whether validations read only some of the validation part. */
bool trainer_reads_stretches(const struct trainer *trainer);

/* Passes over the training part. */
double trainer_epochs(const struct trainer *trainer);

/* Targets per second in the timed steps; 0 if there are none yet. */
double trainer_speed(const struct trainer *trainer);

/* Fills a zeroed corpus with the texts of the run that a model is from (see rundir_of), divided as
 * in training and encoded with `vocab`, the model's. Returns 0, or −1 and a message. */
int trainer_read_corpus(struct corpus *corpus, const char *model, struct vocab *vocab);

#endif
