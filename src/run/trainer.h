/* A training run: what it is made of, how it begins, how it is saved and taken up again. */
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
#include "plan.h"
#include "recovery.h"
#include "rundir.h"
#include "team.h"

struct trainer;

/* Is told what happens; every function may be NULL. It must not change the trainer. */
struct train_observer {
    void *context;
    void (*reading)(void *context, uint64_t done, uint64_t total); /* bytes of the corpus */
    void (*note)(void *context, const char *note); /* something that the user should know */
    void (*started)(void *context, const struct trainer *trainer);
    void (*stepped)(void *context, const struct trainer *trainer);
    void (*validated)(void *context, struct trainer *trainer); /* may sample from the model */
};

/* A running mean of training losses. */
struct loss_mean {
    double sum;
    uint64_t steps;
};

static inline double loss_mean(const struct loss_mean *mean, double if_empty)
{
    return mean->steps > 0 ? mean->sum / (double)mean->steps : if_empty;
}

/* The progress of a run. All of it is saved in last.safetensors. */
struct train_progress {
    uint64_t step;            /* optimizer steps done */
    uint64_t total_steps;     /* 0: not known yet */
    uint64_t characters;      /* targets trained on */
    uint64_t validated_step;  /* step of the last validation; 0: none yet */
    uint64_t bad_validations; /* validations since the best one */
    uint64_t log_rows;        /* rows in log.csv */
    uint64_t log_step;        /* step of the last row */
    uint64_t corpus_hash;
    double best_loss; /* lowest validation loss; lowest training loss if nothing is held out */
    /* loss of the last validation if it is lower than best_loss but its model could not be saved;
     * otherwise infinity */
    double unsaved_loss;
    struct loss_mean since_row;        /* training losses since the last row of the log */
    struct loss_mean since_validation; /* training losses since the last validation */
    double rate, grad_norm;            /* of the last step */
    struct recovery recovery;
};

/* Why a run ended. */
enum train_end {
    TRAIN_RUNNING,
    TRAIN_COMPLETE,
    TRAIN_TIME_LIMIT,
    TRAIN_PATIENCE,
    TRAIN_DIVERGED,
    TRAIN_INTERRUPTED
};

/* Times in seconds. They are not saved: a resumed run reads `before` from its log. A session is the
 * time from the start or resumption of a run to the end of the process. */
struct train_clock {
    double before;              /* training time of earlier sessions */
    double limited;             /* the part of `before` that counts towards the time limit */
    double started;             /* when this session began */
    double session;             /* training time of this session */
    double saved;               /* time of the last save, or of the last failed one */
    uint64_t saved_step;        /* step of that save */
    uint64_t first;             /* first step of this session */
    double step_seconds;        /* time of the timed steps; the first steps are not timed */
    uint64_t steps, characters; /* number of timed steps, and of their targets */
};

/* Bytes of a message that is kept. */
#define TRAIN_MESSAGE 600

struct trainer {
    struct plan plan;
    struct train_observer observer;
    struct rundir rundir;
    char *init_from; /* the model that the run began with, or NULL */
    char **files;    /* paths of the texts; that of stdin's copy is relative to the run */
    int num_files;
    struct file_out stdin_copy;          /* under way until the run begins */
    char stdin_name[RUNDIR_STDIN_BYTES]; /* its name in the run, or "" */
    struct team *team;
    struct corpus corpus;
    struct model model;
    struct batch batch;
    struct tape tape;
    struct optimizer optimizer;
    struct evaluator evaluator; /* of the validation part, if there is one */
    struct log log;
    size_t memory;           /* bytes that training takes */
    uint64_t validate_every; /* steps; 0 until the number of steps is known */
    struct train_progress progress;
    struct train_clock clock;
    double train_loss; /* mean over the steps of the log's last row */
    double val_loss;   /* of the last validation, or NAN */
    enum train_end end;
    /* why the last save, that of the last better model, and the last row of the log failed; ""
     * where they did not */
    char unsaved[TRAIN_MESSAGE], unsaved_best[TRAIN_MESSAGE], unlogged[TRAIN_MESSAGE];
};

/* What a new run is made from. */
struct train_source {
    const char *const *files; /* paths; "-" is stdin, which is kept in the run */
    int num_files;
    enum vocab_unit unit;
    enum utf8_form form;
    uint64_t min_count;
    const char *init_from; /* a model to go on from, with its vocabulary and shape; or NULL */
    bool force;            /* an older run in the directory may be replaced */
};

/* Fills a zeroed trainer for a new run in `directory`, which it makes, and saves it. An older run
 * is there until the new one can begin. Returns 0, or −1 and a message. */
int trainer_open(struct trainer *trainer, const char *directory, const struct train_source *source,
                 const struct plan *plan, int threads, const struct train_observer *observer);

/* Fills a zeroed trainer from the run's last.safetensors. Of `limits` the three max_ fields are
 * taken where one is given (max_epochs: not PLAN_AUTO). Returns 0, or −1 and a message. */
int trainer_resume(struct trainer *trainer, const char *directory, const struct plan *limits,
                   int threads, const struct train_observer *observer);

/* Tells the user a line. */
void trainer_note(const struct trainer *trainer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Safe on a zeroed trainer. */
void trainer_close(struct trainer *trainer);

/* Writes last.safetensors. Returns 0, or −1 and a message with the old file as it was. */
int trainer_save(struct trainer *trainer);

/* Writes the model alone as best.safetensors, likewise. */
int trainer_save_best(struct trainer *trainer);

/* Sets the number of steps that the run is to have, and with it how often it validates. */
void trainer_set_total(struct trainer *trainer, uint64_t total);

/* Seconds that the run has trained, and those of them that its time limit counts. */
double trainer_seconds(const struct trainer *trainer);
double trainer_limited_seconds(const struct trainer *trainer);

/* Passes over the training part. */
double trainer_epochs(const struct trainer *trainer);

/* Targets per second in the timed steps; 0 before there are any. */
double trainer_speed(const struct trainer *trainer);

/* Fills a zeroed corpus with the texts of the run in `directory`, cut as they were, in the symbols
 * of its model's vocabulary. Returns 0, or −1 and a message. */
int trainer_read_corpus(struct corpus *corpus, const char *directory, struct vocab *vocab);

#endif
