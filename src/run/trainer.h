/* A training run: what it is made of, how it begins, how it is saved and taken up again. */
#ifndef RUNE_TRAINER_H
#define RUNE_TRAINER_H

#include <stdbool.h>
#include <stdint.h>

#include "batch.h"
#include "corpus.h"
#include "evaluate.h"
#include "log.h"
#include "model.h"
#include "optimizer.h"
#include "plan.h"
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

/* Where a run stands. All of it is in last.safetensors. */
struct train_progress {
    uint64_t step;        /* updates done */
    uint64_t total_steps; /* 0: not known yet (a time limit that is not yet estimated) */
    uint64_t characters;  /* targets trained on */
    uint64_t log_rows;
    uint64_t stale; /* validations since the best */
    uint64_t corpus_hash;
    double best_loss; /* lowest validation loss; training loss where nothing is held out */
    double loss_sum, loss_steps; /* of the training loss since the last row of the log */
    double lap_sum, lap_steps;   /* and since the last validation */
};

struct trainer {
    struct plan plan;
    struct train_observer observer;
    char *directory;
    char **files; /* absolute paths of the texts */
    int num_files;
    struct team *team;
    struct corpus corpus;
    struct model model;
    struct batch batch;
    struct tape tape;
    struct optimizer optimizer;
    struct evaluator evaluator; /* of the validation part, if there is one */
    struct log log;
    size_t memory;           /* bytes that training takes */
    uint64_t validate_every; /* steps, once total_steps is known */
    struct train_progress progress;
    double rate;       /* learning rate of the last step */
    double train_loss; /* mean since the last row of the log, as the last row had it */
    double val_loss;   /* of the last validation, or NAN */
    double seconds;    /* of training, of earlier stretches too */
    double chars_per_second;
    const char *ended; /* why it ended: "all steps are done", … */
    /* the clock of this stretch */
    double started_at, saved_at, stretch_seconds, timed_seconds;
    uint64_t timed_characters, timed_steps;
};

/* What a new run is made from. */
struct train_source {
    const char *const *files; /* paths; "-" is stdin, which is kept in the run as stdin.txt */
    int num_files;
    enum vocab_unit unit;
    enum utf8_form form;
    uint64_t min_count;
    const char *init_from; /* a model to go on from, with its vocabulary and shape; or NULL */
    bool force;            /* an older run in the directory may be replaced */
};

/* Fills a zeroed trainer for a new run in `directory`, which it makes. Returns 0, or −1 and a
 * message. */
int trainer_open(struct trainer *trainer, const char *directory, const struct train_source *source,
                 const struct plan *plan, int threads, const struct train_observer *observer);

/* Fills a zeroed trainer from the run's last.safetensors. Of `limits` the three max_ fields are
 * taken where they are given (max_epochs: not PLAN_AUTO). Returns 0, or −1 and a message. */
int trainer_resume(struct trainer *trainer, const char *directory, const struct plan *limits,
                   int threads, const struct train_observer *observer);

/* Safe on a zeroed trainer. */
void trainer_close(struct trainer *trainer);

/* Writes last.safetensors. Returns 0, or −1 and a message with the old file as it was. */
int trainer_save(const struct trainer *trainer);

/* Writes the model alone as best.safetensors, likewise. */
int trainer_save_best(const struct trainer *trainer);

/* Sets the number of steps that the run is to have, and with it how often it validates. */
void trainer_set_total(struct trainer *trainer, uint64_t total);

/* Fills a zeroed corpus with the texts of the run in `directory`, cut as they were, in the symbols
 * of its model's vocabulary. Returns 0, or −1 and a message. */
int trainer_read_corpus(struct corpus *corpus, const char *directory, struct vocab *vocab);

#endif
