/* Recovery of a run that diverges: it restores its best model and halves the learning rate.
 * Decisions depend only on steps and losses, so that a resumed run makes the same ones. */
#ifndef RUNE_RECOVERY_H
#define RUNE_RECOVERY_H

#include <stdbool.h>
#include <stdint.h>

struct trainer;

/* Number of restores after which a run that diverges again is given up. */
#define RECOVERY_MAX 3

/* Part of struct train_progress, and saved with it. Losses are training losses in nats. */
struct recovery {
    double first_loss;       /* of the first step; 0 before it */
    double lowest_loss;      /* lowest mean of a block of steps */
    double block_sum;        /* sum over the current block, */
    uint64_t block_steps;    /* and its number of steps */
    uint64_t bad_blocks;     /* number of consecutive bad blocks up to now */
    uint64_t requested_step; /* step at which a bad block last requested a validation */
    uint64_t count;          /* number of restores */
    uint64_t restored_step;  /* step of the last restore; 0: none */
    double scale;            /* of the learning rate */
};

enum verdict { VERDICT_OK, VERDICT_DIVERGED };

/* The state of a new run. */
struct recovery recovery_init(void);

/* Checks the loss and gradient norm of a step. If a part of the text is held out, a bad block only
 * requests a validation, by requested_step, which tells divergence from a difficult passage. */
enum verdict recovery_check_step(struct trainer *trainer, double loss, double grad_norm);

/* Whether a validation confirms divergence. `train_loss` is the mean since the last validation. */
bool recovery_confirm(const struct trainer *trainer, double val_loss, double train_loss);

/* The factor of the next step's learning rate: halved by each restore, with a new warm-up. */
double recovery_rate(const struct trainer *trainer);

/* Sets the error message of a run that is given up. */
void recovery_set_error(const struct trainer *trainer);

/* Result of recovery_restore: the run has been restored too often. */
#define RECOVERY_GIVEN_UP 1

/* Restores the best model, or the initial weights if none was validated, and zeroes the states of
 * the optimizer and the layers. Tells the observer. Returns 0 or RECOVERY_GIVEN_UP; or −1 and a
 * message if the model cannot be read, with the weights unchanged. */
int recovery_restore(struct trainer *trainer, double loss);

#endif
